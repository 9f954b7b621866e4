//! Why an execution or attempt did not pass, according to its records. The texts are raw: surfaces clean them.

use crate::model::{
    CaseResult, Outcome,
    outcome::{CaseVerdict, Trouble},
};

use super::{AttemptReport, Cases, ReportEntry, earlier_try::EarlierTry};

/// Replaces the message of a failure for which the tool reported none.
pub(super) const NO_MESSAGE: &str = "no message";

/// The reported reason, collected once for all surfaces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FailureDetails<'a> {
    /// Message and details, if it could not run.
    pub(super) error: Option<(&'a str, &'a str)>,
    cases: Option<&'a Cases>,
    /// The end of the captured output.
    pub(super) output: &'a str,
    /// File of the whole output.
    pub(super) log: Option<&'a str>,
}

impl<'a> FailureDetails<'a> {
    /// From the counted attempt, or from the service if it abandoned the execution.
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

    /// The message of an error, or the first line of a failure; empty if nothing was reported.
    pub(super) fn message(&self) -> &'a str {
        self.error.map_or_else(
            || {
                self.cases()
                    .find_map(|(_, it)| it.first_line())
                    .unwrap_or_default()
            },
            |(message, _)| message,
        )
    }

    pub(super) fn details(&self) -> &'a str {
        self.error.map_or("", |(_, details)| details)
    }

    /// The kept cases that failed or broke, in order.
    pub(super) fn cases(&self) -> impl Iterator<Item = (&'a CaseResult, &'a Trouble)> + use<'a> {
        let noted = self.cases.map_or(&[][..], Cases::noted).iter();
        noted.filter_map(|case| Some((case, case.verdict.trouble()?)))
    }

    /// Why the first case that is flaky failed before it passed, if the tool reported that.
    pub(super) fn earlier_try(&self) -> Option<EarlierTry<'a>> {
        let noted = self.cases.map_or(&[][..], Cases::noted).iter();
        let mut flaky = noted.filter(|it| it.verdict == CaseVerdict::Passed { flaky: true });
        EarlierTry::of_output(&flaky.next()?.output)
    }

    /// How many cases failed or broke, kept or not.
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
