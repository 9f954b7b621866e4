//! The state of a run and its decisions: plain functions of state and event, without clock, channel or file.

mod event;

use std::time::Duration;

pub use event::{
    Event, Leave, Phase, ProgressEvent, Response, Stop, Unreachable, WorkerEvent, moved_past,
    signal_name,
};

use crate::{
    client::ClientError,
    model::{
        ExecutionId, Outcome, PlanStatus, Test, TestVerdict,
        record::{Confirmation, RecordEvent},
    },
    wait::{WaitUpdate, WaitingFor, WaitingWorkers},
};

/// What the workers of this process have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Counted results that passed, and those of which nobody says how they went.
    pub passed: u64,
    /// Counted results that were skipped.
    pub skipped: u64,
    /// Counted results that failed.
    pub failed: u64,
    /// Counted executions that could not run.
    pub errors: u64,
    /// Attempts whose results did not get in.
    pub not_uploaded: u64,
    /// Attempts whose lease was lost or whose result was not counted or not delivered.
    pub lost: u64,
}

/// One slot: what its worker is doing.
#[derive(Debug, Default)]
struct Slot {
    running: Option<(ExecutionId, Test)>,
    ended: Option<(Outcome, Duration)>,
    /// Its results did not get in.
    not_uploaded: bool,
    waiting: Option<WaitingFor>,
    left: bool,
}

/// The state of a run, owned by the dispatcher alone.
#[derive(Debug)]
pub struct RunState {
    slots: Vec<Slot>,
    total: u64,
    ended: u64,
    phase: Phase,
    stop: Option<Stop>,
    service: Option<Box<ClientError>>,
    no_squish_server: Option<String>,
    cannot_start: Option<String>,
    broken: Option<String>,
    starved: Option<String>,
    tally: Tally,
}

impl RunState {
    /// A run of `workers` on a plan that stands at `status`.
    pub fn new(workers: usize, status: PlanStatus) -> Self {
        Self {
            slots: std::iter::repeat_with(Slot::default)
                .take(workers)
                .collect(),
            total: status.total(),
            ended: status.done,
            phase: Phase::Working,
            stop: None,
            service: None,
            no_squish_server: None,
            cannot_start: None,
            broken: None,
            starved: None,
            tally: Tally::default(),
        }
    }

    /// Takes an event in and says what to do.
    pub fn handle(&mut self, event: Event) -> Response {
        match event {
            Event::Worker(slot, WorkerEvent::Record(event)) => self.record(slot, event),
            Event::Worker(slot, WorkerEvent::Waiting(waiting)) => {
                self.slots[slot].waiting = Some(waiting);
                Response::default()
            }
            Event::Worker(slot, WorkerEvent::Unreachable(trouble)) => {
                let running = self.slots[slot].running.as_ref();
                let test = running.map(|(_, test)| test.clone());
                told(test.map(|test| ProgressEvent::Unreachable { test, trouble }))
            }
            Event::Worker(slot, WorkerEvent::Left(leave)) => self.left(slot, leave),
            Event::Signal(kind) => self.stop(Stop::Signal(kind)),
            Event::Deadline => self.stop(Stop::Deadline),
            Event::Quiet => Response {
                notice: self.busy(),
                ..Response::default()
            },
            Event::Idle(update) => self.idle(update),
        }
    }

    /// What the workers did.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The words of a worker that left because the Squish servers that fit are gone.
    pub fn no_squish_server(&self) -> Option<&str> {
        self.no_squish_server.as_deref()
    }

    /// The words of a worker that left because this machine cannot start the tests.
    pub fn cannot_start(&self) -> Option<&str> {
        self.cannot_start.as_deref()
    }

    /// How the run ended, once it is over.
    pub fn into_end(
        self,
    ) -> (
        Tally,
        Option<Stop>,
        Option<Box<ClientError>>,
        Option<String>,
    ) {
        (self.tally, self.stop, self.service, self.broken)
    }

