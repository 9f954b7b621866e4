//! The outcome of one execution under one lease, and what the worker does next.

use std::{path::PathBuf, time::Duration};

use crate::model::{
    CaseCounts, CaseResult, ExecutionId, Outcome, ServerTrouble, millis, outcome::Trouble,
    record::RecordEvent,
};

/// An attempt that ended.
#[derive(Debug)]
pub struct Attempt {
    /// The outcome of the execution.
    pub outcome: Outcome,
    /// From start to end of its process.
    pub duration: Duration,
    /// Cases of its result files.
    pub cases: Vec<CaseResult>,
    /// How many more cases the files have.
    pub not_kept: CaseCounts,
    /// Its captured output, relative to the `--out` folder.
    pub log: Option<String>,
    /// The last lines of the output, unless it passed.
    pub output_tail: String,
    /// Its results folder, if the tool ran in it.
    pub results: Option<PathBuf>,
    /// The trouble with the server of the reservation, for the service.
    pub server_trouble: Option<ServerTrouble>,
    /// What the worker does next.
    pub disposition: Disposition,
}

/// What the worker does with an execution that ended, and afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Disposition {
    /// Report the outcome and go on.
    #[default]
    Report,
    /// Report the outcome, then leave: no server is left that could run the tests.
    ReportAndLeave {
        /// Which server is gone, and that no other fits.
        reason: String,
    },
    /// The test did not run, and nothing is known against it: release the execution uncounted, pause, and go on.
    Release {
        /// What went wrong, such as a server that is gone or a process that another test ended, and what happens next.
        reason: String,
        /// How long to wait before the next reservation.
        pause: Option<Duration>,
        /// Whether it should next run by itself, because it may be the one that ended the process.
        alone: bool,
    },
    /// The test did not run, because this machine cannot start the tool: release the execution for another machine. After
    /// several in a row the worker leaves. Where no other machine can come, the outcome is reported instead.
    NotStarted {
        /// Why.
        reason: String,
    },
}

impl Attempt {
    /// Why the test failed, as far as its result files say: a line of the first case that did not pass.
    pub(crate) fn failure(&self) -> &str {
        let mut troubles = self.cases.iter().filter_map(|case| case.verdict.trouble());
        troubles.find_map(Trouble::first_line).unwrap_or_default()
    }

    /// An execution that had no process.
    pub(crate) fn without_process(duration: Duration, outcome: Outcome) -> Self {
        Self {
            outcome,
            duration,
            cases: Vec::new(),
            not_kept: CaseCounts::default(),
            log: None,
            output_tail: String::new(),
            results: None,
            server_trouble: None,
            disposition: Disposition::Report,
        }
    }

    /// An execution that could not run, because of its test or its settings.
    pub fn could_not_run(duration: Duration, what: &str, details: &str) -> Self {
        let outcome = Outcome::ExecutionError {
            message: format!("{what}: {details}"),
            details: String::new(),
        };
        Self::without_process(duration, outcome)
    }

    /// An execution that could not run, because of this machine.
    pub(crate) fn not_started(duration: Duration, what: &str, details: &str) -> Self {
        Self {
            disposition: Disposition::NotStarted {
                reason: format!("{what}: {details}"),
            },
            ..Self::could_not_run(duration, what, details)
        }
    }

    /// Whether the outcome is one to report: the execution came to its end here.
    pub(crate) fn is_result(&self) -> bool {
        self.disposition == Disposition::Report
            && matches!(
                self.outcome,
                Outcome::Completed { .. } | Outcome::ExecutionError { .. }
            )
    }

    /// The record of its end. Moves the cases and the output into it.
    pub(super) fn take_ended_event(&mut self, execution: ExecutionId) -> RecordEvent {
        RecordEvent::Ended {
            execution,
            outcome: self.outcome.clone(),
            duration_ms: millis(self.duration),
            cases: std::mem::take(&mut self.cases),
            not_kept: std::mem::take(&mut self.not_kept),
            log: self.log.take(),
            output_tail: std::mem::take(&mut self.output_tail),
        }
    }
}
