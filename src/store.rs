//! The lease protocol over a database: [`Store`] is the interface for the service, SQLite is one implementation.
//!
//! Every method that changes something is one transaction, and each change in it is one guarded statement whose row count
//! is checked. The caller passes the time. [`protocol`] decides the answer when a guard refuses, without SQL. The behaviour
//! suite in `tests/library/store.rs` runs against every implementation.

#[expect(missing_docs, reason = "most fields need no words beside their name")]
mod action_requests;
mod changes;
#[expect(missing_docs, reason = "most fields need no words beside their name")]
mod new_import;
mod outage;
mod page_store;
mod plan_overview;
pub mod postgres;
pub mod protocol;
mod requested_tests;
#[expect(missing_docs, reason = "most fields need no words beside their name")]
mod requests;
mod rows;
pub mod sqlite;
mod steps;
mod test_runs;
pub mod transfer;
mod values;
mod write_queue;

use std::{fmt, future::Future, pin::Pin, sync::Weak, time::Duration};

use crate::{
    fs::DiskFault,
    model::{
        Capabilities, Execution, ExecutionId, ExecutionState, NewSquishServer, Plan, PlanId,
        PlanStatus, SquishServer, SquishServerChange, SquishServerId, TestId, Timestamp,
    },
};

pub use action_requests::{Action, CancelPlan, CancelledPlan, NewAction, Revoke};
pub use changes::{ChangeListener, Changes, OpenedExecutions, PlanChanges};
pub use new_import::{Import, KeptFile, NewImport, ReportedTest};
pub use outage::{Outage, OutageKind};
pub use plan_overview::{
    CapabilityCounts, ChangedExecutions, ExecutionFilter, ExecutionHistory, NewestResult, OpenWork,
    PlanDetail, PlanOverview, RemainingWork, RunningExecution, WorkerResults,
};
pub use requested_tests::{MAX_DIFFERENCES, PlanTests, RequestedTests, TemplateDifference};
pub use requests::{
    BatchRequest, Deadline, Event, ExecutePlan, Finish, FinishList, Granted, Heartbeat, NotStarted,
    Page, PlanDemand, PlanQuery, Reservation, Reserve, Reset, Rules, TemplateDefinition,
    WorkerPresence,
};
pub use test_runs::{KnownTest, PlanRun, PlanRunQuery, RunCell, TestRun, TestRuns};

pub use crate::model::PlannedTest;

/// The future answer of a store.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why a call to the store failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The protocol refuses; the caller can act on it.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The database failed. The outcome is unknown; repeating with the same lease or key is safe. The text is for the log.
    #[error("the database failed: {0}")]
    Broken(String),
    /// The disk takes no changes, or the database cannot be read. Repeating with the same lease or key is safe.
    #[error("{0}")]
    Disk(DiskFault),
    /// The database of another process cannot be used now. The outcome is unknown; repeating with the same lease or key is
    /// safe. The store logs when that begins and ends.
    #[error("{0}")]
    Away(Outage),
    /// Acknowledged changes are missing from the database that was to be opened.
    #[error("{0}")]
    Lost(String),
    /// The store is shutting down or its queue is full.
    #[error("the store accepts no requests now")]
    Busy,
}

impl StoreError {
    /// Whether the connection to the database is of no further use.
    pub(crate) fn is_lost_connection(&self) -> bool {
        matches!(self, Self::Away(outage) if outage.kind == OutageKind::Connection)
    }
}

/// A refusal of the protocol with its stable number and a message for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The stable number.
    pub code: RefusalCode,
    /// What failed, why, and what to do.
    pub message: String,
}

/// The answer to each entry of a list, in its order.
pub type EntryAnswers = Vec<Result<(), Refusal>>;

/// The stable numbers of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalCode {
    /// 1001: malformed id, JSON or value.
    Malformed,
    /// 1002: unknown id, or nothing found (HTTP 404 on look-up only).
    Unknown,
    /// 1003: the project does not have the named list of tests.
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

/// The durable state of the service. The module's documentation says what every implementation guarantees.
pub trait Store: PageStore + fmt::Debug + Send + Sync {
    /// Publishes the templates of files. A template keeps its id by project and title, and a changed one changes for plans
    /// started later. Other templates of the same projects that came from files are hidden, not deleted. A template whose
    /// definition in the file did not change keeps what [`publish_templates`](Self::publish_templates) published since.
    fn publish(&self, templates: Vec<TemplateDefinition>, now: Timestamp)
    -> Reply<'_, Vec<PlanId>>;

    /// Publishes templates on request; all others stay. With `dry_run` nothing changes. Returns the differences in the order
    /// of `templates`.
    fn publish_templates(
        &self,
        templates: Vec<TemplateDefinition>,
        dry_run: bool,
        now: Timestamp,
    ) -> Reply<'_, Vec<TemplateDifference>>;

    /// Registers servers that are new by host and port, and updates the labels of the others.
    fn register_servers(&self, servers: Vec<NewSquishServer>, now: Timestamp) -> Reply<'_, ()>;

