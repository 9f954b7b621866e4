//! The store on PostgreSQL, for any number of replicas of the service.
//!
//! Each replica has one writer. It takes all requests that wait, locks their plans, reads their rows, runs the requests on
//! them in memory, writes what changed with one statement per table, and answers after the commit. The lock of a plan keeps
//! other replicas out, so event numbers have no gaps and nobody waits for each other. Time is the database's clock.

mod client;
mod connection;
mod durability;
mod execution;
mod failure;
mod first_contact;
mod flush;
mod joined;
mod known_plans;
mod last_contact;
mod move_target;
mod needs;
mod notices;
mod opening;
mod outage_watch;
mod postgres_store;
mod presence;
mod read_pool;
mod record;
mod rows;
mod schema;
mod working_set;
mod writer;
mod writer_thread;

pub use connection::{SettingsError, Target};
pub use first_contact::Opening;
pub(in crate::store) use move_target::{MoveTarget, Unfit};
pub use postgres_store::{Clock, PostgresStore};
