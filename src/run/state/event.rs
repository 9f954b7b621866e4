//! The events of a run, and the responses to them.

use crate::{
    model::{ExecutionId, record::RecordEvent},
    run::{ending::RunEnding, observer::ProgressEvent, phase::Phase},
    signal::SignalKind,
    wait::{WaitUpdate, WaitingFor},
};

/// What a worker reports.
#[derive(Debug)]
pub(crate) enum WorkerEvent {
    /// Something to write down.
    Record(RecordEvent),
    /// Nothing could be reserved now.
    Waiting(WaitingFor),
    /// The test of an execution did not run: why.
    NotRun {
        execution: ExecutionId,
        reason: String,
    },
    /// The worker left. Its last event.
    Left(RunEnding),
}

/// Everything that can happen to a run.
#[derive(Debug)]
pub(crate) enum RunEvent {
    /// A worker, by slot, reports something.
    Worker(usize, WorkerEvent),
    /// A record could not be written: why.
    NotRecorded(String),
    /// A signal stops the run.
    Signal(SignalKind),
    /// The deadline of the command was reached.
    Deadline,
    /// Nothing happened for a while.
    Quiet,
    /// All workers wait, and the service answered what for.
    Idle(WaitUpdate),
}

/// What the dispatcher does about an event, beside writing records.
#[must_use]
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Response {
    /// The phase that workers now are in.
    pub(crate) phase: Option<Phase>,
    /// What people see.
    pub(crate) progress: Option<ProgressEvent>,
    pub(crate) is_over: bool,
}
