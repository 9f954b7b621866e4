//! The reads for pages, for every store that reads one state of its rows.

use super::{
    ChangedExecutions, Event, ExecutionFilter, ExecutionHistory, OpenWork, Page, PageStore,
    PlanDetail, PlanOverview, Reply, RunningExecution, StoreError,
    rows::PageReads,
    steps::{page_facts, plans},
};
use crate::model::{Execution, ExecutionId, PlanId, Timestamp};

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

    fn open_work(&self, plan: PlanId, limit: u32, now: Timestamp) -> Reply<'_, Vec<OpenWork>> {
        self.read(move |rows| page_facts::open_work(rows, plan, limit, now))
    }
}
