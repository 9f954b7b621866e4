//! Requests to the store, and its answers.

use std::time::Duration;

use super::RequestedTests;
use crate::model::{
    Capabilities, DiscoveryAccount, ExecutionId, LabelCase, LeaseToken, PlanId, PlanKind,
    PlanOrigin, PlanStatus, PlannedTest, ServerTrouble, SquishServer, Test, TestId, TestResult,
    Timestamp, plan::LinkedRepository,
};

/// Settings of the protocol.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How labels are compared.
    pub label_case: LabelCase,
    /// Refuses heartbeats and results without a lease, that is, the vendor's own clients.
    pub require_lease: bool,
    /// How many leases may expire on an execution before it is abandoned; 0 is any number.
    pub max_expiries: u32,
    /// The cool-down of a Squish server after a lease on it expired.
    pub cool_down: Duration,
    /// The cool-down after a worker reported trouble: twice as long for each further trouble in a row, up to twenty times as
    /// long, until an execution on the server ends without trouble.
    pub trouble_rest: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            label_case: LabelCase::Folded,
            require_lease: false,
            max_expiries: 2,
            cool_down: Duration::from_secs(10),
            trouble_rest: Duration::from_secs(30),
        }
    }
}

/// A template as `testplan.yml` defines it, with every test once per configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateDefinition {
    /// With the title it names the template.
    pub project: String,
    pub title: String,
    pub description: String,
    pub tags: Vec<String>,
    /// The tests of a plan, in order.
    pub executions: Vec<PlannedTest>,
}

/// A look-up of a plan. Names compare exactly; the newest plan of a title wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanQuery {
    pub project: String,
    pub title: String,
    pub kind: PlanKind,
}

/// A request to start a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutePlan {
    pub template: PlanId,
    /// Not empty.
    pub title: String,
    /// Not empty.
    pub batch: String,
    /// Executions can be reserved from this time on.
    pub planned: Option<Timestamp>,
    pub repositories: Vec<LinkedRepository>,
    /// The tests; `None` for those of the template.
    pub tests: Option<RequestedTests>,
    /// How the tests were discovered; stored with the plan.
    pub discovery: Option<DiscoveryAccount>,
    /// What the plan tests; stored with it.
    pub origin: PlanOrigin,
    pub principal: String,
    /// Idempotency key: a repeated request gets the same plan for seven days.
    pub key: Option<String>,
}

/// A request to reserve an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserve {
    pub plan: PlanId,
    /// The capabilities of the worker.
    pub offered: Capabilities,
    /// The length of the lease; clamped to 1 s … 24 h.
    pub timeout: Duration,
    /// Whether to allocate a Squish server too.
    pub allocate_server: bool,
    pub principal: String,
    /// The name of the worker. An execution that this worker lost is deferred for it, at most three times.
    pub worker: Option<String>,
    /// Idempotency key: a repeated request gets the same lease while that is valid.
    pub key: Option<String>,
    /// Asks for several executions at once.
    pub batch: Option<BatchRequest>,
}

/// How many executions one reservation may hand out. With a Squish server it is one, because a server runs one test at a
/// time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRequest {
    /// Most executions, 1 to 1,000.
    pub max: u32,
    /// How much predicted work is wanted; if absent, the store decides by what remains. A rest of the plan that is not worth
    /// another start of the tool comes as well.
    pub work: Option<Duration>,
    /// The suites whose fixtures the worker has warm, preferred ones first: it gets more of them, and then whole suites. The
    /// only worker of a plan gets the plan's order. If absent, the order is that of single reservations.
    pub near: Option<Vec<String>>,
    /// How many workers the plan has now.
    pub live_workers: u64,
}

impl BatchRequest {
    /// Up to `max` executions.
    pub fn of(max: u32) -> Self {
        Self {
            max,
            work: None,
            near: None,
            live_workers: 1,
        }
    }
}

/// Results of one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishList {
    pub entries: Vec<Finish>,
    /// What the call of the tool cost beyond its tests, if all of them are from one call.
    pub start_cost: Option<Duration>,
}

/// The answer to [`Reserve`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// An execution was reserved.
    Granted(Box<Granted>),
    /// No fitting execution is open.
    NoExecution {
        /// How many fitting ones are reserved or not yet due: a worker can leave at 0.
        pending: u64,
    },
    /// Executions fit, but no Squish server is free.
    NoServer {
        /// How many fitting ones are open, reserved or not yet due.
        pending: u64,
    },
}