    fn record(&mut self, slot: usize, event: RecordEvent) -> Response {
        let slot_number = slot + 1;
        let slot = &mut self.slots[slot];
        match event {
            RecordEvent::Reserved {
                execution, test, ..
            } => {
                slot.running = Some((execution, test));
                slot.not_uploaded = false;
                slot.waiting = None;
                Response::default()
            }
            RecordEvent::Ended {
                outcome,
                duration_ms,
                ..
            } => {
                if matches!(outcome, Outcome::LeaseLost) {
                    self.tally.lost += 1;
                    let test = slot.running.take().map(|(_, test)| test);
                    let reason =
                        "the lease ended while the test ran; it was stopped and is run again"
                            .to_owned();
                    return told(test.map(|test| ProgressEvent::NotCounted { test, reason }));
                }
                slot.ended = Some((outcome, Duration::from_millis(duration_ms)));
                Response::default()
            }
            RecordEvent::Confirmed { answer, .. } => {
                let (Some((_, test)), Some((outcome, duration))) =
                    (slot.running.take(), slot.ended.take())
                else {
                    return Response::default();
                };
                // A result that does not count is another worker's to upload by now.
                if slot.not_uploaded && !matches!(answer, Confirmation::NotCounted { .. }) {
                    self.tally.not_uploaded += 1;
                }
                match answer {
                    Confirmation::Counted => {
                        self.ended += 1;
                        self.tally.count(&outcome);
                        let (ended, total) = (self.ended, self.total.max(self.ended));
                        told(Some(ProgressEvent::Finished {
                            slot: slot_number,
                            test,
                            outcome,
                            duration,
                            ended,
                            total,
                        }))
                    }
                    Confirmation::NotCounted { reason } | Confirmation::Undelivered { reason } => {
                        self.tally.lost += 1;
                        told(Some(ProgressEvent::NotCounted { test, reason }))
                    }
                }
            }
            RecordEvent::NotUploaded { reason, .. } => {
                slot.not_uploaded = true;
                let test = slot.running.as_ref().map(|(_, test)| test.clone());
                told(test.map(|test| ProgressEvent::NotUploaded { test, reason }))
            }
            RecordEvent::Released { .. } => {
                (slot.running, slot.ended) = (None, None);
                Response::default()
            }
            RecordEvent::Began { .. }
            | RecordEvent::CheckedOut(_)
            | RecordEvent::Planned { .. }
            | RecordEvent::Started { .. }
            | RecordEvent::Results { .. }
            | RecordEvent::Uploading { .. }
            | RecordEvent::Uploaded { .. }
            | RecordEvent::Reset { .. }
            | RecordEvent::Starved { .. }
            | RecordEvent::Discovered { .. }
            | RecordEvent::Left { .. } => Response::default(),
        }
    }

    fn left(&mut self, slot: usize, leave: Leave) -> Response {
        self.slots[slot].left = true;
        let mut response = Response::default();
        match leave {
            Leave::NothingLeft | Leave::Told => {}
            Leave::Service(error) => {
                // One worker's last word about the service is enough; the others would say the same.
                if self.service.is_none() {
                    response.notice = Some(ProgressEvent::ServiceGone(error.to_string()));
                    self.service = Some(error);
                }
                response.phase = self.advance(Phase::Leaving);
            }
            Leave::NoSquishServer(why) => {
                self.no_squish_server.get_or_insert(why);
                // Those that wait would wait for the same servers; what runs, runs on one that is there.
                let idle = |slot: &Slot| slot.left || slot.running.is_none();
                if self.slots.iter().all(idle) {
                    response.phase = self.advance(Phase::Leaving);
                }
            }
            Leave::CannotStart(why) => {
                self.cannot_start.get_or_insert(why);
                let idle = |slot: &Slot| slot.left || slot.running.is_none();
                if self.slots.iter().all(idle) {
                    response.phase = self.advance(Phase::Leaving);
                }
            }
            Leave::Broken(message) => {
                self.broken.get_or_insert(message);
                response.phase = self.advance(Phase::Leaving);
            }
        }
        response.over = self.slots.iter().all(|slot| slot.left);
        response
    }

    fn stop(&mut self, stop: Stop) -> Response {
        let next = match (self.phase, stop) {
            // A second signal kills; so does the first one after a deadline began to stop the run.
            (Phase::Stopping | Phase::Killing, Stop::Signal(_)) => Phase::Killing,
            _ => Phase::Stopping,
        };
        self.stop.get_or_insert(stop);
        let phase = self.advance(next);
        Response {
            notice: phase.map(|_| ProgressEvent::Stopping(stop)),
            phase,
            over: false,
        }
    }

    fn advance(&mut self, phase: Phase) -> Option<Phase> {
        (phase > self.phase).then(|| {
            self.phase = phase;
            phase
        })
    }

    fn busy(&self) -> Option<ProgressEvent> {
        let running = self.slots.iter().filter_map(|slot| slot.running.as_ref());
        let running: Vec<Test> = running.map(|(_, test)| test.clone()).collect();
        (!running.is_empty()).then_some(ProgressEvent::Busy { running })
    }

