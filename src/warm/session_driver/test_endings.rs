//! How tests end that have no result: their process ended, their lease or their time did, or they never ran.

use std::time::Duration;

use super::SessionDriver;
use crate::{
    clock,
    model::Outcome,
    run::{Attempt, SessionEvent},
    text::format_duration,
    warm::{
        collected::with_log,
        conversation::{Cause, Step},
        hung_output,
        warm_attempt::{Taken, log_tail},
        warm_process::WarmProcess,
    },
};

impl SessionDriver {
    /// What follows from the end of the process, whose last words are the reason for what did not run.
    pub(super) fn process_ended(&mut self, how: &str) -> Vec<Step> {
        if let Some(process) = self.process.take() {
            self.trouble = with_log(how, &process);
            if let Some(running) = self.conversation.running() {
                let message = format!("{how} while this test ran");
                let known = crash_text(&process);
                self.fail(running, message, &known);
            }
        }
        self.conversation.process_ended()
    }

    /// The running test must not go on: its process is ended, the others go on in another one.
    pub(super) async fn on_lease_lost(&mut self) {
        let Some(number) = self.conversation.running() else {
            self.running = None;
            return;
        };
        self.report_lease_lost(number);
        self.running = None;
        self.conversation.remove(number);
        self.kill().await;
        self.process = None;
        let steps = self.conversation.process_ended();
        self.perform(steps).await;
    }

    pub(super) async fn on_time_limit(&mut self) {
        let Some(number) = self.conversation.running() else {
            self.running = None;
            return;
        };
        let mut known = String::new();
        if let Some(process) = &mut self.process {
            known = process.abort().await;
        }
        self.process = None;
        let limit = self.shared.setup.time_limit.unwrap_or_default();
        let message = format!("stopped after {} (time limit)", format_duration(limit));
        self.fail(number, message, &known);
        let steps = self.conversation.process_ended();
        self.perform(steps).await;
    }

    pub(super) fn on_ended(&mut self, number: u64, cause: Cause) {
        match cause {
            // Reported with what was known at its end.
            Cause::ProcessEnded => {}
            Cause::Unknown => {
                let id = self.taken.get(&number).map(|taken| taken.id.clone());
                let id = id.unwrap_or_default();
                self.fail(number, format!("pytest has no test {id}"), "");
            }
            Cause::NoProcess => {
                if let Some(taken) = self.taken.remove(&number) {
                    let what = "no pytest process runs tests";
                    let attempt = Attempt::not_started(Duration::ZERO, what, &self.trouble);
                    self.report_end(&taken, attempt);
                }
            }
        }
    }

    /// Ends a test without a result.
    pub(super) fn fail(&mut self, number: u64, message: String, known: &str) {
        let Some(taken) = self.taken.remove(&number) else {
            return;
        };
        let attempt = taken.without_result(&self.shared.setup, self.running_for(), message, known);
        self.running = None;
        self.report_end(&taken, attempt);
    }

    pub(super) fn report_lease_lost(&mut self, number: u64) {
        if let Some(taken) = self.taken.remove(&number) {
            tracing::warn!(test = %taken.id, "lease lost, the test was stopped or not started");
            let took = self.running_for();
            let attempt = Attempt::without_process(took, Outcome::LeaseLost);
            self.report_end(&taken, attempt);
        }
    }

    pub(super) fn cancel(&mut self, number: u64) {
        if let Some(taken) = self.taken.remove(&number) {
            let took = self.running_for();
            self.report_end(&taken, Attempt::without_process(took, Outcome::Cancelled));
        }
    }

    pub(super) fn running_for(&self) -> Duration {
        let running = self.running.as_ref();
        running.map_or(Duration::ZERO, |running| {
            clock::monotonic().saturating_duration_since(running.began)
        })
    }

    pub(super) fn report_end(&self, taken: &Taken, attempt: Attempt) {
        self.report(SessionEvent::Ended {
            execution: taken.work.granted.execution,
            attempt: Box::new(attempt),
        });
    }
}

/// What is known about a process that ended by itself.
fn crash_text(process: &WarmProcess) -> String {
    let stack = hung_output::stack(process.log());
    if stack.is_empty() {
        log_tail(process.log())
    } else {
        stack
    }
}
