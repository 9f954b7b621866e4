//! How the summary writes the name of an execution, and how long its texts may be.

use crate::report::{ReportEntry, sanitise::markdown_text};

/// Longest name or cell, in bytes of its text.
pub(super) const MAX_NAME: usize = 300;
/// Longest message, in bytes of its text.
pub(super) const MAX_MESSAGE: usize = 1000;

/// Suite, case, labels, and how many tests it stands for.
pub(super) fn entry_name(entry: &ReportEntry) -> String {
    with_notes(entry, entry.tests_in_words())
}

/// The same in a list of `some` of its tests.
pub(super) fn name_with_tests(entry: &ReportEntry, some: u64) -> String {
    let total = entry.tests().total;
    let tests = (total > 1).then(|| {
        if some == total {
            format!("{total} tests")
        } else {
            format!("{some} of {total} tests")
        }
    });
    with_notes(entry, tests)
}

fn with_notes(entry: &ReportEntry, tests: Option<String>) -> String {
    let name = markdown_text(&entry.name(), 2 * MAX_NAME);
    let labels = entry.required.as_ref().filter(|labels| !labels.is_empty());
    let labels = labels.map(|labels| markdown_text(&labels.to_string(), MAX_NAME));
    let notes: Vec<String> = labels.into_iter().chain(tests).collect();
    if notes.is_empty() {
        name
    } else {
        format!("{name} ({})", notes.join("; "))
    }
}
