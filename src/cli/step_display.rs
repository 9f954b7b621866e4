//! Outputs, job summary and annotations of a step of GitHub Actions. Outside of the action, flags switch them on.

use std::path::Path;

use super::{args::ShowArgs, screen::Screen};
use crate::{
    model::PlanId,
    publication::{
        report_annotations,
        step_outputs::{self, StepOutput},
    },
    report::{PlanReport, sanitise::markdown_text, summary},
    report_files,
    run::RunSummary,
};

/// Shows a report that was written to `out`.
pub(crate) fn show(report: &PlanReport, out: &Path, args: ShowArgs, screen: &Screen) {
    for (output, value) in step_outputs::of_report(report, out) {
        screen.output(output, value);
    }
    let step = screen.step();
    if args.annotations.unwrap_or(step.is_action()) {
        screen.annotate(&report_annotations::of_report(report, step.workspace()));
    }
    if args.job_summary.unwrap_or(step.is_action()) {
        summarise(
            |room| summary::render(report, room.min(summary::DEFAULT_BUDGET)),
            screen,
        );
    }
}

/// Shows what one worker process did; `decided` is its report, if one was made. Off by default, because the report covers all workers.
pub(crate) fn show_work(
    plan: PlanId,
    end: &RunSummary,
    said: &str,
    decided: Option<PlanReport>,
    args: ShowArgs,
    screen: &Screen,
) {
    let numbers = [
        (StepOutput::Passed, end.tally.passed),
        (StepOutput::Failed, end.tally.failed),
        (StepOutput::Skipped, end.tally.skipped),
        (StepOutput::Errors, end.tally.errors),
    ];
    for (output, number) in numbers {
        screen.output(output, number);
    }
    if args.job_summary.unwrap_or_default() {
        summarise(|room| markdown_text(said, room), screen);
    }
    if args.annotations.unwrap_or_default() {
        let merge = || {
            let records = std::slice::from_ref(&end.record);
            report_files::merge(records, Some(plan), None, None).map(PlanReport::of_its_workers)
        };
        match decided.map_or_else(merge, Ok) {
            Ok(report) => screen.annotate(&report_annotations::of_report(
                &report,
                screen.step().workspace(),
            )),
            Err(failure) => screen.warn(format_args!("no annotations: {}", failure.plain())),
        }
    }
}

/// Appends to the job summary. A failure is a warning.
pub(crate) fn summarise(render: impl FnOnce(usize) -> String, screen: &Screen) {
    match screen.step().summary(render) {
        Ok(Some(_)) => {}
        Ok(None) => screen.warn(
            "no job summary: GITHUB_STEP_SUMMARY is not set, or other writers of this step left no room",
        ),
        Err(error) => screen.warn(format_args!("the job summary could not be written: {error}")),
    }
}
