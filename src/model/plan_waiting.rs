//! What a plan waits for: what is open, who could take it, and what stands in the way.

use std::time::Duration;

use super::{Capabilities, PlanStatus, SquishServer, SquishServerId, Timestamp};

/// What a plan waits for at one time: complete from our own service, partial from one that only counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanWaiting {
    /// The time by the service's clock.
    pub at: Timestamp,
    /// The counts of the plan.
    pub status: PlanStatus,
    /// No execution is handed out before this time; `None` once it is past.
    pub due: Option<Timestamp>,
    /// Each set of required capabilities with executions that are not done, those with most open ones first.
    pub needs: Vec<Need>,
    /// What the live workers of the plan offer, each offer once.
    pub offers: Vec<Offer>,
    /// The registered Squish servers.
    pub squish_servers: Vec<SquishServer>,
    /// Set if the service only counts, as Test Center does: then `needs` and `offers` hold what the client could add.
    pub partial: Option<PartialKnowledge>,
}

/// What is known of a plan beside its counts, where the service only counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialKnowledge {
    /// Test Center runs the plan itself, without workers.
    pub handed_over: bool,
    /// Why the Squish servers could not be listed.
    pub squish_servers_error: Option<String>,
}

/// The executions that need the same capabilities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The capabilities that each of them needs.
    pub required: Capabilities,
    /// Executions that no worker has.
    pub open: u64,
    /// Executions that a worker has.
    pub reserved: u64,
    /// How many live workers offer all required capabilities.
    pub workers: u64,
    /// When a worker that offers them was last heard from, live or not, as far as the service remembers.
    pub last_seen: Option<Timestamp>,
    /// The Squish servers that have them, enabled or not.
    pub squish_servers: Vec<SquishServerId>,
    /// What keeps every live worker from ever taking one; `None` while one may, or none is open.
    pub lack: Option<Lack>,
    /// At least how long the lack has lasted.
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
    /// The capabilities that each of them offers.
    pub offered: Capabilities,
    /// Whether they ask for a Squish server with each execution.
    pub allocate_server: bool,
    /// How many workers offer them.
    pub workers: u64,
    /// When one of them was last heard from.
    pub last_seen: Timestamp,
    /// The Squish servers that have all offered capabilities, enabled or not.
    pub squish_servers: Vec<SquishServerId>,
}

impl PlanWaiting {
    /// Whether the plan cannot progress unless a worker or Squish server appears: no execution is running, and no live
    /// worker can take an open one. From counts alone: no execution is running where one should be.
    pub fn is_stuck(&self) -> bool {
        if self.status.reserved > 0 || self.due.is_some() {
            return false;
        }
        if let Some(partial) = &self.partial {
            !partial.handed_over
        } else {
            let mut open = self.needs.iter().filter(|need| need.open > 0).peekable();
            open.peek().is_some() && open.all(|need| need.lack.is_some())
        }
    }

    /// The needs that no live worker can meet.
    pub fn lacking(&self) -> impl Iterator<Item = &Need> {
        self.needs.iter().filter(|need| need.lack.is_some())
    }
}
