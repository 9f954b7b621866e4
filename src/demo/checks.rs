//! Whether the demo produced the expected results, and what to look at next.

use std::{path::Path, time::Duration};

use super::demo_suite::EXECUTIONS;
use crate::{config::duration, failure::Failure, model::millis, report::PlanReport};

/// Refuses a report without the expected results: people run the demo first to see whether testplan works on their
/// machine.
pub(crate) fn verify(report: &PlanReport, out: &Path) -> Result<(), Failure> {
    let counts = report.tests();
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
        return Err(Failure::infrastructure_text(format_args!(
            "the demo did not produce the expected results: {}",
            wrong.join(", ")
        ))
        .help(format!(
            "look at the logs in {}; a very busy machine can be the reason",
            out.display()
        )));
    }
    Ok(())
}

/// What the demo showed, and where its files are.
pub(crate) fn closing_words(report: &PlanReport, out: &Path, took: Duration) -> String {
    let tenths = millis(took) / 100;
    let files = ["testplan.yml", "report.html", "summary.md", "junit.xml"];
    let files = files.map(|name| format!("  {}\n", out.join(name).display()));
    format!(
        "\nThat was the demo, in {}. Two tests fail on both systems, one crashes, one hangs until its time limit, one \
         skips itself,\nand another worker ran the test of the killed worker. A real run with this report would end with \
         exit code {} ({}).\n\n{}\nYour own tests: `testplan init` in the folder of your project, then `testplan run`.",
        duration::format(Duration::from_millis(tenths * 100)),
        report.conclusion().code(),
        report.conclusion().word(),
        files.concat(),
    )
}
