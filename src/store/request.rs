//! What the service asks of a store, and what it is answered with.

use std::time::Duration;

use super::RequestedTests;
use crate::model::{
    Capabilities, DiscoveryAccount, ExecutionId, LabelCase, LeaseToken, PlanId, PlanKind,
    PlanStatus, PlannedTest, ServerTrouble, SquishServer, Test, TestId, TestResult, Timestamp,
    plan::LinkedRepository,
};

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
    /// How long it rests when a worker tells of its first trouble: twice as long for each further one in a row, up to
    /// twenty times as long, until an execution on it ends without trouble.
    pub trouble_rest: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            label_case: LabelCase::Folded,
            require_lease: false,
            max_expiries: 5,
            cool_down: Duration::from_secs(10),
            trouble_rest: Duration::from_secs(30),
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
    /// Its tests; `None` for those that the template has.
    pub tests: Option<RequestedTests>,
    /// The account of the discovery that made them; it is kept with the plan.
    pub discovery: Option<DiscoveryAccount>,
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
    /// With a release: why its Squish server could not be used. It rests, and the execution prefers another one.
    pub server_trouble: Option<ServerTrouble>,
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
    /// What was wrong with its Squish server, from our workers: it rests before others get it.
    pub server_trouble: Option<ServerTrouble>,
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

/// Where a plan stands, and what its executions could be run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStanding {
    /// Nothing is handed out before this time, where that is still to come.
    pub due: Option<Timestamp>,
    /// Each set of labels that its executions need, and how far these are.
    pub needs: Vec<(Capabilities, PlanStatus)>,
    /// The registered Squish servers.
    pub squish_servers: Vec<SquishServer>,
    /// How labels are compared.
    pub label_case: LabelCase,
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
    /// What happened: reserved, heartbeat, finished, late-result, expired, released, reset, abandoned,
    /// server-trouble …
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
