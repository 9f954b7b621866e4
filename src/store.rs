//! The lease protocol over a database, as a seam: [`Store`] is what the service needs, SQLite is one implementation.
//!
//! Every method that changes something is one transaction, and each change in it one guarded statement whose row
//! count is checked. Time is passed in. What the protocol answers when a guard refuses is decided in [`protocol`],
//! apart from any SQL dialect; `tests/library/store.rs` holds the behaviour suite that every implementation passes.

mod import;
pub mod protocol;
mod request;
pub mod sqlite;
mod test_list;

use std::{fmt, future::Future, pin::Pin, time::Duration};

use tokio::sync::watch;

use crate::model::{
    Capabilities, Execution, ExecutionState, NewSquishServer, Plan, PlanId, PlanStatus,
    SquishServer, SquishServerChange, SquishServerId, Timestamp,
};

pub use import::{Import, KeptFile, NewImport, ReportedTest};
pub use request::{
    Event, ExecutePlan, Finish, Granted, Heartbeat, Page, PlanQuery, PlanStanding, Reservation,
    Reserve, Reset, Rules, TemplateDefinition,
};
pub use test_list::{MAX_DIFFERENCES, PlanTests, RequestedTests, TemplateDifference};

pub use crate::model::PlannedTest;

/// The answer of a store, later.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The protocol says no; the caller can act on it.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The database failed: outcome unknown, safe to repeat with the same lease or key. The text is for the log only.
    #[error("the database failed: {0}")]
    Broken(String),
    /// The store is shutting down or its queue is full; try again soon.
    #[error("the store takes no more work now")]
    Busy,
}

/// A refusal of the protocol with its stable number and a sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Which kind.
    pub code: RefusalCode,
    /// What, where, and what to do.
    pub message: String,
}

/// The stable numbers of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalCode {
    /// 1001: malformed id, JSON or value.
    Malformed,
    /// 1002: unknown id, or nothing found (HTTP 404 on look-up only).
    Unknown,
    /// 1003: a list of tests is named that the project does not have.
    UnknownTests,
    /// 1101: idempotency key reused with another body.
    KeyReused,
    /// 1201: reservation lost.
    ReservationLost,
    /// 1202: not reserved.
    NotReserved,
    /// 1203: the Squish server went to another lease.
    ServerLost,
    /// 1204: not the holder, or a lease is required.
    NotHolder,
    /// 1301: lease lost, result not counted.
    ResultNotCounted,
    /// 1302: a different result is already recorded.
    OtherResult,
    /// 1303: not reserved, cannot finish.
    CannotFinish,
    /// 1401: not failed, cannot reset.
    NotFailed,
    /// 1402: in progress, cannot reset.
    InProgress,
}

impl RefusalCode {
    /// The number on the wire.
    pub fn number(self) -> u32 {
        match self {
            Self::Malformed => 1001,
            Self::Unknown => 1002,
            Self::UnknownTests => 1003,
            Self::KeyReused => 1101,
            Self::ReservationLost => 1201,
            Self::NotReserved => 1202,
            Self::ServerLost => 1203,
            Self::NotHolder => 1204,
            Self::ResultNotCounted => 1301,
            Self::OtherResult => 1302,
            Self::CannotFinish => 1303,
            Self::NotFailed => 1401,
            Self::InProgress => 1402,
        }
    }
}

/// The durable state of the service. See the module's words for what every implementation owes.
pub trait Store: fmt::Debug + Send + Sync {
    /// Makes the templates of files known by (project, title). New ones get an id for ever, changed ones change for plans
    /// started later, and templates of the same projects that came from files and are not among them are hidden, not
    /// deleted. A template that a file still defines as it did the last time keeps what
    /// [`publish_templates`](Self::publish_templates) made of it since.
    fn publish(&self, templates: Vec<TemplateDefinition>, now: Timestamp)
    -> Reply<'_, Vec<PlanId>>;

    /// Makes templates known as [`publish`](Self::publish) does, on request: all others stay as they are. With `dry_run`
    /// nothing changes. Answers what differs, in the order of `templates`.
    fn publish_templates(
        &self,
        templates: Vec<TemplateDefinition>,
        dry_run: bool,
        now: Timestamp,
    ) -> Reply<'_, Vec<TemplateDifference>>;

