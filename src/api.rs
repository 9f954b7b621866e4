//! The wire of the vendor's Test Plan Execution API, and nothing else.
//!
//! Source: <https://doc.qt.io/testcenter/execution-api.html>. The page contradicts itself in places; each place is
//! written down where it is tolerated. What we add is marked *additive*: a vendor client ignores it, and our client
//! uses it only where the service offered it.

pub mod actions;
pub mod entry_list;
pub mod execution_list;
pub mod import;
pub mod plan;
pub mod problem;
pub mod reservation;
pub mod squish_server;
pub mod test_list;
pub mod tolerant;
pub mod waiting;

/// Prefix of the vendor's paths.
pub const EXECUTION: &str = "/execution/v1";
/// Prefix of our additive paths.
pub const TESTPLAN: &str = "/testplan/v1";
/// Additive header of requests that change something: the same key again gets the same answer.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Additive header of a reserve request: which worker asks.
pub const WORKER: &str = "testplan-worker";
/// Additive header of a reserve request: the page of the CI job in which the worker runs.
pub const JOB: &str = "testplan-job";
/// Additive header of every answer of our service. Its presence tells the client that leases, `Prefer: wait` and
/// idempotency keys are understood.
pub const SERVICE: &str = "testplan-service";
/// Additive error code: the service is stopping and did nothing of what was asked.
pub const STOPPING: i64 = 1590;

/// `status` of a successful reservation.
pub const RESERVED: &str = "Reservation successful";
/// `status` when no execution fits.
pub const NO_EXECUTION: &str = "No executions available that match requested capabilities.";
/// `status` when executions fit but no Squish server is free.
pub const NO_SERVER: &str = "No servers available that match requested capabilities.";
/// `status` of an accepted result.
pub const FINISHED: &str = "Execution marked as finished";
