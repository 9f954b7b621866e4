//! One suite at a time on each Squish server, among the workers of this process. A second one would be refused, or would
//! wait in squishrunner, where its time limit runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::sync::OwnedMutexGuard;

use crate::{runner::squishrunner::squish_address::SquishAddress, sync::ignore_poison};

/// One lock for each address that was used.
#[derive(Debug, Default)]
pub(super) struct SuiteTurns(Mutex<HashMap<SquishAddress, Arc<tokio::sync::Mutex<()>>>>);

impl SuiteTurns {
    /// Waits until no other worker uses the Squish server. Dropping the guard or the future ends the turn.
    pub(super) async fn take(&self, address: &SquishAddress) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = ignore_poison(self.0.lock());
            Arc::clone(turns.entry(address.clone()).or_default())
        };
        if let Ok(free) = Arc::clone(&turn).try_lock_owned() {
            return free;
        }
        tracing::info!(%address, "another worker runs a suite on this Squish server, waiting for it");
        turn.lock_owned().await
    }
}
