//! The session of one worker: commands to the task that drives its process, and that task's events.

use std::{fmt, future, sync::Arc};

use futures_util::future::BoxFuture;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{
    collected::FirstProcess,
    session_driver::{Command, SessionDriver},
    warm_setup::Shared,
};
use crate::run::{Phase, Session, SessionEvent, WorkItem};

/// A session. The process is driven by a task of its own, so that a question of pytest is answered while the worker is
/// busy with the service.
pub(crate) struct WarmSession {
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedReceiver<SessionEvent>,
    driver: JoinHandle<()>,
    mark: String,
}

impl WarmSession {
    /// Starts the process, or uses one that was started before the plan. Must be called inside a tokio runtime.
    pub(crate) fn start(
        shared: Arc<Shared>,
        worker: u32,
        process: Option<FirstProcess>,
        phase: watch::Receiver<Phase>,
    ) -> Self {
        let (commands, received) = mpsc::unbounded_channel();
        let (sender, events) = mpsc::unbounded_channel();
        let mark = shared.starter.mark(worker);
        let has_process = process.is_some();
        let driver = SessionDriver::new((shared, worker), has_process, phase, received, sender);
        Self {
            commands,
            events,
            driver: tokio::spawn(driver.run(process)),
            mark,
        }
    }
}

impl Session for WarmSession {
    fn take(&mut self, work: Vec<WorkItem>) {
        // The driver ends only after this session.
        let _ = self.commands.send(Command::Take(work));
    }

    fn next(&mut self) -> BoxFuture<'_, SessionEvent> {
        Box::pin(async {
            match self.events.recv().await {
                Some(event) => event,
                None => future::pending().await,
            }
        })
    }

    fn mark(&self) -> Option<String> {
        Some(self.mark.clone())
    }

    fn none_now(&mut self) {
        // As above.
        let _ = self.commands.send(Command::NoneNow);
    }

    fn end(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if self.commands.send(Command::End).is_ok() {
                // Nothing can be done about a panic of the driver any more.
                let _ = (&mut self.driver).await;
            }
        })
    }
}

impl Drop for WarmSession {
    fn drop(&mut self) {
        // Its process is killed with it.
        self.driver.abort();
    }
}

impl fmt::Debug for WarmSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WarmSession").finish_non_exhaustive()
    }
}
