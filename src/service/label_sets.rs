//! What the sets of labels of executions are.

use super::{http_error::HttpError, service_state::ServiceState};
use crate::model::Capabilities;

/// The capabilities of sets of labels, with the numbers of the sets.
pub(super) async fn systems(
    shared: &ServiceState,
    mut sets: Vec<i64>,
) -> Result<Vec<(i64, Capabilities)>, HttpError> {
    sets.sort_unstable();
    sets.dedup();
    let wanted = sets.clone();
    let found = shared
        .ask_for_waiting(move |store, _| store.label_sets(wanted))
        .await?;
    Ok(sets.into_iter().zip(found).collect())
}
