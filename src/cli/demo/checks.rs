//! Whether the demo went as it should, and what to look at next.

use std::{path::Path, time::Duration};

use crate::{
    cli::{progress::span, screen::Screen},
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    report::PlanReport,
};

use super::suite::EXECUTIONS;

/// Says what the report shows. A demo that went otherwise than designed is an error: it is also the first thing that
/// people run to see whether testplan works on their machine.
pub fn explain(report: &PlanReport, out: &Path, took: Duration, screen: &Screen) -> CommandResult {
    let counts = report.counts();
    let expected = [
        ("executions", counts.total, EXECUTIONS),
        ("passed", counts.passed, 30),
        ("failed", counts.failed, 4),
        ("skipped", counts.skipped, 2),
        ("could not run", counts.errors, 4),
        ("missing", counts.missing, 0),
        ("recovered", counts.recovered, 1),
    ];
    let wrong: Vec<String> = expected
        .iter()
        .filter(|(_, is, should)| is != should)
        .map(|(what, is, should)| format!("{what}: {is} instead of {should}"))
        .collect();
    if !wrong.is_empty() {
        return Err(Failure::infrastructure(anyhow::anyhow!(
            "the demo went otherwise than designed: {}",
            wrong.join(", ")
        ))
        .help(format!(
            "look at the logs in {}; a very busy machine can be the reason",
            out.display()
        )));
    }
    screen.info(format_args!(
        "\nThat was the demo, in {}. Two tests fail on both systems, one crashes, one hangs until its time limit, one \
         skips itself,\nand the killed worker's test was rescued by another. A real run with this report would end with \
         exit code {} ({}).\n\n  {}\n  {}\n  {}\n  {}\n\nYour own tests: write a testplan.yml as the one above, then \
         `testplan run`.",
        span(took),
        report.conclusion().code(),
        report.conclusion().word(),
        out.join("testplan.yml").display(),
        out.join("report.html").display(),
        out.join("summary.md").display(),
        out.join("junit.xml").display(),
    ));
    Ok(Conclusion::Passed)
}