/// A reserved execution with its lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    pub execution: ExecutionId,
    pub project: String,
    pub batch: String,
    pub test: Test,
    pub test_id: TestId,
    /// The capabilities that it requires.
    pub required: Capabilities,
    /// Number of this attempt, 1 for the first: the epoch.
    pub attempt: u32,
    pub lease: LeaseToken,
    /// The end of the lease, by the service's clock.
    pub deadline: Timestamp,
    /// The same by the wall clock.
    pub expires: Timestamp,
    /// The length of the lease, after clamping.
    pub timeout: Duration,
    /// The allocated Squish server.
    pub server: Option<SquishServer>,
    /// How long it is expected to run, if earlier runs of the test are known.
    pub expected: Option<Duration>,
    /// The other executions of the answer, if several were asked for.
    pub more: Vec<Self>,
}

/// A request to renew or release a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    pub execution: ExecutionId,
    /// The new length from now on; clamped to 1 ms … 24 h. It may be shorter.
    pub timeout: Duration,
    /// Absent for the vendor's clients.
    pub lease: Option<LeaseToken>,
    /// Releases the lease at once, without an expiry or a cool-down. Needs the lease.
    pub release: bool,
    /// With a release: why the Squish server could not be used. It cools down, and the execution prefers another one.
    pub server_trouble: Option<ServerTrouble>,
    /// With a release: the execution is next handed out by itself, to another worker if there is one.
    pub alone: bool,
    /// With a release: the worker could not even start the execution.
    pub not_started: Option<NotStarted>,
    pub principal: String,
}

/// Why a worker could not start an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotStarted {
    /// The reason.
    pub reason: String,
    /// The workers of the plan that are there, as far as they are known, each with what it offers. The execution ends once
    /// none of them could start it.
    pub live: Vec<(String, Capabilities)>,
}

/// A result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    pub execution: ExecutionId,
    /// Absent for the vendor's clients.
    pub lease: Option<LeaseToken>,
    /// If not empty, the test could not run.
    pub message: String,
    /// More about that.
    pub details: String,
    /// The result of the test, from testplan workers.
    pub result: Option<TestResult>,
    /// Why it failed, if it did; possibly empty. A repetition may have another text.
    pub failure: String,
    /// Trouble with the Squish server, from testplan workers: it cools down before others get it.
    pub server_trouble: Option<ServerTrouble>,
    pub principal: String,
}

/// A worker that a replica has heard of.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WorkerPresence {
    pub plan: PlanId,
    /// As the store calls it: its principal, if it named itself nowhere.
    pub name: String,
    /// Whether it named itself: then it is one worker, whichever replica it asks.
    pub is_named: bool,
    pub offered: Capabilities,
    pub allocate_server: bool,
    /// When it was last heard of, by the clock of the service.
    pub seen: Timestamp,
    /// How many workers it is.
    pub workers: u64,
}

/// A request to open an execution again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    pub execution: ExecutionId,
    /// Resets only this generation; succeeds without a change if the execution is past it.
    pub generation: Option<u32>,
    pub principal: String,
}

/// Where a plan stands, and what its executions could be run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDemand {
    /// Nothing is handed out before this time, where that is still to come.
    pub due: Option<Timestamp>,
    /// Each set of labels that its executions need, and how far these are.
    pub needs: Vec<(Capabilities, PlanStatus)>,
    /// The registered Squish servers.
    pub squish_servers: Vec<SquishServer>,
    /// How labels are compared.
    pub label_case: LabelCase,
}

/// An event in the history of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Growing number.
    pub id: i64,
    pub execution: ExecutionId,
    /// The attempt at that time.
    pub attempt: u32,
    /// What happened: reserved, heartbeat, finished, late-result, expired, released, reset, abandoned,
    /// server-trouble …
    pub kind: String,
    /// The time by the clock of the service.
    pub at: Timestamp,
    pub principal: String,
    /// May be empty.
    pub detail: String,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The `after` of the next page; `None` at the end.
    pub next: Option<i64>,
}

/// A time at which something opens without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    pub at: Timestamp,
    /// Whether a lease ends then. Otherwise the plan becomes due or the cool-down of a Squish server ends.
    pub ends_lease: bool,
}
