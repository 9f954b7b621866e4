//! What a worker writes down: one line of JSON per event, in a file of its own.
//!
//! The vendor's API returns no verdict per test and lists no executions, so records are what every report is made
//! of. They are versioned, flushed as things happen, and readable after a crash (a torn last line is skipped).

use serde::{Deserialize, Serialize};

use super::{
    Capabilities, CaseCounts, CaseResult, DiscoveryAccount, ExecutionId, Outcome, PlanId,
    PlanStatus, ServerTrouble, Test, Timestamp, VerdictPolicy,
};

/// The version this build writes and reads.
pub const RECORD_VERSION: u32 = 1;

/// One line of a record file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Format version: [`RECORD_VERSION`].
    pub v: u32,
    /// When, by the worker's wall clock.
    pub at: Timestamp,
    /// Which worker: unique among all workers of a plan, as `runner-7/1`.
    pub worker: String,
    /// What happened.
    #[serde(flatten)]
    pub event: RecordEvent,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RecordEvent {
    /// A worker process began on a plan. First line of every file.
    Began {
        /// The plan.
        plan: PlanId,
        /// Its title.
        title: String,
        /// Its project.
        project: String,
        /// Its batch.
        batch: String,
        /// What the worker offers.
        capabilities: Capabilities,
        /// How far the plan was: its total is what must be reported in the end.
        status: PlanStatus,
        /// testplan's version.
        version: String,
        /// How far the service's clock was ahead of this machine's, in milliseconds, where the service told its time. With
        /// it the times of several machines are compared by one clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock_ahead_ms: Option<i64>,
        /// The address of the plan's page for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page_url: Option<String>,
    },
    /// The process runs its tests in a checkout. Follows `Began`; absent where there is none.
    CheckedOut(Checkout),
    /// What there is to run, where the service can list it: names what is missing in the end.
    Planned {
        /// Every execution of the plan.
        executions: Vec<PlannedExecution>,
    },
    /// What became of the lines of the listings that the plan was made of.
    Discovered {
        /// Each line: taken, left out or a duplicate.
        account: DiscoveryAccount,
    },
    /// Which results decide, according to the testplan.yml of this process. Absent where it is silent.
    Policy {
        /// What it says, with the quarantine file in it.
        policy: Box<VerdictPolicy>,
    },
    /// An execution was reserved: an attempt begins.
    Reserved {
        /// Which.
        execution: ExecutionId,
        /// Its test.
        #[serde(flatten)]
        test: Test,
        /// What it needs, where the service says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        required: Option<Capabilities>,
        /// Number of this attempt, where the service says (1 is the first).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        /// First characters of the lease, to tell attempts apart.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease: Option<String>,
        /// `host:port` of the Squish server that came with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        squish_server: Option<String>,
    },
    /// Its process was started.
    Started {
        /// Which execution.
        execution: ExecutionId,
        /// The process.
        pid: u32,
    },
    /// Its test tool left files, which may be uploaded. Written before its end.
    Results {
        /// Which execution.
        execution: ExecutionId,
        /// Their folder, relative to the record's folder's parent (the `--out` folder). No other attempt has it.
        folder: String,
    },
    /// The upload of its results begins: from here on they may have been accepted.
    Uploading {
        /// Which execution.
        execution: ExecutionId,
        /// Their folder, as above.
        folder: String,
    },
    /// Its results were accepted.
    Uploaded {
        /// Which execution.
        execution: ExecutionId,
        /// Their folder, as above.
        folder: String,
        /// How many files travelled.
        files: u64,
        /// How many bytes.
        bytes: u64,
    },
    /// Its results were not accepted.
    NotUploaded {
        /// Which execution.
        execution: ExecutionId,
        /// Their folder, as above.
        folder: String,
        /// Why, in words.
        reason: String,
        /// They may have been accepted all the same.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unclear: bool,
    },
    /// The attempt ended. Written before the result goes to the service.
    Ended {
        /// Which execution.
        execution: ExecutionId,
        /// What became of it.
        outcome: Outcome,
        /// From start to end, in milliseconds.
        duration_ms: u64,
        /// Cases of the result files, if any; at most [`MAX_CASES`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cases: Vec<CaseResult>,
        /// How many cases the result files have beside these, where there were more than are kept.
        #[serde(default, skip_serializing_if = "CaseCounts::is_empty")]
        not_kept: CaseCounts,
        /// Captured output, relative to the record's folder's parent (the `--out` folder).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        log: Option<String>,
        /// Last lines of the output of an attempt that did not pass, cut to a bound.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        output_tail: String,
    },
    /// The service answered the result: from here on it counts, or never will.
    Confirmed {
        /// Which execution.
        execution: ExecutionId,
        /// Whether it counts.
        answer: Confirmation,
    },
    /// The lease was given back unfinished.
    Released {
        /// Which execution.
        execution: ExecutionId,
        /// What was wrong with its Squish server, if that was why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server_trouble: Option<ServerTrouble>,
    },
    /// A failed or errored execution was opened again for another try.
    Reset {
        /// Which execution.
        execution: ExecutionId,
    },
    /// The workers gave up waiting for a Squish server, because none could come to them. `Left` follows.
    Starved {
        /// What it had to have: all that they offer.
        wanted: Capabilities,
        /// Why there was none, in words.
        reason: String,
    },
    /// The worker process left. A file without it belongs to a worker that was killed.
    Left {
        /// Why, in words.
        reason: String,
        /// How far the plan was, where it could be asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<PlanStatus>,
    },
}

/// The commit that tests run at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Checkout {
    /// The commit, as a whole hash.
    pub commit: String,
    /// The commit that a result counts for as well: of the merge that GitHub makes of a pull request, the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<String>,
}

impl Checkout {
    /// Whether a result of this checkout is one of `commit`, which may be shortened.
    pub fn is_of(&self, commit: &str) -> bool {
        let same = |whole: &str| {
            whole.len() >= commit.len()
                && whole.is_char_boundary(commit.len())
                && whole[..commit.len()].eq_ignore_ascii_case(commit)
        };
        !commit.is_empty() && (same(&self.commit) || self.stands_for.as_deref().is_some_and(same))
    }
}

/// Most cases kept of one execution's result files.
pub const MAX_CASES: usize = 10_000;

/// An execution that a plan was started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedExecution {
    /// Its number.
    pub execution: ExecutionId,
    /// Its test.
    #[serde(flatten)]
    pub test: Test,
    /// What it needs.
    #[serde(default)]
    pub required: Capabilities,
}

/// What the service said of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Confirmation {
    /// It counts.
    Counted,
    /// It does not: the lease was lost before it arrived.
    NotCounted {
        /// The service's words.
        reason: String,
    },
    /// The service could not be reached in time.
    Undelivered {
        /// What was tried.
        reason: String,
    },
}
