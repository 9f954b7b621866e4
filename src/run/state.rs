//! The state of a run and its decisions: plain functions of state and event, without clock, channel or file.

mod event;
mod tally;

use std::{collections::BTreeMap, time::Duration};

pub(crate) use event::{Response, RunEvent, WorkerEvent};
pub use tally::RunTally;

use super::{ending::RunEnding, observer::ProgressEvent, phase::Phase};
use crate::{
    model::{
        CaseCounts, ExecutionId, Outcome, PlanStatus, Test,
        record::{Confirmation, RecordEvent},
    },
    wait::{WaitUpdate, WaitingFor, WaitingWorkers},
};

#[derive(Debug, Default)]
struct Slot {
    held: BTreeMap<ExecutionId, HeldExecution>,
    waiting: Option<WaitingFor>,
    left: bool,
}

impl Slot {
    /// What runs, as far as it is known: of many in one process those that have begun and not ended, if there are any.
    fn running(&self) -> Vec<(ExecutionId, &Test)> {
        let all = |only_begun: bool| {
            let held = self.held.iter();
            let held =
                held.filter(move |(_, it)| !only_begun || (it.started && it.ended.is_none()));
            held.map(|(id, it)| (*id, &it.test)).collect::<Vec<_>>()
        };
        let begun = all(true);
        if begun.is_empty() { all(false) } else { begun }
    }
}

/// An execution that a worker holds, from its reservation to the answer of the service.
#[derive(Debug)]
struct HeldExecution {
    test: Test,
    started: bool,
    ended: Option<(Outcome, Duration, CaseCounts)>,
    not_uploaded: bool,
}

/// The state of a run, owned by the dispatcher alone.
#[derive(Debug)]
pub(crate) struct RunState {
    slots: Vec<Slot>,
    total: u64,
    ended: u64,
    phase: Phase,
    ending: RunEnding,
    tally: RunTally,
}

impl RunState {
    /// A run of `workers` on a plan with these counts.
    pub(crate) fn new(workers: usize, status: PlanStatus) -> Self {
        Self {
            slots: std::iter::repeat_with(Slot::default)
                .take(workers)
                .collect(),
            total: status.total(),
            ended: status.done,
            phase: Phase::Working,
            ending: RunEnding::Finished,
            tally: RunTally::default(),
        }
    }

    /// Takes an event in and decides what to do.
    pub(crate) fn handle(&mut self, event: RunEvent) -> Response {
        match event {
            RunEvent::Worker(slot, WorkerEvent::Record(event)) => show(self.record(slot, event)),
            RunEvent::Worker(slot, WorkerEvent::Waiting(reason)) => {
                self.slots[slot].waiting = Some(reason);
                Response::default()
            }
            RunEvent::Worker(slot, WorkerEvent::NotRun { execution, reason }) => {
                let held = self.slots[slot].held.get(&execution);
                show(held.map(|held| ProgressEvent::NotRun {
                    test: held.test.clone(),
                    reason,
                }))
            }
            RunEvent::Worker(slot, WorkerEvent::Left(ending)) => self.left(slot, ending),
            RunEvent::Signal(kind) => self.stop(RunEnding::Stopped(kind)),
            RunEvent::Deadline => self.stop(RunEnding::Deadline),
            RunEvent::NotRecorded(why) => self.stop(RunEnding::NotRecorded(why)),
            RunEvent::Quiet => show(self.busy()),
            RunEvent::Idle(update) => self.idle(update),
        }
    }

    /// The counts of the executions, and how the run ended, once it is over.
    pub(crate) fn into_end(self) -> (RunTally, RunEnding) {
        (self.tally, self.ending)
    }

    /// Ends the run because of a fault of testplan.
    pub(crate) fn fail(&mut self, what: &str) {
        self.ending.merge(RunEnding::Bug(what.to_owned()));
    }

