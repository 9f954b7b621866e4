//! What a worker keeps from call to call where its tool's process stays.

use std::path::Path;

use tokio::sync::watch;

use super::{
    call_trust::CallTrust,
    held_result::{Follows, HeldResult},
    kept_tool::KeptTool,
};
use crate::{
    run::{Phase, SessionEvent, process},
    runner::{process_end::ProcessEnd, runner_settings::FreshProcess},
    single::output_tail,
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
    /// The last result of the last call, until the process has shown that the test left nothing behind that breaks it.
    pub(crate) held: Option<HeldResult>,
}

impl WorkerSession {
    /// Of worker `worker`; `None` if the system has no random numbers.
    pub(crate) fn new(worker: u32) -> Option<Self> {
        let mark = process::mark().ok()?;
        Some(Self {
            worker,
            mark,
            tool: None,
            held: None,
        })
    }

    /// Replaces the process if that is due. Returns what follows for the held result.
    pub(crate) async fn after_call(
        &mut self,
        fresh: FreshProcess,
        has_failure: bool,
        out: &Path,
        phase: &mut watch::Receiver<Phase>,
    ) -> Option<SessionEvent> {
        let tool = self.tool.as_mut()?;
        if has_failure {
            tool.note_failure();
        }
        if tool.is_due(fresh) {
            return self.end(out, phase).await;
        }
        None
    }

    /// Ends the process in order, if there is one. Returns what follows for the held result. `out` is the `--out` folder.
    pub(crate) async fn end(
        &mut self,
        out: &Path,
        phase: &mut watch::Receiver<Phase>,
    ) -> Option<SessionEvent> {
        let mut trouble = None;
        let mut log = String::new();
        if let Some(tool) = self.tool.take() {
            tool.log().clone_into(&mut log);
            trouble = tool.end(phase).await;
        }
        let held = self.held.take();
        let Some(trouble) = trouble else {
            return held.map(HeldResult::counts);
        };
        if held.is_none() {
            tracing::warn!("the process of a session did not end in order: {trouble}");
        }
        let why =
            format!("the process of the session did not end in order after its tests: {trouble}");
        held.map(|held| held.could_not_run(&why, output_tail(&out.join(log))))
    }

    /// What follows for the held result if the process ended by itself, `is_idle` before it began another call, else in it.
    pub(crate) fn process_ended(
        &mut self,
        end: ProcessEnd,
        is_idle: bool,
        log: &Path,
        trust: &CallTrust,
    ) -> Option<SessionEvent> {
        let held = self.held.take()?;
        let why = format!("the process of the session ended after the test ({end})");
        Some(match Follows::of(end, is_idle) {
            Follows::Counts => held.counts(),
            Follows::RunsAlone => held.runs_alone(trust, &why),
            Follows::CouldNotRun => held.could_not_run(&why, output_tail(log)),
        })
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
