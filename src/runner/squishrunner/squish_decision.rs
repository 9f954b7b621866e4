//! The meaning of squishrunner's end: its exit code, its report, and whether its Squish server is the cause.

use std::{path::Path, time::Duration};

use super::{attached_files, squish_address::SquishAddress, squish_settings::SquishSettings};
use crate::{
    attribution::{NameMatching, Repeats},
    model::{CaseResult, Outcome, Test, outcome::CaseVerdict},
    runner::{
        decision::{self, DecidedOutcome},
        exit_codes::ExitCodes,
        process_end::ProcessEnd,
        results::{self, Results, ResultsFound},
        runner_settings::ResultsFormat,
    },
};

/// The exit code for a failed test, which squishrunner gets as an option. Without one it ends as if all had passed; 1 and 255
/// can also mean that nothing ran.
pub(crate) const FAILED: i32 = 44;
/// The exit code of squishrunner that reaches no licence server.
const NO_LICENCE: i32 = 37;

/// Whether squishrunner found no licence: it ran nothing, and may find one later.
pub(crate) fn is_without_licence(ending: ProcessEnd) -> bool {
    ending == ProcessEnd::Exited(NO_LICENCE)
}

/// Finds and reads the report in an execution's results folder. Blocks on the file system.
pub(crate) fn gather(squish: &SquishSettings, dir: &Path) -> ResultsFound {
    let report = squish.report.file();
    if !dir.join(report).is_file() {
        return Results::Missing(format!(
            "squishrunner wrote no report: there is no {report} in {}{}",
            dir.display(),
            attached_files::names(squish, dir)
        ))
        .into();
    }
    let format = ResultsFormat::Squish {
        files: report.to_owned(),
        scenarios: squish.scenarios,
    };
    results::gather(&format, dir)
}

/// Decides the outcome of an execution that took `took`.
pub(crate) fn decide(
    test: &Test,
    ending: ProcessEnd,
    took: Duration,
    results: Results,
) -> DecidedOutcome {
    let tried_again = matches!(&results, Results::Read(cases) if passed_when_tried_again(cases));
    let codes = ExitCodes {
        passed: if tried_again {
            [0, FAILED].into()
        } else {
            [0].into()
        },
        failed: if tried_again {
            [].into()
        } else {
            [FAILED].into()
        },
        counts_failures: false,
    };
    let details = match ending {
        ProcessEnd::Exited(0 | FAILED) | ProcessEnd::TimedOut(_) => {
            return decision::by_codes(&codes, (Repeats::Duplicates, NameMatching::Any), test, ending, took, results);
        }
        ProcessEnd::Signalled(_) => {
            let message = format!("squishrunner was {ending}");
            return decision::could_not_run(message, String::new(), results.into_cases());
        }
        ProcessEnd::Exited(NO_LICENCE) => {
            let message = "squishrunner found no licence (exit code 37): the licence server cannot be reached";
            let details = "Look at the licence server, and at what SQUISH_LICENSEKEY_DIR or the file .squish-3-license \
                           in the home folder of this machine say of it.";
            return decision::could_not_run(
                message.to_owned(),
                details.to_owned(),
                results.into_cases(),
            );
        }
        ProcessEnd::Exited(_) => match &results {
            Results::Missing(why) => format!("{why}. Its last words are in the log."),
            Results::Read(_) | Results::Unreadable { .. } | Results::NotAsked => {
                "It left a report, which is kept, but does not count: it ends so when it could not do all that it was \
                 asked for."
                    .to_owned()
            }
        },
    };
    let message = format!(
        "squishrunner could not run the test: {ending}, neither 0 (passed) nor {FAILED} (failed)"
    );
    decision::could_not_run(message, details, results.into_cases())
}

/// Whether a test failed and passed when squishrunner tried it again (`--retry`), and no other failed: the exit code still
/// says that one did.
fn passed_when_tried_again(cases: &[CaseResult]) -> bool {
    let any = |which: fn(&CaseVerdict) -> bool| cases.iter().any(|case| which(&case.verdict));
    any(|verdict| *verdict == CaseVerdict::Passed { flaky: true }) && !any(CaseVerdict::is_failure)
}

/// Whether a Squish server that does not answer would explain this end.
pub(crate) fn may_lack_its_server(ending: ProcessEnd, squish: &SquishSettings, dir: &Path) -> bool {
    let explained = matches!(ending, ProcessEnd::Exited(0 | FAILED | NO_LICENCE));
    let ended = matches!(ending, ProcessEnd::Exited(_)) && !explained;
    ended && !dir.join(squish.report.file()).is_file()
}

/// The outcome of an execution whose Squish server did not answer after its end.
pub(crate) fn unreachable(ending: ProcessEnd, address: &SquishAddress, why: &str) -> Outcome {
    Outcome::ExecutionError {
        message: format!(
            "the Squish server at {address} does not answer ({why}); squishrunner ended with {ending} and wrote no report"
        ),
        details: format!(
            "Likely no squishserver runs there, it ended meanwhile, or a firewall is between. Start one on that machine \
             with `squishserver --port {}`.",
            address.port
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TestResult, TestVerdict, outcome::Trouble};

    fn case(verdict: CaseVerdict) -> CaseResult {
        CaseResult {
            classname: "suite_a".to_owned(),
            name: "tst_a".to_owned(),
            verdict,
            duration_ms: None,
            file: None,
            line: None,
            output: String::new(),
            attachments: Vec::new(),
        }
    }

    #[test]
    fn a_pass_at_the_last_try_explains_the_code_of_the_first() {
        let flaky = CaseVerdict::Passed { flaky: true };
        let passed = CaseVerdict::Passed { flaky: false };
        let failed = CaseVerdict::Failed(Trouble::default());
        let table = [
            (vec![flaky.clone()], TestVerdict::Passed, true),
            (
                vec![passed.clone(), flaky.clone()],
                TestVerdict::Passed,
                true,
            ),
            (vec![passed], TestVerdict::Failed, false),
            (vec![flaky, failed], TestVerdict::Failed, false),
        ];
        for (verdicts, verdict, flaky) in table {
            let results = Results::Read(verdicts.into_iter().map(case).collect());
            let test = Test {
                suite: "s".to_owned(),
                testcase: "c".to_owned(),
            };
            let decision = decide(
                &test,
                ProcessEnd::Exited(FAILED),
                Duration::from_millis(7),
                results,
            );
            let result = Some(TestResult {
                verdict,
                duration_ms: 7,
                flaky,
            });
            assert_eq!(decision.outcome, Outcome::Completed { result });
        }
    }
}
