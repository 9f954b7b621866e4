//! When a plan ends, by its open tests, its live workers and how long tests take.

use std::{collections::HashMap, time::Duration};

use super::live_workers::KnownWorker;
use crate::{
    model::{LabelCase, Timestamp},
    pages::{Fleet, Load, PlanResult, RunningTest, TestPace, predict},
    store::{CapabilityCounts, OpenWork, RemainingWork},
};

/// Most open tests of a set of capabilities that count one by one.
pub(super) const MAX_OPEN: u32 = 1_000;
/// The newest results that show how long tests take.
pub(super) const MAX_RESULTS: u32 = 500;
/// Most workers of one name.
const MAX_WORKERS: usize = 1_000;

/// What is known of a plan that runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunningPlan<'a> {
    /// What was open some seconds ago.
    pub(super) work: &'a RemainingWork,
    /// What is open now.
    pub(super) counts: &'a [CapabilityCounts],
    pub(super) workers: &'a [KnownWorker],
    /// The tests under a lease, with the names of their workers.
    pub(super) running: &'a [(String, RunningTest)],
    pub(super) label_case: LabelCase,
}

/// How long the plan still takes; `None` if a test has no worker, or if nothing is known of how long tests take.
pub(super) fn time_left(plan: &RunningPlan<'_>, now: Timestamp) -> Option<Duration> {
    let pace = pace(plan);
    let loads = loads(plan, &pace)?;
    let fleets = fleets(plan, &pace, now)?;
    predict(&loads, &fleets, plan.label_case)
}

fn pace(plan: &RunningPlan<'_>) -> TestPace {
    let results = plan.work.results.iter().map(|result| PlanResult {
        worker: &result.worker,
        at: result.at,
        duration: result.duration,
        expected: result.expected,
    });
    let results: Vec<_> = results.collect();
    let of_name = |name: &str| {
        let found = plan.workers.iter().find(|worker| worker.name == name);
        found.map_or(1, |worker| u32::try_from(worker.workers).unwrap_or(1))
    };
    let (known, total) = plan
        .work
        .open
        .iter()
        .fold((0, Duration::ZERO), |(known, total), it| {
            (known + it.known, total.saturating_add(it.total))
        });
    let mean = u32::try_from(known)
        .ok()
        .and_then(|it| total.checked_div(it));
    TestPace::of(&results, of_name, mean)
}

/// What is left to run, with the counts of now.
fn loads(plan: &RunningPlan<'_>, pace: &TestPace) -> Option<Vec<Load>> {
    let open = plan.counts.iter().filter(|it| it.counts.open > 0);
    open.map(|it| {
        let work = plan
            .work
            .open
            .iter()
            .find(|work| work.required == it.required);
        load(it, work, pace)
    })
    .collect()
}

fn load(now: &CapabilityCounts, work: Option<&OpenWork>, pace: &TestPace) -> Option<Load> {
    let open = now.counts.open;
    let (longest, known, total) = work.map_or((&[][..], 0, Duration::ZERO), |work| {
        (work.longest.as_slice(), work.known, work.total)
    });
    // Those that were handed out since were the longest.
    let taken = usize::try_from(known.saturating_sub(open)).unwrap_or(usize::MAX);
    let (gone, listed) = longest.split_at(taken.min(longest.len()));
    let others = known.min(open).saturating_sub(listed.len() as u64);
    let listed_time: Duration = gone.iter().chain(listed).sum();
    let rest = pace.time_of_all(others, total.saturating_sub(listed_time));
    let unknown = open.saturating_sub(known);
    let (alone, together) = (
        unknown.min(u64::from(MAX_OPEN)),
        unknown.saturating_sub(u64::from(MAX_OPEN)),
    );
    let mut times: Vec<Duration> = listed
        .iter()
        .map(|it| pace.time_of(Some(*it)))
        .collect::<Option<_>>()?;
    let mut rest = rest;
    if unknown > 0 {
        let each = pace.time_of(None)?;
        times.extend((0..alone).map(|_| each));
        rest =
            rest.saturating_add(each.saturating_mul(u32::try_from(together).unwrap_or(u32::MAX)));
    }
    Some(Load {
        required: now.required.clone(),
        longest: times,
        rest,
    })
}

/// The live workers, each with the time that it is still busy.
fn fleets(plan: &RunningPlan<'_>, pace: &TestPace, now: Timestamp) -> Option<Vec<Fleet>> {
    let mut busy: HashMap<&str, Vec<&RunningTest>> = HashMap::new();
    for (name, test) in plan.running {
        busy.entry(name).or_default().push(test);
    }
    let known = plan.workers.iter().filter(|worker| worker.workers > 0);
    known
        .map(|worker| {
            let tests = busy.remove(worker.name.as_str()).unwrap_or_default();
            let workers = usize::try_from(worker.workers).unwrap_or(usize::MAX);
            let mut ends = vec![Duration::ZERO; workers.min(MAX_WORKERS)];
            for (index, test) in tests.into_iter().enumerate() {
                let has_begun = index < ends.len();
                let place = index % ends.len();
                ends[place] += remaining(test, has_begun, pace, now)?;
            }
            Some(Fleet {
                offered: worker.offered.clone(),
                busy: ends,
            })
        })
        .collect()
}

/// How long a test still takes: of a batch only the first one has begun.
fn remaining(
    test: &RunningTest,
    has_begun: bool,
    pace: &TestPace,
    now: Timestamp,
) -> Option<Duration> {
    let time = pace.time_of(test.expected_ms.map(Duration::from_millis))?;
    Some(if has_begun {
        time.saturating_sub(now.since(Timestamp(test.since_dt)))
    } else {
        time
    })
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
