//! Our additive lists under `/testplan/v1`: what the vendor's API has no endpoint for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Capability, ExecutionId, ExecutionState, PlanId, RunEnd, TestId, TestVerdict};

/// A part of a long list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageResponse<T> {
    /// The items.
    pub items: Vec<T>,
    /// Pass as `after` for the next part; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// An execution in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutionResponse {
    /// Its number.
    pub execution_id: ExecutionId,
    /// The test's number.
    pub test_id: TestId,
    /// Suite.
    pub suite: String,
    /// Test case.
    pub testcase: String,
    /// What it needs.
    pub labels: Vec<Capability>,
    /// Where it stands.
    pub state: ExecutionState,
    /// How many leases were given on it.
    pub attempts: u32,
    /// How often it was reset.
    pub generation: u32,
    /// Its verdict, once done and where a worker sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<TestVerdict>,
    /// Whether it passed only after it failed in the same attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// Why it could not run, if it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it failed, in a line, if it did and its worker said why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How long it took by its worker's word, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// How long it is expected to run, in milliseconds, if earlier runs of the test were known when the plan started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<u64>,
}

/// A started plan in the list of its template's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StartedPlanEntry {
    /// Its number.
    pub plan_id: PlanId,
    /// Its title.
    pub title: String,
    /// When it was started, milliseconds since epoch.
    pub started_dt: i64,
    /// The branch that it tests, if the client that started it named one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub branch: String,
    /// The commit that it tests, if the client that started it named one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// How many executions it has.
    pub count: u64,
    /// Whether all of them ended.
    pub ended: bool,
}

/// A run of a test: its execution in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestRunResponse {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its plan.
    pub plan_id: PlanId,
    /// When the plan was started, milliseconds since epoch.
    pub started_dt: i64,
    /// What the execution needs.
    pub labels: Vec<Capability>,
    /// How it ended.
    pub end: RunEnd,
    /// Whether that says something about the test: it passed or failed, and not almost all tests of the plan failed.
    pub is_telling: bool,
    /// The commit that the plan tests; absent if it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// The branch that the plan tests; absent if it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub branch: String,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// A line of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventResponse {
    /// Number, growing.
    pub id: i64,
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its attempt then.
    pub attempt: u32,
    /// What happened.
    pub kind: String,
    /// When, milliseconds since epoch.
    pub at: i64,
    /// Who did it.
    pub principal: String,
    /// More.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Answer of `GET /healthz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// `ok` while requests are served.
    pub status: String,
    /// testplan's version.
    pub version: String,
}

/// Answer of `GET /readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    /// `ready` while changes are accepted.
    pub status: String,
}