    /// Registers each server that is not registered yet by host and port, and updates labels of those that are.
    fn register_servers(&self, servers: Vec<NewSquishServer>, now: Timestamp) -> Reply<'_, ()>;

    /// Looks a template or plan up. `Unknown` lists the nearest titles in its message.
    fn find_plan(&self, query: PlanQuery, now: Timestamp) -> Reply<'_, Plan>;

    /// A template or plan by number.
    fn plan(&self, id: PlanId, now: Timestamp) -> Reply<'_, Plan>;

    /// Starts a plan: with the tests that came with the request, else with those of the template.
    /// [`RefusalCode::UnknownTests`] if it names a list that the project does not have; then no plan is started.
    fn execute_plan(&self, request: ExecutePlan, now: Timestamp) -> Reply<'_, Plan>;

    /// What a plan keeps of the tests that it was requested with.
    fn plan_tests(&self, plan: PlanId, now: Timestamp) -> Reply<'_, PlanTests>;

    /// Counts executions that require every capability of `filter`.
    fn status(&self, plan: PlanId, filter: Capabilities, now: Timestamp) -> Reply<'_, PlanStatus>;

    /// Where a plan stands by what its executions need, and what the Squish servers do.
    fn standing(&self, plan: PlanId, now: Timestamp) -> Reply<'_, PlanStanding>;

    /// Hands an execution out.
    fn reserve(&self, request: Reserve, now: Timestamp) -> Reply<'_, Reservation>;

    /// Keeps, shortens or gives back a lease.
    fn heartbeat(&self, request: Heartbeat, now: Timestamp) -> Reply<'_, ()>;

    /// Takes a result.
    fn finish(&self, request: Finish, now: Timestamp) -> Reply<'_, ()>;

    /// Opens an execution again.
    fn reset(&self, request: Reset, now: Timestamp) -> Reply<'_, ()>;

    /// Counts an upload: it fills in what was finished without a verdict for the same project, batch and test, with labels
    /// that the import's cover, whichever of the two comes first. Of several the first one after the reservation counts;
    /// a counted outcome is never overturned.
    fn import(&self, import: NewImport, now: Timestamp) -> Reply<'_, Import>;

    /// Lists imports in order of their numbers, from after `after`, at most `limit`.
    fn imports(
        &self,
        project: Option<String>,
        batch: Option<String>,
        after: i64,
        limit: u32,
    ) -> Reply<'_, Page<Import>>;

    /// All registered Squish servers.
    fn squish_servers(&self, now: Timestamp) -> Reply<'_, Vec<SquishServer>>;

    /// Registers one.
    fn add_squish_server(&self, server: NewSquishServer, now: Timestamp)
    -> Reply<'_, SquishServer>;

    /// Changes one.
    fn change_squish_server(
        &self,
        id: SquishServerId,
        change: SquishServerChange,
        now: Timestamp,
    ) -> Reply<'_, SquishServer>;

    /// Removes one; a lease on it runs on.
    fn remove_squish_server(&self, id: SquishServerId, now: Timestamp) -> Reply<'_, ()>;

    /// Lists executions of a plan in order of their numbers, from after `after`, at most `limit`.
    fn executions(
        &self,
        plan: PlanId,
        state: Option<ExecutionState>,
        after: i64,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, Page<Execution>>;

    /// Lists the history of a plan's executions.
    fn events(
        &self,
        plan: PlanId,
        after: i64,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, Page<Event>>;

    /// Changes whenever something happened that a waiting reserve or status may care about. Subscribe, then look.
    fn changes(&self) -> watch::Receiver<u64>;

    /// The earliest time at which a lease of the plan ends or the plan becomes due: whoever waits looks again then.
    fn next_deadline(&self, plan: PlanId, now: Timestamp) -> Reply<'_, Option<Timestamp>>;

    /// Frees Squish servers of ended leases, writes their events and prunes old keys. Correctness never needs it.
    fn sweep(&self, now: Timestamp) -> Reply<'_, ()>;

    /// Moves every lease that was valid at `since` by `span`: the service, not the worker, was away.
    fn compensate(&self, since: Timestamp, span: Duration, now: Timestamp) -> Reply<'_, ()>;

    /// Takes no more work, finishes what it has, and leaves the files clean.
    fn close(&self) -> Reply<'_, ()>;
}
