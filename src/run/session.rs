//! The seam between the engine and test tools: a [`Runner`] starts one [`Session`] per worker, a session runs executions.
//!
//! The engine reserves, keeps leases, records, uploads and reports; it knows no test tool. A runner knows how to start its
//! tool, how many tests share a process, and which faults of a machine or server are not failures of a test.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::{attempt::Attempt, heartbeat::LeaseWatch, phase::Phase};
use crate::{
    client::{BatchOptions, Granted},
    model::ExecutionId,
};

/// Runs tests with one kind of tool, for all workers of this process.
pub trait Runner: fmt::Debug + Send + Sync {
    /// Starts the session of one worker. It ends its processes when `phase` moves past [`Phase::Working`].
    fn start(&self, phase: watch::Receiver<Phase>) -> Box<dyn Session>;
}

/// Runs the executions of one worker: one after the other, several in one process, or in a process that stays.
///
/// Dropping it kills its processes.
pub trait Session: Send {
    /// Takes executions on, each bounded by its own lease: never more than it wanted.
    fn take(&mut self, work: Vec<WorkItem>);

    /// Waits for what happens next. Each execution that was taken ends once, in any order. Dropping the future loses
    /// nothing.
    fn next(&mut self) -> BoxFuture<'_, SessionEvent>;

    /// A mark that its processes bear, where a process serves executions that come one after the other: then the files of
    /// all their leases name it. `None` if the processes of an execution bear the mark of its [`WorkItem`].
    fn mark(&self) -> Option<String> {
        None
    }

    /// Whether results are delivered before more is reserved, and not at the same time. The service needs the durations in
    /// them to decide how much it hands out.
    fn wants_results_first(&self) -> bool {
        false
    }

    /// The service has no execution for it now; one may come later. A session that has set something up for the next test
    /// may end it.
    fn none_now(&mut self) {}

    /// Ends in order, when no execution is left and no other comes: a process that stays ends what it shares between
    /// tests. Returns at once if there is nothing to end.
    fn end(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// An execution to run.
#[derive(Clone, Debug)]
pub struct WorkItem {
    /// The reservation: the test, and what came with it.
    pub granted: Arc<Granted>,
    /// The lease that bounds it.
    pub lease: LeaseWatch,
    /// A mark for its processes that a file of this process names already.
    pub mark: Option<String>,
}

/// What a session reports.
#[derive(Debug)]
pub enum SessionEvent {
    /// It can take so many executions on. Reported once, and again only after [`Session::take`].
    Wants(BatchOptions),
    /// The first process of an execution runs.
    Started {
        /// The execution.
        execution: ExecutionId,
        /// The process.
        pid: u32,
    },
    /// A call of the tool cost this beyond its tests: its start and its end. Reported before its last execution ends.
    StartCost(Duration),
    /// An execution ended.
    Ended {
        /// The execution.
        execution: ExecutionId,
        /// Its outcome.
        attempt: Box<Attempt>,
    },
}
