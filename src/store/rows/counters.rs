//! Counters per plan and label set: updated in the transaction of the change they count, so that a status is cheap.

use crate::{
    model::{PlanId, PlanStatus, TestVerdict, Timestamp},
    store::StoreError,
};

/// The counter that an execution is in. An execution whose lease expired counts as open.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Counter {
    Open,
    Reserved,
    Done,
}

/// A change of the counters of one label set of a plan.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store) struct CounterChange {
    /// Open, reserved, done.
    pub(in crate::store) states: [i64; 3],
    /// Passed, failed, skipped.
    pub(in crate::store) verdicts: [i64; 3],
}

impl CounterChange {
    /// One execution moves from one counter to another.
    pub(in crate::store) fn of_move(from: Counter, to: Counter) -> Self {
        let mut change = Self::default();
        change.states[from as usize] -= 1;
        change.states[to as usize] += 1;
        change
    }

    /// Adds `by` to the counter of a verdict.
    pub(in crate::store) fn verdict(mut self, verdict: Option<TestVerdict>, by: i64) -> Self {
        match verdict {
            Some(TestVerdict::Passed) => self.verdicts[0] += by,
            Some(TestVerdict::Failed) => self.verdicts[1] += by,
            Some(TestVerdict::Skipped) => self.verdicts[2] += by,
            None => {}
        }
        self
    }
}

/// Reading counters.
pub(in crate::store) trait CounterReads {
    /// The counters of each label set of a plan. A lease that is over by `now` counts as open, expired or not.
    fn counters(
        &mut self,
        plan: PlanId,
        now: Timestamp,
    ) -> Result<Vec<(i64, PlanStatus)>, StoreError>;
}

/// Changing counters.
pub(in crate::store) trait CounterRows {
    /// Adds a change; returns how many executions of the label set are open or reserved now.
    fn count(
        &mut self,
        plan: PlanId,
        label_set: i64,
        change: CounterChange,
    ) -> Result<i64, StoreError>;

    /// How many executions of a plan are done.
    fn done(&mut self, plan: PlanId) -> Result<i64, StoreError>;
}