    /// What the workers wait for, if all that are still there do.
    pub fn waits(&self) -> Option<WaitingWorkers> {
        let mut waits = WaitingWorkers::default();
        for slot in self.slots.iter().filter(|slot| !slot.left) {
            waits.add(slot.waiting?);
        }
        (waits.workers > 0 && self.phase == Phase::Working).then_some(waits)
    }

    fn idle(&mut self, update: WaitUpdate) -> Response {
        let Some(waits) = self.waits() else {
            return Response::default();
        };
        let mut response = match &update.given_up {
            None => Response::default(),
            Some(why) => {
                self.starved = Some(why.clone());
                self.stop(Stop::Starved)
            }
        };
        response.notice = (!update.lines.is_empty()).then_some(ProgressEvent::Waiting {
            workers: waits.workers,
            update,
        });
        response
    }

    /// Why no Squish server could come, if the run ended for that.
    pub fn starved(&self) -> Option<&str> {
        self.starved.as_deref()
    }
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Completed {
                result: Some(result),
            } => match result.verdict {
                TestVerdict::Passed => self.passed += 1,
                TestVerdict::Failed => self.failed += 1,
                TestVerdict::Skipped => self.skipped += 1,
            },
            Outcome::Completed { result: None } => self.passed += 1,
            Outcome::ExecutionError { .. } => self.errors += 1,
            Outcome::LeaseLost | Outcome::Cancelled => self.lost += 1,
        }
    }
}

