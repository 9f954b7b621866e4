//! The store on SQLite: one writer thread, group commit, write-ahead log.
//!
//! Changes queue up for the writer, which runs up to 256 waiting ones in one transaction and answers after the commit.
//! Reads use a few read-only connections and see every change that was answered. The caller passes the time; the writer
//! only keeps it from going back.

mod backup;
mod batch_limit;
mod batch_pick;
mod change_notes;
mod column_values;
mod connection;
mod database_failure;
mod disk_watch;
mod entry_list;
mod execution_rows;
mod expiry;
mod failed_start;
mod files_in_place;
mod finish;
mod high_water_mark;
mod history;
mod holder;
mod idempotency_keys;
mod import_rows;
mod imported_verdicts;
mod lease_renewal;
mod loss_check;
mod near_pick;
mod opening;
mod pages;
mod pick;
mod plan_counters;
mod plan_demand;
mod plan_rows;
#[cfg(test)]
mod query_plan;
mod read_pool;
mod recovery;
mod replay;
mod reservations;
mod reset;
mod server_binding;
mod server_rows;
mod sqlite_store;
mod start_costs;
mod statements;
mod template_rows;
mod test_list_rows;
mod write_context;
mod write_queue;
mod writer;

pub use backup::{Backup, back_up};
pub use connection::Durability;
pub use loss_check::LossPolicy;
pub use recovery::Recovery;
pub use sqlite_store::SqliteStore;
