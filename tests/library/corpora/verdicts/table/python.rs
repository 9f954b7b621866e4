//! Tools of Python.

pub(super) const ROWS: &str = r#"
pytest/one | test_a.py | test_passes | | guard | passed, 1 case |
pytest/one-fails | test_a.py | test_fails | | guard | failed, 1 case |
pytest/one-skipped | test_a.py | test_is_skipped | | guard | skipped |
pytest/fails-as-expected | test_a.py | test_fails_as_expected | | guard | skipped |
pytest/gone | test_a.py | test_gone | | guard | could-not-run |
pytest/two-one-gone | test_a.py | test_passes | | guard | could-not-run | one unknown name: nothing runs
pytest/by-list | test_a.py | test_passes | | guard | could-not-run |
pytest/gone-xdist | test_a.py | test_gone | | guard | could-not-run | exit code 5 with xdist
pytest/gone-xdist | test_a.py | test_gone | failed 1 5 | guard | could-not-run | even where 5 means failed
pytest/file-gone | test_gone.py | test_a | | guard | could-not-run |
pytest/broken | test_broken.py | test_never | | guard | could-not-run |
pytest/exit | test_a.py | test_exits | | guard | could-not-run | exit code 0 and no file
pytest/pytest-exit | test_a.py | test_ends_the_run | | guard | could-not-run |
pytest/pytest-exit-0 | test_a.py | test_ends_the_run_well | | passed | could-not-run | exit code 0; the interrupted test is a case without a name and without a failure
pytest/kill | test_a.py | test_kills | | guard | could-not-run |
pytest/kill-xdist | test_a.py | test_kills | | guard | failed |
pytest/tear-down | test_a.py | test_ran_well | | guard | failed |
pytest/reruns-pass | test_a.py | test_flaky | | guard | passed | the tries that failed are written as if they had passed
pytest/reruns-pass | test_a.py | test_flaky | attempts | passed, 3 cases | passed+flaky, 1 case |
pytest/reruns-fail | test_a.py | test_fails | | guard | failed |
pytest/reruns-fail | test_a.py | test_fails | attempts | failed, 3 cases | failed, 1 case | the tries before the last look passed
pytest/timeout-thread | test_hangs.py | test_hangs | | guard | could-not-run | exit code 1 and no file
pytest/timeout-signal | test_hangs.py | test_hangs | | guard | failed |
pytest/int | test_hangs.py | test_hangs | | guard | could-not-run |
pytest/term | test_hangs.py | test_hangs | | guard | could-not-run |

pytest84/one | test_a.py | test_passes | | guard | passed, 1 case |
pytest84/gone | test_a.py | test_gone | | guard | could-not-run |
pytest84/pytest-exit-0 | test_a.py | test_ends_the_run_well | | passed | could-not-run |

xmlrunner/one | m.T | test_passes | | guard | passed, 1 case |
xmlrunner/one-skipped | m.T | test_is_skipped | | guard | skipped |
xmlrunner/fails-as-expected | m.T | test_fails_as_expected | | guard | skipped |
xmlrunner/passes-unexpectedly | m.T | test_passes_unexpectedly | | guard | failed |
xmlrunner/parts | m.T | test_parts | | guard | failed |
xmlrunner/gone | m.T | test_gone | | guard | failed | unittest makes a failing test of an unknown name
xmlrunner/not-set-up | m.NotSetUp | test_never | | guard | failed |
xmlrunner/exit | m.T | test_exits | | guard | could-not-run |

nose2/one | m.T | test_passes | | guard | passed, 1 case |
nose2/one-skipped | m.T | test_is_skipped | | guard | skipped |
nose2/fails-as-expected | m.T | test_fails_as_expected | | guard | skipped |
nose2/passes-unexpectedly | m.T | test_passes_unexpectedly | | limit | skipped | written as skipped, exit code 0; unittest itself ends with 1
nose2/parts | m.T | test_parts | | guard | failed |
nose2/gone | m.T | test_gone | | guard | failed |
nose2/not-set-up | m.NotSetUp | test_never | | guard | failed |
nose2/exit | m.T | test_exits | | guard | could-not-run |

robot/one | S | Passes | | guard | passed, 1 case |
robot/one-fails | S | Fails | | guard | failed, 1 case |
robot/three-fail | S | Fails | count | could-not-run | failed | the exit code is the number of failures
robot/one-skipped | S | Is Skipped | | guard | skipped |
robot/gone | S | Gone | | guard | could-not-run |
robot/two-one-gone | S | Gone | | passed | could-not-run | exit code 0 without a word; the only case is another test's
robot/dup | S | Dup | | guard | failed, 2 cases |
robot/brackets | S | Item [1] | | limit | passed | [1] is a pattern to Robot: it ran the test "Item 1"
robot/torn-down | Torn | Ran Well | | guard | failed |
robot/exit | S | Exits | | guard | could-not-run |
robot/file-gone | Gone | a | | guard | could-not-run |
robot/term | S | Hangs | | guard | failed | Robot writes what was stopped as failed

behave/one | a.feature | passes | | passed, 6 cases | passed, 1 case |
behave/one-by-name | a.feature | passes | | passed, 6 cases | passed, 1 case |
behave/one-fails | a.feature | fails | | failed, 6 cases | failed, 1 case |
behave/one-undefined | a.feature | is undefined | | failed, 6 cases | failed, 1 case |
behave/one-skipped | a.feature | is skipped | | skipped | could-not-run | nothing tells this skip from those of the scenarios that were not selected
behave/gone | a.feature | gone | | skipped | could-not-run | --name matched nothing, exit code 0
behave/gone-tag | a.feature | gone | | skipped | could-not-run |
behave/gone-line | a.feature | a.feature:999 | | limit | passed | behave ran the last scenario; no case tells its line
behave/exit | a.feature | exits | | guard | could-not-run |
behave/file-gone | gone.feature | a | | guard | could-not-run |
"#;
