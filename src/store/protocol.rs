//! What the protocol decides, as pure functions over plain values: no SQL, no clock, no I/O.
//!
//! An implementation tries its guarded statement first. When that changes no row it reads a [`View`] and asks
//! here what that means: a [`Refusal`] with its number and a sentence, or success because it was done before.

pub mod event;
pub mod finish;
pub mod heartbeat;
pub mod lease;
pub mod limits;
pub mod not_found;
pub mod order;
pub mod payload;
pub mod reset;
pub mod trouble;

pub use event::EventKind;
pub use lease::LeaseHash;
pub use payload::Digest;

use super::{Refusal, RefusalCode, StoreError};
use crate::model::{ExecutionId, LeaseToken};

/// Where an execution stands at a given time, finer than the API tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nobody has it.
    Open,
    /// Its lease ended, nobody took it since: open to others, but its holder may still revive or finish it.
    Lapsed,
    /// Under a valid lease.
    Reserved,
    /// With a counted result.
    Done,
}

/// What the decisions need to know of an execution, at the time of the request.
#[derive(Clone, Debug)]
pub struct View {
    /// Which.
    pub id: ExecutionId,
    /// Where it stands.
    pub phase: Phase,
    /// How many leases were given on it.
    pub epoch: u32,
    /// How often it was reset.
    pub generation: u32,
    /// Its epoch when it was last reset.
    pub reset_epoch: u32,
    /// Hash of the lease that was given last, unless reset or abandoned since.
    pub lease_hash: Option<LeaseHash>,
    /// Who got that lease; empty if nobody.
    pub principal: String,
    /// The Squish server that came with it went to another lease since.
    pub server_taken: bool,
    /// Digest of the counted result, if a holder sent one.
    pub digest: Option<Digest>,
    /// Its outcome is a failed test or an execution error.
    pub failed: bool,
}

/// What a caller shows for its right to an execution.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The lease, unless it is a client of the vendor's API.
    pub lease: Option<&'a LeaseToken>,
    /// Who its credentials name.
    pub principal: &'a str,
    /// Whether the service insists on a lease.
    pub require_lease: bool,
}

/// What the presented facts are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The current lease, by who got it.
    Current,
    /// No lease, but the principal that got the current one.
    SamePrincipal,
    /// Not the one who got the current lease.
    OtherPrincipal,
    /// A lease that is not the current one.
    Superseded,
    /// No lease, where one is required.
    LeaseMissing,
}

impl View {
    /// Weighs what was presented. Hashes are compared in constant time.
    pub fn claim(&self, presented: Presented<'_>) -> Claim {
        let same_principal = self.principal == presented.principal;
        match presented.lease {
            Some(lease) => {
                let current = lease::epoch(lease) == Some(self.epoch)
                    && self
                        .lease_hash
                        .is_some_and(|hash| hash == LeaseHash::of(lease));
                match (current, same_principal) {
                    (true, true) => Claim::Current,
                    (true, false) => Claim::OtherPrincipal,
                    (false, _) => Claim::Superseded,
                }
            }
            None if presented.require_lease => Claim::LeaseMissing,
            None if same_principal => Claim::SamePrincipal,
            None => Claim::OtherPrincipal,
        }
    }

    /// What happened to a lease that is no longer current, in words.
    fn fate(&self) -> String {
        match self.phase {
            Phase::Reserved | Phase::Lapsed => {
                format!("it is reserved again (attempt {})", self.epoch)
            }
            Phase::Done => "another attempt finished it, or it was given up".to_owned(),
            Phase::Open if self.epoch == self.reset_epoch && self.generation > 0 => {
                "it was reset".to_owned()
            }
            Phase::Open => "it was given back".to_owned(),
        }
    }
}

/// A refusal.
pub fn refuse(code: RefusalCode, message: impl Into<String>) -> StoreError {
    Refusal {
        code,
        message: message.into(),
    }
    .into()
}

/// A guarded statement changed no row although its guard should have let it: our bug, and loud.
fn unexplained(what: &str, view: &View) -> StoreError {
    StoreError::Broken(format!(
        "BUG: {what} of execution {} changed nothing, and nothing in {view:?} explains why",
        view.id
    ))
}
