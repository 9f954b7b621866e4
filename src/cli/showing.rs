//! What a step of GitHub Actions shows of a report: the outputs, the job summary, annotations. Outside of one, and
//! unless somebody asks for more, that is nothing.

use std::path::{Path, PathBuf};

use super::{args::ShowArgs, reporting, screen::Screen, step::Output};
use crate::{
    ci::workflow::{Annotation, Level},
    model::PlanId,
    report::{
        PlanReport,
        annotations::{self, AnnotationLevel, Folders, ReportAnnotation},
        sanitise::markdown_text,
        summary,
    },
    run::RunEnd,
};

/// Most annotations: GitHub keeps ten of a level per step, and fifty of all steps of a job.
const MOST_ANNOTATIONS: usize = 10;

/// Shows a report that was written to `out`.
pub fn show(report: &PlanReport, out: &Path, args: ShowArgs, screen: &Screen) {
    outputs(report, out, screen);
    let step = screen.step();
    if args.annotations.unwrap_or(step.is_action()) {
        screen.annotate(&annotations(report, screen));
    }
    if args.job_summary.unwrap_or(step.is_action()) {
        summarise(
            |room| summary::render(report, room.min(summary::DEFAULT_BUDGET)),
            screen,
        );
    }
}

/// Shows what one worker process did. It is silent unless it is asked: the report is to speak for all of them.
pub fn show_work(plan: PlanId, end: &RunEnd, said: &str, args: ShowArgs, screen: &Screen) {
    let numbers = [
        (Output::Passed, end.tally.passed),
        (Output::Failed, end.tally.failed),
        (Output::Skipped, end.tally.skipped),
        (Output::Errors, end.tally.errors),
    ];
    for (output, number) in numbers {
        screen.output(output, number);
    }
    if args.job_summary.unwrap_or_default() {
        summarise(|room| markdown_text(said, room), screen);
    }
    if args.annotations.unwrap_or_default() {
        match reporting::merge(std::slice::from_ref(&end.record), Some(plan), None, None) {
            Ok(report) => screen.annotate(&annotations(&report.of_its_workers(), screen)),
            Err(failure) => screen.warn(format_args!("no annotations: {}", failure.plain())),
        }
    }
}

/// Appends to the job summary; a summary that cannot be is told, and decides nothing.
pub fn summarise(render: impl FnOnce(usize) -> String, screen: &Screen) {
    match screen.step().summary(render) {
        Ok(Some(_)) => {}
        Ok(None) => screen.warn("no job summary: this is no step of GitHub Actions, or other writers of this step left no room",
        ),
        Err(error) => screen.warn(format_args!("the job summary could not be written: {error}")),
    }
}

/// What is worth marking in a report, most useful first.
pub fn annotations(report: &PlanReport, screen: &Screen) -> Vec<Annotation> {
    let here = std::env::current_dir().unwrap_or_default();
    let workspace = screen.step().workspace().unwrap_or(&here);
    let folders = Folders {
        workspace: &workspace.to_string_lossy(),
        working: &here.to_string_lossy(),
    };
    let findings = annotations::annotations(report, folders, MOST_ANNOTATIONS);
    findings.into_iter().map(annotation).collect()
}

fn annotation(finding: ReportAnnotation) -> Annotation {
    Annotation {
        level: match finding.level {
            AnnotationLevel::Error => Level::Error,
            AnnotationLevel::Warning => Level::Warning,
        },
        title: finding.title,
        message: finding.message,
        file: finding.file,
        line: finding.line,
    }
}

/// The counts and where the files are.
fn outputs(report: &PlanReport, out: &Path, screen: &Screen) {
    let counts = report.counts();
    if let Some(plan) = &report.plan {
        screen.output(Output::PlanId, plan.id);
    }
    let numbers = [
        (Output::Total, counts.total),
        (Output::Passed, counts.passed),
        (Output::Failed, counts.failed),
        (Output::Skipped, counts.skipped),
        (Output::Flaky, counts.flaky),
        (Output::Errors, counts.errors),
        (Output::Missing, counts.missing),
        (Output::DurationMs, report.duration_ms()),
    ];
    for (output, number) in numbers {
        screen.output(output, number);
    }
    let files = [
        (Output::JUnitPath, "junit.xml"),
        (Output::SummaryPath, "summary.md"),
        (Output::ReportPath, "report.html"),
        (Output::RecordsPath, "records"),
    ];
    for (output, name) in files {
        screen.output(output, absolute(&out.join(name)).display());
    }
}

/// Later steps may have another working directory.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
