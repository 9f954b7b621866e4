//! What the pages for people read beyond the API: plans with their counts, tests under a lease, histories.

use std::time::Duration;

use super::requests::Event;
use crate::model::{Capabilities, Execution, Plan, PlanId, PlanOrigin, PlanStatus, Timestamp};

/// A started plan and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOverview {
    /// With its totals.
    pub plan: Plan,
    /// The principal that started it; empty for plans of earlier versions.
    pub started_by: String,
    /// The template it was started from, if that is known.
    pub template: Option<PlanId>,
    /// What it tests.
    pub origin: PlanOrigin,
    /// When it was started.
    pub created: Timestamp,
    /// How many executions are open, reserved and done.
    pub counts: PlanStatus,
    /// Executions that ended without a verdict and without an error.
    pub unjudged: u64,
    /// Who cancelled it and why, while executions are as the cancel ended them.
    pub cancelled: Option<String>,
    /// The number and the time of its last event.
    pub last_event: Option<(i64, Timestamp)>,
}

impl PlanOverview {
    /// Executions that ended with an error instead of a verdict.
    pub fn could_not_run(&self) -> u64 {
        let judged = self.plan.results() + self.unjudged;
        self.counts.done.saturating_sub(judged)
    }

    /// When its last execution ended, if all have.
    pub fn ended(&self) -> Option<Timestamp> {
        let is_over = self.counts.is_drained() && self.counts.done > 0;
        self.last_event.map(|(_, at)| at).filter(|_| is_over)
    }

    /// The number of its last event, 0 before the first.
    pub fn last_event_id(&self) -> i64 {
        self.last_event.map_or(0, |(id, _)| id)
    }
}

/// The counts of the executions that require the same capabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapabilityCounts {
    /// What they require.
    pub required: Capabilities,
    /// How many are open, reserved and done.
    pub counts: PlanStatus,
    /// Of those that are done.
    pub passed: u64,
    /// Of those that are done.
    pub failed: u64,
    /// Of those that are done.
    pub skipped: u64,
    /// Of those that are done: without a verdict and without an error.
    pub unjudged: u64,
}

impl CapabilityCounts {
    /// From the columns open, reserved, done, passed, failed, skipped, and how many of the reserved have expired.
    pub(super) fn of_row(required: Capabilities, columns: [u64; 7]) -> Self {
        let [open, reserved, done, passed, failed, skipped, expired] = columns;
        Self {
            required,
            counts: PlanStatus {
                open: open + expired,
                reserved: reserved.saturating_sub(expired),
                done,
            },
            passed,
            failed,
            skipped,
            unjudged: 0,
        }
    }

    /// Executions that ended with an error instead of a verdict.
    pub fn could_not_run(&self) -> u64 {
        let judged = self.passed + self.failed + self.skipped + self.unjudged;
        self.counts.done.saturating_sub(judged)
    }
}

/// A plan with its counts by required capabilities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDetail {
    /// The whole plan.
    pub overview: PlanOverview,
    /// Each set of required capabilities.
    pub capabilities: Vec<CapabilityCounts>,
}

/// An execution under a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningExecution {
    /// What runs.
    pub execution: Execution,
    /// The name of the worker; its principal if it has none.
    pub worker: String,
    /// The address of the Squish server that the lease has.
    pub squish_server: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// The end of the lease.
    pub deadline: Timestamp,
}

/// Which executions of a plan are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExecutionFilter {
    /// Every one.
    All,
    /// Waiting for a worker.
    Open,
    /// Under a lease.
    Running,
    /// The counted verdict is a failure.
    Failed,
    /// Ended with an error instead of a verdict.
    CouldNotRun,
    /// Ended without a verdict and without an error.
    NoVerdict,
    /// Passed after it failed.
    Flaky,
    /// The counted verdict is a skip.
    Skipped,
    /// The counted verdict is a pass.
    Passed,
}

impl ExecutionFilter {
    /// All filters, in the order in which people look for them.
    pub const EACH: [Self; 9] = [
        Self::All,
        Self::Failed,
        Self::CouldNotRun,
        Self::NoVerdict,
        Self::Flaky,
        Self::Running,
        Self::Open,
        Self::Passed,
        Self::Skipped,
    ];
}

/// An execution with its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionHistory {
    /// As it is now.
    pub execution: Execution,
    /// Its last events, oldest first.
    pub events: Vec<Event>,
    /// Whether earlier ones are left out.
    pub is_cut: bool,
}

/// The executions that changed after an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedExecutions {
    /// As they are now.
    pub executions: Vec<Execution>,
    /// Whether these are all; otherwise more changed than were asked for.
    pub is_complete: bool,
}

/// What a worker reported in a plan, as its executions are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerResults {
    /// Its name, or that of the credentials of one without a name.
    pub worker: String,
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were skipped.
    pub skipped: u64,
    /// Executions that ended with an error.
    pub could_not_run: u64,
    /// Executions that ended without a verdict and without an error.
    pub unjudged: u64,
    /// How long its tests took together, as far as it reported that.
    pub test_time: Duration,
}

/// What is left of a plan, and how long its newest results took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemainingWork {
    /// The open executions, by what they require.
    pub open: Vec<OpenWork>,
    /// The newest results, newest first.
    pub results: Vec<NewestResult>,
}

/// The open executions that require the same capabilities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWork {
    /// What they require.
    pub required: Capabilities,
    /// The durations of the longest ones by earlier plans, longest first.
    pub longest: Vec<Duration>,
    /// How many have a duration by earlier plans.
    pub known: u64,
    /// The sum of these durations.
    pub total: Duration,
}

/// A result of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestResult {
    /// Who sent it.
    pub worker: String,
    /// When it arrived.
    pub at: Timestamp,
    /// How long the test took, if the worker reported it.
    pub duration: Option<Duration>,
    /// How long it takes by earlier plans.
    pub expected: Option<Duration>,
}
