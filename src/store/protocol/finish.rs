//! What it means when no statement that takes a result fits.

use super::{
    super::{RefusalCode, StoreError},
    Claim, Digest, EventKind, Phase, Presented, View, refuse, unexplained,
};

/// Success if this very result is counted already, else why not.
pub fn refused(view: &View, presented: Presented<'_>, digest: &Digest) -> Result<(), StoreError> {
    let id = view.id;
    let same_result = view.digest.as_ref() == Some(digest);
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
        (Claim::LeaseMissing, _) => cannot(
            "this service wants the lease that the reservation carried, as `lease` in the body.",
        ),
        (Claim::SamePrincipal, Phase::Done) => cannot("a different result is counted already."),
        (Claim::OtherPrincipal, _) if view.epoch > 0 && !view.principal.is_empty() => {
            cannot("it was reserved with other credentials. Use those that reserved it.")
        }
        (Claim::SamePrincipal | Claim::OtherPrincipal, Phase::Open)
        | (Claim::OtherPrincipal, _) => cannot("it is not reserved. Reserve it first."),
        (Claim::Current | Claim::SamePrincipal, Phase::Reserved | Phase::Lapsed) => {
            Err(unexplained("a result", view))
        }
    }
}

/// Under which word a refused result is kept in the history, if it is.
pub fn kept_as(refusal: RefusalCode) -> Option<EventKind> {
    match refusal {
        RefusalCode::ResultNotCounted => Some(EventKind::LateResult),
        RefusalCode::OtherResult => Some(EventKind::OtherResult),
        _ => None,
    }
}
