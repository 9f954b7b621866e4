//! Lists of heartbeats and results, each answered on its own: `POST /testplan/v1/plans/{id}/heartbeat` and `…/finished`.
//! Additive as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    TESTPLAN,
    reservation::{FinishedRequest, HeartbeatRequest},
    tolerant,
};
use crate::model::{ExecutionId, PlanId};

/// Most entries of one list.
pub const MAX_ENTRIES: usize = 1_000;

/// The path of lists of heartbeats for a plan.
pub fn heartbeat_path(plan: PlanId) -> String {
    format!("{TESTPLAN}/plans/{plan}/heartbeat")
}

/// The path of lists of results for a plan.
pub fn finished_path(plan: PlanId) -> String {
    format!("{TESTPLAN}/plans/{plan}/finished")
}

/// A list of heartbeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeartbeatList {
    /// 1 to 1,000 of them.
    #[schemars(length(min = 1, max = 1000))]
    pub entries: Vec<HeartbeatEntry>,
}

/// A heartbeat for one execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeartbeatEntry {
    /// The execution.
    #[serde(deserialize_with = "tolerant::id")]
    pub execution_id: ExecutionId,
    /// As alone.
    #[serde(flatten)]
    pub request: HeartbeatRequest,
}

/// A list of results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FinishedList {
    /// 1 to 1,000 of them.
    #[schemars(length(min = 1, max = 1000))]
    pub entries: Vec<FinishedEntry>,
    /// What one call of the test tool cost beyond its tests, in milliseconds, if the entries are from one call. The service
    /// decides by it how much work a reservation has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ms: Option<u64>,
}

/// A result of one execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FinishedEntry {
    /// The execution.
    #[serde(deserialize_with = "tolerant::id")]
    pub execution_id: ExecutionId,
    /// As alone.
    #[serde(flatten)]
    pub request: FinishedRequest,
}

/// The answers to a list, in its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntryList {
    /// One for each entry.
    pub entries: Vec<EntryResponse>,
}

/// The answer to an entry: `status` if it was accepted, else `code` and `message`, all as the single call answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntryResponse {
    /// The execution.
    pub execution_id: ExecutionId,
    /// A sentence, if the entry was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The number of the refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
