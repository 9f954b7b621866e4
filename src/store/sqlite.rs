//! The store on SQLite: one writer thread, group commit, write-ahead log.
//!
//! Changes queue up for the writer, which runs up to 256 waiting ones in one transaction and answers after the commit.
//! Reads use a few read-only connections and see every change that was answered. The caller passes the time; the writer
//! only keeps it from going back.

mod backup;
mod column_values;
mod connection;
mod database;
mod database_failure;
mod disk_watch;
mod files_in_place;
mod high_water_mark;
mod loss_check;
mod move_source;
mod opening;
#[cfg(test)]
mod query_plan;
mod read_pool;
mod recovery;
mod reserve_keys;
mod rows;
mod sqlite_store;
mod statements;
mod writer;

pub use backup::{Backup, back_up};
pub use connection::Durability;
pub use loss_check::LossPolicy;
pub(in crate::store) use move_source::MoveSource;
pub use move_source::RunningPlan;
pub use recovery::Recovery;
pub use sqlite_store::SqliteStore;
