//! Tools of JavaScript and TypeScript.

pub(super) const ROWS: &str = r#"
vitest5/one | a.test.js | S > passes | | passed, 7 cases | passed, 1 case | vitest writes each test of the file, those that were not selected as skipped
vitest5/one-fails | a.test.js | S > fails | | failed, 7 cases | failed, 1 case |
vitest5/one-skipped | a.test.js | S > is skipped | | skipped | could-not-run | nothing tells this skip from those of the tests that were not selected
vitest5/one-todo | a.test.js | S > is planned | | skipped | could-not-run | nothing tells it from those that were not selected
vitest5/one-flaky | a.test.js | S > flaky | | passed, 7 cases | passed, 1 case | the file does not show the first try
vitest5/gone | a.test.js | S > gone | | skipped | could-not-run | -t matched nothing, exit code 0
vitest5/joined-by-blank | a.test.js | S passes | | skipped | could-not-run | vitest 4 joins titles by a blank, vitest 5 by " > ": matched nothing
vitest5/dup | a.test.js | S > dup | | failed, 7 cases | failed, 2 cases | two tests of one name, one of which failed
vitest5/by-line | a.test.js | a.test.js:4 | | passed, 7 cases | passed, 1 case |
vitest5/gone-line | a.test.js | a.test.js:99 | | guard | failed | a failure named after the file
vitest5/file-gone | gone.test.js | a | | guard | could-not-run |
vitest5/kill | kill.test.js | kills | | guard | failed | the worker was killed; the file shows its tests as passed, and an error outside
vitest5/kill-file | kill.test.js | before | | guard | failed | the same for a test that did run, or maybe not
vitest5/exit | exit.test.js | exits | | failed, 2 cases | failed, 1 case | vitest catches process.exit
vitest5/broken | broken.test.js | never | | guard | failed |
vitest5/term | hang.test.js | hangs | | guard | could-not-run | the file is empty

vitest4/one | a.test.js | S > passes | | passed, 7 cases | passed, 1 case |
vitest4/one-fails | a.test.js | S > fails | | failed, 7 cases | failed, 1 case |
vitest4/one-skipped | a.test.js | S > is skipped | | skipped | could-not-run | nothing tells this skip from those of the tests that were not selected
vitest4/one-todo | a.test.js | S > is planned | | skipped | could-not-run | nothing tells it from those that were not selected
vitest4/one-flaky | a.test.js | S > flaky | | passed, 7 cases | passed, 1 case | the file does not show the first try
vitest4/gone | a.test.js | S > gone | | skipped | could-not-run | -t matched nothing, exit code 0
vitest4/joined-by-arrow | a.test.js | S > passes | | skipped | could-not-run | as vitest 5 joins titles: matched nothing
vitest4/dup | a.test.js | S > dup | | failed, 7 cases | failed, 2 cases |
vitest4/by-line | a.test.js | a.test.js:4 | | passed, 7 cases | passed, 1 case |
vitest4/gone-line | a.test.js | a.test.js:99 | | guard | failed |
vitest4/file-gone | gone.test.js | a | | guard | could-not-run |
vitest4/kill | kill.test.js | kills | | guard | failed | exit code 1, and every case of the file shown as passed
vitest4/kill-file | kill.test.js | before | | guard | failed |
vitest4/exit | exit.test.js | exits | | failed, 2 cases | failed, 1 case |
vitest4/broken | broken.test.js | never | | guard | failed |
vitest4/term | hang.test.js | hangs | | guard | could-not-run |

jest/one | a.test.js | S passes | | passed, 6 cases | passed, 1 case |
jest/one-fails | a.test.js | S fails | | failed, 6 cases | failed, 1 case |
jest/one-skipped | a.test.js | S is skipped | | skipped | could-not-run | nothing tells this skip from those of the tests that were not selected
jest/one-todo | a.test.js | S is planned | | limit | passed | a todo is written as a passed case without any mark
jest/gone | a.test.js | S gone | | skipped | could-not-run | -t matched nothing, exit code 0
jest/dup | a.test.js | S dup | | failed, 6 cases | failed, 2 cases |
jest/file-gone | gone.test.js | a | | guard | could-not-run |
jest/exit | exit.test.js | exits | | guard | could-not-run | exit code 0 and no file
jest/kill | kill.test.js | kills | | guard | could-not-run |
jest/broken | broken.test.js | never | | guard | could-not-run | by default jest-junit leaves out what could not be loaded
jest/broken-reported | broken.test.js | never | | guard | failed | with JEST_JUNIT_REPORT_TEST_SUITE_ERRORS
jest/hooks | hooks.test.js | torn down ran well | | guard | failed |

