//! Waiting for a plan: what it waits for, when the user is reminded, and when to give up.
//!
//! `WaitProbe` asks what a plan waits for; `partial_waiting` makes a partial answer from a service that only counts.
//! [`StallWatch`] judges the answers for workers that all wait, [`DrainWatch`] for the command `wait`, both with one
//! `Reminder` and one [`WaitUpdate`]. [`ResultsWatch`] waits for results that Test Center counts.

mod drain_watch;
mod partial_waiting;
mod poll_backoff;
mod reminder;
mod results_watch;
mod stall;
mod update;
mod wait_probe;
pub(crate) mod wording;

pub(crate) use drain_watch::{DrainEnd, DrainWatch};
pub(crate) use partial_waiting::service_time;
pub(crate) use poll_backoff::PollBackoff;
pub(crate) use results_watch::{PlanCounts, ResultsWatch};
pub(crate) use stall::StallWatch;
pub use stall::WaitingWorkers;
pub use update::WaitUpdate;
pub(crate) use wait_probe::WaitProbe;

/// Why a worker waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitingFor {
    /// Every fitting execution is held by other workers; how many, where the service says it.
    Executions(Option<u64>),
    /// Executions fit, but every Squish server that fits is busy.
    SquishServer,
}
