//! The store on SQLite: one writer thread, group commit, WAL.
//!
//! Changes queue up for the writer, which runs up to 256 of those that wait in one transaction and answers after
//! the commit. Reads use a few read-only connections beside it and see what was answered. Time is the caller's; the
//! writer only never lets it go back.

mod connection;
mod counts;
mod desk;
mod executions;
mod finish;
mod heartbeat;
mod holder;
mod imports;
mod keys;
mod lapse;
mod listing;
mod pick;
mod plans;
mod queue;
mod readers;
mod replay;
mod reserve;
mod reset;
mod rows;
mod seam;
mod squish_servers;
mod standing;
mod templates;
mod test_lists;
mod trouble;
mod writer;

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::watch;

use self::{queue::Queue, readers::Readers};
use super::{Rules, StoreError};
use crate::{model::Timestamp, sync::ignore_poison};

/// What an answered request has survived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It is on stable storage.
    #[default]
    Full,
    /// It survives the process, not a power loss: that may take back the last moments, never corrupt or double-count.
    Normal,
}

/// What was found at [`SqliteStore::open`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The service's clock must not start before this.
    pub high_water: Timestamp,
    /// How long no service ran on the file; zero for a new one.
    pub away: Duration,
    /// How many leases were made longer because of that.
    pub extended: u64,
}

/// A [`Store`](super::Store) in one SQLite file, for one process at a time.
///
/// Dropping it waits for the requests already queued and keeps the file; [`close`](super::Store::close) also leaves
/// no side files behind.
pub struct SqliteStore {
    queue: Queue,
    readers: Readers,
    changes: watch::Receiver<u64>,
    ended: watch::Receiver<bool>,
    commits: Arc<AtomicU64>,
    writer: Mutex<Option<JoinHandle<()>>>,
    rules: Rules,
}

impl SqliteStore {
    /// Opens or makes the file at `path`, brings its schema up to date, and makes leases longer by the time that no
    /// service ran. `now` is the wall clock; times before the file's high-water mark are taken as that.
    ///
    /// # Errors
    ///
    /// [`StoreError::Broken`] with a text for the user: another service has the file, a newer version wrote it, it is
    /// damaged, SQLite is too old, or the disk refuses.
    pub fn open(
        path: &Path,
        durability: Durability,
        rules: Rules,
        now: Timestamp,
    ) -> Result<(Self, Opened), StoreError> {
        let lock = connection::lock(path)?;
        let db = connection::writer(path, durability)?;
        let (desk, opened) = desk::Desk::open(db, rules, now)?;
        let (tell, changes) = watch::channel(0);
        let (queue, waiting) = Queue::new();
        let commits = Arc::new(AtomicU64::new(0));
        let (end, ended) = watch::channel(false);
        let writer = writer::Writer {
            desk,
            waiting,
            tell,
            commits: Arc::clone(&commits),
            lock,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                writer.run();
                end.send_replace(true);
            })
            .map_err(|error| StoreError::Broken(format!("no thread for the writer: {error}")))?;
        let store = Self {
            queue,
            readers: Readers::new(path),
            changes,
            ended,
            commits,
            writer: Mutex::new(Some(thread)),
            rules,
        };
        Ok((store, opened))
    }

    /// How many transactions were committed since it was opened: with many clients far fewer than requests.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.queue.close();
        let thread = ignore_poison(self.writer.lock()).take();
        if let Some(thread) = thread {
            // A panic of the writer was told to whoever waited for an answer.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("rules", &self.rules)
            .field("commits", &self.commits())
            .finish_non_exhaustive()
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Broken(error.to_string())
    }
}
