//! What an execution or attempt is shown as: one word, one symbol, one class for each, so that no colour stands alone.

use crate::{
    model::{Outcome, record::Confirmation},
    report::{AttemptEnd, AttemptReport, EntryStatus, ReportEntry},
};

use super::markup::Markup;

/// A way to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// CSS class, and the word of filters.
    pub(super) class: &'static str,
    /// Symbol, hidden from screen readers.
    pub(super) symbol: &'static str,
    /// Word that always goes with it.
    pub(super) word: &'static str,
}

const fn look(class: &'static str, symbol: &'static str, word: &'static str) -> Look {
    Look {
        class,
        symbol,
        word,
    }
}

pub(super) const FAILED: Look = look("failed", "✗", "failed");
pub(super) const ERROR: Look = look("error", "!", "could not run");
pub(super) const MISSING: Look = look("missing", "?", "missing");
pub(super) const FLAKY: Look = look("flaky", "≈", "flaky");
pub(super) const RECOVERED: Look = look("recovered", "↻", "recovered");
pub(super) const SKIPPED: Look = look("skipped", "–", "skipped");
pub(super) const PASSED: Look = look("passed", "✓", "passed");
pub(super) const LOST: Look = look("lost", "✂", "lost");
pub(super) const BACK: Look = look("back", "↩", "given back");

/// How a status looks.
pub(super) fn status(status: EntryStatus) -> Look {
    match status {
        EntryStatus::Passed => PASSED,
        EntryStatus::Skipped => SKIPPED,
        EntryStatus::Failed => FAILED,
        EntryStatus::CouldNotRun => ERROR,
        EntryStatus::Missing => MISSING,
    }
}

/// What an execution is listed under. The order is that of importance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Failed,
    Error,
    Missing,
    Flaky,
    Recovered,
    /// A result without trouble, but with something to know about how it came.
    Noted,
    Skipped,
    Passed,
}

impl Kind {
    /// All of them, in order.
    pub(super) const ALL: [Self; 8] = [
        Self::Failed,
        Self::Error,
        Self::Missing,
        Self::Flaky,
        Self::Recovered,
        Self::Noted,
        Self::Skipped,
        Self::Passed,
    ];

    pub(super) fn of(entry: &ReportEntry) -> Self {
        match entry.status {
            EntryStatus::Failed => Self::Failed,
            EntryStatus::CouldNotRun => Self::Error,
            EntryStatus::Missing => Self::Missing,
            _ if entry.flaky => Self::Flaky,
            _ if entry.recovered => Self::Recovered,
            _ if !entry.explanations.is_empty() => Self::Noted,
            EntryStatus::Skipped => Self::Skipped,
            EntryStatus::Passed => Self::Passed,
        }
    }

    /// How its section looks, what it is about, and what it means; `None` for what has no section.
    pub(super) fn section(self) -> Option<(Look, &'static str, &'static str)> {
        match self {
            Self::Failed => Some((
                FAILED,
                "Failed",
                "The test ran and says that the product is wrong.",
            )),
            Self::Error => Some((
                ERROR,
                "Could not run",
                "Not test failures: machine, command, licence or time limit kept these from a result.",
            )),
            Self::Missing => Some((
                MISSING,
                "Missing",
                "Planned, but without a counted result. Nothing is known about the product here.",
            )),
            Self::Flaky => Some((FLAKY, "Flaky", "Passed, after the same test failed.")),
            Self::Recovered => Some((
                RECOVERED,
                "Recovered",
                "A worker or lease was lost on the way; another attempt brought the result.",
            )),
            Self::Noted => Some((
                look("noted", "·", "noted"),
                "Worth knowing",
                "These have their result, in an unusual way.",
            )),
            Self::Skipped | Self::Passed => None,
        }
    }
}

/// How an attempt looks, whatever became of the execution.
pub(super) fn attempt(attempt: &AttemptReport) -> Look {
    match &attempt.end {
        AttemptEnd::Killed => Look {
            word: "worker killed",
            ..LOST
        },
        AttemptEnd::Unsaid => Look {
            word: "left without a word",
            ..LOST
        },
        AttemptEnd::GivenBack { .. } => BACK,
        AttemptEnd::Ended(ended) => match (&ended.outcome, &attempt.confirmation) {
            (Outcome::LeaseLost, _) => Look {
                word: "lease lost",
                ..LOST
            },
            (Outcome::Cancelled, _) => Look {
                word: "cancelled",
                ..BACK
            },
            (_, Some(Confirmation::NotCounted { .. })) => Look {
                word: "came too late",
                ..LOST
            },
            (Outcome::Completed { result: None }, _) => Look {
                word: "no verdict",
                ..MISSING
            },
            (outcome, _) => status(EntryStatus::of(outcome)),
        },
    }
}

/// Whether an execution belongs to a filter, as words of an attribute.
pub(super) fn filters(page: &mut Markup, entry: &ReportEntry) {
    page.raw(" data-s=\"").raw(entry.status.word());
    if entry.flaky {
        page.raw(" flaky");
    }
    if entry.recovered {
        page.raw(" recovered");
    }
    page.raw("\"");
}
