//! The database that is open for writing, with what its writer remembers and counts.

use std::time::Duration;

use rusqlite::Connection;

use super::{high_water_mark::StoreId, statements::Statements as _};
use crate::{
    model::Timestamp,
    store::{
        StoreError,
        steps::{Memory, WriteContext},
        values::signed,
    },
};

/// How old the stored time may be after a transaction that changed nothing.
const CLOCK_PERIOD: Duration = Duration::from_millis(500);

pub(super) struct Database {
    pub(super) db: Connection,
    pub(super) memory: Memory,
    /// The random name of the store.
    pub(super) store_id: StoreId,
    /// How many changes were acknowledged, or will be after the commit.
    pub(super) acknowledged: u64,
    /// How many of them the database counts, or will after the commit.
    pub(super) counted: u64,
    /// The time that the database holds as its last sign of life.
    alive_at: Timestamp,
}

impl Database {
    pub(super) fn new(
        db: Connection,
        memory: Memory,
        store_id: StoreId,
        acknowledged: u64,
    ) -> Self {
        Self {
            db,
            store_id,
            acknowledged,
            counted: acknowledged,
            alive_at: memory.now,
            memory,
        }
    }

    /// What a request works with.
    pub(super) fn context(&mut self) -> WriteContext<'_> {
        WriteContext {
            rows: &mut self.db,
            memory: &mut self.memory,
        }
    }

    /// How many rows were changed since the database was opened.
    pub(super) fn rows_changed(&self) -> u64 {
        self.db.total_changes()
    }

    /// Stores that the service is alive now and how much it acknowledged, at most once per transaction and millisecond: what
    /// the millisecond still acknowledges is counted by the next one. A transaction that changed nothing else, such as a
    /// reservation for which there is no execution, stores it only now and then: without a change it costs no commit.
    pub(super) fn write_clock(&mut self, changed_rows: bool) -> Result<(), StoreError> {
        let now = self.memory.now;
        let unwritten = now.since(self.alive_at);
        let uncounted = self.counted < self.acknowledged;
        let is_due = changed_rows || uncounted || unwritten >= CLOCK_PERIOD;
        if now > self.alive_at && is_due {
            self.db.change_one(
                "the clock",
                "UPDATE service SET alive_at = ?1, acknowledged = ?2",
                [now.0, signed(self.acknowledged)],
            )?;
            self.counted = self.acknowledged;
            self.alive_at = now;
        }
        Ok(())
    }

    /// Drops what is remembered, because some of it may have been rolled back.
    pub(super) fn forget(&mut self) {
        self.memory.forget();
        self.alive_at = Timestamp(i64::MIN);
    }

    /// Notes that no service has the database open. Returns how many acknowledged changes it counts, `None` if that failed.
    pub(super) fn end_use(&self) -> Option<u64> {
        let ended = self.db.change_one(
            "the end of use",
            "UPDATE service SET in_use = 0, acknowledged = ?1",
            [signed(self.acknowledged)],
        );
        ended.ok().map(|()| self.acknowledged)
    }

    /// Moves the write-ahead log into the database file. Without success the log stays and is read at the next start.
    pub(super) fn empty_log(&self) {
        _ = self
            .db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// Closes the database.
    pub(super) fn close(self) {
        let _ = self.db.close();
    }
}
