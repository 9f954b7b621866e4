//! Annotations of a report, for a step of GitHub Actions and for a check run.

use std::path::Path;

use crate::{
    ci::github,
    model::{Annotation, AnnotationLevel},
    report::{
        PlanReport,
        annotations::{self, Folders},
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
    annotations::annotations(report, folders, MOST_ANNOTATIONS)
}

/// The same annotation in a check run, which takes only those with a file.
pub(super) fn in_check_run(annotation: Annotation) -> Option<github::CheckAnnotation> {
    let line = annotation.line.unwrap_or(1);
    Some(github::CheckAnnotation {
        path: annotation.file?,
        start_line: line,
        end_line: line,
        level: match annotation.level {
            AnnotationLevel::Error => github::CheckAnnotationLevel::Failure,
            AnnotationLevel::Warning => github::CheckAnnotationLevel::Warning,
            AnnotationLevel::Notice => github::CheckAnnotationLevel::Notice,
        },
        title: Some(annotation.title),
        message: annotation.message,
        raw_details: None,
    })
}
