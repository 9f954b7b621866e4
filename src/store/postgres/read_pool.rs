//! A few connections for reads, so that reads neither wait for the writer nor block it.

use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::{
    client::{Client, Transaction},
    connection::{Planning, Target},
    outage_watch::{OutageWatch, Side},
};
use crate::{
    store::{StoreError, rows::PageReads},
    sync::ignore_poison,
};

/// Most reads at a time.
const MAX_READS: usize = 4;

pub(super) struct ReadPool {
    target: Target,
    idle: Arc<Mutex<Vec<Client>>>,
    permits: Arc<Semaphore>,
    watch: Arc<OutageWatch>,
}

impl ReadPool {
    pub(super) fn new(target: Target, watch: Arc<OutageWatch>) -> Self {
        Self {
            target,
            idle: Arc::default(),
            permits: Arc::new(Semaphore::new(MAX_READS)),
            watch,
        }
    }

    /// Reads one consistent state of the database on a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn PageReads) -> Result<T, StoreError> + Send + 'static,
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
        let watch = Arc::clone(&self.watch);
        tokio::task::spawn_blocking(move || {
            let kept = ignore_poison(idle.lock()).pop();
            let connected = match kept.filter(|client| !client.is_closed()) {
                Some(client) => Ok(client),
                None => watch.connect(&target, Planning::Always),
            };
            let result = connected.and_then(|mut client| {
                let result = work(&mut client);
                let is_lost = result.as_ref().is_err_and(StoreError::is_lost_connection);
                let mut idle = ignore_poison(idle.lock());
                if is_lost {
                    // The others lead to the same server.
                    idle.clear();
                } else {
                    idle.push(client);
                }
                result
            });
            watch.record(Side::Reads, result.as_ref().err());
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
    work: impl FnOnce(&mut dyn PageReads) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    client.begin_with(Transaction::Snapshot, "", &[])?;
    let result = work(client);
    let ended = client.run("ROLLBACK");
    // The first error says more.
    result.and_then(|it| ended.map(|()| it))
}