    /// Finds a template or plan by name. The message of `Unknown` lists similar titles.
    fn find_plan(&self, query: PlanQuery, now: Timestamp) -> Reply<'_, Plan>;

    /// A template or plan by number.
    fn plan(&self, id: PlanId, now: Timestamp) -> Reply<'_, Plan>;

    /// Starts a plan with the tests of the request, or else with those of the template. [`RefusalCode::UnknownTests`] if the
    /// project does not have the list that the request names.
    fn execute_plan(&self, request: ExecutePlan, now: Timestamp) -> Reply<'_, Plan>;

    /// The digest of the tests that a plan was requested with, and the account of their discovery.
    fn plan_tests(&self, plan: PlanId, now: Timestamp) -> Reply<'_, PlanTests>;

    /// Counts executions that require every capability of `filter`.
    fn status(&self, plan: PlanId, filter: Capabilities, now: Timestamp) -> Reply<'_, PlanStatus>;

    /// The counts of a plan by required capabilities, and the Squish servers.
    fn demand(&self, plan: PlanId, now: Timestamp) -> Reply<'_, PlanDemand>;

    /// Reserves an execution, or several if [`Reserve::batch`] asks for them.
    fn reserve(&self, request: Reserve, now: Timestamp) -> Reply<'_, Reservation>;

    /// Whether no earlier request had the key of this one, as is always so without a key. A store that cannot know without
    /// reading says no.
    fn is_first(&self, _request: &Reserve) -> bool {
        false
    }

    /// Renews, shortens or releases a lease.
    fn heartbeat(&self, request: Heartbeat, now: Timestamp) -> Reply<'_, ()>;

    /// Notes the page of the CI job in which a worker runs, for the pages of the plan.
    fn note_worker_job(
        &self,
        plan: PlanId,
        worker: String,
        url: String,
        now: Timestamp,
    ) -> Reply<'_, ()>;

    /// Accepts a result.
    fn finish(&self, request: Finish, now: Timestamp) -> Reply<'_, ()>;

    /// The same as [`heartbeat`](Self::heartbeat) for each entry in order, in one transaction. A refused entry changes
    /// nothing for the others; an execution of another plan is unknown.
    fn heartbeat_many(
        &self,
        plan: PlanId,
        entries: Vec<Heartbeat>,
        now: Timestamp,
    ) -> Reply<'_, EntryAnswers>;

    /// The same as [`finish`](Self::finish) for each entry in order, as [`heartbeat_many`](Self::heartbeat_many).
    fn finish_many(
        &self,
        plan: PlanId,
        list: FinishList,
        now: Timestamp,
    ) -> Reply<'_, EntryAnswers>;

    /// Opens an execution again.
    fn reset(&self, request: Reset, now: Timestamp) -> Reply<'_, ()>;

    /// The same as [`reset`](Self::reset) for each entry in order, as [`heartbeat_many`](Self::heartbeat_many).
    fn reset_many(
        &self,
        plan: PlanId,
        entries: Vec<Reset>,
        now: Timestamp,
    ) -> Reply<'_, EntryAnswers>;

    /// Cancels a plan: ends each open execution with an error that names who and why, and each one under a lease once that
    /// ends, or now if the request says so. An execution that was reset since is not concerned. It takes several transactions;
    /// nothing is handed out after the first, and [`sweep`](Self::sweep) goes on if this call does not.
    fn cancel(&self, request: CancelPlan, now: Timestamp) -> Reply<'_, CancelledPlan>;

    /// Ends a lease in place of its holder: the execution opens, and no attempt is counted as lost.
    fn revoke(&self, request: Revoke, now: Timestamp) -> Reply<'_, ()>;

    /// Adds to the list of what people did.
    fn record_action(&self, action: NewAction, now: Timestamp) -> Reply<'_, ()>;

    /// Adds an upload. Its results become the verdicts of executions of the same project, batch and test that finished
    /// without one and whose requirements its labels cover, whichever of the two comes first. Of several imports the first
    /// one after the reservation counts; a counted outcome is never overturned.
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

    /// Registers a Squish server.
    fn add_squish_server(&self, server: NewSquishServer, now: Timestamp)
    -> Reply<'_, SquishServer>;

    /// Changes a Squish server.
    fn change_squish_server(
        &self,
        id: SquishServerId,
        change: SquishServerChange,
        now: Timestamp,
    ) -> Reply<'_, SquishServer>;

    /// Removes a Squish server; a lease on it stays valid.
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

