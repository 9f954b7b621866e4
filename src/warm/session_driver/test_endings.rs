//! How tests end that have no result: their process ended, their lease or their time did, or they never ran.

use std::time::Duration;

use super::SessionDriver;
use crate::{
    clock,
    model::Outcome,
    run::{Attempt, Disposition, SessionEvent},
    single::output_tail,
    text::format_duration,
    warm::{
        collected::with_log,
        conversation::{Cause, Step},
        hung_output,
        message::{FileNote, PhaseReport, ResultMessage},
        pytest_names::{broken_file, is_broken_file},
        warm_attempt::Taken,
        warm_process::WarmProcess,
    },
};

/// How long to leave the tests to the process that listed them, after some that are not known here.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl SessionDriver {
    /// What follows from the end of the process, whose last words are the reason for what did not run.
    pub(super) fn process_ended(&mut self, how: &str) -> Vec<Step> {
        if let Some(process) = self.process.take() {
            self.trouble = with_log(how, &process);
            if let Some(running) = self.conversation.running() {
                let message = format!("{how} while this test ran");
                let known = crash_text(&process);
                self.crashed(running, message, &known);
            }
        }
        self.without_process();
        self.conversation.process_ended()
    }

    /// The process is gone, and with it what it knew alone.
    pub(super) fn without_process(&mut self) {
        self.broken.clear();
        if std::mem::take(&mut self.is_lister) {
            self.shared.lister_ended();
        }
    }

    /// The process ended while a test ran. The first time the test may not be to blame: a process is killed from outside
    /// too. Then it runs once more, by itself.
    fn crashed(&mut self, number: u64, message: String, known: &str) {
        let Some(taken) = self.taken.get(&number) else {
            return;
        };
        if !self.shared.crashes_first(taken.work.granted.execution) {
            return self.fail(number, message, known);
        }
        let disposition = Disposition::Release {
            reason: format!("{message}; it runs once more, by itself"),
            pause: None,
            alone: true,
        };
        self.end_without_result(number, message, known, disposition);
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
        self.without_process();
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
        self.without_process();
        let limit = self.shared.plan.time_limit.unwrap_or_default();
        let message = format!("stopped after {} (time limit)", format_duration(limit));
        self.fail(number, message, &known);
        let steps = self.conversation.process_ended();
        self.perform(steps).await;
    }

    pub(super) fn on_ended(&mut self, number: u64, cause: Cause) {
        match cause {
            // Reported with what was known at its end.
            Cause::ProcessEnded => {}
            Cause::Unknown => self.on_unknown(number),
            Cause::NoProcess => {
                if let Some(taken) = self.taken.remove(&number) {
                    let what = "no pytest process runs tests";
                    let attempt = Attempt::not_started(Duration::ZERO, what, &self.trouble);
                    self.report_end(&taken, attempt);
                }
            }
        }
    }

    /// The process has no test of this name: it is a file that could not be collected, or the test is left to the process
    /// that has listed it, or nobody has it.
    fn on_unknown(&mut self, number: u64) {
        let Some(taken) = self.taken.get(&number) else {
            return;
        };
        let (test, id) = (&taken.work.granted.test, &taken.id);
        let note = |note: &&FileNote| broken_file(&note.file) == *test;
        if let Some(note) = self.broken.iter().find(note) {
            let attempt = taken.with_result(&self.shared.plan, &not_collected(&note.text));
            if let Some(taken) = self.taken.remove(&number) {
                self.report_end(&taken, attempt);
            }
            return;
        }
        if is_broken_file(test) {
            let message = format!(
                "pytest could not collect {} where the tests were listed, and can here: its tests are not in the plan",
                test.suite
            );
            return self.fail(number, message, "");
        }
        let message = format!("pytest has no test {id}");
        if self.is_lister {
            return self.fail(number, message, "");
        }
        if !self.shared.has_lister() {
            let message =
                format!("{message} in this process, and the one that may have listed it is gone");
            return self.fail(
                number,
                message,
                "does its name differ from process to process?",
            );
        }
        let disposition = Disposition::Release {
            reason: format!("{message} in this process; the one that listed it still runs"),
            pause: Some(self.unknown_pause),
            alone: false,
        };
        self.unknown_pause = (self.unknown_pause * 2).min(LONGEST_PAUSE);
        self.end_without_result(number, message, "", disposition);
    }

    /// Ends a test without a result.
    pub(super) fn fail(&mut self, number: u64, message: String, known: &str) {
        self.end_without_result(number, message, known, Disposition::Report);
    }

    fn end_without_result(
        &mut self,
        number: u64,
        message: String,
        known: &str,
        disposition: Disposition,
    ) {
        let Some(taken) = self.taken.remove(&number) else {
            return;
        };
        let took = self.running_for();
        let attempt = taken.without_result(&self.shared.plan, took, message, known);
        self.running = None;
        self.report_end(
            &taken,
            Attempt {
                disposition,
                ..attempt
            },
        );
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
        if !matches!(attempt.disposition, Disposition::Release { .. }) {
            self.shared.progress(|it| it.ended += 1);
        }
        self.report(SessionEvent::Ended {
            execution: taken.work.granted.execution,
            attempt: Box::new(attempt),
        });
    }
}

/// The result of a file that could not be collected.
fn not_collected(text: &str) -> ResultMessage {
    let lines = || text.lines().rev();
    let error = lines().find_map(|line| line.strip_prefix("E "));
    let message = error.or_else(|| lines().find(|line| !line.trim().is_empty()));
    ResultMessage {
        phases: vec![PhaseReport {
            when: "collection".to_owned(),
            outcome: "failed".to_owned(),
            message: message.unwrap_or_default().trim().to_owned(),
            text: text.to_owned(),
            ..PhaseReport::default()
        }],
        ..ResultMessage::default()
    }
}

/// What is known about a process that ended by itself.
fn crash_text(process: &WarmProcess) -> String {
    let stack = hung_output::stack(process.log());
    if stack.is_empty() {
        output_tail(process.log())
    } else {
        stack
    }
}
