//! Statements that find open executions.

use std::{ops::ControlFlow, ops::Range, sync::Arc};

use crate::{
    model::{Capabilities, ExecutionId, PlanId, Timestamp},
    store::{
        StoreError,
        protocol::{
            StartFailures,
            order::{ExecutionCandidate, ExpiredLease},
        },
    },
};

/// An execution that is open, or whose lease expired.
#[derive(Clone, Debug)]
pub(in crate::store) struct QueueRow {
    pub(in crate::store) id: ExecutionId,
    pub(in crate::store) label_set: i64,
    pub(in crate::store) expected_ms: i64,
    /// 0 open, 1 expired.
    pub(in crate::store) state: i64,
    pub(in crate::store) epoch: u32,
    pub(in crate::store) test: i64,
    /// The length of its last lease.
    pub(in crate::store) timeout_ms: Option<i64>,
    pub(in crate::store) expiries: u32,
    pub(in crate::store) skips: u32,
    pub(in crate::store) worker: Option<String>,
    pub(in crate::store) lost_on: String,
    pub(in crate::store) principal: String,
    /// Whether no earlier run of the test was known.
    pub(in crate::store) is_estimated: bool,
    pub(in crate::store) alone: bool,
    pub(in crate::store) start_failures: StartFailures,
}

impl QueueRow {
    /// What decides when it is handed out; `required` are its labels.
    pub(in crate::store) fn candidate(self, required: &Arc<Capabilities>) -> ExecutionCandidate {
        let lost = (self.state == 1).then(|| ExpiredLease {
            worker: self.worker.clone(),
            principal: self.principal,
            timeout_ms: self.timeout_ms.unwrap_or(0),
            earlier_expiries: self.expiries,
            earlier_holders: self.lost_on,
        });
        ExecutionCandidate {
            id: self.id,
            expiries: self.expiries,
            skips: self.skips,
            alone: self.alone,
            start_failures: self.start_failures,
            last_worker: self.worker,
            labels: required.len(),
            expected_ms: self.expected_ms,
            lost,
        }
    }
}

/// Which executions of a plan are looked at, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum SuiteOrder {
    /// Those of a suite, in the order of the plan.
    Suite(i64),
    /// Those of a suite, from its end.
    SuiteFromEnd(i64),
    /// All of the plan in its order; the numbers of its executions.
    WholePlan(Range<i64>),
}

/// The open work of a suite with one label set.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct SuiteWork {
    pub(in crate::store) suite: i64,
    pub(in crate::store) label_set: i64,
    /// Even the shortest test counts 1.
    pub(in crate::store) remaining_ms: i64,
}

/// What a reader of rows does after each of them: goes on, or stops.
pub(in crate::store) type Visit<'a> = &'a mut dyn FnMut(QueueRow) -> ControlFlow<()>;

/// Finding executions to hand out.
pub(in crate::store) trait QueueRows {
    /// The executions of a plan and label set in order: longest first. Only the rows that are visited cost anything.
    fn visit_queue(
        &mut self,
        plan: PlanId,
        label_set: i64,
        visit: Visit<'_>,
    ) -> Result<(), StoreError>;

    /// The executions of a plan by its suites.
    fn visit_suites(
        &mut self,
        plan: PlanId,
        order: &SuiteOrder,
        visit: Visit<'_>,
    ) -> Result<(), StoreError>;

    /// The open work of a plan and label set in milliseconds, and how many of its executions have no prediction.
    fn open_work(&mut self, plan: PlanId, label_set: i64) -> Result<(i64, i64), StoreError>;

    /// The open work of each suite of a plan, by suite and label set.
    fn suites(&mut self, plan: PlanId) -> Result<Vec<SuiteWork>, StoreError>;

    /// The number of a suite of a plan.
    fn suite(&mut self, plan: PlanId, name: &str) -> Result<Option<i64>, StoreError>;

    /// The suites whose executions are leased to others than `worker` at `now`.
    fn suites_elsewhere(
        &mut self,
        plan: PlanId,
        worker: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError>;

    /// Numbers the suites of a plan, unless they have numbers.
    fn number_suites(&mut self, plan: PlanId, executions: Range<i64>) -> Result<(), StoreError>;
}
