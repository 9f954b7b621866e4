//! A run: workers under leases, their heartbeats, one dispatcher that owns the state. It knows no test tool.
//!
//! [`dispatcher`] decides and records, [`worker`] reserves and reports, `lease_keeper` keeps its leases. A [`Runner`] runs the
//! tests behind the seam in [`session`]; [`process`] and `supervisor` are there for runners. Workers send events and obey
//! one value, the [`Phase`]; nothing flows back.

pub(crate) mod attempt;
pub(crate) mod dispatcher;
pub(crate) mod ending;
pub mod heartbeat;
mod held_lease;
pub mod lease_files;
mod lease_keeper;
pub(crate) mod observer;
pub(crate) mod phase;
pub mod process;
pub(crate) mod recorder;
mod running_tests;
pub(crate) mod session;
pub mod state;
pub(crate) mod supervisor;
pub mod upload;
pub mod worker;

pub use attempt::{Attempt, Disposition};
pub use dispatcher::{RunSummary, WorkOrder, work};
pub use ending::RunEnding;
pub use observer::{Observer, ProgressEvent, RunningTest};
pub use phase::Phase;
pub use session::{Runner, Session, SessionEvent, WorkItem};