    fn record(&mut self, slot: usize, event: RecordEvent) -> Option<ProgressEvent> {
        let number = slot + 1;
        let slot = &mut self.slots[slot];
        match event {
            RecordEvent::Reserved {
                execution, test, ..
            } => {
                let held = HeldExecution {
                    test,
                    started: false,
                    ended: None,
                    not_uploaded: false,
                };
                slot.held.insert(execution, held);
                slot.waiting = None;
                None
            }
            RecordEvent::Ended {
                execution,
                outcome: Outcome::LeaseLost,
                ..
            } => {
                self.tally.lost += 1;
                let HeldExecution { test, .. } = slot.held.remove(&execution)?;
                let reason = "the lease ended while the test ran; it was stopped and is run again"
                    .to_owned();
                Some(ProgressEvent::NotCounted { test, reason })
            }
            RecordEvent::Ended {
                execution,
                outcome,
                duration_ms,
                cases,
                not_kept,
                ..
            } => {
                let held = slot.held.get_mut(&execution)?;
                let duration = Duration::from_millis(duration_ms);
                let mut counts = not_kept;
                for case in &cases {
                    counts.add(&case.verdict);
                }
                held.ended = Some((outcome, duration, counts));
                None
            }
            RecordEvent::Confirmed { execution, answer } => {
                let held = slot.held.remove(&execution)?;
                self.confirmed(number, held, answer)
            }
            RecordEvent::NotUploaded {
                execution, reason, ..
            } => {
                let held = slot.held.get_mut(&execution)?;
                held.not_uploaded = true;
                let test = held.test.clone();
                Some(ProgressEvent::NotUploaded { test, reason })
            }
            RecordEvent::Released { execution, .. } => {
                slot.held.remove(&execution);
                None
            }
            RecordEvent::Started { execution, .. } => {
                slot.held.get_mut(&execution)?.started = true;
                None
            }
            RecordEvent::Began { .. }
            | RecordEvent::CheckedOut(_)
            | RecordEvent::Planned { .. }
            | RecordEvent::Results { .. }
            | RecordEvent::Uploading { .. }
            | RecordEvent::Uploaded { .. }
            | RecordEvent::Reset { .. }
            | RecordEvent::Starved { .. }
            | RecordEvent::Discovered { .. }
            | RecordEvent::Policy { .. }
            | RecordEvent::Left { .. } => None,
        }
    }

    fn confirmed(
        &mut self,
        slot: usize,
        held: HeldExecution,
        answer: Confirmation,
    ) -> Option<ProgressEvent> {
        let HeldExecution {
            test,
            ended,
            not_uploaded,
            ..
        } = held;
        let (outcome, duration, cases) = ended?;
        // A result that does not count is another worker's to upload by now.
        if not_uploaded && !matches!(answer, Confirmation::NotCounted { .. }) {
            self.tally.not_uploaded += 1;
        }
        Some(match answer {
            Confirmation::Counted => {
                self.ended += 1;
                self.tally.count(&outcome, cases);
                ProgressEvent::Finished {
                    slot,
                    test,
                    outcome,
                    duration,
                    ended: self.ended,
                    total: self.total.max(self.ended),
                }
            }
            Confirmation::NotCounted { reason } | Confirmation::Undelivered { reason } => {
                self.tally.lost += 1;
                ProgressEvent::NotCounted { test, reason }
            }
        })
    }

    fn left(&mut self, slot: usize, ending: RunEnding) -> Response {
        self.slots[slot].left = true;
        let others_leave = match &ending {
            RunEnding::Finished => false,
            // The other workers would wait for the same; a test that runs has what it needs.
            RunEnding::NoServer(_) | RunEnding::CannotStart(_) => {
                let is_idle = |slot: &Slot| slot.left || slot.held.is_empty();
                self.slots.iter().all(is_idle)
            }
            RunEnding::ServiceLost(_)
            | RunEnding::Starved(_)
            | RunEnding::NotRecorded(_)
            | RunEnding::Deadline
            | RunEnding::Stopped(_)
            | RunEnding::Bug(_) => true,
        };
        let lost =
            matches!(ending, RunEnding::ServiceLost(_)).then(|| format!("stopping: {ending}"));
        // The other workers would say the same about the service.
        let is_news = self.ending.merge(ending);
        Response {
            phase: others_leave.then(|| self.advance(Phase::Leaving)).flatten(),
            progress: lost.filter(|_| is_news).map(ProgressEvent::Stopping),
            is_over: self.slots.iter().all(|slot| slot.left),
        }
    }

    fn stop(&mut self, ending: RunEnding) -> Response {
        let is_signal = matches!(ending, RunEnding::Stopped(_));
        let next = match self.phase {
            // A second signal kills; so does the first one after a deadline began to stop the run.
            Phase::Stopping | Phase::Killing if is_signal => Phase::Killing,
            _ => Phase::Stopping,
        };
        let text = match &ending {
            RunEnding::Stopped(kind) => format!(
                "stopping ({kind}): ending the tests and releasing their leases; a second signal kills"
            ),
            _ => format!("stopping: {ending}"),
        };
        self.ending.merge(ending);
        let phase = self.advance(next);
        Response {
            progress: phase.map(|_| ProgressEvent::Stopping(text)),
            phase,
            is_over: false,
        }
    }

