//! What the pages for people read, one statement each.

use crate::{
    model::{Capabilities, Execution, ExecutionId, PlanId, Timestamp},
    store::{
        Event, ExecutionFilter, StoreError,
        plan_overview::{
            CapabilityCounts, NewestResult, PlanOverview, RunningExecution, WorkerResults,
        },
        rows::{Reads, RunReads},
    },
};

/// Reading for pages.
pub(in crate::store) trait PageReads: Reads + RunReads {
    /// Started plans with numbers below `before`, newest first, without those that ended unjudged.
    fn plans_before(
        &mut self,
        page: (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<PlanOverview>, StoreError>;

    /// How many executions ended without a verdict and without an error.
    fn unjudged(&mut self, plan: PlanId) -> Result<Vec<(Capabilities, u64)>, StoreError>;

    /// The counts of each set of required capabilities.
    fn capability_counts(
        &mut self,
        plan: PlanId,
        now: Timestamp,
    ) -> Result<Vec<CapabilityCounts>, StoreError>;

    /// The executions under a lease, by worker.
    fn running(
        &mut self,
        plan: PlanId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<RunningExecution>, StoreError>;

    /// The executions under a lease from after a number on.
    fn reserved_executions(
        &mut self,
        plan: PlanId,
        page: (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError>;

    /// The ends that are no plain pass and fit a filter, from after a number on.
    fn notable_executions(
        &mut self,
        plan: PlanId,
        filter: ExecutionFilter,
        page: (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError>;

    /// The plain passes from after a number on.
    fn passed_executions(
        &mut self,
        plan: PlanId,
        page: (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError>;

    /// These executions of a plan.
    fn executions_by_id(
        &mut self,
        plan: PlanId,
        ids: &[i64],
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError>;

    /// The last events of an execution, newest first.
    fn events_of_execution(
        &mut self,
        plan: PlanId,
        execution: ExecutionId,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError>;

    /// The last events beside reservations, heartbeats and results, newest first.
    fn notable_events(&mut self, plan: PlanId, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// The executions of the events after one, at most `limit` events; the number of events with it.
    fn changed_since(
        &mut self,
        plan: PlanId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError>;

    /// The durations of the longest open executions of a set of labels by earlier plans, in milliseconds.
    fn longest_open(
        &mut self,
        plan: PlanId,
        label_set: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError>;

    /// How many open executions of a set of labels have a duration by earlier plans, and their sum in milliseconds.
    fn known_open(&mut self, plan: PlanId, label_set: i64) -> Result<(i64, i64), StoreError>;

    /// The ended executions of a plan by worker, in the order of names, at most `limit` workers. Reads all executions.
    fn worker_results(
        &mut self,
        plan: PlanId,
        limit: u32,
    ) -> Result<Vec<WorkerResults>, StoreError>;

    /// The last results, newest first.
    fn newest_results(&mut self, plan: PlanId, limit: u32)
    -> Result<Vec<NewestResult>, StoreError>;
}

/// The condition of a filter in a statement about ended executions `e`, which holds for few of them.
pub(in crate::store) fn filter_condition(filter: ExecutionFilter) -> &'static str {
    match filter {
        ExecutionFilter::Failed => "e.verdict = 1",
        ExecutionFilter::CouldNotRun => "e.error IS NOT NULL",
        ExecutionFilter::NoVerdict => "e.verdict IS NULL AND e.error IS NULL",
        ExecutionFilter::Flaky => "e.flaky",
        ExecutionFilter::Skipped => "e.verdict = 2",
        // Not asked for here.
        ExecutionFilter::All
        | ExecutionFilter::Open
        | ExecutionFilter::Running
        | ExecutionFilter::Passed => "TRUE",
    }
}
