//! What a refused statement means: success because the change was made before, or a refusal with its number.

use super::{
    super::{Finish, RefusalCode, StoreError},
    Claim, EventKind, Phase, Presented, View, refuse, unexplained,
};
use crate::model::ExecutionId;

/// The answer to a result that was not counted now: success if this result was counted before.
pub(crate) fn finish(
    view: &View,
    presented: Presented<'_>,
    finish: &Finish,
) -> Result<(), StoreError> {
    let id = view.id;
    let same_result = view.digest.is_some_and(|stored| stored.matches(finish));
    let cannot = |why: &str| {
        Err(refuse(
            RefusalCode::CannotFinish,
            format!("cannot finish execution {id}: {why}"),
        ))
    };
    match (view.claim(presented), view.phase) {
        (Claim::Current | Claim::SamePrincipal, Phase::Done) if same_result => Ok(()),
        (Claim::Current, Phase::Done) => Err(refuse(
            RefusalCode::OtherResult,
            format!(
                "a different result of this lease of execution {id} is counted already; this one is kept in its history only."
            ),
        )),
        (Claim::Current, Phase::Open) | (Claim::Superseded, _) => Err(refuse(
            RefusalCode::ResultNotCounted,
            format!(
                "the lease of execution {id} is lost, its result is not counted: {}. Reserve the next execution.",
                view.fate()
            ),
        )),
        (Claim::LeaseMissing, _) => {
            cannot("this service requires the lease of the reservation, as `lease` in the body.")
        }
        (Claim::SamePrincipal, Phase::Done) => cannot("a different result is counted already."),
        (Claim::OtherPrincipal, _) if view.epoch > 0 && !view.principal.is_empty() => {
            cannot("it was reserved with other credentials. Use those that reserved it.")
        }
        (Claim::SamePrincipal | Claim::OtherPrincipal, Phase::Open)
        | (Claim::OtherPrincipal, _) => cannot("it is not reserved. Reserve it first."),
        (Claim::Current | Claim::SamePrincipal, Phase::Reserved | Phase::Expired) => {
            Err(unexplained("a result", view))
        }
    }
}

/// The event under which a refused result is kept in the history.
pub(crate) fn kept_as(refusal: RefusalCode) -> Option<EventKind> {
    match refusal {
        RefusalCode::ResultNotCounted => Some(EventKind::LateResult),
        RefusalCode::OtherResult => Some(EventKind::OtherResult),
        _ => None,
    }
}

/// The answer to a heartbeat that changed nothing: success if there is nothing left to do. `release` says whether the
/// heartbeat was to release the lease.
pub(crate) fn heartbeat(
    view: &View,
    presented: Presented<'_>,
    release: bool,
) -> Result<(), StoreError> {
    let id = view.id;
    match (view.claim(presented), view.phase) {
        // A heartbeat that raced its own finish, or a repeated release whose answer was lost.
        (Claim::Current, Phase::Done) => Ok(()),
        (Claim::Current, Phase::Open) if release => Ok(()),
        (Claim::Current, Phase::Open) | (Claim::Superseded, _) => Err(refuse(
            RefusalCode::ReservationLost,
            format!(
                "the reservation of execution {id} is lost: {}. Stop the test and reserve the next execution.",
                view.fate()
            ),
        )),
        (Claim::Current | Claim::SamePrincipal, Phase::Expired) if view.server_taken => {
            Err(refuse(
                RefusalCode::ServerLost,
                format!(
                    "the lease of execution {id} expired and its Squish server was given to another one. Stop the test and reserve again."
                ),
            ))
        }
        (Claim::LeaseMissing, _) => Err(lease_missing(id)),
        // Without a lease the refusal names the state, not the holder: vendor clients can only act on the state.
        (Claim::SamePrincipal | Claim::OtherPrincipal, Phase::Open | Phase::Done)
            if presented.lease.is_none() =>
        {
            let state = if view.phase == Phase::Done {
                "done"
            } else {
                "open"
            };
            Err(refuse(
                RefusalCode::NotReserved,
                format!(
                    "execution {id} is {state}, not reserved: there is no lease to renew. Reserve the next execution."
                ),
            ))
        }
        (Claim::OtherPrincipal, _) => Err(refuse(
            RefusalCode::NotHolder,
            format!(
                "execution {id} was reserved with other credentials. Use those that reserved it."
            ),
        )),
        (Claim::Current | Claim::SamePrincipal, _) => Err(unexplained("a heartbeat", view)),
    }
}

fn lease_missing(id: ExecutionId) -> StoreError {
    refuse(
        RefusalCode::NotHolder,
        format!(
            "execution {id} requires the lease of its reservation: send it as `lease` in the body."
        ),
    )
}

/// The answer to a reset that changed nothing: success if the execution was reset before.
pub(crate) fn reset(view: &View, generation: Option<u32>) -> Result<(), StoreError> {
    let id = view.id;
    if let Some(expected) = generation {
        if view.generation > expected {
            return Ok(());
        }
        if view.generation < expected {
            return Err(refuse(
                RefusalCode::Malformed,
                format!(
                    "execution {id} is at generation {}, not yet at {expected}. List the executions again.",
                    view.generation
                ),
            ));
        }
    }
    match view.phase {
        // A repeated reset whose answer was lost.
        Phase::Open if view.generation > 0 && view.epoch == view.reset_epoch => Ok(()),
        Phase::Reserved => Err(refuse(
            RefusalCode::InProgress,
            format!("execution {id} is in progress. Wait for its result before you reset it."),
        )),
        Phase::Open | Phase::Expired => Err(refuse(
            RefusalCode::NotFailed,
            format!("execution {id} is open: nothing to reset."),
        )),
        Phase::Done if !view.failed => Err(refuse(
            RefusalCode::NotFailed,
            format!(
                "execution {id} did not fail: only a failed test or an execution error can be reset."
            ),
        )),
        Phase::Done => Err(unexplained("a reset", view)),
    }
}