    fn advance(&mut self, phase: Phase) -> Option<Phase> {
        (phase > self.phase).then(|| {
            self.phase = phase;
            phase
        })
    }

    /// What runs, and on which worker, from 1.
    pub(crate) fn running(&self) -> impl Iterator<Item = (usize, ExecutionId, &Test)> {
        let slots = self.slots.iter().enumerate();
        slots.flat_map(|(slot, it)| {
            let running = it.running().into_iter();
            running.map(move |(id, test)| (slot + 1, id, test))
        })
    }

    fn busy(&self) -> Option<ProgressEvent> {
        let running: Vec<Test> = self.running().map(|(_, _, test)| test.clone()).collect();
        (!running.is_empty()).then_some(ProgressEvent::Busy { running })
    }

    /// What the workers wait for, if all that are still there do.
    pub(crate) fn waits(&self) -> Option<WaitingWorkers> {
        let mut waits = WaitingWorkers::default();
        for slot in self.slots.iter().filter(|slot| !slot.left) {
            // A worker may look for more while it runs something.
            waits.add(slot.waiting.filter(|_| slot.held.is_empty())?);
        }
        (waits.workers > 0 && self.phase == Phase::Working).then_some(waits)
    }

    fn idle(&mut self, update: WaitUpdate) -> Response {
        let Some(waits) = self.waits() else {
            return Response::default();
        };
        let mut response = match &update.gave_up {
            None => Response::default(),
            Some(why) => self.stop(RunEnding::Starved(why.clone())),
        };
        response.progress = (!update.lines.is_empty()).then_some(ProgressEvent::Waiting {
            workers: waits.workers,
            update,
        });
        response
    }
}

