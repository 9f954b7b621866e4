//! Annotations of a report, for a step of GitHub Actions and for a check run.

use std::path::Path;

use crate::{
    ci::{
        github,
        workflow::{Annotation, Level},
    },
    report::{
        PlanReport,
        annotations::{self, AnnotationLevel, Folders},
    },
};

/// Most annotations: GitHub keeps ten of a level per step, and fifty of all steps of a job.
const MOST_ANNOTATIONS: usize = 10;

/// The annotations of a report, most useful first. Their files are relative to the workspace.
pub(crate) fn of_report(report: &PlanReport, workspace: Option<&Path>) -> Vec<Annotation> {
    let here = std::env::current_dir().unwrap_or_default();
    let folders = Folders {
        workspace: &workspace.unwrap_or(&here).to_string_lossy(),
        working: &here.to_string_lossy(),
    };
    let findings = annotations::annotations(report, folders, MOST_ANNOTATIONS);
    let findings = findings.into_iter().map(|finding| Annotation {
        level: match finding.level {
            AnnotationLevel::Error => Level::Error,
            AnnotationLevel::Warning => Level::Warning,
        },
        title: finding.title,
        message: finding.message,
        file: finding.file,
        line: finding.line,
    });
    findings.collect()
}

/// The same annotation in a check run, which takes only those with a file.
pub(super) fn in_check_run(annotation: Annotation) -> Option<github::CheckAnnotation> {
    let line = annotation.line.unwrap_or(1);
    Some(github::CheckAnnotation {
        path: annotation.file?,
        start_line: line,
        end_line: line,
        level: match annotation.level {
            Level::Error => github::CheckAnnotationLevel::Failure,
            Level::Warning => github::CheckAnnotationLevel::Warning,
            Level::Notice => github::CheckAnnotationLevel::Notice,
        },
        title: Some(annotation.title),
        message: annotation.message,
        raw_details: None,
    })
}
