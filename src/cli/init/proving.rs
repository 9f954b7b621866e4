//! Proves the tools that were found: lists the tests of each, and runs a few in each mode.

use std::path::Path;

use super::{described, project_name};
use crate::{
    cli::{context::Context, settings},
    config::PlanFile,
    failure::Failure,
    init::{self, FoundTool, FoundTools, ModeOutcome},
    listing::loaded_plan_file::LoadedPlanFile,
    model::Test,
    report::sanitise::console_line,
    text::{counted, format_duration},
};

/// Longest line of a reason, in bytes.
const LONGEST: usize = 2000;

/// Proves each tool. One that does not list or run tests is left out, with a warning; an error if none is left.
pub(super) async fn prove_all(
    found: &mut FoundTools,
    root: &Path,
    context: &Context,
) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(Failure::infrastructure)?;
    let mut failures = Vec::new();
    let mut ready = Vec::new();
    for tool in &found.tools {
        match prove(tool, root, &program, context).await {
            Ok(mode) => {
                let mut tool = tool.clone();
                tool.mode = mode;
                ready.push(tool);
            }
            Err(failure) => failures.push((described(tool), failure)),
        }
    }
    if ready.is_empty()
        && let Some((_, failure)) = failures.pop()
    {
        for (tool, failure) in &failures {
            context
                .screen
                .warn(format_args!("{tool}: {}", failure.plain()));
        }
        return Err(failure);
    }
    for (tool, failure) in failures {
        context
            .screen
            .warn(format_args!("left out {tool}: {}", failure.plain()));
    }
    found.tools = ready;
    Ok(())
}

/// Lists the tests of a tool and runs a few. Returns the mode to write, if the preferred one does not work.
async fn prove(
    tool: &FoundTool,
    root: &Path,
    program: &Path,
    context: &Context,
) -> Result<Option<&'static str>, Failure> {
    let screen = &context.screen;
    let listed = listed_tests(tool, root, context).await?;
    screen.info(format_args!(
        "{} lists {}",
        tool.tool,
        counted(listed.len() as u64, "test")
    ));
    let tests = two_of(&listed);
    let proof = init::prove(program, root, tool, &tests).await?;
    for mode in &proof.modes {
        screen.info(format_args!(
            "  {:<8} {}",
            mode.mode,
            outcome_text(&mode.outcome)
        ));
    }
    proof.chosen_mode().map_err(|reasons| {
        let tool = tool.tool;
        let reasons = reasons.join("\n");
        Failure::usage_text(format_args!(
            "{tool} lists tests and runs none of them:\n{reasons}"
        ))
        .help("run one of the tests with the tool itself first")
    })
}

async fn listed_tests(
    tool: &FoundTool,
    root: &Path,
    context: &Context,
) -> Result<Vec<Test>, Failure> {
    let path = root.join("testplan.yml");
    let text = init::plan_text(std::slice::from_ref(tool), &project_name(root));
    let file = PlanFile::parse("testplan.yml", &text).map_err(Failure::usage)?;
    let loaded = LoadedPlanFile::new(file, path, settings::preset_listing(context));
    let template = loaded
        .file
        .templates
        .first()
        .ok_or_else(|| Failure::usage_text("the testplan.yml has no template"))?;
    let listed = loaded.list(template).await?;
    context.screen.listed(&listed);
    if let Some(nothing) = listed.nothing() {
        return Err(Failure::nothing_to_run(nothing).help(listed.nothing_help()));
    }
    Ok(listed.tests().cloned().collect())
}

/// Two tests, of different suites if there are several; or the only one.
fn two_of(tests: &[Test]) -> Vec<&Test> {
    let Some(first) = tests.first() else {
        return Vec::new();
    };
    let other = tests.iter().find(|test| test.suite != first.suite);
    let second = other.or_else(|| tests.get(1));
    [Some(first), second].into_iter().flatten().collect()
}

fn outcome_text(outcome: &ModeOutcome) -> String {
    match outcome {
        ModeOutcome::Ran {
            tests,
            failed,
            took,
        } => {
            let tests = counted(*tests as u64, "test");
            let failed = match failed {
                0 => String::new(),
                failed => format!(", {failed} of them failed"),
            };
            format!("ran {tests} in {}{failed}", format_duration(*took))
        }
        ModeOutcome::CouldNotRun(why) => {
            let first = why.lines().find(|line| !line.trim().is_empty());
            format!(
                "could not run: {}",
                console_line(first.unwrap_or_default(), LONGEST)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_to_prove_with_are_of_two_suites_if_there_are_several() {
        let test = |suite: &str, testcase: &str| Test {
            suite: suite.to_owned(),
            testcase: testcase.to_owned(),
        };
        let tests = [test("a", "1"), test("a", "2"), test("b", "3")];
        assert_eq!(two_of(&tests), [&tests[0], &tests[2]]);
        assert_eq!(two_of(&tests[..2]), [&tests[0], &tests[1]]);
        assert_eq!(two_of(&tests[..1]), [&tests[0]]);
    }
}
