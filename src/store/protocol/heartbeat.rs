//! What it means when no heartbeat statement fits.

use super::{
    super::{RefusalCode, StoreError},
    Claim, Phase, Presented, View, refuse, unexplained,
};

/// Success if there is nothing to do any more, else why not.
///
/// `release` is whether the lease was to be given back.
pub fn refused(view: &View, presented: Presented<'_>, release: bool) -> Result<(), StoreError> {
    let id = view.id;
    match (view.claim(presented), view.phase) {
        // A late beat that raced its own finish, or the repetition of a release whose answer was lost.
        (Claim::Current, Phase::Done) => Ok(()),
        (Claim::Current, Phase::Open) if release => Ok(()),
        (Claim::Current, Phase::Open) | (Claim::Superseded, _) => Err(refuse(
            RefusalCode::ReservationLost,
            format!(
                "the reservation of execution {id} is lost: {}. Stop the test and reserve the next execution.",
                view.fate()
            ),
        )),
        (Claim::Current | Claim::SamePrincipal, Phase::Lapsed) if view.server_taken => Err(refuse(
            RefusalCode::ServerLost,
            format!(
                "the lease of execution {id} ended and its Squish server went to another one. Stop the test and reserve again."
            ),
        )),
        (Claim::LeaseMissing, _) => Err(lease_missing(id)),
        // Without a lease the state is told before the holder: that is all the vendor's clients can act on.
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
                    "execution {id} is {state}, not reserved: nothing to keep. Reserve the next execution."
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

/// Giving back needs the lease: without it one worker could take another's execution away.
pub fn lease_missing(id: crate::model::ExecutionId) -> StoreError {
    refuse(
        RefusalCode::NotHolder,
        format!(
            "execution {id} needs the lease that its reservation carried: send it as `lease` in the body."
        ),
    )
}
