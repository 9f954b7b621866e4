//! Additive: what people do to plans and leases, and the list of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ExecutionId, PlanId};

/// Body of `POST plans/{id}/cancel`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelRequest {
    /// Why; reports repeat it. At most 500 bytes are kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Whether running tests are stopped too; otherwise they may finish.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop_running: bool,
}

/// What a cancel found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelResponse {
    /// The plan.
    pub plan_id: PlanId,
    /// How many executions were open: they have ended.
    pub open: u64,
    /// How many were under a lease.
    pub running: u64,
    /// Whether those under a lease were stopped.
    pub stopped: bool,
}

/// Body of `POST plans/{id}/release`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseRequest {
    /// Whose lease ends.
    pub execution_id: ExecutionId,
    /// Why; the history keeps it. At most 500 bytes are kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// An action of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionResponse {
    /// Number, growing.
    pub id: i64,
    /// When, milliseconds since epoch by the service's clock.
    pub at: i64,
    /// The principal of the credentials, behind the name that a person gave at the login.
    pub principal: String,
    /// What: cancel, retry, release, enable, disable, register, change, remove.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// Why, and with which effect; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}
