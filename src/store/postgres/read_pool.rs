//! A few connections for reads, so that reads neither wait for the writer nor block it.

use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::{
    client::{Client, Transaction},
    connection::{Planning, Target},
};
use crate::{
    store::{StoreError, rows::Reads},
    sync::ignore_poison,
};

/// Most reads at a time.
const MAX_READS: usize = 4;

pub(super) struct ReadPool {
    target: Target,
    idle: Arc<Mutex<Vec<Client>>>,
    permits: Arc<Semaphore>,
}

impl ReadPool {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            idle: Arc::default(),
            permits: Arc::new(Semaphore::new(MAX_READS)),
        }
    }

    /// Reads one consistent state of the database on a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Reads) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.call(move |client| in_snapshot(client, work)).await
    }

    /// Uses one of the connections on a blocking thread.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Client) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_closed| StoreError::Busy)?;
        let (idle, target) = (Arc::clone(&self.idle), self.target.clone());
        tokio::task::spawn_blocking(move || {
            let kept = ignore_poison(idle.lock()).pop();
            let mut client = match kept.filter(|client| !client.is_closed()) {
                Some(client) => client,
                None => Client::connect(&target, Planning::Always)?,
            };
            let result = work(&mut client);
            if !client.is_closed() {
                ignore_poison(idle.lock()).push(client);
            }
            drop(permit);
            result
        })
        .await
        .map_err(|error| StoreError::Broken(format!("BUG: a read did not end: {error}")))?
    }

    /// Closes the connections that nobody uses.
    pub(super) fn close(&self) {
        ignore_poison(self.idle.lock()).clear();
    }
}

fn in_snapshot<T>(
    client: &mut Client,
    work: impl FnOnce(&mut dyn Reads) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    client.begin_with(Transaction::Snapshot, &[])?;
    let result = work(client);
    client.run("ROLLBACK")?;
    result
}
