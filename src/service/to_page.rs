//! From types of the store and of the service to what pages show.

use std::{collections::HashMap, time::Duration};

use super::{live_workers::KnownWorker, to_wire};
use crate::{
    api::execution_list::ExecutionResponse,
    model::{PlanStatus, Timestamp},
    pages::{Fleet, ListedState, LiveWorker, Load, PlanFacts, PlanSummary, RunningTest},
    store::{CapabilityCounts, ExecutionFilter, OpenWork, PlanOverview, RunningExecution},
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

/// What is left to run, with the counts of now: the durations may be older.
pub(super) fn loads(work: &[OpenWork], counts: &[CapabilityCounts]) -> Vec<Load> {
    let open = counts.iter().filter(|it| it.counts.open > 0);
    open.map(|it| {
        let PlanStatus { open, .. } = it.counts;
        let known = work.iter().find(|work| work.required == it.required);
        Load {
            required: it.required.clone(),
            open,
            longest: known.map(|work| work.longest.clone()).unwrap_or_default(),
        }
    })
    .collect()
}

/// The live workers, each with the time that it is still busy.
pub(super) fn fleets(
    known: &[KnownWorker],
    running: &[(String, RunningTest)],
    now: Timestamp,
) -> Vec<Fleet> {
    let mut busy: HashMap<&str, Vec<&RunningTest>> = HashMap::new();
    for (name, test) in running {
        busy.entry(name).or_default().push(test);
    }
    let known = known.iter().filter(|worker| worker.workers > 0);
    known
        .map(|worker| {
            let tests = busy.remove(worker.name.as_str()).unwrap_or_default();
            let workers = usize::try_from(worker.workers).unwrap_or(usize::MAX);
            let mut ends = vec![Duration::ZERO; workers.min(MAX_WORKERS)];
            for (index, test) in tests.into_iter().enumerate() {
                let has_begun = index < ends.len();
                let place = index % ends.len();
                ends[place] += remaining(test, has_begun, now);
            }
            Fleet {
                offered: worker.offered.clone(),
                busy: ends,
            }
        })
        .collect()
}

/// Most workers of one name.
const MAX_WORKERS: usize = 1_000;

/// How long a test still takes: of a batch only the first one has begun.
fn remaining(test: &RunningTest, has_begun: bool, now: Timestamp) -> Duration {
    let expected = Duration::from_millis(test.expected_ms.unwrap_or(0));
    if has_begun {
        expected.saturating_sub(now.since(Timestamp(test.since_dt)))
    } else {
        expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capabilities, ExecutionId};

    fn test(since: i64, expected: u64) -> (String, RunningTest) {
        let test = RunningTest {
            execution_id: ExecutionId(1),
            suite: String::new(),
            testcase: String::new(),
            attempt: 1,
            since_dt: since,
            lease_dt: 0,
            expected_ms: Some(expected),
            squish_server: None,
        };
        ("w".to_owned(), test)
    }

    fn busy(workers: u64, running: &[(String, RunningTest)]) -> Vec<Vec<u128>> {
        let worker = KnownWorker {
            name: "w".to_owned(),
            offered: Capabilities::default(),
            allocate_server: false,
            last: Timestamp(0),
            workers,
        };
        let fleets = fleets(&[worker], running, Timestamp(1_000));
        let millis = |fleet: &Fleet| fleet.busy.iter().map(Duration::as_millis).collect();
        fleets.iter().map(millis).collect()
    }

    #[test]
    fn worker_is_busy_with_the_rest_of_its_batch() {
        let batch = [test(400, 1_000), test(400, 500), test(0, 300)];
        assert_eq!(busy(1, &batch), [[400 + 500 + 300]]);
        assert_eq!(
            busy(2, &batch),
            [[400 + 300, 0]],
            "the second is over its time"
        );
        assert_eq!(busy(2, &[]), [[0, 0]]);
        assert!(busy(0, &batch).is_empty());
    }
}
