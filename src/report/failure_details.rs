//! Why an execution or attempt did not pass, as its records report it. The texts are raw: surfaces clean them.

use crate::model::{
    CaseResult, Outcome,
    outcome::{CaseVerdict, Trouble},
};

use super::{AttemptReport, Cases, ReportEntry};

/// Stands for the line of a failure of which the tool reported nothing.
pub(super) const NO_MESSAGE: &str = "no message";

/// The reported reason, collected once for every surface.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FailureDetails<'a> {
    /// Message and details of an execution that could not run.
    pub(super) error: Option<(&'a str, &'a str)>,
    cases: Option<&'a Cases>,
    /// The last lines of the captured output.
    pub(super) output: &'a str,
    /// Where the whole output is.
    pub(super) log: Option<&'a str>,
}

impl<'a> FailureDetails<'a> {
    /// Of the counted attempt, or of the service if it gave the execution up by itself.
    pub(super) fn of_entry(entry: &'a ReportEntry) -> Self {
        match (entry.counted(), &entry.service_only) {
            (Some(attempt), _) => Self::of_attempt(attempt),
            (None, Some(service)) => Self {
                error: error_in(&service.outcome),
                ..Self::default()
            },
            (None, None) => Self::default(),
        }
    }

    pub(super) fn of_attempt(attempt: &'a AttemptReport) -> Self {
        attempt.ended().map_or_else(Self::default, |ended| Self {
            error: error_in(&ended.outcome),
            cases: Some(&ended.cases),
            output: &ended.output_tail,
            log: ended.log.as_deref(),
        })
    }

    /// One line, or the message of an error; empty if nothing was reported.
    pub(super) fn message(&self) -> &'a str {
        self.error.map_or_else(
            || {
                self.cases()
                    .find_map(|(_, it)| first_line(it))
                    .unwrap_or_default()
            },
            |(message, _)| message,
        )
    }

    pub(super) fn details(&self) -> &'a str {
        self.error.map_or("", |(_, details)| details)
    }

    /// The noted cases that failed or broke, in order.
    pub(super) fn cases(&self) -> impl Iterator<Item = (&'a CaseResult, &'a Trouble)> {
        let noted = self.cases.map_or(&[][..], Cases::noted).iter();
        noted.filter_map(|case| match &case.verdict {
            CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) => Some((case, trouble)),
            CaseVerdict::Passed { .. } | CaseVerdict::Skipped { .. } => None,
        })
    }

    /// How many cases failed or broke, noted or not.
    pub(super) fn case_count(&self) -> usize {
        self.cases.map_or(0, |cases| cases.counts().troubled())
    }
}

fn error_in(outcome: &Outcome) -> Option<(&str, &str)> {
    match outcome {
        Outcome::ExecutionError { message, details } => Some((message, details)),
        Outcome::Completed { .. } | Outcome::LeaseLost | Outcome::Cancelled => None,
    }
}

/// The first line with words in it: of the message, else of the text, else the kind.
pub(super) fn first_line(trouble: &Trouble) -> Option<&str> {
    [&trouble.message, &trouble.text, &trouble.kind]
        .into_iter()
        .find_map(|text| text.lines().find(|line| !line.trim().is_empty()))
}
