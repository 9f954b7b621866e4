//! Tools of PHP, Ruby, shells, Go, Lua and Perl, and kyua.

pub(super) const ROWS: &str = r#"
phpunit/one | ATest | testPasses | | guard | passed, 1 case |
phpunit/one-fails | ATest | testFails | | guard | failed, 1 case |
phpunit/one-skipped | ATest | testIsSkipped | | guard | skipped |
phpunit/one-incomplete | ATest | testIsIncomplete | | guard | skipped |
phpunit/one-risky | ATest | testIsRisky | | guard | failed | exit code 0, but an error in the file
phpunit/one-warns | ATest | testWarns | | guard | passed | PHPUnit counts it as run, with a warning: exit code 0
phpunit/provider-gone | ATest | testOfData | | guard | could-not-run |
phpunit/provider-gone | ATest | testOfData | failed 1 2 | guard | failed |
phpunit/no-test | NoneTest | a | | passed | could-not-run | a class without tests: exit code 0, a case named Warning with a child of that name
phpunit/gone | ATest | testGone | | guard | could-not-run | exit code 0 and no case
phpunit/gone-fails | ATest | testGone | | guard | could-not-run |
phpunit/second-file | BTest | testFails | | passed | could-not-run | PHPUnit ignores the second file; the only case is another test's
phpunit/repeat | ATest | testPasses | | guard | passed, 2 cases |
phpunit/exit | ATest | testExits | | guard | could-not-run | exit code 0 and an empty file
phpunit/kill | ATest | testKills | | guard | could-not-run |
phpunit/file-gone | GoneTest | a | | guard | could-not-run |

rspec/one | a_spec.rb | S passes | | guard | passed, 1 case |
rspec/one-fails | a_spec.rb | S fails | | guard | failed, 1 case |
rspec/one-skipped | a_spec.rb | S is skipped | | guard | skipped |
rspec/one-pending | a_spec.rb | S is pending | | guard | skipped |
rspec/dup | a_spec.rb | S dup | | guard | failed, 2 cases |
rspec/gone | a_spec.rb | a_spec.rb[1:99] | | guard | could-not-run | exit code 0 and no case
rspec/two-one-gone | a_spec.rb | a_spec.rb[1:99] | | limit | passed | the only case is another test's, and no case tells its place
rspec/gone-line | a_spec.rb | a_spec.rb:999 | | limit | passed | RSpec ran the last example; no case tells its line
rspec/exit | a_spec.rb | S exits | | limit | passed | an example that calls exit(0) is written as passed
rspec/exit-at-once | a_spec.rb | S exits at once | | guard | could-not-run |
rspec/kill | a_spec.rb | S kills | | guard | could-not-run |
rspec/broken | broken_spec.rb | a | | guard | could-not-run |
rspec/file-gone | gone_spec.rb | a | | guard | could-not-run |
rspec/term | a_spec.rb | S hangs | | guard | could-not-run | the file shows it as passed

bats/one | a.bats | passes | | guard | passed, 1 case |
bats/one-fails | a.bats | fails | | guard | failed, 1 case |
bats/one-skipped | a.bats | is skipped | | guard | skipped |
bats/gone | a.bats | gone | | guard | could-not-run |
bats/not-set-up | set_up.bats | never | | guard | failed | a case without a name that failed
bats/retries | flaky.bats | is flaky | any | guard | passed, 1 case | bats names a test that it ran again "begin 1 is flaky"
bats/kill | a.bats | kills | | guard | could-not-run | exit code 1 and a suite without a case
bats/exit | a.bats | exits | | guard | failed |
bats/file-gone | gone.bats | a | | guard | could-not-run |

bats113/one | a.bats | passes | | guard | passed, 1 case |
bats113/one-fails | a.bats | fails | | guard | failed, 1 case |
bats113/one-skipped | a.bats | is skipped | | guard | skipped |
bats113/gone | a.bats | gone | | guard | could-not-run |
bats113/not-set-up | set_up.bats | never | | guard | failed |
bats113/retries | flaky.bats | is flaky | | guard | passed, 1 case | the file does not show the first try
bats113/kill | a.bats | kills | | guard | could-not-run |
bats113/exit | a.bats | exits | | guard | failed |
bats113/file-gone | gone.bats | a | | guard | could-not-run |