    /// Lists the events of a plan's executions.
    fn events(
        &self,
        plan: PlanId,
        after: i64,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, Page<Event>>;

    /// Why it accepts no changes at the moment. [`sweep`](Self::sweep) tries again.
    fn disk_fault(&self) -> Option<DiskFault>;

    /// Why the database of another process cannot be used at the moment. [`sweep`](Self::sweep) tries again.
    fn outage(&self) -> Option<Outage> {
        None
    }

    /// Reports to `listener` every change that a client may wait for, as long as it lives. Listen before asking.
    fn listen(&self, listener: Weak<dyn ChangeListener>);

    /// The earliest time at which something opens without a request: a lease of the plan ends, the plan becomes due, or
    /// the cool-down of a Squish server ends.
    fn next_deadline(&self, plan: PlanId, now: Timestamp) -> Reply<'_, Option<Deadline>>;

    /// Expires leases and deletes old keys. Correctness does not depend on it.
    fn sweep(&self, now: Timestamp) -> Reply<'_, ()>;

    /// Extends every lease that was valid at `since` by `span`, because the service was suspended.
    fn compensate(&self, since: Timestamp, span: Duration, now: Timestamp) -> Reply<'_, ()>;

    /// Whether other processes may serve the same database.
    fn has_replicas(&self) -> bool {
        false
    }

    /// Tells the other replicas which workers this one has heard of; returns theirs. A store of one process has no others.
    fn share_workers(
        &self,
        _own: Vec<WorkerPresence>,
        _now: Timestamp,
    ) -> Reply<'_, Vec<WorkerPresence>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Accepts no more requests, finishes the queued ones, and removes the side files.
    fn close(&self) -> Reply<'_, ()>;
}

/// Reads for pages. Each does bounded work, or work in proportion to what it returns.
pub trait PageStore {
    /// Started plans, newest first, with numbers below `before`, at most `limit`.
    fn recent_plans(
        &self,
        before: Option<PlanId>,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, Page<PlanOverview>>;

    /// A plan with its counts by required capabilities.
    fn plan_detail(&self, plan: PlanId, now: Timestamp) -> Reply<'_, PlanDetail>;

    /// The executions under a lease in the order of their workers, at most `limit`.
    fn running(&self, plan: PlanId, limit: u32, now: Timestamp)
    -> Reply<'_, Vec<RunningExecution>>;

    /// The executions that a filter wants, in order of their numbers, from after `after`, at most `limit`. Their errors have
    /// no details.
    fn filtered_executions(
        &self,
        plan: PlanId,
        filter: ExecutionFilter,
        after: i64,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, Page<Execution>>;

    /// An execution of a plan with its last events, at most `limit`.
    fn execution_history(
        &self,
        plan: PlanId,
        execution: ExecutionId,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, ExecutionHistory>;

    /// What happened to leases beside reservations, heartbeats and results, newest first, at most `limit`.
    fn notable_events(&self, plan: PlanId, limit: u32, now: Timestamp) -> Reply<'_, Vec<Event>>;

    /// The executions that changed after an event, if they are at most `limit`.
    fn changed_executions(
        &self,
        plan: PlanId,
        after: i64,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, ChangedExecutions>;

    /// What people did, with numbers below `before`, newest first, at most `limit`.
    fn actions(&self, before: Option<i64>, limit: u32, now: Timestamp) -> Reply<'_, Page<Action>>;

    /// The ended executions of a plan by worker, in the order of names, at most `limit` workers. Takes time with the size of the plan.
    fn worker_results(
        &self,
        plan: PlanId,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, Vec<WorkerResults>>;

    /// What is left of a plan: at most as many of the longest executions for each set of required capabilities and as many of
    /// the newest results as `limits` says.
    fn remaining_work(
        &self,
        plan: PlanId,
        limits: (u32, u32),
        now: Timestamp,
    ) -> Reply<'_, RemainingWork>;

    /// The runs of a test with numbers of executions below `before`, newest first, at most `limit`.
    fn test_runs(
        &self,
        test: TestId,
        before: Option<ExecutionId>,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, TestRuns>;

    /// The names of tests, in the order of their numbers; those that do not exist are left out.
    fn test_names(&self, tests: Vec<TestId>) -> Reply<'_, Vec<KnownTest>>;

    /// A started plan.
    fn plan_run(&self, plan: PlanId) -> Reply<'_, PlanRun>;

    /// Started plans of a template, newest first, at most `limit`.
    fn plan_runs(&self, query: PlanRunQuery, limit: u32) -> Reply<'_, Vec<PlanRun>>;

    /// The newest plans that are known of each branch of a template, newest first, at most `limit` branches.
    fn branches(&self, template: PlanId, limit: u32) -> Reply<'_, Vec<PlanRun>>;

    /// Templates that are not hidden, by project and title, at most `limit`.
    fn templates(&self, limit: u32) -> Reply<'_, Vec<Plan>>;

    /// How each execution of a plan stands, in the order of their numbers, at most `limit`.
    fn run_cells(&self, plan: PlanId, limit: u32, now: Timestamp) -> Reply<'_, Vec<RunCell>>;

    /// The pages of the CI jobs of a plan's workers, by the name of the worker, at most `limit`.
    fn worker_jobs(&self, plan: PlanId, limit: u32) -> Reply<'_, Vec<(String, String)>>;

    /// The capabilities of sets of labels.
    fn label_sets(&self, sets: Vec<i64>) -> Reply<'_, Vec<Capabilities>>;
}
