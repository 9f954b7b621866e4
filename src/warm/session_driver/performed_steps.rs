//! Performs what the conversation decides: messages to the process, its start, and the bounds of the test that runs.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::{RunningTest, SessionDriver, test_endings};
use crate::{
    clock,
    run::SessionEvent,
    warm::{
        conversation::{Question, Step},
        message::ToProcess,
        warm_process::WarmProcess,
    },
};

impl SessionDriver {
    pub(super) async fn perform(&mut self, steps: Vec<Step>) {
        let mut lines = Vec::new();
        if !self.has_variables && steps.iter().any(|step| matches!(step, Step::Send(_))) {
            self.has_variables = true;
            let set = self.shared.plan.variables.iter();
            let set = set.map(|(name, value)| (name.as_str(), value.as_str()));
            lines.extend(ToProcess::Variables { set: set.collect() }.line());
        }
        for step in steps {
            match step {
                Step::Send(number) => {
                    if let Some(taken) = self.taken.get(&number) {
                        let results = taken.results.as_ref().map(|path| path.to_string_lossy());
                        let run = ToProcess::Run {
                            n: number,
                            id: &taken.id,
                            results: results.as_deref(),
                        };
                        lines.extend(run.line());
                    }
                }
                Step::SendNone => lines.extend(ToProcess::None.line()),
                Step::SendEnd => lines.extend(ToProcess::End.line()),
                Step::Started(number) => self.on_started(number).await,
                Step::Ended(number, cause) => self.on_ended(number, cause),
                // Boxed: starting one may lead here again.
                Step::Restart => Box::pin(self.start_process()).await,
            }
        }
        if !lines.is_empty()
            && let Some(process) = &mut self.process
        {
            process.send(&lines).await;
        }
        self.note_wait();
    }

    /// Keeps the time that a teardown waits for us out of the time limit of its test.
    fn note_wait(&mut self) {
        let waits = self.conversation.question() == Some(Question::Teardown);
        match (waits, self.waits_since) {
            (true, None) => self.waits_since = Some(clock::monotonic()),
            (false, Some(since)) => {
                self.waits_since = None;
                let waited = clock::monotonic().saturating_duration_since(since);
                if let Some(running) = &mut self.running {
                    running.deadline = running.deadline.map(|deadline| deadline + waited);
                }
            }
            _ => {}
        }
    }

    async fn on_started(&mut self, number: u64) {
        let Some(taken) = self.taken.get(&number) else {
            return;
        };
        self.unknown_pause = test_endings::FIRST_PAUSE;
        let began = clock::monotonic();
        self.shared.progress(|it| {
            it.began.get_or_insert(began);
        });
        let lease = taken.work.lease.clone();
        let is_lost = lease.loss().is_some();
        self.running = Some(RunningTest {
            began,
            deadline: self.shared.plan.time_limit.map(|limit| began + limit),
            lease_lost: async move { lease.lost().await }.boxed(),
        });
        let execution = taken.work.granted.execution;
        if is_lost {
            return Box::pin(self.on_lease_lost()).await;
        }
        if let Some(process) = &self.process {
            let pid = process.group();
            self.report(SessionEvent::Started { execution, pid });
        }
    }

    pub(super) async fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            process.stop(Duration::ZERO).await;
        }
    }

    pub(super) async fn start_process(&mut self) {
        let command = self.shared.starter.command(self.worker, self.processes);
        self.processes += 1;
        self.waits_since = None;
        self.has_variables = false;
        self.started = Some(clock::monotonic());
        match WarmProcess::start(&command).await {
            Ok(process) => self.process = Some(process),
            Err(why) => {
                self.trouble = why;
                let steps = self.conversation.process_ended();
                self.perform(steps).await;
            }
        }
    }
}
