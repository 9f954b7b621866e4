//! Executions that run several tests.

use testplan::{
    model::outcome::{CaseVerdict, Trouble},
    report::summary::{DEFAULT_BUDGET, render},
};

use crate::report::story::{Worker, case, case_failed, case_passed, error, failed, passed, report};

/// An execution may be a file of tests: then its cases are the tests, on every surface.
#[test]
fn tests_are_counted_and_not_executions() {
    let broke = CaseVerdict::Error(Trouble::default());
    let files = [
        (passed(), vec![case_passed("a", "1"), case_passed("a", "2")]),
        (
            failed(),
            vec![
                case_passed("b", "1"),
                case_failed("b", "2", "no"),
                case("b", "3", broke),
                case(
                    "b",
                    "4",
                    CaseVerdict::Skipped {
                        message: String::new(),
                    },
                ),
            ],
        ),
        // The exit code alone says that it failed, so it is one more.
        (failed(), vec![case_passed("c", "1"), case_passed("c", "2")]),
        // One case is one test.
        (failed(), vec![case_passed("d", "1")]),
        (error(), Vec::new()),
    ];
    let mut worker = Worker::begins("a", &["OS=Linux"], 6);
    for (id, (outcome, cases)) in (1..).zip(files) {
        worker = worker
            .takes(id, Some(1))
            .ends_with(id, outcome, cases, "")
            .counted(id);
    }
    let report = report(&[worker.leaves()]);
    let tests = report.tests();
    assert_eq!(
        (tests.total, tests.passed, tests.failed, tests.skipped),
        (12, 5, 4, 1)
    );
    assert_eq!((tests.errors, tests.missing), (1, 1));
    let executions = report.executions();
    assert_eq!(
        (executions.total, executions.passed, executions.failed),
        (6, 1, 3)
    );
    let page = render(&report, DEFAULT_BUDGET);
    for part in [
        "12 tests",
        "Failed (4)",
        "2 of 4 tests failed",
        "Passed (5)",
        "(2 tests)\n- suite / case 2 (1 of 4 tests)\n- suite / case 3 (2 of 3 tests)\n",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}
