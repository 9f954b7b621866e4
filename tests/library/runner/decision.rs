//! The table of exit codes and results.

use std::{collections::BTreeMap, time::Duration};

use testplan::{
    model::{
        CaseResult, Outcome, Test, TestResult, TestVerdict,
        outcome::{CaseVerdict, Trouble},
    },
    runner::{
        decision::DecidedOutcome,
        placeholders::PlaceholderText,
        process_end::ProcessEnd,
        results::Results,
        runner_settings::{CommandSettings, ExitCodes, ResultsFormat, RunnerSettings, Tool},
    },
};

fn case(verdict: CaseVerdict) -> CaseResult {
    CaseResult {
        classname: "s".into(),
        name: "c".into(),
        verdict,
        duration_ms: None,
        file: None,
        line: None,
        output: String::new(),
        attachments: Vec::new(),
    }
}

/// Cases in shorthand: `p` passed, `k` flaky, `f` failed, `e` error, `s` skipped.
fn read(cases: &str) -> Results {
    let verdict = |letter| match letter {
        'p' => CaseVerdict::Passed { flaky: false },
        'k' => CaseVerdict::Passed { flaky: true },
        'f' => CaseVerdict::Failed(Trouble::default()),
        'e' => CaseVerdict::Error(Trouble::default()),
        's' => CaseVerdict::Skipped {
            message: String::new(),
        },
        other => panic!("{other}"),
    };
    Results::Read(cases.chars().map(|letter| case(verdict(letter))).collect())
}

fn decided(ending: ProcessEnd, results: Results) -> DecidedOutcome {
    let settings = RunnerSettings {
        tool: Tool::Command(CommandSettings {
            warm: None,
            batch: None,
            command: vec![PlaceholderText::default()],
            results: ResultsFormat::ExitCode,
            exit_codes: ExitCodes {
                passed: [0, 5].into(),
                failed: [1].into(),
                counts_failures: false,
            },
        }),
        timeout: None,
        environment: BTreeMap::new(),
        working_directory: None,
    };
    let test = Test {
        suite: "s".into(),
        testcase: "c".into(),
    };
    settings
        .tool
        .decide(&test, ending, Duration::from_millis(1234), results)
}

/// The decision in a word, or the message of an execution error.
fn word(decision: &DecidedOutcome) -> String {
    match &decision.outcome {
        Outcome::Completed {
            result:
                Some(TestResult {
                    verdict,
                    duration_ms,
                    flaky,
                }),
        } => {
            assert_eq!(*duration_ms, 1234);
            let word = match verdict {
                TestVerdict::Passed => "passed",
                TestVerdict::Failed => "failed",
                TestVerdict::Skipped => "skipped",
            };
            format!("{word}{}", if *flaky { " flaky" } else { "" })
        }
        Outcome::ExecutionError { message, .. } => message.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn exit_code_and_results_together() {
    let table = [
        (0, "p", "passed", false),
        (5, "pp", "passed", false),
        (0, "ps", "passed", false),
        (0, "s", "skipped", false),
        (0, "pk", "passed flaky", false),
        (1, "f", "failed", false),
        (1, "pfk", "failed", false),
        (1, "e", "failed", false),
        (0, "pf", "failed", true),
        (0, "e", "failed", true),
        (1, "p", "failed", true),
        (1, "s", "failed", true),
        (0, "", "ran no test", false),
        (1, "", "ran no test", false),
    ];
    for (code, cases, expected, noted) in table {
        let decision = decided(ProcessEnd::Exited(code), read(cases));
        assert_eq!(word(&decision), expected, "{code} {cases}");
        assert_eq!(decision.note.is_some(), noted, "{code} {cases}");
        let ours = usize::from(code == 1 && expected == "failed" && noted);
        assert_eq!(decision.cases.len(), cases.len() + ours, "{code} {cases}");
    }
}

#[test]
fn an_unexplained_failure_is_visible_as_a_case() {
    let decision = decided(ProcessEnd::Exited(1), read("p"));
    let CaseVerdict::Failed(trouble) = &decision.cases[1].verdict else {
        panic!()
    };
    assert_eq!(
        trouble.message,
        "the command said it failed (exit code 1), its results do not say why"
    );
    assert_eq!(decision.cases[1].classname, "s");
}

#[test]
fn the_exit_code_alone_where_that_is_asked_for() {
    assert_eq!(
        word(&decided(ProcessEnd::Exited(0), Results::NotAsked)),
        "passed"
    );
    assert_eq!(
        word(&decided(ProcessEnd::Exited(1), Results::NotAsked)),
        "failed"
    );
}

#[test]
fn missing_or_unreadable_results_are_never_a_pass() {
    for code in [0, 1] {
        let decision = decided(
            ProcessEnd::Exited(code),
            Results::Missing("no result file matched *.xml in /r".into()),
        );
        assert_eq!(word(&decision), "no result file matched *.xml in /r");
        let broken = Results::Unreadable {
            message: "a.xml: line 3: bad".into(),
            cases: vec![case(CaseVerdict::Passed { flaky: false })],
        };
        let decision = decided(ProcessEnd::Exited(code), broken);
        assert_eq!(
            word(&decision),
            "a result file cannot be read: a.xml: line 3: bad"
        );
        assert_eq!(decision.cases.len(), 1);
        let Outcome::ExecutionError { details, .. } = decision.outcome else {
            panic!()
        };
        assert!(details.contains(&format!("exit code {code}")), "{details}");
    }
}

#[test]
fn any_other_end_is_an_execution_error_whatever_the_results_say() {
    let neither = "neither a code of a pass (0, 5) nor of a failure (1)";
    let table = [
        (ProcessEnd::Exited(3), format!("exit code 3: {neither}")),
        (
            ProcessEnd::Exited(127),
            format!("exit code 127 (as a shell says: command not found): {neither}"),
        ),
        (
            ProcessEnd::Exited(139),
            format!("exit code 139 (as a shell says: killed by SIGSEGV): {neither}"),
        ),
        (
            ProcessEnd::Exited(-1_073_741_819),
            format!("exit code -1073741819 (access violation): {neither}"),
        ),
        (
            ProcessEnd::Exited(i32::MIN),
            format!("exit code -2147483648: {neither}"),
        ),
        (
            ProcessEnd::Signalled(11),
            "killed by SIGSEGV (11): a crash".to_owned(),
        ),
        (
            ProcessEnd::Signalled(15),
            "killed by SIGTERM (15)".to_owned(),
        ),
        (ProcessEnd::Signalled(64), "killed by signal 64".to_owned()),
        (
            ProcessEnd::TimedOut(Duration::from_secs(600)),
            "stopped after 10m (time limit)".to_owned(),
        ),
        (
            ProcessEnd::TimedOut(Duration::from_secs(3661)),
            "stopped after 1h 1m 1s (time limit)".to_owned(),
        ),
        (
            ProcessEnd::TimedOut(Duration::from_millis(300)),
            "stopped after 300ms (time limit)".to_owned(),
        ),
    ];
    for (ending, message) in table {
        for cases in ["p", "f"] {
            let decision = decided(ending, read(cases));
            assert_eq!(word(&decision), message);
            assert_eq!(decision.cases.len(), 1, "cases are kept for the report");
        }
    }
}
