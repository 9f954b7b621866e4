//! A session that runs one execution after the other.

use std::{collections::VecDeque, fmt, future};

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::{
    client::BatchOptions,
    model::ExecutionId,
    run::{Attempt, Session, SessionEvent, WorkItem},
};

/// Reports that the process of an execution was started.
#[derive(Clone, Debug)]
pub(crate) struct Starts(mpsc::UnboundedSender<(ExecutionId, u32)>);

impl Starts {
    /// Reports it before anything that the execution does later.
    pub(crate) async fn report(&self, execution: ExecutionId, pid: u32) {
        // The session receives for as long as it runs the future that this is called in.
        let _ = self.0.send((execution, pid));
        tokio::task::yield_now().await;
    }
}

/// Runs each execution as `run` does, which may report processes that it starts.
pub(crate) struct Sequential<F> {
    run: F,
    queue: VecDeque<WorkItem>,
    /// Whether it reported that it wants an execution, and got none since.
    is_waiting: bool,
    running: Option<(ExecutionId, BoxFuture<'static, Attempt>)>,
    starts: Starts,
    started: mpsc::UnboundedReceiver<(ExecutionId, u32)>,
}

impl<F> Sequential<F>
where
    F: FnMut(WorkItem, Starts) -> BoxFuture<'static, Attempt> + Send,
{
    pub(crate) fn new(run: F) -> Self {
        let (starts, started) = mpsc::unbounded_channel();
        Self {
            run,
            queue: VecDeque::new(),
            is_waiting: false,
            running: None,
            starts: Starts(starts),
            started,
        }
    }

    async fn next_event(&mut self) -> SessionEvent {
        if self.running.is_none()
            && let Some(work) = self.queue.pop_front()
        {
            let execution = work.granted.execution;
            self.running = Some((execution, (self.run)(work, self.starts.clone())));
        }
        let Some((execution, running)) = &mut self.running else {
            if !std::mem::replace(&mut self.is_waiting, true) {
                return SessionEvent::Wants(BatchOptions::one());
            }
            return future::pending().await;
        };
        let execution = *execution;
        let attempt = tokio::select! {
            biased;
            Some((execution, pid)) = self.started.recv() => {
                return SessionEvent::Started { execution, pid };
            }
            attempt = running => Box::new(attempt),
        };
        self.running = None;
        SessionEvent::Ended { execution, attempt }
    }
}

impl<F> Session for Sequential<F>
where
    F: FnMut(WorkItem, Starts) -> BoxFuture<'static, Attempt> + Send,
{
    fn take(&mut self, work: Vec<WorkItem>) {
        self.queue.extend(work);
        self.is_waiting = false;
    }

    fn next(&mut self) -> BoxFuture<'_, SessionEvent> {
        Box::pin(self.next_event())
    }
}

impl<F> fmt::Debug for Sequential<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequential")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
