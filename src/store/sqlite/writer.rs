//! The thread that writes: takes what waits, one transaction for all of it, then the answers.

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
};

use tokio::sync::watch;

use super::{desk::Desk, queue::Job};
use crate::store::StoreError;

/// Most requests of one transaction.
const GROUP: usize = 256;

pub(super) struct Writer {
    pub(super) desk: Desk,
    pub(super) waiting: Receiver<Box<dyn Job>>,
    pub(super) tell: watch::Sender<u64>,
    pub(super) commits: Arc<AtomicU64>,
    /// Held as long as this thread may write.
    pub(super) lock: File,
}

impl Writer {
    /// Works until nobody can put anything in any more, then leaves the file clean and gives it free.
    pub(super) fn run(mut self) {
        let mut group = Vec::with_capacity(GROUP);
        while let Ok(first) = self.waiting.recv() {
            // Never waits for more: a lone client is answered at once, many fill the group while the last one commits.
            group.push(first);
            group.extend(self.waiting.try_iter().take(GROUP - 1));
            let lost = self.commit(&mut group).err().map(|error| error.to_string());
            if lost.is_some() {
                self.desk.forget();
            } else {
                self.commits.fetch_add(1, Ordering::Relaxed);
            }
            if self.desk.take_changed() && lost.is_none() {
                self.tell.send_modify(|count| *count += 1);
            }
            for job in group.drain(..) {
                job.answer(lost.as_deref());
            }
        }
        self.desk.close();
        drop(self.lock);
    }

    fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        self.run_sql("BEGIN IMMEDIATE")?;
        let worked = match group {
            [alone] => self.work_alone(alone.as_mut()),
            many => self.work_each(many),
        };
        let done = worked
            .and_then(|()| self.desk.write_clock())
            .and_then(|()| self.run_sql("COMMIT"));
        if done.is_err() && !self.desk.db.is_autocommit() {
            self.run_sql("ROLLBACK")?;
        }
        done
    }

    /// One request needs no savepoint: what it wrote is all there is.
    fn work_alone(&mut self, job: &mut dyn Job) -> Result<(), StoreError> {
        if !job.work(&mut self.desk) {
            self.run_sql("ROLLBACK")?;
            self.desk.forget();
            self.run_sql("BEGIN IMMEDIATE")?;
        }
        Ok(())
    }

    fn work_each(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        for job in group {
            self.run_sql("SAVEPOINT request")?;
            if !job.work(&mut self.desk) {
                self.run_sql("ROLLBACK TO request")?;
                self.desk.forget();
            }
            // Fails if SQLite rolled the whole transaction back, as it does when the disk is full: then all fail.
            self.run_sql("RELEASE request")?;
        }
        Ok(())
    }

    fn run_sql(&self, sql: &str) -> Result<(), StoreError> {
        self.desk.db.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
