//! What a worker does with executions that ended: record their ends, upload their results, then report their outcomes or
//! release their leases.

use std::time::Duration;

use super::{
    Worker,
    active_lease::{ActiveLease, EndedExecution},
    health::AfterStartFailure,
    results_upload::ResultsFolder,
};
use crate::{
    model::Outcome,
    run::{
        attempt::{Attempt, Disposition},
        ending::RunEnding,
        phase::{Phase, sleep_while_working},
        state::WorkerEvent,
    },
    sync::ignore_poison,
};

/// What is left to do for executions whose ends are recorded.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// To be delivered.
    pub(super) to_deliver: Vec<EndedExecution>,
    /// Their results are to be uploaded first.
    pub(super) to_upload: Vec<(EndedExecution, ResultsFolder)>,
    /// Their leases are to be released.
    pub(super) to_release: Vec<EndedExecution>,
    /// Why the worker leaves, if it does.
    pub(super) ending: Option<RunEnding>,
}

impl Worker {
    /// Records the ends of executions that ended at the same time.
    pub(super) async fn settle(&self, ended: Vec<EndedExecution>) -> Settled {
        let mut recorded = Vec::with_capacity(ended.len());
        let mut events = Vec::with_capacity(ended.len());
        let mut ending = None;
        for EndedExecution { lease, mut attempt } in ended {
            self.settle_disposition(&lease, &mut attempt).await;
            ending = self.too_sick(&lease, &attempt).or(ending);
            let results = self.record_results(&lease, &attempt).await;
            events.push(attempt.take_ended_event(lease.execution()));
            recorded.push((EndedExecution { lease, attempt }, results));
        }
        // On disk before the service knows: a result that counts is never without a record.
        if !self.record_all_and_wait(events).await {
            // A result without a record would be missing in every report: the executions go back.
            return Settled {
                to_release: recorded.into_iter().map(|(ended, _)| ended).collect(),
                ending: Some(RunEnding::Finished),
                ..Settled::default()
            };
        }
        let mut settled = Settled {
            ending,
            ..Settled::default()
        };
        for (ended, results) in recorded {
            match results {
                Some(results) => settled.to_upload.push((ended, results)),
                None => settled.add(ended),
            }
        }
        settled
    }

    /// Uploads the results of an execution.
    pub(super) async fn settle_upload(
        &self,
        ended: EndedExecution,
        results: ResultsFolder,
    ) -> Settled {
        self.upload(&ended.lease, &results).await;
        let mut settled = Settled::default();
        settled.add(ended);
        settled
    }

    /// Releases executions whose ends are recorded, and pauses if one of them asks for it.
    pub(super) async fn settle_releases(&self, ended: Vec<EndedExecution>) -> Settled {
        let mut ending: Option<RunEnding> = None;
        let mut longest_pause = Duration::ZERO;
        let mut leases = Vec::with_capacity(ended.len());
        for EndedExecution { lease, attempt } in ended {
            let (release, leaving) = match attempt.disposition {
                Disposition::Release { pause, alone, .. } => {
                    longest_pause = longest_pause.max(pause.unwrap_or_default());
                    (lease.release(attempt.server_trouble, alone), None)
                }
                Disposition::NotStarted { reason } => {
                    let release = lease.release_not_started(reason.clone());
                    let (pause, leaving) = self.start_failed(&lease, reason);
                    longest_pause = longest_pause.max(pause);
                    (release, leaving)
                }
                Disposition::Report | Disposition::ReportAndLeave { .. } => {
                    (lease.release(None, false), Some(RunEnding::Finished))
                }
            };
            if let Some(leaving) = leaving {
                ending.get_or_insert_default().merge(leaving);
            }
            leases.push((lease, release));
        }
        self.release_held(leases).await;
        if !longest_pause.is_zero() {
            sleep_while_working(&self.phase, longest_pause).await;
        }
        Settled {
            ending,
            ..Settled::default()
        }
    }

    /// Reports why a test did not run, and decides whether an execution that this machine cannot start is another
    /// machine's.
    async fn settle_disposition(&self, lease: &ActiveLease, attempt: &mut Attempt) {
        match &attempt.disposition {
            Disposition::Report => {}
            Disposition::ReportAndLeave { reason } | Disposition::Release { reason, .. } => {
                let (execution, reason) = (lease.execution(), reason.clone());
                self.send(WorkerEvent::NotRun { execution, reason }).await;
            }
            Disposition::NotStarted { .. } if self.settings.alone => {
                attempt.disposition = Disposition::Report;
            }
            Disposition::NotStarted { reason } => {
                tracing::warn!(
                    reason,
                    "not started here, the execution goes back to the plan"
                );
                attempt.outcome = Outcome::Cancelled;
                attempt.output_tail.clone_from(reason);
            }
        }
    }

    /// How the worker leaves, which has nothing left to do: one that could only find out that its machine cannot start the tool
    /// says so, although others did the work.
    pub(super) fn leaving(&self, ending: RunEnding) -> RunEnding {
        let is_over =
            matches!(ending, RunEnding::Finished) && *self.phase.borrow() == Phase::Working;
        let why = ignore_poison(self.health.lock()).why_nothing_ran();
        match why.filter(|_| is_over) {
            Some(why) => RunEnding::CannotStart(why),
            None => ending,
        }
    }

    /// Why the worker leaves after this outcome, if it does. Where no other machine can come, it stays.
    fn too_sick(&self, lease: &ActiveLease, attempt: &Attempt) -> Option<RunEnding> {
        if self.settings.alone || !attempt.is_result() {
            return None;
        }
        let mut health = ignore_poison(self.health.lock());
        if let Some(expected) = lease.granted.expected {
            health.test_takes(expected);
        }
        let reason = health.ended(&attempt.outcome, attempt.duration);
        reason.map(RunEnding::CannotStart)
    }

    /// Counts a failed start, once for all executions of an answer. Returns how long to wait before the next one, and why the
    /// worker leaves, if it does.
    fn start_failed(&self, lease: &ActiveLease, reason: String) -> (Duration, Option<RunEnding>) {
        if !lease.is_first_start_failure() {
            return (Duration::ZERO, None);
        }
        match ignore_poison(self.health.lock()).start_failed(&reason) {
            AfterStartFailure::Pause(pause) => (pause, None),
            AfterStartFailure::Leave => (Duration::ZERO, Some(RunEnding::CannotStart(reason))),
        }
    }
}

impl Settled {
    /// An execution whose end is recorded and whose results are uploaded.
    fn add(&mut self, mut ended: EndedExecution) {
        let is_released = matches!(
            ended.attempt.disposition,
            Disposition::Release { .. } | Disposition::NotStarted { .. }
        );
        match ended.attempt.outcome {
            _ if is_released => self.to_release.push(ended),
            Outcome::LeaseLost => ended.lease.remove_file(),
            Outcome::Cancelled => self.to_release.push(ended),
            Outcome::Completed { .. } | Outcome::ExecutionError { .. } => {
                self.to_deliver.push(ended);
            }
        }
    }
}
