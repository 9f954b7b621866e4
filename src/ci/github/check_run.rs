//! The content of a check run.

use serde::Serialize;

/// Most annotations that are sent.
pub(crate) const MOST_ANNOTATIONS: usize = 500;

/// The content of a check run. Texts are cut to GitHub's limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    /// The name in the page and in branch rules; a status must not have the same.
    pub name: String,
    /// Identifies the check run among those of the same name. One with the same id is changed, others are left alone.
    pub external_id: String,
    /// Whether it has completed.
    pub state: CheckState,
    /// One line above the summary.
    pub title: String,
    /// Markdown, at most [`super::LARGEST_TEXT`] bytes.
    pub summary: String,
    /// More Markdown, at most [`super::LARGEST_TEXT`] bytes.
    pub text: Option<String>,
    /// The first [`MOST_ANNOTATIONS`] are sent. GitHub cannot remove annotations, so an updated check run must have its earlier
    /// ones at the same positions.
    pub annotations: Vec<CheckAnnotation>,
}

/// Whether a check run has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckState {
    /// Running.
    InProgress,
    /// Completed.
    Completed(CheckConclusion),
}

/// The conclusion of a check run. GitHub's `neutral` and `skipped` count as passed, so they are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckConclusion {
    /// Passed.
    Success,
    /// Failed, or not known; does not meet a branch rule.
    Failure,
    /// Cancelled.
    Cancelled,
    /// Timed out.
    TimedOut,
    /// A person has to act first.
    ActionRequired,
}

/// A note on lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckAnnotation {
    /// The file, from the root of the repository.
    pub path: String,
    /// The first line, from 1.
    pub start_line: u32,
    /// The last line, from 1.
    pub end_line: u32,
    /// Its level.
    pub level: CheckAnnotationLevel,
    /// One line, at most 255 characters.
    pub title: Option<String>,
    /// At most 64 KB.
    pub message: String,
    /// Details, collapsed in the page. At most 64 KB.
    pub raw_details: Option<String>,
}

/// The level of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckAnnotationLevel {
    /// Notice.
    Notice,
    /// Warning.
    Warning,
    /// Failure.
    Failure,
}
