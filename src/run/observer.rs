//! What people see of a run in progress.

use std::time::Duration;

use crate::{
    model::{Outcome, Test},
    wait::WaitUpdate,
};

/// Shows the progress of a run.
pub trait Observer: Send {
    /// Called for each event that people may want to see.
    fn observe(&mut self, event: &ProgressEvent);

    /// How often it wants to see what runs, if at all.
    fn interval(&self) -> Option<Duration> {
        None
    }

    /// Called that often with what runs, the oldest first.
    fn see_running(&mut self, _running: &[RunningTest]) {}
}

/// A test that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningTest {
    /// On which worker, from 1.
    pub slot: usize,
    /// The test.
    pub test: Test,
    /// How long it has been seen to run.
    pub age: Duration,
}

/// Progress of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum ProgressEvent {
    /// An execution ended and the service has its result.
    Finished {
        /// Which worker, from 1.
        slot: usize,
        /// The test.
        test: Test,
        /// Its outcome.
        outcome: Outcome,
        /// How long it took.
        duration: Duration,
        /// How many have ended in this process, this one included.
        ended: u64,
        /// How many the plan has.
        total: u64,
    },
    /// A test did not run, because the server that came with it is unreachable.
    NotRun {
        /// The test.
        test: Test,
        /// Why, and what happens next.
        reason: String,
    },
    /// The service did not count a result, or did not get it.
    NotCounted {
        /// The test.
        test: Test,
        /// Why.
        reason: String,
    },
    /// The results of an execution were not uploaded.
    NotUploaded {
        /// The test.
        test: Test,
        /// Why.
        reason: String,
    },
    /// All workers wait.
    Waiting {
        /// How many workers.
        workers: usize,
        /// For what, how long, and what would end it.
        update: WaitUpdate,
    },
    /// Workers are busy and nothing ended for a while.
    Busy {
        /// What runs.
        running: Vec<Test>,
    },
    /// The run stops before its end, and why.
    Stopping(String),
}
