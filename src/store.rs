//! The lease protocol over a database, as a seam: [`Store`] is what the service needs, SQLite is one implementation.
//!
//! Every method that changes something is one transaction, and each change in it one guarded statement whose row
//! count is checked. Time is passed in. What the protocol answers when a guard refuses is decided in [`protocol`],
//! apart from any SQL dialect; `tests/store.rs` holds the behaviour suite that every implementation passes.

pub mod protocol;
pub mod sqlite;

use std::{fmt, future::Future, pin::Pin, time::Duration};

use tokio::sync::watch;

use crate::model::{
    Capabilities, Execution, ExecutionId, ExecutionState, LabelCase, LeaseToken, Plan, PlanId,
    PlanKind, PlanStatus, SquishServer, SquishServerId, Test, TestId, TestResult, Timestamp,
    plan::LinkedRepository,
};

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

/// A refusal of the protocol with its stable number (design/protocol §9) and a sentence for the user.
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

/// Settings of the protocol that its owner may choose.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How labels are compared.
    pub label_case: LabelCase,
    /// Refuse heartbeats and results without a lease, that is, the vendor's own clients.
    pub require_lease: bool,
    /// How many leases may expire on an execution before it is given up as poison; 0 is never.
    pub max_expiries: u32,
    /// How long a Squish server rests after a lease on it expired.
    pub cool_down: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            label_case: LabelCase::Folded,
            require_lease: false,
            max_expiries: 5,
            cool_down: Duration::from_secs(10),
        }
    }
}

/// A template as `testplan.yml` defines it, with every test once per configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateDefinition {
    /// Project; with the title it names the template for ever.
    pub project: String,
    /// Title.
    pub title: String,
    /// Free text.
    pub description: String,
    /// Tags.
    pub tags: Vec<String>,
    /// What a plan started from it will run, in order.
    pub executions: Vec<PlannedTest>,
}

/// One test in one configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTest {
    /// The test.
    pub test: Test,
    /// What it needs.
    pub required: Capabilities,
}

/// What to look a plan up by. Exact; the newest of equal titles wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanQuery {
    /// Project.
    pub project: String,
    /// Title.
    pub title: String,
    /// Template or instance.
    pub kind: PlanKind,
}

/// A request to start a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutePlan {
    /// The template's number.
    pub template: PlanId,
    /// Title of the new plan, not empty.
    pub title: String,
    /// Batch, not empty.
    pub batch: String,
    /// Nothing is handed out before this time.
    pub planned: Option<Timestamp>,
    /// Revisions.
    pub repositories: Vec<LinkedRepository>,
    /// Who asks.
    pub principal: String,
    /// With a key, the same request again gets the same plan for seven days.
    pub key: Option<String>,
}

/// A request to reserve an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// The plan.
    pub plan: PlanId,
    /// What the worker offers.
    pub offered: Capabilities,
    /// How long the lease shall be; clamped to 1 s … 24 h.
    pub timeout: Duration,
    /// Whether a Squish server is wanted too.
    pub allocate_server: bool,
    /// Who asks.
    pub principal: String,
    /// Which worker, where it says: it is deferred, at most three times, for what it just lost, and named when lost on.
    pub worker: Option<String>,
    /// With a key, a repeated request gets the same lease again while that is current.
    pub key: Option<String>,
}

/// The answer to [`Reserve`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// An execution was handed out.
    Granted(Box<Granted>),
    /// No execution fits now.
    NoExecution {
        /// How many fitting ones are reserved now or not yet due: a worker may leave at 0.
        pending: u64,
    },
    /// Executions fit, but no Squish server is free.
    NoServer {
        /// How many fitting ones are open, reserved or not yet due.
        pending: u64,
    },
}

/// An execution handed out, with its lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The execution.
    pub execution: ExecutionId,
    /// Its project.
    pub project: String,
    /// Its plan's batch.
    pub batch: String,
    /// The test.
    pub test: Test,
    /// The test's number.
    pub test_id: TestId,
    /// What it needs.
    pub required: Capabilities,
    /// Number of this attempt, 1 for the first (the epoch).
    pub attempt: u32,
    /// The right to it.
    pub lease: LeaseToken,
    /// When the lease ends.
    pub deadline: Timestamp,
    /// How long it is, after clamping.
    pub timeout: Duration,
    /// The Squish server that came with it.
    pub server: Option<SquishServer>,
}

