//! `testplan demo`: service, Squish servers, plan and workers in one command, with a report at the end.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use futures_util::TryFutureExt as _;

use super::context::Context;
use crate::{
    config::duration,
    demo::{self, checks, demo_suite},
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    signal::Signals,
};

/// Runs service, Squish servers, plan and workers in one command, and reports.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Write the files of the demo to this folder.
    #[arg(long, value_name = "DIR", default_value = "testplan-demo")]
    out: PathBuf,
    /// Do not open report.html in a browser. On a terminal outside of a CI it is opened.
    #[arg(long)]
    no_open: bool,
}

/// One test of the demo.
#[derive(Args, Debug)]
pub(crate) struct DemoTestArgs {
    suite: String,
    testcase: String,
}

/// Longest time for the demo.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// `testplan demo`.
pub(crate) async fn run(command: DemoArgs, context: &Context) -> CommandResult {
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let show = tokio::time::timeout(TIME_LIMIT, show(&command, context));
    let show = show.unwrap_or_else(|_| {
        let span = duration::format(TIME_LIMIT);
        Err(
            Failure::infrastructure_text(format_args!("the demo did not end within {span}"))
                .help(format!("look at {}", command.out.display())),
        )
    });
    signals.or_interrupted(show).await
}

/// Whether a person is likely to sit before a browser.
fn may_open(context: &Context) -> bool {
    let environment = &context.environment;
    let has = |name| environment.get(name).is_some_and(|value| !value.is_empty());
    let has_display = cfg!(not(target_os = "linux")) || has("DISPLAY") || has("WAYLAND_DISPLAY");
    io::stdout().is_terminal() && io::stderr().is_terminal() && has_display && !has("CI")
}

async fn show(command: &DemoArgs, context: &Context) -> CommandResult {
    let screen = &context.screen;
    let out = std::path::absolute(&command.out).map_err(Failure::infrastructure)?;
    let shown = demo::show(&out, &|line| screen.info(line)).await?;
    screen.report(&shown.report);
    checks::verify(&shown.report, &out)?;
    screen.info(checks::closing_words(&shown.report, &out, shown.took));
    if !command.no_open && may_open(context) {
        let report = out.join("report.html");
        // It is named above: a machine without a browser lacks nothing.
        if let Err(error) = open::that_detached(&report) {
            tracing::debug!(%error, "the report was not opened");
        }
    }
    Ok(Conclusion::Passed)
}

/// `testplan demo-test`: behaves as the named test, and writes JUnit as a test tool does.
pub(crate) async fn test(command: DemoTestArgs, context: &Context) -> CommandResult {
    let print = |text: &str| context.screen.raw(text.as_bytes());
    let results = context.environment.get("TESTPLAN_RESULTS");
    demo_suite::run(&command.suite, &command.testcase, results, &print).await
}
