//! What a report says of one execution and of each attempt on it.

use crate::model::{
    Capabilities, CaseCounts, ExecutionId, Outcome, ServerTrouble, Test, TestResult, Timestamp,
    record::Confirmation,
};

use super::{Cases, EntryStatus, Explanation};

/// One planned execution with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportEntry {
    /// Its number.
    pub execution: ExecutionId,
    /// Its test; an empty suite and `execution N` where nobody says.
    pub test: Test,
    /// What it needs, where anybody says.
    pub required: Option<Capabilities>,
    /// All attempts, in order.
    pub attempts: Vec<AttemptReport>,
    /// Where it stands.
    pub status: EntryStatus,
    /// Why the service gave it up by itself, where it did.
    pub service_only: Option<ServiceResult>,
    /// It passed after it failed: in an earlier generation, or within the attempt by the word of the test tool.
    pub flaky: bool,
    /// An attempt was lost or could not run, and a later one ran to its end.
    pub recovered: bool,
    /// What is worth knowing about how it came to stand so.
    pub explanations: Vec<Explanation>,
}

impl ReportEntry {
    /// The attempt whose result counts.
    pub fn counted(&self) -> Option<&AttemptReport> {
        self.attempts
            .iter()
            .find(|attempt| attempt.counting == Counting::Counts)
    }

    /// Whether the results that count should have been uploaded and did not get in.
    pub fn not_uploaded(&self) -> bool {
        self.counted()
            .is_some_and(|attempt| attempt.not_uploaded.is_some())
    }

    /// What is said of cases that were counted and not kept.
    pub fn cases_not_kept(&self) -> Option<&Explanation> {
        self.explanations
            .iter()
            .find(|it| matches!(it, Explanation::CasesNotKept { .. }))
    }

    /// Attempts that counted until a reset, in order.
    pub fn earlier(&self) -> impl Iterator<Item = &AttemptReport> {
        self.attempts
            .iter()
            .filter(|attempt| attempt.counting == Counting::UntilReset)
    }

    /// How long the counted attempt took, in milliseconds.
    pub fn duration_ms(&self) -> Option<u64> {
        match self.counted() {
            Some(attempt) => attempt.duration_ms(),
            None => self.service_only.as_ref().and_then(|it| it.duration_ms),
        }
    }

    /// What it is run under: what it needs, else what the worker of the counted or last attempt offers.
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
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
}

/// One lease on an execution, as its worker wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    /// The worker.
    pub worker: String,
    /// What it offered.
    pub capabilities: Capabilities,
    /// `host:port` of the Squish server that came with it.
    pub squish_server: Option<String>,
    /// Its number by the service's word, 1 for the first.
    pub number: Option<u32>,
    /// First characters of the lease.
    pub lease: Option<String>,
    /// When it was reserved, by the worker's clock.
    pub reserved: Timestamp,
    /// When its process was started.
    pub started: Option<Timestamp>,
    /// How it ended.
    pub end: AttemptEnd,
    /// What was wrong with the Squish server, if that is why the lease was given back.
    pub server_trouble: Option<ServerTrouble>,
    /// What the service said of the result.
    pub confirmation: Option<Confirmation>,
    /// When it said so.
    pub confirmed: Option<Timestamp>,
    /// Whether its result counts.
    pub counting: Counting,
    /// Where its results are, below the `--out` folder, if its tool left any.
    pub results: Option<String>,
    /// Why its results did not get in, if they were to be uploaded and did not.
    pub not_uploaded: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// With an outcome.
    Ended(Box<EndedAttempt>),
    /// The lease was given back.
    GivenBack {
        /// When.
        at: Timestamp,
    },
    /// Its worker stopped without reporting a result.
    Unsaid,
    /// Its worker's record has no end: the worker was killed.
    Killed,
}

/// The end that a worker wrote down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedAttempt {
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
    /// From start to end, in milliseconds.
    pub duration_ms: u64,
    /// Cases of the result files.
    pub cases: Cases,
    /// How many cases they have beside these.
    pub not_kept: CaseCounts,
    /// Where the captured output is.
    pub log: Option<String>,
    /// Last lines of it, if it did not pass.
    pub output_tail: String,
}

/// Whether the result of an attempt counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// It is the execution's result.
    Counts,
    /// It was, until the execution was reset.
    UntilReset,
    /// It is not: no result, lost, late or never confirmed.
    Not,
}

impl AttemptReport {
    /// The end with an outcome, if it had one.
    pub fn ended(&self) -> Option<&EndedAttempt> {
        match &self.end {
            AttemptEnd::Ended(ended) => Some(ended),
            AttemptEnd::GivenBack { .. } | AttemptEnd::Unsaid | AttemptEnd::Killed => None,
        }
    }

    /// What became of it, by its worker's word.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.ended().map(|ended| &ended.outcome)
    }

    /// What the test said, if it ran.
    pub fn result(&self) -> Option<TestResult> {
        match self.outcome()? {
            Outcome::Completed { result } => *result,
            Outcome::ExecutionError { .. } | Outcome::LeaseLost | Outcome::Cancelled => None,
        }
    }

    /// How many cases its result files have.
    pub fn case_counts(&self) -> CaseCounts {
        self.ended().map_or_else(CaseCounts::default, |ended| {
            ended.not_kept.plus(ended.cases.counts())
        })
    }

    /// How long it took, in milliseconds.
    pub fn duration_ms(&self) -> Option<u64> {
        self.ended().map(|ended| ended.duration_ms)
    }

    /// When it was over, as far as anybody wrote it down.
    pub fn finished(&self) -> Option<Timestamp> {
        match &self.end {
            AttemptEnd::Ended(ended) => Some(ended.at),
            AttemptEnd::GivenBack { at } => Some(*at),
            AttemptEnd::Unsaid | AttemptEnd::Killed => None,
        }
    }

    /// The status that its outcome has if it counts.
    pub fn status(&self) -> EntryStatus {
        self.outcome().map_or(EntryStatus::Missing, EntryStatus::of)
    }
}
