//! Tools of C and C++.

pub(super) const ROWS: &str = r#"
googletest/one | S | Passes | | guard | passed, 1 case |
googletest/one-fails | S | Fails | | guard | failed, 1 case |
googletest/one-skipped | S | IsSkipped | | guard | skipped |
googletest/one-disabled | S | DISABLED_IsDisabled | | guard | skipped | status notrun and no child
googletest/gone | S | Gone | | guard | could-not-run | exit code 0 and no case
googletest/two-one-gone | S | Gone | | passed | could-not-run | the only case is another test's
googletest/not-set-up | NotSetUp | Never | | guard | failed | exit code 1; the file shows skipped tests alone
googletest/exit | S | Exits | | guard | could-not-run | exit code 0 and no file
googletest/abort | S | Aborts | | guard | could-not-run |

catch2/one | t | passes | | guard | passed, 1 case |
catch2/one-fails | t | fails | | guard | failed, 1 case |
catch2/three-fail | t | fails | count | could-not-run | failed | the exit code is the number of failures
catch2/may-fail | t | may fail | | guard | skipped | skipped and failure in one case, exit code 0
catch2/should-fail | t | should fail | | guard | skipped |
catch2/should-have-failed | t | should have failed | | guard | failed |
catch2/checks-nothing | t | checks nothing | | guard | could-not-run | a test without an assertion is not in the file
catch2/gone | t | gone | | guard | could-not-run |
catch2/two-arguments | t | passes | | guard | could-not-run | two arguments mean both names at once: nothing ran, exit code 0
catch2/exit | t | exits | | guard | could-not-run |
catch2/abort | t | aborts | | guard | could-not-run |
catch2/xml | t | fails | | guard | failed | Catch2's own XML is read

doctest/one | t | passes | | guard | passed, 1 case |
doctest/one-fails | t | fails | | guard | failed, 1 case |
doctest/may-fail | t | may fail | | guard | failed | exit code 0, but a plain failure: nothing tells it from one that the exit code hides
doctest/should-fail | t | should fail | | guard | failed | the same
doctest/should-have-failed | t | should have failed | | guard | failed | exit code 1, no failure in the file
doctest/one-skipped | t | is skipped | | guard | could-not-run | not in the file
doctest/gone | t | gone | | guard | could-not-run |
doctest/exit | t | exits | | guard | could-not-run |
doctest/abort | t | aborts | | guard | could-not-run |

boost-test/one | S | passes | | passed, 11 cases | passed, 1 case |
boost-test/one-fails | S | fails | | guard | could-not-run | 200, not 201, where the only test that was selected fails
boost-test/one-fails | S | fails | failed 200 201 | failed, 11 cases | failed, 1 case |
boost-test/one-row | S | row/_1 | | passed, 11 cases | passed, 1 case |
boost-test/one-disabled | S | is_disabled | | passed, 11 cases | passed, 1 case | it runs where it is selected by name
boost-test/one-skipped | S | skips_itself | | skipped | could-not-run | nothing tells this skip from those of the tests that were not selected
boost-test/fails-as-expected | S | fails_as_expected | | failed, 11 cases | failed, 1 case | exit code 0, but a plain failure: nothing tells it from one that the exit code hides
boost-test/needs | S | needs_fails | failed 200 201 | guard | failed |
boost-test/gone | S | gone | | guard | could-not-run |
boost-test/two-one-gone | S | gone | | passed | could-not-run | the only case that ran is another test's
boost-test/exit | S | exits | | guard | could-not-run |
boost-test/abort | S | aborts | | guard | could-not-run |

ctest3/one | t | passes | failed 8 | guard | passed, 1 case |
ctest3/one-fails | t | fails | failed 8 | guard | failed, 1 case |
ctest3/one-skipped | t | skips | failed 8 | guard | skipped |
ctest3/one-disabled | t | is_disabled | failed 8 | guard | skipped | status disabled and no child
ctest3/missing | t | missing | failed 8 | guard | failed | written as skipped, counted as failed by CTest
ctest3/skipped-after-set-up | t | skips_after_set_up | failed 8 | passed | skipped | its fixture passed, the test was skipped
ctest3/disabled-after-set-up | t | is_disabled_after_set_up | failed 8 | guard | skipped | its fixture passed, the test is switched off
ctest3/not-set-up | t | needs_the_net | failed 8 | guard | failed |
ctest3/gone | t | gone | failed 8 | guard | could-not-run | exit code 0 and no case
ctest3/gone-fails | t | gone | failed 8 | guard | could-not-run |
ctest3/crash | t | crashes | failed 8 | guard | failed |
ctest3/timeout | t | times_out | failed 8 | guard | failed |
ctest3/until-pass | t | again | failed 8 | guard | passed | the file does not show the first try
ctest3/term | t | hangs | failed 8 | guard | could-not-run |

ctest4/one | t | passes | failed 8 | guard | passed, 1 case |
ctest4/one-fails | t | fails | failed 8 | guard | failed, 1 case |
ctest4/one-skipped | t | skips | failed 8 | guard | skipped |
ctest4/one-disabled | t | is_disabled | failed 8 | guard | skipped |
ctest4/missing | t | missing | failed 8 | guard | failed |
ctest4/skipped-after-set-up | t | skips_after_set_up | failed 8 | passed | skipped |
ctest4/disabled-after-set-up | t | is_disabled_after_set_up | failed 8 | guard | skipped |
ctest4/not-set-up | t | needs_the_net | failed 8 | guard | failed |
ctest4/gone | t | gone | failed 8 | guard | could-not-run |
ctest4/gone-fails | t | gone | failed 8 | guard | could-not-run |
ctest4/gone-by-file | t | gone | failed 8 | guard | could-not-run |
ctest4/crash | t | crashes | failed 8 | guard | failed |
ctest4/timeout | t | times_out | failed 8 | guard | failed |
ctest4/until-pass | t | again | failed 8 | guard | passed |
ctest4/term | t | hangs | failed 8 | guard | could-not-run |

