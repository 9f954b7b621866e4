//! What the steps of the protocol need of a database: each method is one statement, in the words of the protocol.
//!
//! The steps in [`steps`](super::steps) decide, and are the same for every database. A database writes each statement in
//! its own way. Every change is guarded, and the number of rows it changed is checked: a method that returns nothing fails
//! unless it changed exactly one row.

mod audit;
mod cancellation;
mod counters;
mod executions;
mod imports;
mod keys;
mod leases;
mod page_reads;
mod plans;
mod queue;
mod run_reads;
mod servers;
mod templates;

use std::any::Any;

use super::{StoreError, protocol::EventKind};
use crate::model::{ExecutionId, PlanId, Timestamp};

pub(super) use audit::{AuditReads, AuditRows};
pub(super) use cancellation::{CancelRows, Cancelling, EndingRow};
pub(super) use counters::{Counter, CounterChange, CounterReads, CounterRows};
pub(super) use executions::{
    ExecutionPages, ExecutionRow, ExecutionRows, OutcomeColumns, failed, failure, outcome, phase,
    verdict,
};
pub(super) use imports::{ImportReads, ImportRows, ImportedResult, NewImportRow, Unjudged};
pub(super) use keys::{KeyHash, KeyRecord, KeyRows};
pub(super) use leases::{
    ChangedExecution, LeaseFilter, LeaseHolder, LeaseLength, LeaseRow, LeaseRows, NewLease,
    ServerBinding, ValidLease,
};
pub(super) use page_reads::{PageReads, filter_condition};
pub(super) use plans::{NewPlanRow, PlanFacts, PlanReads, PlanRows, TestSource};
pub(super) use queue::{QueueRow, QueueRows, SuiteOrder, SuiteWork, Visit};
pub(super) use run_reads::{EndColumns, LONGEST_MESSAGE, RunReads};
pub(super) use servers::{FreeServer, NewServerRow, ServerReads, ServerRows};
pub(super) use templates::{TemplateDigests, TemplateReads, TemplateRow, TemplateRows, TestKey};

/// What a read needs: it sees one state of the database.
pub(super) trait Reads:
    PlanReads + TemplateReads + CounterReads + ServerReads + ImportReads + ExecutionPages + AuditReads
{
}

impl<T> Reads for T where
    T: PlanReads
        + TemplateReads
        + CounterReads
        + ServerReads
        + ImportReads
        + ExecutionPages
        + AuditReads
{
}

/// What a request that changes something needs, inside its transaction. The tests of a database look behind it.
pub(super) trait Rows:
    Any
    + Reads
    + PlanRows
    + TemplateRows
    + QueueRows
    + LeaseRows
    + ExecutionRows
    + CounterRows
    + ServerRows
    + ImportRows
    + KeyRows
    + EventRows
    + CancelRows
    + AuditRows
{
}

impl<T> Rows for T where
    T: Any
        + Reads
        + PlanRows
        + TemplateRows
        + QueueRows
        + LeaseRows
        + ExecutionRows
        + CounterRows
        + ServerRows
        + ImportRows
        + KeyRows
        + EventRows
        + CancelRows
        + AuditRows
{
}

/// An event of an execution. Its number is the next one of the plan.
#[derive(Debug)]
pub(super) struct NewEvent<'a> {
    pub(super) plan: PlanId,
    pub(super) execution: ExecutionId,
    pub(super) epoch: u32,
    pub(super) kind: EventKind,
    pub(super) at: Timestamp,
    pub(super) principal: &'a str,
    pub(super) detail: &'a str,
}

/// The history of executions.
pub(super) trait EventRows {
    /// Appends an event.
    fn add_event(&mut self, event: &NewEvent<'_>) -> Result<(), StoreError>;
}

/// Reports a bug unless exactly one row was changed.
pub(super) fn exactly_one(rows: usize, what: &str) -> Result<(), StoreError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::Broken(format!(
            "BUG: {what}: {rows} rows changed, not one"
        )))
    }
}
