//! Plans and their executions.

use serde::{Deserialize, Serialize};

use super::{Capabilities, ExecutionId, PlanId, TestId, Timestamp};

/// Whether a plan can be started or has been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlanKind {
    /// What a plan is started from.
    Template,
    /// A started plan.
    Instance,
}

/// A template or a started plan with its totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its number.
    pub id: PlanId,
    /// Template or instance.
    pub kind: PlanKind,
    /// The project it belongs to.
    pub project: String,
    /// Its title; the look-up is by project and title.
    pub title: String,
    /// Free text.
    pub description: String,
    /// Groups the results; empty for a template.
    pub batch: String,
    /// Tags given by its author.
    pub tags: Vec<String>,
    /// Revisions linked when it was started.
    pub repositories: Vec<LinkedRepository>,
    /// When it may start, if that was asked for.
    pub planned: Option<Timestamp>,
    /// The service's clock when it answered.
    pub server_time: Timestamp,
    /// Executions whose counted result passed.
    pub passes: u64,
    /// Executions whose counted result failed.
    pub failed: u64,
    /// Executions whose counted result was a skip.
    pub skipped: u64,
    /// How many executions it has, where the service is ours. Test Center may say 0 for a fresh plan: use the status.
    pub count: u64,
    /// The address of its page for people, where the service says one.
    pub page_url: Option<String>,
}

impl Plan {
    /// How many results it has.
    pub fn results(&self) -> u64 {
        self.passes + self.failed + self.skipped
    }

    /// How far the service's clock was ahead of ours, in milliseconds, if the answer came at `now`. `None` where the service
    /// told no time.
    pub fn clock_ahead_ms(&self, now: Timestamp) -> Option<i64> {
        (self.server_time.0 > 0).then(|| self.server_time.0.saturating_sub(now.0))
    }

    /// Whether it was started with a time and revisions: then Test Center runs its tests itself.
    pub fn is_handed_over(&self) -> bool {
        self.kind == PlanKind::Instance && self.planned.is_some() && !self.repositories.is_empty()
    }
}

/// A revision of a repository that a plan was started for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedRepository {
    /// Number of the repository in Test Center's settings.
    pub id: i64,
    /// A branch name or a commit hash.
    pub branch: String,
}

/// How far a plan is. Counts of executions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStatus {
    /// Waiting for a worker; a reservation whose lease ended counts as open.
    pub open: u64,
    /// In the hands of a worker.
    pub reserved: u64,
    /// With a counted result.
    pub done: u64,
}

impl PlanStatus {
    /// All executions it speaks of.
    pub fn total(self) -> u64 {
        self.open + self.reserved + self.done
    }

    /// Whether nothing is left to do.
    pub fn is_drained(self) -> bool {
        self.open == 0 && self.reserved == 0
    }
}

impl std::iter::Sum for PlanStatus {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            open: sum.open + one.open,
            reserved: sum.reserved + one.reserved,
            done: sum.done + one.done,
        })
    }
}

/// What a test is called.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Test {
    /// The suite, as a file or a `suite_…` folder.
    pub suite: String,
    /// The test case in it.
    pub testcase: String,
}

impl std::fmt::Display for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} / {}", self.suite, self.testcase)
    }
}

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExecutionState {
    /// Waiting for a worker.
    Open,
    /// Under a lease.
    Reserved,
    /// With a counted result.
    Done,
}

/// An execution as our service lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Its number.
    pub id: ExecutionId,
    /// The test it runs.
    pub test: Test,
    /// The test's number.
    pub test_id: TestId,
    /// What it needs.
    pub required: Capabilities,
    /// Where it stands.
    pub state: ExecutionState,
    /// How many leases were given on it.
    pub attempts: u32,
    /// How often it was reset.
    pub generation: u32,
    /// Its counted result, once done.
    pub outcome: Option<super::Outcome>,
    /// Why the test failed, in a line, if it did and its worker said why.
    pub failure: Option<String>,
    /// How long the counted attempt took by its worker's word, in milliseconds.
    pub duration_ms: Option<u64>,
    /// How long earlier runs of the test took on average when the plan started, in milliseconds, if there were any.
    pub expected_ms: Option<u64>,
}
