//! Additive: `GET /testplan/v1/plans/{id}/waiting`, what a plan waits for.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::squish_server::SquishServerResponse;
use crate::model::{
    Capability, Lack, Need, Offer, PlanStatus, PlanWaiting, SquishServerId, Timestamp, millis,
};

/// What a plan waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingResponse {
    /// Now, by the service's clock, in milliseconds since epoch; all other times are by the same clock.
    pub server_dt: i64,
    /// Executions that no worker holds.
    pub open: u64,
    /// Executions at work.
    pub reserved: u64,
    /// Executions that are done.
    pub done: u64,
    /// Nothing is handed out before this time; absent once it is past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_dt: Option<i64>,
    /// Each set of required labels with executions that are not done.
    pub needs: Vec<NeedResponse>,
    /// What the live workers of the plan offer, each offer once.
    pub offers: Vec<OfferResponse>,
    /// The registered Squish servers.
    pub squish_servers: Vec<SquishServerResponse>,
}

/// The executions that need the same labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeedResponse {
    /// What they need.
    pub labels: Vec<Capability>,
    /// How many no worker holds.
    pub open: u64,
    /// How many are at work.
    pub reserved: u64,
    /// How many live workers offer all of it.
    pub workers: u64,
    /// When a worker that offers all of it was last heard of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_dt: Option<i64>,
    /// Ids of the Squish servers that have all of it, enabled or not.
    pub squish_servers: Vec<SquishServerId>,
    /// What keeps every live worker from ever taking one; absent while one may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<LackResponse>,
    /// For how long at least that has been so, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacking_ms: Option<u64>,
}

/// What executions lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LackResponse {
    /// A live worker that offers what they need.
    Worker,
    /// An enabled Squish server for the workers that offer it, which all ask for one.
    SquishServer,
}

/// Live workers that offer the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OfferResponse {
    /// What they offer.
    pub labels: Vec<Capability>,
    /// Whether they ask for a Squish server with each execution.
    pub allocate_server: bool,
    /// How many.
    pub workers: u64,
    /// When one of them was last heard of.
    pub last_seen_dt: i64,
    /// Ids of the Squish servers that have all that they offer, enabled or not.
    pub squish_servers: Vec<SquishServerId>,
}

impl From<PlanWaiting> for WaitingResponse {
    fn from(waiting: PlanWaiting) -> Self {
        Self {
            server_dt: waiting.at.0,
            open: waiting.status.open,
            reserved: waiting.status.reserved,
            done: waiting.status.done,
            planned_dt: waiting.due.map(|due| due.0),
            needs: waiting.needs.into_iter().map(Into::into).collect(),
            offers: waiting.offers.into_iter().map(Into::into).collect(),
            squish_servers: waiting.squish_servers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<WaitingResponse> for PlanWaiting {
    fn from(wire: WaitingResponse) -> Self {
        Self {
            at: Timestamp(wire.server_dt),
            status: PlanStatus {
                open: wire.open,
                reserved: wire.reserved,
                done: wire.done,
            },
            due: wire.planned_dt.map(Timestamp),
            needs: wire.needs.into_iter().map(Into::into).collect(),
            offers: wire.offers.into_iter().map(Into::into).collect(),
            squish_servers: wire.squish_servers.into_iter().map(Into::into).collect(),
            partial: None,
        }
    }
}

impl From<Need> for NeedResponse {
    fn from(need: Need) -> Self {
        Self {
            labels: need.required.into(),
            open: need.open,
            reserved: need.reserved,
            workers: need.workers,
            last_seen_dt: need.last_seen.map(|seen| seen.0),
            squish_servers: need.squish_servers,
            lacks: need.lack.map(|lack| match lack {
                Lack::Worker => LackResponse::Worker,
                Lack::SquishServer => LackResponse::SquishServer,
            }),
            lacking_ms: need.lacking_for.map(millis),
        }
    }
}

impl From<NeedResponse> for Need {
    fn from(wire: NeedResponse) -> Self {
        Self {
            required: wire.labels.into(),
            open: wire.open,
            reserved: wire.reserved,
            workers: wire.workers,
            last_seen: wire.last_seen_dt.map(Timestamp),
            squish_servers: wire.squish_servers,
            lack: wire.lacks.map(|lack| match lack {
                LackResponse::Worker => Lack::Worker,
                LackResponse::SquishServer => Lack::SquishServer,
            }),
            lacking_for: wire.lacking_ms.map(Duration::from_millis),
        }
    }
}

impl From<Offer> for OfferResponse {
    fn from(offer: Offer) -> Self {
        Self {
            labels: offer.offered.into(),
            allocate_server: offer.allocate_server,
            workers: offer.workers,
            last_seen_dt: offer.last_seen.0,
            squish_servers: offer.squish_servers,
        }
    }
}

impl From<OfferResponse> for Offer {
    fn from(wire: OfferResponse) -> Self {
        Self {
            offered: wire.labels.into(),
            allocate_server: wire.allocate_server,
            workers: wire.workers,
            last_seen: Timestamp(wire.last_seen_dt),
            squish_servers: wire.squish_servers,
        }
    }
}
