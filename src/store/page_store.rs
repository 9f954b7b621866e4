//! The reads for pages, for every store that reads one state of its rows.

use super::{
    Action, ChangedExecutions, Event, ExecutionFilter, ExecutionHistory, KnownTest, Page,
    PageStore, PlanDetail, PlanOverview, PlanRun, PlanRunQuery, RemainingWork, Reply, RunCell,
    RunningExecution, StoreError, TestRuns, WorkerResults,
    rows::PageReads,
    steps::{audit, page_facts, plans, run_facts},
};
use crate::model::{Capabilities, Execution, ExecutionId, Plan, PlanId, TestId, Timestamp};

/// A store whose reads see one consistent state of the database.
pub(super) trait ReadRows {
    /// Reads by a connection for reads.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn PageReads) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<'_, T>;
}

impl<S: ReadRows> PageStore for S {
    fn recent_plans(
        &self,
        before: Option<PlanId>,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, Page<PlanOverview>> {
        self.read(move |rows| page_facts::recent_plans(rows, before, limit, now))
    }

    fn plan_detail(&self, plan: PlanId, now: Timestamp) -> Reply<'_, PlanDetail> {
        self.read(move |rows| page_facts::plan_detail(rows, plan, now))
    }

    fn running(
        &self,
        plan: PlanId,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, Vec<RunningExecution>> {
        self.read(move |rows| page_facts::running(rows, plan, limit, now))
    }

    fn filtered_executions(
        &self,
        plan: PlanId,
        filter: ExecutionFilter,
        after: i64,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, Page<Execution>> {
        self.read(move |rows| page_facts::filtered(rows, plan, filter, (after, limit), now))
    }

    fn execution_history(
        &self,
        plan: PlanId,
        execution: ExecutionId,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, ExecutionHistory> {
        self.read(move |rows| page_facts::history(rows, plan, execution, limit, now))
    }

    fn notable_events(&self, plan: PlanId, limit: u32, _now: Timestamp) -> Reply<'_, Vec<Event>> {
        self.read(move |rows| {
            plans::check_started(rows, plan)?;
            rows.notable_events(plan, limit)
        })
    }

    fn changed_executions(
        &self,
        plan: PlanId,
        after: i64,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, ChangedExecutions> {
        self.read(move |rows| page_facts::changed(rows, plan, after, limit, now))
    }

    fn actions(&self, before: Option<i64>, limit: u32, _now: Timestamp) -> Reply<'_, Page<Action>> {
        self.read(move |rows| audit::actions(rows, before, limit))
    }

    fn worker_results(
        &self,
        plan: PlanId,
        limit: u32,
        _now: Timestamp,
    ) -> Reply<'_, Vec<WorkerResults>> {
        self.read(move |rows| page_facts::worker_results(rows, plan, limit))
    }

    fn remaining_work(
        &self,
        plan: PlanId,
        limits: (u32, u32),
        now: Timestamp,
    ) -> Reply<'_, RemainingWork> {
        self.read(move |rows| page_facts::remaining_work(rows, plan, limits, now))
    }

    fn test_runs(
        &self,
        test: TestId,
        before: Option<ExecutionId>,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, TestRuns> {
        self.read(move |rows| run_facts::test_runs(rows, test, (before, limit), now))
    }

    fn test_names(&self, tests: Vec<TestId>) -> Reply<'_, Vec<KnownTest>> {
        self.read(move |rows| run_facts::test_names(rows, &tests))
    }

    fn plan_run(&self, plan: PlanId) -> Reply<'_, PlanRun> {
        self.read(move |rows| run_facts::plan_run(rows, plan))
    }

    fn plan_runs(&self, query: PlanRunQuery, limit: u32) -> Reply<'_, Vec<PlanRun>> {
        self.read(move |rows| rows.plan_runs(&query, limit))
    }

    fn branches(&self, template: PlanId, limit: u32) -> Reply<'_, Vec<PlanRun>> {
        self.read(move |rows| rows.newest_of_branches(template, limit))
    }

    fn templates(&self, limit: u32) -> Reply<'_, Vec<Plan>> {
        self.read(move |rows| run_facts::templates(rows, limit))
    }

    fn run_cells(&self, plan: PlanId, limit: u32, now: Timestamp) -> Reply<'_, Vec<RunCell>> {
        self.read(move |rows| run_facts::run_cells(rows, plan, limit, now))
    }

    fn worker_jobs(&self, plan: PlanId, limit: u32) -> Reply<'_, Vec<(String, String)>> {
        self.read(move |rows| rows.worker_jobs(plan, limit))
    }

    fn label_sets(&self, sets: Vec<i64>) -> Reply<'_, Vec<Capabilities>> {
        self.read(move |rows| run_facts::label_sets(rows, &sets))
    }
}
