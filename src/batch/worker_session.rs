//! What a worker keeps from call to call where its tool's process stays.

use tokio::sync::watch;

use super::kept_tool::KeptTool;
use crate::{
    run::{Phase, process},
    runner::runner_settings::FreshProcess,
};

/// What a worker keeps from call to call.
#[derive(Debug)]
pub(crate) struct WorkerSession {
    /// Which of the workers it is, from 0.
    pub(crate) worker: u32,
    /// What its processes are marked with.
    pub(crate) mark: String,
    /// Its process, if it lives.
    pub(crate) tool: Option<KeptTool>,
}

impl WorkerSession {
    /// Of worker `worker`; `None` if the system has no random numbers.
    pub(crate) fn new(worker: u32) -> Option<Self> {
        let mark = process::mark().ok()?;
        Some(Self {
            worker,
            mark,
            tool: None,
        })
    }

    /// Replaces the process if that is due.
    pub(crate) async fn after_call(
        &mut self,
        fresh: FreshProcess,
        has_failure: bool,
        phase: &mut watch::Receiver<Phase>,
    ) {
        let Some(tool) = &mut self.tool else { return };
        if has_failure {
            tool.note_failure();
        }
        if tool.is_due(fresh) {
            self.end(phase).await;
        }
    }

    /// Ends the process in order, if there is one.
    pub(crate) async fn end(&mut self, phase: &mut watch::Receiver<Phase>) {
        if let Some(tool) = self.tool.take() {
            tool.end(phase).await;
        }
    }
}

/// What a call of a session differs in from one with a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InSession {
    /// The tool has answered. Otherwise its process has ended, perhaps not because of a test of this call.
    pub(crate) is_answered: bool,
    /// The process was there before.
    pub(crate) is_warm: bool,
}
