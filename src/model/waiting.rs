//! What a plan waits for: what is open, who could take it, and what stands in the way.

use std::time::Duration;

use super::{Capabilities, PlanStatus, SquishServer, SquishServerId, Timestamp};

/// What a plan waits for, as our service sees it at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanWaiting {
    /// When, by the service's clock.
    pub at: Timestamp,
    /// How far the plan is.
    pub status: PlanStatus,
    /// Nothing is handed out before this time, where that is still to come.
    pub due: Option<Timestamp>,
    /// Each set of required capabilities with executions that are not done, those with most open ones first.
    pub needs: Vec<Need>,
    /// What the live workers of the plan offer, each offer once.
    pub offers: Vec<Offer>,
    /// The registered Squish servers.
    pub squish_servers: Vec<SquishServer>,
}

/// The executions that need the same capabilities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What they need.
    pub required: Capabilities,
    /// How many are open.
    pub open: u64,
    /// How many are at work.
    pub reserved: u64,
    /// How many live workers offer all of it.
    pub workers: u64,
    /// When a worker that offers all of it was last there, live or not, as far as the service remembers.
    pub last_seen: Option<Timestamp>,
    /// The Squish servers that have all of it, enabled or not.
    pub squish_servers: Vec<SquishServerId>,
    /// What keeps every live worker from ever taking one; `None` while one may, or none is open.
    pub lack: Option<Lack>,
    /// For how long at least that has been so.
    pub lacking_for: Option<Duration>,
}

impl Need {
    pub(crate) fn status(&self) -> PlanStatus {
        PlanStatus {
            open: self.open,
            reserved: self.reserved,
            done: 0,
        }
    }
}

/// What executions lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lack {
    /// A live worker that offers what they need.
    Worker,
    /// An enabled Squish server for the workers that offer it, which all ask for one.
    SquishServer,
}

/// Live workers of a plan that offer the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What they offer.
    pub offered: Capabilities,
    /// Whether they ask for a Squish server with each execution.
    pub allocate_server: bool,
    /// How many.
    pub workers: u64,
    /// When one of them was last heard of.
    pub last_seen: Timestamp,
    /// The Squish servers that have all that they offer, enabled or not.
    pub squish_servers: Vec<SquishServerId>,
}

impl PlanWaiting {
    /// Whether the plan needs another worker or Squish server to continue: nothing runs, and no live worker can take what is open.
    pub fn is_stuck(&self) -> bool {
        let open = || self.needs.iter().filter(|need| need.open > 0);
        self.status.reserved == 0
            && self.due.is_none()
            && open().next().is_some()
            && open().all(|need| need.lack.is_some())
    }

    /// Needs that no live worker can serve.
    pub fn lacking(&self) -> impl Iterator<Item = &Need> {
        self.needs.iter().filter(|need| need.lack.is_some())
    }
}
