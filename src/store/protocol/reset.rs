//! What it means when the reset statement does not fit.

use super::{
    super::{RefusalCode, StoreError},
    Phase, View, refuse, unexplained,
};

/// Success if it is reset already, else why not.
pub fn refused(view: &View, generation: Option<u32>) -> Result<(), StoreError> {
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
        // The answer of the reset was lost, and its caller asks again.
        Phase::Open if view.generation > 0 && view.epoch == view.reset_epoch => Ok(()),
        Phase::Reserved => Err(refuse(
            RefusalCode::InProgress,
            format!("execution {id} is in progress. Wait for its result before you reset it."),
        )),
        Phase::Open | Phase::Lapsed => Err(refuse(
            RefusalCode::NotFailed,
            format!("execution {id} is open: nothing to reset."),
        )),
        Phase::Done if !view.failed => Err(refuse(
            RefusalCode::NotFailed,
            format!("execution {id} neither failed nor broke: only those can be reset."),
        )),
        Phase::Done => Err(unexplained("a reset", view)),
    }
}
