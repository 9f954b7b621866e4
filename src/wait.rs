//! Waiting for a plan: what it waits for, when people are reminded of it, and when a wait is given up.

mod poll_backoff;
mod probe;
mod reminder;
mod stall;
pub mod wording;

pub(crate) use poll_backoff::PollBackoff;
pub(crate) use probe::WaitProbe;
pub use reminder::{Decision, Reminder, WaitSnapshot};
pub(crate) use stall::StallWatch;
pub use stall::{WaitUpdate, WaitingWorkers};

/// Why a worker waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitingFor {
    /// Every fitting execution is held by other workers; how many, where the service says it.
    Executions(Option<u64>),
    /// Executions fit, but every Squish server that fits is busy.
    SquishServer,
}
