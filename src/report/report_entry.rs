//! One execution of a report, and its attempts.

use crate::model::{
    Capabilities, CaseCounts, ExecutionId, Outcome, ServerTrouble, Test, TestResult, Timestamp,
    record::Confirmation,
};

use super::{Cases, EntryStatus, Explanation, deciding::Ruling};

/// A planned execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportEntry {
    pub execution: ExecutionId,
    /// An empty suite and `execution N` if neither records nor service name the test.
    pub test: Test,
    /// The required capabilities, if a record or the service has them.
    pub required: Option<Capabilities>,
    pub attempts: Vec<AttemptReport>,
    pub status: EntryStatus,
    /// The outcome that the service itself gave it, if no worker did.
    pub service_only: Option<ServiceResult>,
    /// It passed after a failure, in an earlier generation or within the attempt according to the test tool.
    pub flaky: bool,
    /// A later attempt completed after one was lost or could not run.
    pub recovered: bool,
    /// How it got its status, if that was unusual.
    pub explanations: Vec<Explanation>,
    /// Whether its result counts for the conclusion, if that is not plain.
    pub ruling: Ruling,
}

impl ReportEntry {
    pub fn counted(&self) -> Option<&AttemptReport> {
        self.attempts
            .iter()
            .find(|attempt| attempt.counting == Counting::Counts)
    }

    /// Who cancelled it and why, if that ended it.
    pub fn cancelled(&self) -> Option<&str> {
        let service = self.service_only.as_ref()?;
        service.outcome.cancelled()
    }

    /// Whether its counted results should have been uploaded and were not.
    pub fn not_uploaded(&self) -> bool {
        self.counted()
            .is_some_and(|attempt| attempt.not_uploaded.is_some())
    }

    /// The explanation about cases that were counted and not kept.
    pub fn cases_not_kept(&self) -> Option<&Explanation> {
        self.explanations
            .iter()
            .find(|it| matches!(it, Explanation::CasesNotKept { .. }))
    }

    /// The cases of the attempt that counts, if it has any.
    pub(super) fn counted_cases(&self) -> Option<&Cases> {
        let ended = self
            .counted()
            .filter(|_| self.status != EntryStatus::Missing)
            .and_then(AttemptReport::ended);
        ended.map(|ended| &ended.cases).filter(|it| !it.is_empty())
    }

    /// Whether the result of the execution can be seen from its cases.
    pub(super) fn cases_show_result(&self) -> bool {
        let Some(cases) = self.counted_cases() else {
            return false;
        };
        match self.status {
            EntryStatus::CouldNotRun | EntryStatus::Missing => false,
            EntryStatus::Failed => cases.counts().troubled() > 0,
            EntryStatus::Passed | EntryStatus::Skipped => true,
        }
    }

    /// The attempts that counted until a reset, in order.
    pub fn earlier(&self) -> impl Iterator<Item = &AttemptReport> {
        self.attempts
            .iter()
            .filter(|attempt| attempt.counting == Counting::UntilReset)
    }

    /// Duration of the counted attempt.
    pub fn duration_ms(&self) -> Option<u64> {
        match self.counted() {
            Some(attempt) => attempt.duration_ms(),
            None => self.service_only.as_ref().and_then(|it| it.duration_ms),
        }
    }

    /// The required capabilities; if they are unknown, those of the worker of the counted or last attempt.
    pub fn labels(&self) -> Option<&Capabilities> {
        self.required.as_ref().or_else(|| {
            self.counted()
                .or_else(|| self.attempts.last())
                .map(|attempt| &attempt.capabilities)
        })
    }

    /// Suite and test case; the test case alone if it is in no suite.
    pub(super) fn name(&self) -> String {
        test_name(&self.test)
    }

    /// The explanations as one line.
    pub(super) fn explained(&self) -> String {
        let sentences: Vec<String> = self.explanations.iter().map(ToString::to_string).collect();
        sentences.join("; ")
    }
}

/// `suite / test case`, without the slash if the suite is empty.
pub(super) fn test_name(test: &Test) -> String {
    if test.suite.is_empty() {
        test.testcase.clone()
    } else {
        test.to_string()
    }
}

/// A result that only the service reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceResult {
    pub outcome: Outcome,
    pub duration_ms: Option<u64>,
}

/// One lease on an execution, according to its worker's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    pub worker: String,
    /// The capabilities of the worker.
    pub capabilities: Capabilities,
    /// Address of the Squish server that came with the lease.
    pub squish_server: Option<String>,
    /// Its number according to the service, from 1.
    pub number: Option<u32>,
    /// First characters of the lease.
    pub lease: Option<String>,
    /// Time of the reservation by the worker's clock.
    pub reserved: Timestamp,
    /// Start of its process.
    pub started: Option<Timestamp>,
    pub end: AttemptEnd,
    /// Set if trouble with the Squish server is why the lease was released.
    pub server_trouble: Option<ServerTrouble>,
    /// The service's answer to the result.
    pub confirmation: Option<Confirmation>,
    /// Time of that answer.
    pub confirmed: Option<Timestamp>,
    pub counting: Counting,
    /// Its results folder, relative to the `--out` folder.
    pub results: Option<String>,
    /// Why its results were not uploaded, if they should have been.
    pub not_uploaded: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    Ended(Box<EndedAttempt>),
    /// The worker released the lease.
    GivenBack {
        at: Timestamp,
    },
    /// The worker stopped without reporting a result.
    Unsaid,
    /// The worker's record has no end, because the worker was killed.
    Killed,
}

/// The end of an attempt according to its worker's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedAttempt {
    pub at: Timestamp,
    pub outcome: Outcome,
    pub duration_ms: u64,
    pub cases: Cases,
    /// Cases of the result files that the record does not keep.
    pub not_kept: CaseCounts,
    /// File of the captured output.
    pub log: Option<String>,
    /// The end of the output, unless the test passed.
    pub output_tail: String,
}

/// Whether the result of an attempt counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// It is the result of the execution.
    Counts,
    /// It was, until a reset.
    UntilReset,
    /// No result, or one that was lost, late or never confirmed.
    Not,
}

impl AttemptReport {
    pub fn ended(&self) -> Option<&EndedAttempt> {
        match &self.end {
            AttemptEnd::Ended(ended) => Some(ended),
            AttemptEnd::GivenBack { .. } | AttemptEnd::Unsaid | AttemptEnd::Killed => None,
        }
    }

    /// Its outcome according to the worker.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.ended().map(|ended| &ended.outcome)
    }

    /// The result of the test, if it ran.
    pub fn result(&self) -> Option<TestResult> {
        match self.outcome()? {
            Outcome::Completed { result } => *result,
            Outcome::ExecutionError { .. } | Outcome::LeaseLost | Outcome::Cancelled => None,
        }
    }

    /// All cases of its result files, kept or not.
    pub fn case_counts(&self) -> CaseCounts {
        self.ended().map_or_else(CaseCounts::default, |ended| {
            ended.not_kept.plus(ended.cases.counts())
        })
    }

    pub fn duration_ms(&self) -> Option<u64> {
        self.ended().map(|ended| ended.duration_ms)
    }

    /// The recorded time of its end.
    pub fn finished(&self) -> Option<Timestamp> {
        match &self.end {
            AttemptEnd::Ended(ended) => Some(ended.at),
            AttemptEnd::GivenBack { at } => Some(*at),
            AttemptEnd::Unsaid | AttemptEnd::Killed => None,
        }
    }

    /// The status of the execution if this attempt counts.
    pub fn status(&self) -> EntryStatus {
        self.outcome().map_or(EntryStatus::Missing, EntryStatus::of)
    }
}
