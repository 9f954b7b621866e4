//! Squish servers on the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tolerant;
use crate::model::{Capability, ExecutionId, SquishServer, SquishServerId};

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
}
