//! What the messages and the end of the process mean for the conversation.

use std::time::Duration;

use tokio::time;

use super::SessionDriver;
use crate::{
    clock,
    model::Outcome,
    resident::resident_mib,
    run::{Attempt, Phase, SessionEvent, phase::moved_past},
    warm::{
        collected::obstacle,
        conversation::Step,
        message::{FromProcess, ResultMessage},
        warm_process::ProcessEvent,
    },
};

/// How long to wait for this process's own stop signal after the process ended by one.
const SIGNAL_GRACE: Duration = Duration::from_secs(1);

impl SessionDriver {
    pub(super) async fn on_process(&mut self, event: ProcessEvent) {
        let steps = match event {
            ProcessEvent::Message(message) => return self.on_message(message).await,
            ProcessEvent::Ended(end) => {
                if end.may_be_a_stop() && self.is_stopping_soon().await {
                    return;
                }
                self.process_ended(&format!("pytest ended ({end})"))
            }
            ProcessEvent::Broken(why) => {
                self.kill().await;
                self.process_ended(&format!("pytest was killed: {why}"))
            }
        };
        self.perform(steps).await;
    }

    /// A job that is aborted signals all its processes at once: then the end of this one says nothing about its test.
    async fn is_stopping_soon(&mut self) -> bool {
        let stopping = moved_past(&mut self.phase, Phase::Working);
        time::timeout(SIGNAL_GRACE, stopping).await.is_ok()
    }

    pub(super) async fn on_message(&mut self, message: FromProcess) {
        let steps = match message {
            FromProcess::Hello(hello) => {
                if let Some(obstacle) = obstacle(&hello) {
                    self.trouble =
                        format!("pytest cannot run its tests one by one here: {obstacle}");
                    self.conversation.give_up()
                } else {
                    if let Some(started) = self.started.take() {
                        let cost = clock::monotonic().saturating_duration_since(started);
                        self.report(SessionEvent::StartCost(cost));
                    }
                    self.conversation.ready()
                }
            }
            FromProcess::Next { teardown, failed } => self.on_question(teardown, failed),
            FromProcess::Started { n } => self.conversation.started(n),
            FromProcess::Unknown { n } => self.conversation.unknown(n),
            FromProcess::Result(result) => {
                self.on_result(&result);
                Vec::new()
            }
            FromProcess::Broken(file) => {
                tracing::debug!(file = %file.file, "pytest cannot collect a file");
                self.broken.push(file);
                Vec::new()
            }
            FromProcess::SkippedFile(_)
            | FromProcess::Names { .. }
            | FromProcess::Bye { .. }
            | FromProcess::Other => Vec::new(),
        };
        self.perform(steps).await;
    }

    fn on_question(&mut self, is_teardown: bool, failed: bool) -> Vec<Step> {
        let pid = self.process.as_ref().and_then(|it| it.pid());
        let fresh = self.shared.plan.fresh;
        let memory = || pid.and_then(resident_mib);
        let mut steps = Vec::new();
        let begun = self.conversation.begun();
        if begun > 0 && fresh.is_due(begun, failed, memory) {
            steps.extend(self.conversation.retire());
        }
        steps.extend(self.conversation.asked(is_teardown));
        steps
    }

    fn on_result(&mut self, result: &ResultMessage) {
        if !self.conversation.ended(result.n) {
            return;
        }
        self.running = None;
        let Some(taken) = self.taken.remove(&result.n) else {
            return;
        };
        let setup = &self.shared.plan;
        let attempt = match taken.work.lease.loss() {
            Some(_) => Attempt::without_process(Duration::ZERO, Outcome::LeaseLost),
            None => taken.with_result(setup, result),
        };
        self.conversation.stock().learn(attempt.duration);
        self.report_end(&taken, attempt);
    }
}