fn told(notice: Option<ProgressEvent>) -> Response {
    Response {
        notice,
        ..Response::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{CaseCounts, TestResult},
        signal::SignalKind,
    };

    fn run(workers: usize) -> RunState {
        RunState::new(
            workers,
            PlanStatus {
                open: 5,
                reserved: 0,
                done: 0,
            },
        )
    }

    fn reserved(id: i64) -> WorkerEvent {
        WorkerEvent::Record(RecordEvent::Reserved {
            execution: ExecutionId(id),
            test: Test {
                suite: "s".into(),
                testcase: "t".into(),
            },
            required: None,
            attempt: None,
            lease: None,
            squish_server: None,
        })
    }

    fn ended(id: i64, outcome: Outcome) -> WorkerEvent {
        WorkerEvent::Record(RecordEvent::Ended {
            execution: ExecutionId(id),
            outcome,
            duration_ms: 7,
            cases: vec![],
            not_kept: CaseCounts::default(),
            log: None,
            output_tail: String::new(),
        })
    }

    fn confirmed(id: i64, answer: Confirmation) -> WorkerEvent {
        WorkerEvent::Record(RecordEvent::Confirmed {
            execution: ExecutionId(id),
            answer,
        })
    }

    fn completed(verdict: TestVerdict) -> Outcome {
        Outcome::Completed {
            result: Some(TestResult {
                verdict,
                duration_ms: 7,
                flaky: false,
            }),
        }
    }

    #[test]
    fn results_that_did_not_get_in_are_owed_only_where_their_attempt_may_count() {
        for (answer, owed) in [
            (Confirmation::Counted, 1),
            (
                Confirmation::Undelivered {
                    reason: "away".into(),
                },
                1,
            ),
            (
                Confirmation::NotCounted {
                    reason: "late".into(),
                },
                0,
            ),
        ] {
            let mut run = run(1);
            let _ = run.handle(Event::Worker(0, reserved(1)));
            let _ = run.handle(Event::Worker(0, ended(1, completed(TestVerdict::Passed))));
            let not_uploaded = RecordEvent::NotUploaded {
                execution: ExecutionId(1),
                folder: "results/a".into(),
                reason: "no".into(),
                unclear: true,
            };
            let told = run.handle(Event::Worker(0, WorkerEvent::Record(not_uploaded)));
            assert!(told.notice.is_some());
            let _ = run.handle(Event::Worker(0, confirmed(1, answer.clone())));
            assert_eq!(run.tally().not_uploaded, owed, "{answer:?}");
            // And the next one owes nothing for it.
            let _ = run.handle(Event::Worker(0, reserved(2)));
            let _ = run.handle(Event::Worker(0, ended(2, completed(TestVerdict::Passed))));
            let _ = run.handle(Event::Worker(0, confirmed(2, Confirmation::Counted)));
            assert_eq!(run.tally().not_uploaded, owed, "{answer:?}");
        }
    }

    #[test]
    fn a_result_counts_only_when_the_service_says_so() {
        let mut run = run(1);
        let _ = run.handle(Event::Worker(0, reserved(1)));
        let response = run.handle(Event::Worker(0, ended(1, completed(TestVerdict::Failed))));
        assert_eq!(
            (response, run.tally()),
            (Response::default(), Tally::default())
        );
        let response = run.handle(Event::Worker(0, confirmed(1, Confirmation::Counted)));
        assert!(matches!(
            response.notice,
            Some(ProgressEvent::Finished {
                ended: 1,
                total: 5,
                slot: 1,
                ..
            })
        ));
        assert_eq!(
            run.tally(),
            Tally {
                failed: 1,
                ..Tally::default()
            }
        );

        let _ = run.handle(Event::Worker(0, reserved(2)));
        let _ = run.handle(Event::Worker(0, ended(2, completed(TestVerdict::Passed))));
        let answer = Confirmation::NotCounted {
            reason: "late".into(),
        };
        let response = run.handle(Event::Worker(0, confirmed(2, answer)));
        assert!(matches!(
            response.notice,
            Some(ProgressEvent::NotCounted { .. })
        ));
        assert_eq!(
            run.tally(),
            Tally {
                failed: 1,
                lost: 1,
                ..Tally::default()
            }
        );
    }

    #[test]
    fn the_first_signal_stops_and_the_second_kills() {
        let mut run = run(2);
        let first = run.handle(Event::Signal(SignalKind::Interrupt));
        assert_eq!(first.phase, Some(Phase::Stopping));
        let second = run.handle(Event::Signal(SignalKind::Terminate));
        assert_eq!(second.phase, Some(Phase::Killing));
        let third = run.handle(Event::Signal(SignalKind::Terminate));
        assert_eq!(third, Response::default());
        assert_eq!(
            run.into_end().1,
            Some(Stop::Signal(SignalKind::Interrupt)),
            "the first reason stays"
        );
    }

    #[test]
    fn a_deadline_never_kills_what_a_signal_already_stops() {
        let mut run = run(1);
        let _ = run.handle(Event::Signal(SignalKind::Interrupt));
        assert_eq!(run.handle(Event::Deadline), Response::default());
    }

    #[test]
    fn the_run_is_over_when_the_last_worker_left() {
        let mut run = run(2);
        assert!(
            !run.handle(Event::Worker(0, WorkerEvent::Left(Leave::NothingLeft)))
                .over
        );
        assert!(
            run.handle(Event::Worker(1, WorkerEvent::Left(Leave::Told)))
                .over
        );
    }

    fn update(lines: &[&str], given_up: Option<&str>) -> Event {
        Event::Idle(WaitUpdate {
            waited: Duration::from_secs(7),
            lines: lines.iter().map(ToString::to_string).collect(),
            remains: None,
            grace: Duration::ZERO,
            given_up: given_up.map(str::to_owned),
        })
    }

    #[test]
    fn quiet_times_name_what_runs_and_idle_ones_what_is_waited_for() {
        let mut run = run(2);
        assert_eq!(run.handle(Event::Quiet).notice, None);
        let waiting = || WorkerEvent::Waiting(WaitingFor::Executions(Some(3)));
        let _ = run.handle(Event::Worker(0, waiting()));
        assert_eq!(run.waits(), None, "one may be about to get something");
        assert_eq!(run.handle(update(&["x"], None)), Response::default());
        let _ = run.handle(Event::Worker(1, waiting()));
        assert_eq!(run.waits().unwrap().workers, 2);
        let told = run.handle(update(&["x"], None)).notice;
        assert!(matches!(
            told,
            Some(ProgressEvent::Waiting { workers: 2, .. })
        ));
        assert_eq!(run.handle(update(&[], None)), Response::default());
        let _ = run.handle(Event::Worker(1, reserved(1)));
        assert_eq!(run.waits(), None);
        assert!(
            matches!(run.handle(Event::Quiet).notice, Some(ProgressEvent::Busy { running }) if running.len() == 1)
        );
    }

    #[test]
    fn a_wait_that_is_given_up_stops_the_run_unless_somebody_got_work() {
        let mut run = run(1);
        let over = || update(&["x"], Some("no Squish server is registered"));
        let _ = run.handle(Event::Worker(0, reserved(1)));
        assert_eq!(run.handle(over()), Response::default());
        let _ = run.handle(Event::Worker(0, confirmed(1, Confirmation::Counted)));
        let _ = run.handle(Event::Worker(
            0,
            WorkerEvent::Waiting(WaitingFor::SquishServer),
        ));
        let response = run.handle(over());
        assert_eq!(response.phase, Some(Phase::Stopping));
        assert_eq!(run.starved(), Some("no Squish server is registered"));
        assert_eq!(run.into_end().1, Some(Stop::Starved));
    }
}
