//! Reservations, heartbeats, results and resets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{squish_server::SquishServerResponse, tolerant};
use crate::model::{Capability, ExecutionId, LeaseToken, ServerTrouble, TestId, TestResult};

/// What the vendor's API takes for an absent `timeout`, in milliseconds.
pub const DEFAULT_TIMEOUT_MS: i64 = 5000;

fn default_timeout() -> i64 {
    DEFAULT_TIMEOUT_MS
}

/// Body of `POST reserve/{plan}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReserveRequest {
    /// What execution and Squish server must match.
    pub capabilities: Vec<Capability>,
    /// Length of the lease in milliseconds.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1))]
    pub timeout: i64,
    /// Whether to allocate a Squish server too.
    #[serde(default)]
    pub allocate_server: bool,
    /// Additive: reserve up to this many executions at once, each under its own lease; the others are in `more`. With
    /// `allocate_server` it is one, because a Squish server runs one test at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub max: Option<u32>,
    /// Additive, with `max`: how many seconds of predicted work to reserve; if absent, the service decides by what remains. One
    /// execution may be longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.001, max = 86400))]
    pub seconds: Option<f64>,
    /// Additive: the suites whose fixtures the worker has warm, preferred ones first. It gets more of them, then whole suites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub near: Option<Vec<String>>,
}

/// Answer of `POST reserve/{plan}`, granted or not. It was granted if `execution_id` is there; `status` only gives the
/// reason in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReserveResponse {
    /// A sentence.
    pub status: String,
    /// What was granted.
    #[serde(flatten, default)]
    pub granted: Option<GrantedResponse>,
    /// Additive, with `max`: the other executions that were granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<GrantedResponse>,
    /// Additive, when nothing was granted: how many fitting executions are reserved now or not yet due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<u64>,
}

/// The members of a granted reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantedResponse {
    /// ID of the reserved execution.
    #[serde(deserialize_with = "tolerant::id")]
    pub execution_id: ExecutionId,
    /// Project name.
    #[serde(default)]
    pub project_name: String,
    /// Batch name.
    #[serde(default)]
    pub batch: String,
    /// Test identifier: string in the table, number in the example.
    #[serde(deserialize_with = "tolerant::id", default = "no_test_id")]
    pub test_id: TestId,
    /// Test case name.
    pub testcase: String,
    /// Test suite name.
    pub suite: String,
    /// Allocated Squish server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<SquishServerResponse>,
    /// Additive: proves the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseToken>,
    /// Additive: when the lease ends, milliseconds since epoch by the service's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_dt: Option<i64>,
    /// Additive: the length granted, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// Additive: number of this attempt, 1 for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Additive: what the execution needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<Capability>>,
    /// Additive: how long it is expected to run, in milliseconds, if earlier runs of the test are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<u64>,
}

fn no_test_id() -> TestId {
    TestId(0)
}

/// Body of `POST heartbeat/{execution}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeartbeatRequest {
    /// New length of the lease from now on, in milliseconds.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1))]
    pub timeout: i64,
    /// Additive: proves the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseToken>,
    /// Additive: give the lease back at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub release: bool,
    /// Additive, with `release`: what was wrong with the Squish server. It rests, and the execution prefers another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_trouble: Option<ServerTrouble>,
    /// Additive, with `release`: the execution is next handed out by itself, to another worker if there is one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
    /// Additive, with `release`: why the worker could not even start the execution. No attempt is counted, and the execution
    /// prefers another worker. An execution that no worker could start ends with all the reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_started: Option<String>,
}

/// Body of `POST finished/{execution}`; `{}` is fine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FinishedRequest {
    /// Empty: the test ran. Otherwise why it could not run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// More of the same.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// Additive: proves the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseToken>,
    /// Additive: what the test said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<TestResult>,
    /// Additive, with a failed `outcome`: why it failed, in a line. The first 500 bytes are kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub failure: String,
    /// Additive: what was wrong with the Squish server. It rests before others get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_trouble: Option<ServerTrouble>,
}

/// Answer of `POST finished`, `heartbeat`, `reset` and `DELETE squishservers`: the page shows it for `finished` only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// A sentence.
    pub status: String,
}

/// Additive body of `POST reset/{execution}`, which has none in the vendor's API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResetRequest {
    /// Only if the execution is still at this generation: makes a reset by several callers happen once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
}
