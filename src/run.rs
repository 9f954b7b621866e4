//! A run: workers under leases, their processes and heartbeats, one dispatcher that owns the state.
//!
//! [`dispatcher`] decides and writes down, [`worker`] reserves and executes, [`heartbeat`] keeps the lease,
//! [`executor`] bounds a process by it. Workers send events and obey one value, the [`Phase`]; nothing flows back.

pub mod dispatcher;
pub mod executor;
pub mod heartbeat;
pub mod lease;
pub mod lease_files;
mod licence;
mod probe;
pub mod process;
pub mod recorder;
pub mod state;
pub mod suite_turns;
mod tries;
pub mod upload;
pub mod worker;

pub use dispatcher::{Observer, RunEnd, WorkOrder, work};
pub use state::{Phase, ProgressEvent};
