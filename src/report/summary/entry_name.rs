//! How the summary writes the name of an execution, and how long its texts may be.

use crate::report::{ReportEntry, sanitise::markdown_text};

/// Longest name or cell, in bytes of its text.
pub(super) const MAX_NAME: usize = 300;
/// Longest message, in bytes of its text.
pub(super) const MAX_MESSAGE: usize = 1000;

/// Suite, case and labels.
pub(super) fn entry_name(entry: &ReportEntry) -> String {
    let name = markdown_text(&entry.name(), 2 * MAX_NAME);
    match entry.required.as_ref().filter(|labels| !labels.is_empty()) {
        Some(labels) => format!("{name} ({})", markdown_text(&labels.to_string(), MAX_NAME)),
        None => name,
    }
}