fn show(progress: Option<ProgressEvent>) -> Response {
    Response {
        progress,
        ..Response::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{CaseCounts, TestResult, TestVerdict},
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
    fn results_not_uploaded_count_only_if_their_attempt_may_count() {
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
            let _ = run.handle(RunEvent::Worker(0, reserved(1)));
            let _ = run.handle(RunEvent::Worker(
                0,
                ended(1, completed(TestVerdict::Passed)),
            ));
            let not_uploaded = RecordEvent::NotUploaded {
                execution: ExecutionId(1),
                folder: "results/a".into(),
                reason: "no".into(),
                unclear: true,
            };
            let told = run.handle(RunEvent::Worker(0, WorkerEvent::Record(not_uploaded)));
            assert!(told.progress.is_some());
            let _ = run.handle(RunEvent::Worker(0, confirmed(1, answer.clone())));
            assert_eq!(run.tally.not_uploaded, owed, "{answer:?}");
            // And the next one owes nothing for it.
            let _ = run.handle(RunEvent::Worker(0, reserved(2)));
            let _ = run.handle(RunEvent::Worker(
                0,
                ended(2, completed(TestVerdict::Passed)),
            ));
            let _ = run.handle(RunEvent::Worker(0, confirmed(2, Confirmation::Counted)));
            assert_eq!(run.tally.not_uploaded, owed, "{answer:?}");
        }
    }

    #[test]
    fn a_result_counts_only_when_the_service_says_so() {
        let mut run = run(1);
        let _ = run.handle(RunEvent::Worker(0, reserved(1)));
        let response = run.handle(RunEvent::Worker(
            0,
            ended(1, completed(TestVerdict::Failed)),
        ));
        assert_eq!(
            (response, run.tally),
            (Response::default(), RunTally::default())
        );
        let response = run.handle(RunEvent::Worker(0, confirmed(1, Confirmation::Counted)));
        assert!(matches!(
            response.progress,
            Some(ProgressEvent::Finished {
                ended: 1,
                total: 5,
                slot: 1,
                ..
            })
        ));
        assert_eq!(
            run.tally,
            RunTally {
                failed: 1,
                ..RunTally::default()
            }
        );

        let _ = run.handle(RunEvent::Worker(0, reserved(2)));
        let _ = run.handle(RunEvent::Worker(
            0,
            ended(2, completed(TestVerdict::Passed)),
        ));
        let answer = Confirmation::NotCounted {
            reason: "late".into(),
        };
        let response = run.handle(RunEvent::Worker(0, confirmed(2, answer)));
        assert!(matches!(
            response.progress,
            Some(ProgressEvent::NotCounted { .. })
        ));
        assert_eq!(
            run.tally,
            RunTally {
                failed: 1,
                lost: 1,
                ..RunTally::default()
            }
        );
    }

    #[test]
    fn the_first_signal_stops_and_the_second_kills() {
        let mut run = run(2);
        let first = run.handle(RunEvent::Signal(SignalKind::Interrupt));
        assert_eq!(first.phase, Some(Phase::Stopping));
        let second = run.handle(RunEvent::Signal(SignalKind::Terminate));
        assert_eq!(second.phase, Some(Phase::Killing));
        let third = run.handle(RunEvent::Signal(SignalKind::Terminate));
        assert_eq!(third, Response::default());
        let (_, ending) = run.into_end();
        assert_eq!(
            ending.to_string(),
            "stopped by SIGINT",
            "the first reason stays"
        );
    }

    #[test]
    fn a_deadline_never_kills_what_a_signal_already_stops() {
        let mut run = run(1);
        let _ = run.handle(RunEvent::Signal(SignalKind::Interrupt));
        assert_eq!(run.handle(RunEvent::Deadline), Response::default());
    }

    #[test]
    fn the_run_is_over_when_the_last_worker_left() {
        let mut run = run(2);
        assert!(
            !run.handle(RunEvent::Worker(0, WorkerEvent::Left(RunEnding::Finished)))
                .is_over
        );
        assert!(
            run.handle(RunEvent::Worker(1, WorkerEvent::Left(RunEnding::Finished)))
                .is_over
        );
    }

    fn update(lines: &[&str], gave_up: Option<&str>) -> RunEvent {
        RunEvent::Idle(WaitUpdate {
            waited: Duration::from_secs(7),
            lines: lines.iter().map(ToString::to_string).collect(),
            remains: None,
            grace: Duration::ZERO,
            stuck: "",
            gave_up: gave_up.map(str::to_owned),
        })
    }

    #[test]
    fn quiet_runs_show_running_tests_and_idle_ones_what_workers_wait_for() {
        let mut run = run(2);
        assert_eq!(run.handle(RunEvent::Quiet).progress, None);
        let waiting = || WorkerEvent::Waiting(WaitingFor::Executions(Some(3)));
        let _ = run.handle(RunEvent::Worker(0, waiting()));
        assert_eq!(run.waits(), None, "one may be about to get something");
        assert_eq!(run.handle(update(&["x"], None)), Response::default());
        let _ = run.handle(RunEvent::Worker(1, waiting()));
        assert_eq!(run.waits().unwrap().workers, 2);
        let told = run.handle(update(&["x"], None)).progress;
        assert!(matches!(
            told,
            Some(ProgressEvent::Waiting { workers: 2, .. })
        ));
        assert_eq!(run.handle(update(&[], None)), Response::default());
        let _ = run.handle(RunEvent::Worker(1, reserved(1)));
        assert_eq!(run.waits(), None);
        assert!(
            matches!(run.handle(RunEvent::Quiet).progress, Some(ProgressEvent::Busy { running }) if running.len() == 1)
        );
    }

    #[test]
    fn of_many_in_one_process_those_that_have_begun_are_shown() {
        let mut run = run(1);
        for id in 1..=3 {
            let _ = run.handle(RunEvent::Worker(0, reserved(id)));
        }
        let shown = |run: &mut RunState| match run.handle(RunEvent::Quiet).progress {
            Some(ProgressEvent::Busy { running }) => running.len(),
            _ => 0,
        };
        assert_eq!(shown(&mut run), 3, "which of them runs is not known");
        for id in 1..=2 {
            let (execution, pid) = (ExecutionId(id), 7);
            let started = RecordEvent::Started { execution, pid };
            let _ = run.handle(RunEvent::Worker(0, WorkerEvent::Record(started)));
        }
        let passed = completed(TestVerdict::Passed);
        let _ = run.handle(RunEvent::Worker(0, ended(1, passed)));
        assert_eq!(shown(&mut run), 1);
    }

    #[test]
    fn a_wait_that_ended_stops_the_run_unless_a_worker_got_work() {
        let mut run = run(1);
        let over = || update(&["x"], Some("no Squish server is registered"));
        let _ = run.handle(RunEvent::Worker(0, reserved(1)));
        assert_eq!(run.handle(over()), Response::default());
        let _ = run.handle(RunEvent::Worker(0, confirmed(1, Confirmation::Counted)));
        let _ = run.handle(RunEvent::Worker(
            0,
            WorkerEvent::Waiting(WaitingFor::SquishServer),
        ));
        let response = run.handle(over());
        assert_eq!(response.phase, Some(Phase::Stopping));
        let (_, ending) = run.into_end();
        assert!(
            matches!(&ending, RunEnding::Starved(why) if why == "no Squish server is registered")
        );
    }
}
