//! A few read-only connections, so that reads neither wait for the writer nor block it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{
    connection,
    database_failure::{folder_of, located},
};
use crate::{
    store::{StoreError, rows::PageReads},
    sync::ignore_poison,
};

/// Most reads at a time.
const MAX_READS: u32 = 4;

pub(super) struct ReadPool {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl ReadPool {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Arc::default(),
            permits: Arc::new(Semaphore::new(MAX_READS as usize)),
        }
    }

    /// Reads one consistent snapshot of the database on a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn PageReads) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_closed| StoreError::Busy)?;
        let (idle, path) = (Arc::clone(&self.idle), self.path.clone());
        tokio::task::spawn_blocking(move || {
            let kept = lock(&idle).pop();
            let db = match kept {
                Some(db) => Ok(db),
                None => connection::reader(&path).map_err(StoreError::from),
            };
            let result = db.and_then(|mut db| {
                let result = in_snapshot(&mut db, work);
                lock(&idle).push(db);
                result
            });
            drop(permit);
            result.map_err(|error| located(error, folder_of(&path)))
        })
        .await
        .map_err(|error| StoreError::Broken(format!("BUG: a read did not end: {error}")))?
    }

    /// Waits for running reads, then closes the connections. Later reads are answered "busy".
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(MAX_READS).await;
        self.permits.close();
        drop(all);
        lock(&self.idle).clear();
    }
}

fn in_snapshot<T>(
    db: &mut Connection,
    work: impl FnOnce(&mut dyn PageReads) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    db.prepare_cached("BEGIN")?.execute([])?;
    let result = work(db);
    db.prepare_cached("ROLLBACK")?.execute([])?;
    result
}

fn lock(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    ignore_poison(idle.lock())
}
