//! The steps of the protocol over rows: each is what one request does inside a transaction, the same for every database.
//!
//! [`protocol`](super::protocol) decides without any rows; [`rows`](super::rows) says which statements a database has. A step
//! reads, decides, and changes rows by guarded statements.

pub(super) mod audit;
mod batch_limit;
mod batch_pick;
pub(super) mod cancel;
mod change_notes;
pub(super) mod entry_list;
pub(super) mod expiry;
mod failed_start;
pub(super) mod finish;
mod history;
mod idempotency_keys;
mod imported_verdicts;
pub(super) mod imports;
pub(super) mod lease_renewal;
mod near_pick;
pub(super) mod page_facts;
pub(super) mod pages;
mod pick;
pub(super) mod plan_demand;
pub(super) mod plans;
mod replay;
pub(super) mod reservations;
pub(super) mod reset;
pub(super) mod revoke;
pub(super) mod run_facts;
mod server_binding;
pub(super) mod servers;
pub(super) mod templates;
pub(super) mod test_lists;
mod totals;
mod write_context;

pub(super) use idempotency_keys::key_of_reservation;
pub(super) use write_context::{Memory, WriteContext};
