//! The decisions of the protocol, as pure functions over plain values: no SQL, no clock, no I/O.
//!
//! An implementation runs its guarded statement first. If that changes no row, it reads a [`ExecutionFacts`], and [`refusals`] decides
//! what that means: a [`Refusal`] with its number and a message, or success because the change was made before.

pub(crate) mod batch_size;
pub mod cancellation;
pub(in crate::store) mod compensation;
pub mod digest;
pub(crate) mod event_kind;
pub(crate) mod legacy_digest;
pub(crate) mod not_found;
pub(crate) mod order;
pub mod payload;
pub(crate) mod refusals;
pub(crate) mod request_limits;
pub(crate) mod server_cool_down;
pub(crate) mod start_failures;
pub(crate) mod suite_order;
pub(crate) mod token_derivation;

pub(in crate::store) use compensation::Compensation;
pub use digest::{Digested, StoredDigest};
pub(crate) use event_kind::EventKind;
pub(crate) use start_failures::StartFailures;
pub(crate) use token_derivation::LeaseHash;

use super::{Refusal, RefusalCode, StoreError};
use crate::model::{ExecutionId, LeaseToken};

/// The state of an execution, finer than in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExecutionPhase {
    /// No worker has it.
    Open,
    /// Its lease expired and no other worker reserved it: open to others, but its holder can still revive or finish it.
    Expired,
    /// Under a valid lease.
    Reserved,
    /// With a counted result.
    Done,
}

/// An execution at the time of the request, as far as the decisions need it.
#[derive(Clone, Debug)]
pub(crate) struct ExecutionFacts {
    /// The execution.
    pub(crate) id: ExecutionId,
    /// Its state.
    pub(crate) phase: ExecutionPhase,
    /// How many leases it had.
    pub(crate) epoch: u32,
    /// How often it was reset.
    pub(crate) generation: u32,
    /// Its epoch when it was last reset.
    pub(crate) reset_epoch: u32,
    /// Hash of the last lease, unless the execution was reset or abandoned since.
    pub(crate) lease_hash: Option<LeaseHash>,
    /// The principal of that lease; empty if there was none.
    pub(crate) principal: String,
    /// Whether its Squish server was given to another lease since.
    pub(crate) server_taken: bool,
    /// Digest of the counted result, if a holder sent it.
    pub(crate) digest: Option<StoredDigest>,
    /// Whether its outcome is a failed test or an execution error.
    pub(crate) failed: bool,
    /// Who cancelled it and why, if that ended it.
    pub(crate) cancelled: Option<String>,
}

/// The claim of a caller to an execution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PresentedLease<'a> {
    /// The lease; absent for the vendor's clients.
    pub(crate) lease: Option<&'a LeaseToken>,
    /// The principal of its credentials.
    pub(crate) principal: &'a str,
    /// Whether the service requires a lease.
    pub(crate) require_lease: bool,
}

/// How a caller's claim compares with the current lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The current lease, from the principal that got it.
    Current,
    /// No lease, from the principal that got the current one.
    SamePrincipal,
    /// Another principal than the one that got the current lease.
    OtherPrincipal,
    /// A lease that is not the current one.
    Superseded,
    /// No lease, where one is required.
    LeaseMissing,
}

impl ExecutionFacts {
    /// Compares a claim with the current lease, in constant time.
    pub(crate) fn claim(&self, presented: PresentedLease<'_>) -> Claim {
        let same_principal = self.principal == presented.principal;
        match presented.lease {
            Some(lease) => {
                let current = token_derivation::epoch(lease) == Some(self.epoch)
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

    /// Why a lease is no longer current.
    fn fate(&self) -> String {
        match self.phase {
            ExecutionPhase::Reserved | ExecutionPhase::Expired => {
                format!("it is reserved again (attempt {})", self.epoch)
            }
            ExecutionPhase::Done => match &self.cancelled {
                Some(cancelled) => format!("it was {cancelled}"),
                None => "another attempt finished it, or it was abandoned".to_owned(),
            },
            ExecutionPhase::Open if self.epoch == self.reset_epoch && self.generation > 0 => {
                "it was reset".to_owned()
            }
            ExecutionPhase::Open => "it was released".to_owned(),
        }
    }
}

/// A refusal as an error.
pub(crate) fn refuse(code: RefusalCode, message: impl Into<String>) -> StoreError {
    Refusal {
        code,
        message: message.into(),
    }
    .into()
}

/// A guarded statement changed no row although its guard should hold: a bug.
fn unexplained(what: &str, facts: &ExecutionFacts) -> StoreError {
    StoreError::Broken(format!(
        "BUG: {what} of execution {} changed nothing, and nothing in {facts:?} explains why",
        facts.id
    ))
}
