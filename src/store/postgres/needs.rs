//! What a request needs before it runs: the plans to lock, and the rows to read for all requests of a group at once.

use crate::{
    model::{Capabilities, ExecutionId, PlanId, Timestamp},
    store::{Finish, Heartbeat, NewImport, Reserve, Reset, protocol::StoredDigest, rows::KeyHash},
};

/// What a request needs.
#[derive(Clone, Debug)]
pub(super) struct Needs {
    /// When the request came, by the clock of the caller.
    pub(super) now: Timestamp,
    /// Plans that it may change.
    pub(super) plans: Vec<PlanId>,
    /// Executions that it names; their plans are locked too.
    pub(super) executions: Vec<ExecutionId>,
    /// The capabilities that it offers to a plan.
    pub(super) offer: Option<(PlanId, Capabilities)>,
    /// The digest of its idempotency key.
    pub(super) key: Option<StoredDigest>,
    /// Project and batch of an import: their plans are locked.
    pub(super) batch: Option<(String, String)>,
    /// Whether leases of any plan that are over have to be expired.
    pub(super) expires_all: bool,
    /// Whether it changes what plans have in common. It then runs alone.
    pub(super) is_alone: bool,
}

impl Needs {
    fn at(now: Timestamp) -> Self {
        Self {
            now,
            plans: Vec::new(),
            executions: Vec::new(),
            offer: None,
            key: None,
            batch: None,
            expires_all: false,
            is_alone: false,
        }
    }

    /// Of a request about templates, plans, or Squish servers.
    pub(super) fn of_catalogue(now: Timestamp) -> Self {
        Self {
            is_alone: true,
            ..Self::at(now)
        }
    }

    /// Of a sweep: everything that is over.
    pub(super) fn of_sweep(now: Timestamp) -> Self {
        Self {
            expires_all: true,
            ..Self::of_catalogue(now)
        }
    }

    pub(super) fn of_import(import: &NewImport, now: Timestamp) -> Self {
        Self {
            batch: Some((import.project.clone(), import.batch.clone())),
            ..Self::of_catalogue(now)
        }
    }

    pub(super) fn of_reserve(request: &Reserve, key: Option<KeyHash>, now: Timestamp) -> Self {
        Self {
            plans: vec![request.plan],
            offer: Some((request.plan, request.offered.clone())),
            key: key.map(|key| key.digest),
            // The server of a lease that is over may be the one that it gets.
            expires_all: request.allocate_server,
            ..Self::at(now)
        }
    }

    pub(super) fn of_heartbeats(beats: &[Heartbeat], plan: Option<PlanId>, now: Timestamp) -> Self {
        Self {
            plans: plan.into_iter().collect(),
            executions: beats.iter().map(|beat| beat.execution).collect(),
            ..Self::at(now)
        }
    }

    pub(super) fn of_results(results: &[Finish], plan: Option<PlanId>, now: Timestamp) -> Self {
        Self {
            plans: plan.into_iter().collect(),
            executions: results.iter().map(|result| result.execution).collect(),
            ..Self::at(now)
        }
    }

    /// Of a change of a plan that takes long.
    pub(super) fn of_plan(plan: PlanId, now: Timestamp) -> Self {
        Self {
            plans: vec![plan],
            ..Self::of_catalogue(now)
        }
    }

    /// Of a change of some executions of a plan.
    pub(super) fn of_executions(
        plan: PlanId,
        executions: impl IntoIterator<Item = ExecutionId>,
        now: Timestamp,
    ) -> Self {
        Self {
            plans: vec![plan],
            executions: executions.into_iter().collect(),
            ..Self::at(now)
        }
    }

    pub(super) fn of_reset(reset: &Reset, now: Timestamp) -> Self {
        Self {
            executions: vec![reset.execution],
            ..Self::at(now)
        }
    }
}
