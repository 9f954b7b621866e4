//! Statements of a cancel, and of a lease that is revoked.

use super::ServerBinding;
use crate::{
    model::{ExecutionId, PlanId},
    store::StoreError,
};

/// A plan whose executions are being ended, because it was cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Cancelling {
    /// The error that they end with.
    pub(in crate::store) error: String,
    pub(in crate::store) principal: String,
    /// Whether those under a lease are ended too.
    pub(in crate::store) stops_running: bool,
}

impl Cancelling {
    /// The number in the database: 0 if none is left to be ended.
    pub(in crate::store) fn mode(&self) -> i64 {
        if self.stops_running { 2 } else { 1 }
    }
}

/// An execution that a cancel ends, or whose lease is revoked.
#[derive(Clone, Debug)]
pub(in crate::store) struct EndingRow {
    pub(in crate::store) execution: ExecutionId,
    pub(in crate::store) epoch: u32,
    pub(in crate::store) plan: PlanId,
    pub(in crate::store) label_set: i64,
    /// 0 open, 1 expired, 2 reserved, 3 done.
    pub(in crate::store) state: i64,
    /// The Squish server of its last lease.
    pub(in crate::store) squish_server: Option<i64>,
    /// What it ends with if its lease ends.
    pub(in crate::store) error: Option<String>,
}

impl EndingRow {
    /// The Squish server that its lease has.
    pub(in crate::store) fn binding(&self) -> Option<ServerBinding> {
        let squish_server = self.squish_server.filter(|_| self.state == 2)?;
        Some(ServerBinding {
            squish_server,
            execution: self.execution,
            epoch: self.epoch,
        })
    }
}

/// Ending executions without a result of their holder.
pub(in crate::store) trait CancelRows {
    /// The cancel of a plan while executions are still to be ended.
    fn cancelling(&mut self, plan: PlanId) -> Result<Option<Cancelling>, StoreError>;

    /// Begins to end the executions of a plan.
    fn begin_cancel(&mut self, plan: PlanId, cancel: &Cancelling) -> Result<(), StoreError>;

    /// Notes with which error executions under a lease end if their lease ends; with `again` also those that have one noted.
    /// Returns how many were noted.
    fn note_end_of_leases(
        &mut self,
        plan: PlanId,
        error: &str,
        again: bool,
    ) -> Result<u64, StoreError>;

    /// The executions that are still to be ended, at most `limit`.
    fn to_be_cancelled(
        &mut self,
        plan: PlanId,
        cancel: &Cancelling,
        limit: u32,
    ) -> Result<Vec<EndingRow>, StoreError>;

    /// Notes that none is left to be ended.
    fn end_cancel(&mut self, plan: PlanId) -> Result<(), StoreError>;

    /// Ends an execution of this epoch and state with an error. No worker holds it any more.
    fn end_cancelled(
        &mut self,
        attempt: (ExecutionId, u32),
        state: i64,
        error: &str,
    ) -> Result<(), StoreError>;

    /// An execution as a revoke finds it.
    fn ending_row(&mut self, execution: ExecutionId) -> Result<Option<EndingRow>, StoreError>;

    /// Opens an execution whose lease is revoked. No worker holds it any more.
    fn revoke(&mut self, attempt: (ExecutionId, u32)) -> Result<(), StoreError>;
}
