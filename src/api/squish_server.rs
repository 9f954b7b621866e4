//! Squish servers on the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tolerant;
use crate::model::{
    Capability, Cooling, CoolingReason, ExecutionId, SquishServer, SquishServerId, Test, Timestamp,
};

/// The vendor's `SquishServer` object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SquishServerResponse {
    /// Unique identifier: string in the table, number in the examples; sent as number.
    #[serde(deserialize_with = "tolerant::id")]
    pub id: SquishServerId,
    /// Whether it is given out.
    #[serde(default)]
    pub enabled: bool,
    /// Host name or address.
    #[serde(default)]
    pub host: String,
    /// Port number, as text.
    #[serde(deserialize_with = "tolerant::text")]
    pub port: String,
    /// The execution it is busy with; absent when idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub testset: Option<ExecutionId>,
    /// What it offers.
    #[serde(default)]
    pub labels: Vec<Capability>,
    /// Additive: the test of the execution it is busy with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_test: Option<Test>,
    /// Additive: not allocated for now, although it is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooling: Option<CoolingResponse>,
    /// Additive: who enabled or disabled it last, and why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The rest of a Squish server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoolingResponse {
    /// Its end, milliseconds since epoch by the service's clock.
    pub until_dt: i64,
    /// Why it rests.
    pub because: CoolingReason,
}

impl From<SquishServer> for SquishServerResponse {
    fn from(server: SquishServer) -> Self {
        Self {
            id: server.id,
            enabled: server.enabled,
            host: server.host,
            port: server.port,
            testset: server.busy_with,
            labels: server.labels.into(),
            busy_test: server.busy_test,
            cooling: server.cooling.map(|cooling| CoolingResponse {
                until_dt: cooling.until.0,
                because: cooling.because,
            }),
            note: server.note,
        }
    }
}

impl From<SquishServerResponse> for SquishServer {
    fn from(server: SquishServerResponse) -> Self {
        Self {
            id: server.id,
            enabled: server.enabled,
            host: server.host,
            port: server.port,
            busy_with: server.testset,
            labels: server.labels.into(),
            busy_test: server.busy_test,
            cooling: server.cooling.map(|cooling| Cooling {
                until: Timestamp(cooling.until_dt),
                because: cooling.because,
            }),
            note: server.note,
        }
    }
}

/// Body of `POST squishservers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewSquishServerRequest {
    /// Port number as string; a number is read too.
    #[schemars(regex(pattern = "^[1-9][0-9]{0,4}$"))]
    #[serde(deserialize_with = "tolerant::text")]
    pub port: String,
    /// Whether it is given out.
    pub enabled: bool,
    /// Host; the service's own machine when absent.
    #[schemars(length(min = 1, max = 253))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What it offers.
    pub labels: Vec<Capability>,
}

/// Body of `PATCH squishservers/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SquishServerPatch {
    /// New port.
    #[schemars(regex(pattern = "^[1-9][0-9]{0,4}$"))]
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text"
    )]
    pub port: Option<String>,
    /// Enable or disable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// New host.
    #[schemars(length(min = 1, max = 253))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// New labels, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<Capability>>,
    /// Additive: why it is enabled or disabled. At most 500 bytes are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
