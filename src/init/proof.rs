//! Proves a `testplan.yml`: runs one test of it in each mode, by testplan itself, as a user would.

use std::{path::Path, time::Duration};

use serde_json::{Map, Value, json};

use super::{
    found_tool::{FoundTool, SQUISH},
    plan_text,
};
use crate::{
    failure::Failure,
    fs::{private_folder, write_atomic},
    model::{Outcome, Test, TestVerdict, Timestamp},
    preset::Preset,
    report::AttemptReport,
    report_files,
    run::process,
    runner::command_line::CommandLine,
};

/// Longest time for a run of one or two tests.
const TIME_LIMIT: Duration = Duration::from_secs(5 * 60);
/// Most output of a run that is kept.
const MOST_OUTPUT: usize = 1024 * 1024;
/// Variables that would lead a run to a service, or to GitHub.
const NOT_INHERITED: [&str; 4] = [
    "TESTCENTER_URL",
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_OUTPUT",
];

/// What was seen of a tool.
#[derive(Debug)]
pub(crate) struct ToolProof {
    /// Of each mode, the preferred one first.
    pub(crate) modes: Vec<ModeProof>,
}

/// What was seen of a tool in a mode.
#[derive(Debug)]
pub(crate) struct ModeProof {
    /// As `mode` of `testplan.yml` calls it.
    pub(crate) mode: &'static str,
    /// What came of it.
    pub(crate) outcome: ModeOutcome,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) enum ModeOutcome {
    /// Each test has a verdict.
    Ran {
        /// How many tests.
        tests: usize,
        /// Those that failed, which is the project's affair.
        failed: usize,
        /// From the start of the process to the end of the last test.
        took: Duration,
    },
    /// A test has none: why.
    CouldNotRun(String),
}

impl ToolProof {
    /// The mode to write into the file; none if the preferred one works. If no mode works, the reasons, each once.
    pub(crate) fn chosen_mode(&self) -> Result<Option<&'static str>, Vec<&str>> {
        let mut reasons = Vec::new();
        for (at, ModeProof { mode, outcome }) in self.modes.iter().enumerate() {
            match outcome {
                ModeOutcome::Ran { .. } => return Ok((at > 0).then_some(*mode)),
                ModeOutcome::CouldNotRun(why) if !reasons.contains(&why.as_str()) => {
                    reasons.push(why);
                }
                ModeOutcome::CouldNotRun(_) => {}
            }
        }
        Err(reasons)
    }
}

/// Runs tests of a tool in each mode: two in one process, one in a process of its own. `testplan` is this program,
/// `root` the project; both absolute.
pub(crate) async fn prove(
    testplan: &Path,
    root: &Path,
    tool: &FoundTool,
    tests: &[&Test],
) -> Result<ToolProof, Failure> {
    let modes = Preset::named(tool.tool).map_or(&["single"][..], Preset::modes);
    let mut proofs = Vec::new();
    for &mode in modes {
        let tests = match mode {
            "single" => &tests[..tests.len().min(1)],
            // Of two files, if there are several: calls differ in what they name.
            _ => tests,
        };
        let outcome = run(testplan, root, (tool, mode), tests).await?;
        proofs.push(ModeProof { mode, outcome });
    }
    Ok(ToolProof { modes: proofs })
}

async fn run(
    testplan: &Path,
    root: &Path,
    (tool, mode): (&FoundTool, &str),
    tests: &[&Test],
) -> Result<ModeOutcome, Failure> {
    let folder = private_folder("testplan-init-").map_err(Failure::infrastructure)?;
    let plan = folder.path().join("testplan.yml");
    let out = folder.path().join("out");
    let text = plan_of(root, (tool, mode), tests).to_string();
    write_atomic(&plan, text.as_bytes()).map_err(Failure::infrastructure)?;
    let arguments = ["run", "--workers", "1", "--config"];
    let line = CommandLine {
        argv: [testplan.as_os_str().to_owned()]
            .into_iter()
            .chain(arguments.map(Into::into))
            .chain([
                plan.into_os_string(),
                "--out".into(),
                out.clone().into_os_string(),
            ])
            .collect(),
        env_remove: NOT_INHERITED.map(str::to_owned).to_vec(),
        cwd: Some(root.to_owned()),
        ..CommandLine::default()
    };
    let ran = process::run_to_end(&line, TIME_LIMIT, MOST_OUTPUT).await;
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) => return Ok(ModeOutcome::CouldNotRun(error.to_string())),
    };
    let records = report_files::record_paths(&out, &[]);
    let Ok(report) = report_files::merge(&records, None, None, None) else {
        return Ok(ModeOutcome::CouldNotRun(ran.tail));
    };
    let mut proved = 0;
    let mut failed = 0;
    let (mut first, mut last) = (None, None);
    for entry in &report.entries {
        let attempt = entry.counted();
        let outcome = attempt
            .and_then(AttemptReport::ended)
            .map(|ended| &ended.outcome);
        match outcome {
            Some(Outcome::Completed {
                result: Some(result),
            }) => {
                proved += 1;
                failed += usize::from(result.verdict == TestVerdict::Failed);
                let started = attempt.and_then(|it| it.started);
                first = first.min(started).or(started);
                last = last.max(attempt.and_then(AttemptReport::ended).map(|it| it.at));
            }
            Some(Outcome::ExecutionError { message, details }) => {
                let why = format!("{}: {message}\n{details}", entry.test);
                return Ok(ModeOutcome::CouldNotRun(why));
            }
            _ => {}
        }
    }
    if proved < tests.len() {
        return Ok(ModeOutcome::CouldNotRun(ran.tail));
    }
    Ok(ModeOutcome::Ran {
        tests: proved,
        failed,
        took: span(first, last).unwrap_or_default(),
    })
}

fn span(first: Option<Timestamp>, last: Option<Timestamp>) -> Option<Duration> {
    let ms = u64::try_from(last?.0 - first?.0).ok()?;
    Some(Duration::from_millis(ms))
}

/// A plan of these tests alone.
fn plan_of(root: &Path, (tool, mode): (&FoundTool, &str), tests: &[&Test]) -> Value {
    let mut runner: Map<String, Value> = plan_text::runner(tool)
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    runner.insert(
        "working-directory".to_owned(),
        json!(root.join(&tool.folder)),
    );
    if tool.tool != SQUISH {
        runner.insert("mode".to_owned(), json!(mode));
    }
    let sources = tests
        .iter()
        .map(|test| json!({ "suite": test.suite, "testcases": [test.testcase] }));
    json!({
        "project": "init",
        "runner": runner,
        "templates": [{ "title": "init", "tests": sources.collect::<Vec<_>>() }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(outcomes: [bool; 2]) -> ToolProof {
        let modes = ["batch", "single"].into_iter().zip(outcomes);
        let modes = modes.map(|(mode, ran)| ModeProof {
            mode,
            outcome: if ran {
                ModeOutcome::Ran {
                    tests: 1,
                    failed: 0,
                    took: Duration::ZERO,
                }
            } else {
                ModeOutcome::CouldNotRun("no reason".to_owned())
            },
        });
        ToolProof {
            modes: modes.collect(),
        }
    }

    #[test]
    fn mode_is_written_only_if_the_preferred_one_does_not_work() {
        let chosen = |outcomes| proof(outcomes).chosen_mode().ok();
        assert_eq!(chosen([true, true]), Some(None));
        assert_eq!(chosen([true, false]), Some(None));
        assert_eq!(chosen([false, true]), Some(Some("single")));
        let none = proof([false, false]);
        assert_eq!(none.chosen_mode(), Err(vec!["no reason"]));
    }
}