/// A request to keep or give back a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The execution.
    pub execution: ExecutionId,
    /// The new length from now on; clamped to 1 ms … 24 h. May shorten.
    pub timeout: Duration,
    /// The right to it; absent for the vendor's clients.
    pub lease: Option<LeaseToken>,
    /// Give it back at once: no expiry is counted, no cool-down. Needs the lease.
    pub release: bool,
    /// Who asks.
    pub principal: String,
}

/// A result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// The execution.
    pub execution: ExecutionId,
    /// The right to it; absent for the vendor's clients.
    pub lease: Option<LeaseToken>,
    /// Not empty: it could not run.
    pub message: String,
    /// More of the same.
    pub details: String,
    /// What the test said, from our workers.
    pub result: Option<TestResult>,
    /// Who says so.
    pub principal: String,
}

/// A request to open an execution again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// The execution.
    pub execution: ExecutionId,
    /// Only if it is still at this generation; past it, nothing happens and that is fine.
    pub generation: Option<u32>,
    /// Who asks.
    pub principal: String,
}

/// A Squish server to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSquishServer {
    /// Host; `127.0.0.1` if the request had none.
    pub host: String,
    /// Port, 1 to 65535, as text.
    pub port: String,
    /// Whether it is given out.
    pub enabled: bool,
    /// What it offers.
    pub labels: Capabilities,
}

/// What to change of a Squish server; `None` leaves as is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SquishServerChange {
    /// New host.
    pub host: Option<String>,
    /// New port.
    pub port: Option<String>,
    /// Enable or disable.
    pub enabled: Option<bool>,
    /// New labels, all of them.
    pub labels: Option<Capabilities>,
}

/// A line of an execution's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Number, growing.
    pub id: i64,
    /// The execution.
    pub execution: ExecutionId,
    /// Its attempt then.
    pub attempt: u32,
    /// What happened: reserved, heartbeat, finished, late-result, expired, released, reset, abandoned …
    pub kind: String,
    /// When, by the service's clock.
    pub at: Timestamp,
    /// Who did it.
    pub principal: String,
    /// More, possibly empty.
    pub detail: String,
}

/// A part of a long list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Pass as `after` for the next part; `None` at the end.
    pub next: Option<i64>,
}

/// The durable state of the service. See the module's words for what every implementation owes.
pub trait Store: fmt::Debug + Send + Sync {
    /// Makes templates known by (project, title). New ones get an id for ever, changed ones change for plans started
    /// later, and those of `replaces` projects that are not among them are hidden, not deleted.
    fn publish(&self, templates: Vec<TemplateDefinition>, now: Timestamp)
    -> Reply<'_, Vec<PlanId>>;

    /// Registers each server that is not registered yet by host and port, and updates labels of those that are.
    fn register_servers(&self, servers: Vec<NewSquishServer>, now: Timestamp) -> Reply<'_, ()>;

    /// Looks a template or plan up. `Unknown` lists the nearest titles in its message.
    fn find_plan(&self, query: PlanQuery, now: Timestamp) -> Reply<'_, Plan>;

    /// A template or plan by number.
    fn plan(&self, id: PlanId, now: Timestamp) -> Reply<'_, Plan>;

    /// Starts a plan.
    fn execute_plan(&self, request: ExecutePlan, now: Timestamp) -> Reply<'_, Plan>;

    /// Counts executions that require every capability of `filter`.
    fn status(&self, plan: PlanId, filter: Capabilities, now: Timestamp) -> Reply<'_, PlanStatus>;

    /// Hands an execution out.
    fn reserve(&self, request: Reserve, now: Timestamp) -> Reply<'_, Reservation>;

    /// Keeps, shortens or gives back a lease.
    fn heartbeat(&self, request: Heartbeat, now: Timestamp) -> Reply<'_, ()>;

    /// Takes a result.
    fn finish(&self, request: Finish, now: Timestamp) -> Reply<'_, ()>;

    /// Opens an execution again.
    fn reset(&self, request: Reset, now: Timestamp) -> Reply<'_, ()>;

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
