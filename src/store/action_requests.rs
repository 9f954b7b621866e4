//! What people ask of the store: to cancel a plan, to revoke a lease; and the list of what they did.

use crate::model::{ExecutionId, PlanId, Timestamp};

/// A request to cancel a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelPlan {
    pub plan: PlanId,
    /// May be empty.
    pub reason: String,
    /// Ends the leases of running tests too; otherwise these may finish.
    pub stop_running: bool,
    pub principal: String,
}

/// What a cancel found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CancelledPlan {
    /// How many executions were open.
    pub open: u64,
    /// How many were under a lease.
    pub running: u64,
    /// Whether some are still to be ended.
    pub(in crate::store) is_ending: bool,
}

/// A request to end a lease whose holder did not ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoke {
    pub plan: PlanId,
    pub execution: ExecutionId,
    /// May be empty.
    pub reason: String,
    pub principal: String,
}

/// An action of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewAction {
    pub principal: String,
    /// A word: `cancel`, `retry`, `release`, `enable`, `disable`, `register`, `remove`, `change`.
    pub action: String,
    /// What it was done to: `plan 12`, `Squish server lab-1:4322`.
    pub subject: String,
    /// May be empty.
    pub detail: String,
}

/// The same in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Growing number.
    pub id: i64,
    /// The time by the clock of the service.
    pub at: Timestamp,
    pub action: NewAction,
}