gotestsum/one | example.org/a | TestPasses | | guard | passed, 1 case |
gotestsum/one-fails | example.org/a | TestFails | | guard | failed, 1 case |
gotestsum/one-skipped | example.org/a | TestSkips | | guard | skipped |
gotestsum/part-skipped | example.org/a | TestParts/skips | | passed | skipped | its parent passed, the part was skipped
gotestsum/part-gone | example.org/a | TestParts/gone | | limit | passed | the parent passes without its part, exit code 0
gotestsum/gone | example.org/a | TestGone | | guard | could-not-run |
gotestsum/twice | example.org/a | TestPasses | | guard | passed, 2 cases |
gotestsum/rerun-passes | example.org/a | TestFlaky | | guard | failed | without a word the worst of the tries counts
gotestsum/rerun-passes | example.org/a | TestFlaky | attempts | failed, 3 cases | passed+flaky, 1 case |
gotestsum/rerun-part-passes | example.org/a | TestFlakyPart | attempts | failed | passed+flaky |
gotestsum/rerun-fails | example.org/a | TestFails | attempts | failed, 3 cases | failed, 1 case |
gotestsum/exit | example.org/a | TestExits | | guard | failed |
gotestsum/panic | example.org/a | TestPanics | | guard | failed |
gotestsum/broken | example.org/a/broken | TestNever | | guard | could-not-run |
gotestsum/broken | example.org/a/broken | TestNever | failed 1 2 | guard | failed | an error that only the root counts
gotestsum/broken-ignored | example.org/a | TestPasses | | guard | failed | the same beside a test that passed, exit code 0

busted/one | a_spec.lua | S passes | | guard | passed, 1 case |
busted/one-fails | a_spec.lua | S fails | | guard | failed, 1 case |
busted/one-pending | a_spec.lua | S is pending | | guard | skipped |
busted/gone | a_spec.lua | S gone | | guard | could-not-run |
busted/repeat | a_spec.lua | S passes | | guard | passed, 2 cases |
busted/exit | a_spec.lua | S exits | | guard | could-not-run |
busted/file-gone | a_spec.lua | S passes | | guard | failed |
busted/file-gone-ignored | a_spec.lua | S passes | | guard | failed | exit code 0; an error below the root, outside any suite

kyua/one | s | ok.sh:main | | guard | passed, 1 case |
kyua/one-fails | s | fails.sh:main | | guard | failed, 1 case |
kyua/one-skipped | s | skips.sh:main | | guard | skipped |
kyua/kill | s | kills.sh:main | | guard | failed |
kyua/two-one-gone | s | gone.sh:main | | guard | failed | exit code 1; the only case is another test's and passed

prove/one | t | ok.t | any | guard | passed |
prove/one-fails | t | fails.t | | guard | failed |
prove/one-skipped | t | skips.t | | guard | could-not-run | the suite has no case
prove/todo | t | todo.t | | guard | could-not-run | a TODO is not in the file
prove/exit | t | exits.t | | guard | failed |
prove/file-gone | t | ok.t | | guard | could-not-run |

cucumber-ruby/one | features/a.feature | passes | | guard | passed, 1 case |
cucumber-ruby/one-fails | features/a.feature | fails | | guard | failed, 1 case |
cucumber-ruby/one-pending | features/a.feature | is pending | | guard | skipped |
cucumber-ruby/one-undefined | features/a.feature | is undefined | | guard | skipped | unless --strict
cucumber-ruby/one-skipped | features/a.feature | is skipped | | guard | skipped |
cucumber-ruby/strict | features/a.feature | is undefined | | guard | failed | exit code 1, the file shows it as skipped
cucumber-ruby/gone | features/a.feature | gone | | guard | could-not-run |
cucumber-ruby/gone-line | features/a.feature | features/a.feature:999 | | guard | could-not-run |
"#;