mocha12/one | a.spec.js | S passes | | guard | passed, 1 case |
mocha12/one-fails | a.spec.js | S fails | | guard | failed, 1 case |
mocha12/three-fail | a.spec.js | S fails | count | could-not-run | failed | the exit code is the number of failures
mocha12/one-skipped | a.spec.js | S is skipped | | guard | skipped |
mocha12/gone | a.spec.js | S gone | | guard | could-not-run | exit code 0 and no case
mocha12/gone-fails | a.spec.js | S gone | | guard | could-not-run |
mocha12/dup | a.spec.js | S dup | | guard | failed, 2 cases |
mocha12/hook | a.spec.js | not set up never | | guard | failed | the hook is a case, the test is none
mocha12/file-gone | gone.spec.js | a | | guard | could-not-run |
mocha12/exit | exit.spec.js | exits | | guard | could-not-run | exit code 0 and an empty file
mocha12/kill | kill.spec.js | kills | | guard | could-not-run |
mocha12/broken | broken.spec.js | never | | guard | could-not-run |

mocha11/one | a.spec.js | S passes | | guard | passed, 1 case |
mocha11/one-fails | a.spec.js | S fails | | guard | failed, 1 case |
mocha11/three-fail | a.spec.js | S fails | count | could-not-run | failed |
mocha11/one-skipped | a.spec.js | S is skipped | | guard | could-not-run | mocha-junit-reporter leaves it out unless includePending is set
mocha11/gone | a.spec.js | S gone | | guard | could-not-run |
mocha11/gone-fails | a.spec.js | S gone | | guard | could-not-run |
mocha11/dup | a.spec.js | S dup | | guard | failed, 2 cases |
mocha11/hook | a.spec.js | not set up never | | guard | failed |
mocha11/file-gone | gone.spec.js | a | | guard | could-not-run |
mocha11/exit | exit.spec.js | exits | | guard | could-not-run |
mocha11/kill | kill.spec.js | kills | | guard | could-not-run |
mocha11/broken | broken.spec.js | never | | guard | could-not-run |

node24/one | a.test.js | S passes | | guard | passed, 1 case |
node24/one-fails | a.test.js | S fails | | guard | failed, 1 case |
node24/one-skipped | a.test.js | S is skipped | | guard | skipped, 1 case |
node24/one-todo | a.test.js | S is planned | | failed | skipped | a todo that failed: skipped and failure in one case, exit code 0
node24/gone | a.test.js | S gone | | passed | could-not-run | the only case is named after the file and passed
node24/dup | a.test.js | S dup | | guard | failed, 2 cases |
node24/after-hook | hook.test.js | torn down ran well | | guard | failed | exit code 1, no failure in the file
node24/exit | exit.test.js | exits | | passed | could-not-run | the only case is named after the file and passed
node24/exit-file | exit.test.js | before | | passed | could-not-run |
node24/kill | kill.test.js | kills | | guard | failed | a failed case named after the file
node24/empty | empty.test.js | empty.test.js | | passed | could-not-run | a file without tests: node makes one of it
node24/broken | broken.test.js | never | | guard | failed |
node24/file-gone | gone.test.js | a | | guard | could-not-run |
node24/term | hang.test.js | hangs | | guard | could-not-run |

node22/one | a.test.js | S passes | | guard | passed, 1 case |
node22/one-fails | a.test.js | S fails | | guard | failed, 1 case |
node22/one-skipped | a.test.js | S is skipped | | guard | skipped, 1 case |
node22/one-todo | a.test.js | S is planned | | failed | skipped |
node22/gone | a.test.js | S gone | | passed | could-not-run |
node22/dup | a.test.js | S dup | | guard | failed, 2 cases |
node22/after-hook | hook.test.js | torn down ran well | | limit | passed | Node 22 ends with 0 although the hook of the group threw, and its file shows a pass
node22/exit | exit.test.js | exits | | passed | could-not-run |
node22/exit-file | exit.test.js | before | | passed | could-not-run |
node22/kill | kill.test.js | kills | | guard | failed |
node22/empty | empty.test.js | empty.test.js | | passed | could-not-run |
node22/broken | broken.test.js | never | | guard | failed |
node22/file-gone | gone.test.js | a | | guard | could-not-run |
node22/term | hang.test.js | hangs | | guard | could-not-run |

node20/one | a.test.js | passes | | passed, 6 cases | passed, 1 case | Node 20 writes what the pattern does not match as skipped, and says so
node20/one-fails | a.test.js | fails | | failed, 6 cases | failed, 1 case |
node20/one-skipped | a.test.js | is skipped | | skipped, 6 cases | skipped, 1 case | its own reason tells it from those that were not selected
node20/one-todo | a.test.js | is planned | | failed, 6 cases | skipped, 1 case |
node20/gone | a.test.js | gone | | skipped | could-not-run |
node20/dup | a.test.js | dup | | failed, 6 cases | failed, 2 cases |
node20/after-hook | hook.test.js | ran well | | guard | failed |
node20/exit | exit.test.js | exits | | passed | could-not-run | the case has the file's absolute path as its name
node20/exit-file | exit.test.js | before | | passed | could-not-run |
node20/kill | kill.test.js | kills | | guard | failed |
node20/empty | empty.test.js | empty.test.js | | passed | could-not-run |
node20/broken | broken.test.js | never | | guard | failed |
node20/file-gone | gone.test.js | a | | guard | could-not-run |
node20/term | hang.test.js | hangs | | guard | could-not-run |

