//! The thread that writes: runs all waiting requests in one transaction, then sends their answers.

use std::{
    fs::File,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
};

use super::{
    database::Database, disk_watch::DiskWatch, files_in_place::FilesInPlace,
    high_water_mark::MarkFile,
};
use crate::{
    fs::{DiskFault, DiskFaultKind},
    store::{StoreError, changes::ChangeListeners, write_queue::WriteJob},
};

/// Most requests of one transaction.
const MAX_GROUP: usize = 256;

pub(super) struct Writer {
    pub(super) database: Database,
    pub(super) queue: Receiver<Box<dyn WriteJob<()>>>,
    pub(super) listeners: Arc<ChangeListeners>,
    pub(super) commits: Arc<AtomicU64>,
    pub(super) disk: Arc<DiskWatch>,
    pub(super) files: FilesInPlace,
    pub(super) mark: Option<MarkFile>,
    /// Held as long as this thread may write.
    pub(super) lock: File,
}

impl Writer {
    /// Runs until the queue is closed and empty, then closes the database and releases the lock.
    pub(super) fn run(mut self) {
        let mut group = Vec::with_capacity(MAX_GROUP);
        while let Ok(first) = self.queue.recv() {
            // Never waits for more: a lone client is answered at once, many fill the group during the commit before.
            group.push(first);
            group.extend(self.queue.try_iter().take(MAX_GROUP - 1));
            let acknowledged = self.database.acknowledged;
            let failure = self.commit(&mut group).err();
            let fault = match &failure {
                Some(StoreError::Disk(fault)) => Some(fault.clone()),
                // Such a failure says nothing about the disk.
                Some(_) => self.disk.fault(),
                None => group.iter().find_map(|job| job.disk_fault()),
            };
            self.disk.record(fault.map(|fault| fault.kind));
            if failure.is_some() {
                self.database.forget();
                self.database.acknowledged = acknowledged;
            } else {
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.raise_mark(self.database.counted);
            }
            let changes = self.database.memory.take_changes();
            if failure.is_none() {
                self.listeners.notify(&changes);
            }
            for job in group.drain(..) {
                job.answer(failure.as_ref());
            }
        }
        // If this fails, the stored time is a little older than the last request, as after a kill.
        let _ = self.database.write_clock(true);
        let counted = self.database.end_use();
        self.database.empty_log();
        if let Some(counted) = counted {
            self.raise_mark(counted);
        }
        self.database.close();
        drop(self.lock);
    }

    /// After the commit, so that it is never ahead of the database.
    fn raise_mark(&mut self, counted: u64) {
        if let Some(mark) = &mut self.mark {
            mark.raise(counted);
        }
    }

    fn commit(&mut self, group: &mut [Box<dyn WriteJob<()>>]) -> Result<(), StoreError> {
        // Changes to files without a name would be lost with this process.
        if !self.files.are_in_place() {
            return Err(StoreError::Disk(DiskFault {
                kind: DiskFaultKind::Gone,
                folder: PathBuf::new(),
            }));
        }
        self.roll_back()?;
        self.run_sql("BEGIN IMMEDIATE")?;
        let before = self.database.rows_changed();
        let result = match group {
            [single] => self.run_single(single.as_mut()),
            many => self.run_group(many),
        };
        let committed = result
            .and_then(|()| {
                let changed_rows = self.database.rows_changed() != before;
                self.database.write_clock(changed_rows)
            })
            .and_then(|()| self.run_sql("COMMIT"));
        // The first error says more than that of a rollback, which is tried again before the next group.
        committed.inspect_err(|_| _ = self.roll_back())
    }

    /// Rolls back what is open. SQLite has done so itself after some faults of the disk.
    fn roll_back(&self) -> Result<(), StoreError> {
        if self.database.db.is_autocommit() {
            return Ok(());
        }
        self.run_sql("ROLLBACK")
    }

    /// A single request needs no savepoint.
    fn run_single(&mut self, job: &mut dyn WriteJob<()>) -> Result<(), StoreError> {
        if !self.run_job(job) {
            self.roll_back()?;
            self.database.forget();
            self.run_sql("BEGIN IMMEDIATE")?;
        }
        Ok(())
    }

    fn run_group(&mut self, group: &mut [Box<dyn WriteJob<()>>]) -> Result<(), StoreError> {
        for job in group {
            self.run_sql("SAVEPOINT request")?;
            if !self.run_job(job.as_mut()) {
                // SQLite rolled the whole transaction back, for example on a full disk: all requests fail.
                if self.database.db.is_autocommit() {
                    let fault = job.disk_fault().map(StoreError::Disk);
                    return Err(fault.unwrap_or_else(|| {
                        StoreError::Broken("the transaction ended early".to_owned())
                    }));
                }
                self.run_sql("ROLLBACK TO request")?;
                self.database.forget();
            }
            self.run_sql("RELEASE request")?;
        }
        Ok(())
    }

    /// Runs a request, and counts it if it succeeds and something changed.
    fn run_job(&mut self, job: &mut dyn WriteJob<()>) -> bool {
        let before = self.database.rows_changed();
        let commits = job.run(&mut self.database.context());
        if job.succeeded() && self.database.rows_changed() != before {
            self.database.acknowledged += 1;
        }
        commits
    }

    fn run_sql(&self, sql: &str) -> Result<(), StoreError> {
        self.database.db.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
