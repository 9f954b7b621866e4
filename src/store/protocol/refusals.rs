//! What a refused statement means: success because the change was made before, or a refusal with its number.

use super::{
    super::{Finish, RefusalCode, StoreError},
    Claim, EventKind, ExecutionFacts, ExecutionPhase, PresentedLease, refuse, unexplained,
};
use crate::model::ExecutionId;

/// The answer to a result that was not counted now: success if this result was counted before.
pub(crate) fn finish(
    facts: &ExecutionFacts,
    presented: PresentedLease<'_>,
    finish: &Finish,
) -> Result<(), StoreError> {
    let id = facts.id;
    let same_result = facts.digest.is_some_and(|stored| stored.matches(finish));
    let cannot = |why: &str| {
        Err(refuse(
            RefusalCode::CannotFinish,
            format!("cannot finish execution {id}: {why}"),
        ))
    };
    match (facts.claim(presented), facts.phase) {
        (Claim::Current | Claim::SamePrincipal, ExecutionPhase::Done) if same_result => Ok(()),
        (Claim::Current, ExecutionPhase::Done) => Err(refuse(
            RefusalCode::OtherResult,
            format!(
                "a different result of this lease of execution {id} is counted already; this one is kept in its history only."
            ),
        )),
        (Claim::Current, ExecutionPhase::Open) | (Claim::Superseded, _) => Err(refuse(
            RefusalCode::ResultNotCounted,
            format!(
                "the lease of execution {id} is lost, its result is not counted: {}. Reserve the next execution.",
                facts.fate()
            ),
        )),
        (Claim::LeaseMissing, _) => {
            cannot("this service requires the lease of the reservation, as `lease` in the body.")
        }
        (Claim::SamePrincipal, ExecutionPhase::Done) => {
            cannot("a different result is counted already.")
        }
        (Claim::OtherPrincipal, _) if facts.epoch > 0 && !facts.principal.is_empty() => {
            cannot("it was reserved with other credentials. Use those that reserved it.")
        }
        (Claim::SamePrincipal | Claim::OtherPrincipal, ExecutionPhase::Open)
        | (Claim::OtherPrincipal, _) => cannot("it is not reserved. Reserve it first."),
        (
            Claim::Current | Claim::SamePrincipal,
            ExecutionPhase::Reserved | ExecutionPhase::Expired,
        ) => Err(unexplained("a result", facts)),
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
    facts: &ExecutionFacts,
    presented: PresentedLease<'_>,
    release: bool,
) -> Result<(), StoreError> {
    let id = facts.id;
    match (facts.claim(presented), facts.phase) {
        // A heartbeat that raced its own finish, or a repeated release whose answer was lost.
        (Claim::Current, ExecutionPhase::Done) => Ok(()),
        (Claim::Current, ExecutionPhase::Open) if release => Ok(()),
        (Claim::Current, ExecutionPhase::Open) | (Claim::Superseded, _) => Err(refuse(
            RefusalCode::ReservationLost,
            format!(
                "the reservation of execution {id} is lost: {}. Stop the test and reserve the next execution.",
                facts.fate()
            ),
        )),
        (Claim::Current | Claim::SamePrincipal, ExecutionPhase::Expired) if facts.server_taken => {
            Err(refuse(
                RefusalCode::ServerLost,
                format!(
                    "the lease of execution {id} expired and its Squish server was given to another one. Stop the test and reserve again."
                ),
            ))
        }
        (Claim::LeaseMissing, _) => Err(lease_missing(id)),
        // Without a lease the refusal names the state, not the holder: vendor clients can only act on the state.
        (
            Claim::SamePrincipal | Claim::OtherPrincipal,
            ExecutionPhase::Open | ExecutionPhase::Done,
        ) if presented.lease.is_none() => {
            let state = if facts.phase == ExecutionPhase::Done {
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
        (Claim::Current | Claim::SamePrincipal, _) => Err(unexplained("a heartbeat", facts)),
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
pub(crate) fn reset(facts: &ExecutionFacts, generation: Option<u32>) -> Result<(), StoreError> {
    let id = facts.id;
    if let Some(expected) = generation {
        if facts.generation > expected {
            return Ok(());
        }
        if facts.generation < expected {
            return Err(refuse(
                RefusalCode::Malformed,
                format!(
                    "execution {id} is at generation {}, not yet at {expected}. List the executions again.",
                    facts.generation
                ),
            ));
        }
    }
    match facts.phase {
        // A repeated reset whose answer was lost.
        ExecutionPhase::Open if facts.generation > 0 && facts.epoch == facts.reset_epoch => Ok(()),
        ExecutionPhase::Reserved => Err(refuse(
            RefusalCode::InProgress,
            format!("execution {id} is in progress. Wait for its result before you reset it."),
        )),
        ExecutionPhase::Open | ExecutionPhase::Expired => Err(refuse(
            RefusalCode::NotFailed,
            format!("execution {id} is open: nothing to reset."),
        )),
        ExecutionPhase::Done if !facts.failed => Err(refuse(
            RefusalCode::NotFailed,
            format!(
                "execution {id} did not fail: only a failed test or an execution error can be reset."
            ),
        )),
        ExecutionPhase::Done => Err(unexplained("a reset", facts)),
    }
}