meson/one | p | p:passes | | guard | passed, 1 case |
meson/one-fails | p | p:fails | | guard | failed, 1 case |
meson/one-skipped | p | p:skips | | guard | skipped |
meson/breaks | p | p:breaks | | guard | failed |
meson/must-fail | p | p:must fail | | guard | passed |
meson/should-have-failed | p | p:should have failed | | guard | failed |
meson/tap | p | p:tap | | guard | failed | the third of three planned tests is missing: exit code 1, the file shows two passes
meson/tap-skips | p | p:tap skips | | guard | skipped |
meson/crash | p | p:crashes | | guard | failed |
meson/repeat | p | p:again | | guard | failed |
meson/gone | p | p:gone | | guard | could-not-run |
meson/two-one-gone | p | p:passes | | guard | could-not-run |
meson/int | p | p:hangs | | guard | could-not-run |

qt5/one | T | passes | | guard | passed |
qt5/one-fails | T | fails | | guard | failed |
qt5/three-fail | T | fails | count | could-not-run | failed | the exit code is the number of failures
qt5/one-skipped | T | isSkipped | | passed | skipped | Qt 5 writes the skip as a comment, and no result attribute, which every other case has
qt5/fails-as-expected | T | failsAsExpected | | guard | passed |
qt5/one-row | T | row:one | | guard | passed |
qt5/gone | T | gone | | guard | could-not-run |
qt5/row-gone | T | row:gone | | passed | could-not-run | exit code 0; the case of the function has no result attribute, which every other case has
qt5/exit | T | exits | | guard | could-not-run |
qt5/abort | T | aborts | | guard | could-not-run |
qt5/xml | T | fails | | guard | failed | Qt's own XML is read

qt6/one | T | passes | | guard | passed |
qt6/one-fails | T | fails | | guard | failed |
qt6/three-fail | T | fails | count | could-not-run | failed |
qt6/one-skipped | T | isSkipped | | passed | skipped | initTestCase and cleanupTestCase passed, the test was skipped
qt6/fails-as-expected | T | failsAsExpected | | guard | passed |
qt6/one-row | T | row:one | | guard | passed |
qt6/gone | T | gone | | guard | failed | Qt 6 makes a failing case of it
qt6/row-gone | T | row:gone | | guard | failed |
qt6/exit | T | exits | | guard | could-not-run |
qt6/abort | T | aborts | | guard | could-not-run |
qt6/xml | T | fails | | guard | failed |

cpputest/one | G | Passes | | guard | passed, 1 case |
cpputest/one-fails | G | Fails | | guard | failed, 1 case |
cpputest/one-ignored | G | IsIgnored | | guard | skipped |
cpputest/three-fail | H | Fails | count | could-not-run | failed | the exit code is the number of failures
cpputest/gone | G | Gone | | guard | could-not-run |
cpputest/exit | G | Exits | | guard | could-not-run | exit code 0 and a file without a case
cpputest/abort | G | Aborts | | guard | could-not-run |
cpputest/abort-apart | G | Aborts | | guard | failed |

cmocka/one | S | passes | | guard | passed, 1 case |
cmocka/one-fails | S | fails | | guard | failed, 1 case |
cmocka/three-fail | S | fails | count | could-not-run | failed | the exit code is the number of failures
cmocka/one-skipped | S | skips | | guard | skipped |
cmocka/gone | S | gone | | guard | could-not-run |
cmocka/exit | S | exits | | guard | could-not-run |
cmocka/abort | S | aborts | | guard | could-not-run |

criterion/one | s | passes | | passed, 6 cases | passed, 1 case |
criterion/one-fails | s | fails | | failed, 6 cases | failed, 1 case |
criterion/one-skipped | s | skips | | skipped | could-not-run | nothing tells this skip from those of the tests that were not selected
criterion/one-disabled | s | is_disabled | | skipped | could-not-run |
criterion/gone | s | gone | | skipped | could-not-run | --filter matched nothing, exit code 0
criterion/exit | s | exits | | limit | passed | a test that calls exit(0) is written as passed
criterion/abort | s | aborts | | failed, 6 cases | failed, 1 case |

cxxtest/one | S | testPasses | | guard | passed, 1 case |
cxxtest/one-fails | S | testFails | | guard | failed, 1 case |
cxxtest/one-skipped | S | testSkips | | guard | skipped |
cxxtest/one-warns | S | testWarns | | guard | passed | TS_WARN fails nothing: failures="0", exit code 0
cxxtest/one-throws | S | testThrows | | guard | failed |
cxxtest/gone | S | testGone | | guard | could-not-run |
cxxtest/exit | S | testExits | | guard | could-not-run |

check/own-xml | S | fails | | guard | could-not-run | Check's own XML has JUnit's root and no case

gtester/one | s | passes | | passed | could-not-run | gtester's XML has elements named testcase, but is not JUnit
gtester/one-fails | s | fails | | failed | could-not-run | the same: the file is refused
gtester/one-fails-ignored | s | fails | | passed | could-not-run | exit code 0; the file says failed by an attribute of an element inside
gtester/one-skipped | s | skips | | passed | could-not-run |
"#;
