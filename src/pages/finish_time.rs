//! When a plan will end: the open tests are given to the live workers, longest first, each to the worker that can begin it first.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use crate::model::{Capabilities, LabelCase};

/// Open tests that require the same capabilities.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) required: Capabilities,
    /// How many are open.
    pub(crate) open: u64,
    /// The expected durations of the longest ones, longest first. The others count as long as the last of these.
    pub(crate) longest: Vec<Duration>,
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

/// How long the plan still takes; `None` if a test has no worker, or if nothing is known of how long the open ones take.
pub(crate) fn predict(loads: &[Load], fleets: &[Fleet], case: LabelCase) -> Option<Duration> {
    let mut jobs: Vec<(Duration, usize)> = Vec::new();
    let mut rest: Vec<(Duration, usize)> = Vec::new();
    for (index, load) in loads.iter().enumerate() {
        let open = usize::try_from(load.open).unwrap_or(usize::MAX);
        jobs.extend(load.longest.iter().take(open).map(|it| (*it, index)));
        let unlisted = open.saturating_sub(load.longest.len());
        if let (Some(last), 1..) = (load.longest.last(), unlisted) {
            let times = u32::try_from(unlisted).unwrap_or(u32::MAX);
            rest.push((last.saturating_mul(times), index));
        }
    }
    let is_known = jobs.iter().any(|(duration, _)| !duration.is_zero());
    if !jobs.is_empty() && !is_known {
        return None;
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
    for (duration, index) in rest {
        spread(duration, &loads[index].required, (fleets, &mut ends), case)?;
    }
    let last = ends
        .iter()
        .flat_map(|heap| heap.iter().map(|Reverse(end)| *end));
    Some(last.max().unwrap_or_default())
}

/// Divides work evenly among the workers that can take it.
fn spread(
    work: Duration,
    required: &Capabilities,
    (fleets, ends): (&[Fleet], &mut [BinaryHeap<Reverse<Duration>>]),
    case: LabelCase,
) -> Option<()> {
    let fits = |index: &usize| fleets[*index].offered.covers(required, case);
    let fitting: Vec<usize> = (0..fleets.len()).filter(fits).collect();
    let workers: usize = fitting.iter().map(|it| ends[*it].len()).sum();
    let share = work.checked_div(u32::try_from(workers).ok()?)?;
    for index in fitting {
        let longer = ends[index]
            .drain()
            .map(|Reverse(end)| Reverse(end.saturating_add(share)));
        ends[index] = longer.collect();
    }
    Some(())
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
            open: seconds.len() as u64,
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
    fn tests_that_are_not_listed_count_as_long_as_the_shortest_listed() {
        let many = Load {
            open: 12,
            ..load("", &[4, 2])
        };
        assert_eq!(seconds(&[many], &[fleet("", &[0, 0])]), Some(14));
    }

    #[test]
    fn nothing_is_predicted_without_a_known_duration() {
        assert_eq!(seconds(&[load("", &[0, 0])], &[fleet("", &[0])]), None);
        assert_eq!(seconds(&[load("", &[0, 3])], &[fleet("", &[0])]), Some(3));
    }
}