bun/one | a.test.js | S passes | | passed, 6 cases | passed, 1 case |
bun/one-fails | a.test.js | S fails | | failed, 6 cases | failed, 1 case |
bun/one-skipped | a.test.js | S is skipped | | skipped | could-not-run | nothing tells this skip from those of the tests that were not selected
bun/one-todo | a.test.js | S is planned | | skipped, 6 cases | skipped, 1 case | its message "TODO" tells it from those that were not selected
bun/gone | a.test.js | S gone | | failed | could-not-run | exit code 1, all cases skipped: it did not run, so it did not fail
bun/dup | a.test.js | S dup | | failed, 6 cases | failed, 2 cases |
bun/rerun-each | flaky.test.js | flaky | attempts | failed, 3 cases | failed, 1 case | --rerun-each writes each run
bun/exit | exit.test.js | exits | | guard | could-not-run | exit code 0 and no file
bun/kill | kill.test.js | kills | | guard | could-not-run |
bun/broken | broken.test.js | never | | guard | could-not-run | the file that could not be loaded is not in the report
bun/file-gone | gone.test.js | a | | guard | could-not-run |

deno/one | a_test.ts | passes | | passed, 5 cases | passed, 1 case |
deno/one-fails | a_test.ts | fails | | failed, 5 cases | failed, 1 case |
deno/one-ignored | a_test.ts | is ignored | | skipped | could-not-run | nothing tells it from those that were not selected
deno/gone | a_test.ts | gone | | skipped | could-not-run | --filter matched nothing, exit code 0
deno/dup | a_test.ts | dup | | failed, 5 cases | failed, 2 cases |
deno/steps | steps_test.ts | outer | | guard | passed | its steps are part of it
deno/exit | exit_test.ts | exits | | guard | failed | Deno catches Deno.exit
deno/kill | kill_test.ts | kills | | guard | could-not-run |
deno/broken | broken_test.ts | never | | guard | could-not-run |
deno/file-gone | gone_test.ts | a | | guard | could-not-run | nothing runs, the other file neither

cucumber-js/one | features/a.feature | passes | | guard | passed, 1 case |
cucumber-js/one-fails | features/a.feature | fails | | guard | failed, 1 case |
cucumber-js/one-pending | features/a.feature | is pending | | guard | failed |
cucumber-js/pending-not-strict | features/a.feature | is pending | | guard | failed | exit code 0, but a plain failure: nothing tells it from one that the exit code hides
cucumber-js/one-undefined | features/a.feature | is undefined | | guard | failed |
cucumber-js/one-skipped | features/a.feature | is skipped | | guard | skipped |
cucumber-js/retry | features/a.feature | flaky | | guard | passed | only the last try is in the file
cucumber-js/gone-line | features/a.feature | features/a.feature:999 | | guard | could-not-run | exit code 0 and no case
cucumber-js/gone | features/a.feature | gone | | guard | could-not-run |
cucumber-js/file-gone | features/gone.feature | a | | guard | could-not-run |
cucumber-js/exit | features/a.feature | exits | | guard | could-not-run | exit code 0 and an empty file
cucumber-js/kill | features/a.feature | kills | | guard | could-not-run |

playwright/one | a.spec.js | S › passes | | guard | passed, 1 case |
playwright/one-fails | a.spec.js | S › fails | | guard | failed, 1 case |
playwright/one-skipped | a.spec.js | S › is skipped | | guard | skipped |
playwright/fails-as-expected | a.spec.js | S › fails as expected | | guard | passed | test.fail()
playwright/flaky | a.spec.js | S › flaky | | guard | passed | the file does not show the first try
playwright/flaky-fails | a.spec.js | S › flaky | | guard | failed | --fail-on-flaky-tests: exit code 1, the file is all green
playwright/flaky-with-retries | a.spec.js | S › flaky | | guard | passed+flaky |
playwright/skipped-after-setup | a.spec.js | S › is skipped | | passed | could-not-run | another project's set-up passed; the test is skipped without a reason
playwright/not-set-up | a.spec.js | not set up › second | | guard | failed |
playwright/gone | a.spec.js | S › gone | | guard | could-not-run | exit code 0 and no case
playwright/gone-line | a.spec.js | a.spec.js:99 | | guard | could-not-run |
playwright/exit | a.spec.js | S › exits | | guard | failed |
playwright/kill | a.spec.js | S › kills | | guard | failed |
playwright/broken | broken.spec.js | a | | guard | could-not-run |
playwright/int | a.spec.js | S › hangs | | guard | could-not-run | what was interrupted is written as skipped
playwright/term | a.spec.js | S › hangs | | guard | could-not-run |

node-tap/one | a.test.js | passes | | guard | passed |
node-tap/one-skipped | skip.test.js | is skipped | | passed | skipped | a property named skip and no child
node-tap/one-todo | todo.test.js | is planned | | passed | skipped | a property named todo and no child
node-tap/exit | exit.test.js | exits | | guard | failed |
node-tap/file-gone | gone.test.js | a | | limit | passed | tap leaves out the missing file, exit code 0; the file's only cases are another test's
"#;
