//! When a plan will end: the open tests are given to the live workers, longest first, each to the worker that can begin it first.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use crate::model::{Capabilities, LabelCase};

/// Open tests that require the same capabilities.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) required: Capabilities,
    /// How long the longest ones take, in any order.
    pub(crate) longest: Vec<Duration>,
    /// How long the others take together.
    pub(crate) rest: Duration,
}

/// Live workers that offer the same.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    pub(crate) offered: Capabilities,
    /// For each of them how long its current test still runs; zero while it waits.
    pub(crate) busy: Vec<Duration>,
}

/// Most workers that are planned for.
const MAX_WORKERS: usize = 1_000;

/// How long the plan still takes; `None` if a test has no worker.
pub(crate) fn predict(loads: &[Load], fleets: &[Fleet], case: LabelCase) -> Option<Duration> {
    let mut jobs: Vec<(Duration, usize)> = Vec::new();
    for (index, load) in loads.iter().enumerate() {
        jobs.extend(load.longest.iter().map(|it| (*it, index)));
    }
    // The longest first; among equals those that fewest workers can take.
    jobs.sort_by_key(|(duration, index)| {
        (Reverse(*duration), Reverse(loads[*index].required.len()))
    });
    let mut ends: Vec<BinaryHeap<Reverse<Duration>>> = fleets
        .iter()
        .map(|fleet| {
            fleet
                .busy
                .iter()
                .copied()
                .take(MAX_WORKERS)
                .map(Reverse)
                .collect()
        })
        .collect();
    for (duration, index) in jobs {
        let required = &loads[index].required;
        let fitting = (0..fleets.len()).filter(|it| fleets[*it].offered.covers(required, case));
        let earliest = fitting
            .filter_map(|it| ends[it].peek().map(|Reverse(end)| (*end, it)))
            .min()?;
        ends[earliest.1].pop();
        ends[earliest.1].push(Reverse(earliest.0.saturating_add(duration)));
    }
    for load in loads.iter().filter(|load| !load.rest.is_zero()) {
        spread(load.rest, &load.required, (fleets, &mut ends), case)?;
    }
    let last = ends
        .iter()
        .flat_map(|heap| heap.iter().map(|Reverse(end)| *end));
    Some(last.max().unwrap_or_default())
}

/// Divides work among the workers that can take it so that they end at the same time, after what keeps each busy until then.
fn spread(
    work: Duration,
    required: &Capabilities,
    (fleets, ends): (&[Fleet], &mut [BinaryHeap<Reverse<Duration>>]),
    case: LabelCase,
) -> Option<()> {
    let fits = |index: &usize| fleets[*index].offered.covers(required, case);
    let fitting: Vec<usize> = (0..fleets.len()).filter(fits).collect();
    let mut free: Vec<Duration> = fitting
        .iter()
        .flat_map(|it| ends[*it].iter().map(|Reverse(end)| *end))
        .collect();
    free.sort_unstable();
    let level = common_end(&free, work)?;
    for index in fitting {
        let later = ends[index]
            .drain()
            .map(|Reverse(end)| Reverse(end.max(level)));
        ends[index] = later.collect();
    }
    Some(())
}

/// When workers end together that become free at these times, in order, and share `work`; `None` without workers.
fn common_end(free: &[Duration], work: Duration) -> Option<Duration> {
    let mut sum = work;
    let mut level = None;
    for (many, next) in (1_u32..).zip(free) {
        if level.is_some_and(|level| level <= *next) {
            break;
        }
        sum = sum.saturating_add(*next);
        level = Some(sum / many);
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Capability;

    fn caps(value: &str) -> Capabilities {
        if value.is_empty() {
            return Capabilities::default();
        }
        Capabilities::from(vec![Capability::new("OS", value)])
    }

    fn load(required: &str, seconds: &[u64]) -> Load {
        Load {
            required: caps(required),
            rest: Duration::ZERO,
            longest: seconds.iter().copied().map(Duration::from_secs).collect(),
        }
    }

    fn fleet(offered: &str, busy: &[u64]) -> Fleet {
        Fleet {
            offered: caps(offered),
            busy: busy.iter().copied().map(Duration::from_secs).collect(),
        }
    }

    fn seconds(loads: &[Load], fleets: &[Fleet]) -> Option<u64> {
        predict(loads, fleets, LabelCase::Folded).map(|it| it.as_secs())
    }

    #[test]
    fn longest_tests_begin_first() {
        // 7 | 4+3 | 6: longest first is optimal here, the order of the list would take 10.
        let loads = [load("", &[3, 4, 6, 7])];
        assert_eq!(seconds(&loads, &[fleet("", &[0, 0, 0])]), Some(7));
        assert_eq!(seconds(&loads, &[fleet("", &[0])]), Some(20));
    }

    #[test]
    fn running_tests_delay_their_workers() {
        let loads = [load("", &[5])];
        assert_eq!(seconds(&loads, &[fleet("", &[10, 2])]), Some(10));
        assert_eq!(seconds(&loads, &[fleet("", &[10, 8])]), Some(13));
        assert_eq!(seconds(&[], &[fleet("", &[10, 8])]), Some(10));
    }

    #[test]
    fn tests_wait_for_workers_that_can_take_them() {
        let loads = [load("Mac", &[5, 5]), load("", &[1])];
        let fleets = [fleet("Linux", &[0, 0]), fleet("Mac", &[0])];
        assert_eq!(seconds(&loads, &fleets), Some(10));
        assert_eq!(seconds(&loads, &fleets[..1]), None, "no worker for Mac");
        assert_eq!(seconds(&loads, &[]), None);
    }

    #[test]
    fn rest_is_shared_by_those_who_are_free_first() {
        let rest = |seconds, longest: &[u64]| Load {
            rest: Duration::from_secs(seconds),
            ..load("", longest)
        };
        assert_eq!(
            seconds(&[rest(20, &[4, 2])], &[fleet("", &[0, 0])]),
            Some(13)
        );
        assert_eq!(
            seconds(&[rest(6, &[])], &[fleet("", &[100, 0, 1])]),
            Some(100)
        );
        assert_eq!(
            seconds(&[rest(6, &[])], &[fleet("", &[4, 0, 1])]),
            Some(3 + 1)
        );
        assert_eq!(seconds(&[rest(6, &[])], &[]), None);
    }
}
