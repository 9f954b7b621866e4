//! From types of the store and of the service to what pages show.

use super::{live_workers::KnownWorker, to_wire};
use crate::{
    api::execution_list::ExecutionResponse,
    model::Timestamp,
    pages::{ListedState, LiveWorker, PlanFacts, PlanSummary, RunningTest},
    store::{ExecutionFilter, PlanOverview, RunningExecution},
};

/// A plan in short.
pub(super) fn summary(overview: PlanOverview, now: Timestamp) -> PlanSummary {
    let facts = PlanFacts {
        status: overview.counts,
        could_not_run: overview.could_not_run(),
        no_verdict: overview.unjudged,
        started: overview.created,
        ended: overview.ended(),
        last_event: overview.last_event_id(),
        started_by: overview.started_by,
        origin: overview.origin,
        cancelled: overview.cancelled,
        plan: to_wire::plan(overview.plan),
    };
    PlanSummary::of(facts, now)
}

/// A worker that is there; `None` if it is gone.
pub(super) fn worker(known: &KnownWorker) -> Option<LiveWorker> {
    (known.workers > 0).then(|| LiveWorker {
        name: known.name.clone(),
        labels: Some(known.offered.clone().into()),
        workers: known.workers,
        job_url: None,
        tests: Vec::new(),
    })
}

/// A test under a lease, with the name of its worker.
pub(super) fn running(running: RunningExecution) -> (String, RunningTest) {
    let execution: ExecutionResponse = to_wire::execution(running.execution);
    let test = RunningTest {
        execution_id: execution.execution_id,
        suite: execution.suite,
        testcase: execution.testcase,
        attempt: execution.attempts,
        since_dt: running.since.0,
        lease_dt: running.deadline.0,
        expected_ms: execution.expected_ms,
        squish_server: running.squish_server,
    };
    (running.worker, test)
}

/// The filter of the store for the state of an address.
pub(super) fn filter(state: ListedState) -> ExecutionFilter {
    match state {
        ListedState::All => ExecutionFilter::All,
        ListedState::Failed => ExecutionFilter::Failed,
        ListedState::CouldNotRun => ExecutionFilter::CouldNotRun,
        ListedState::NoVerdict => ExecutionFilter::NoVerdict,
        ListedState::Flaky => ExecutionFilter::Flaky,
        ListedState::Running => ExecutionFilter::Running,
        ListedState::Open => ExecutionFilter::Open,
        ListedState::Passed => ExecutionFilter::Passed,
        ListedState::Skipped => ExecutionFilter::Skipped,
    }
}
