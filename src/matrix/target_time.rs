//! Chooses the number of workers so that their work takes about a given time, by the durations of earlier plans.
//!
//! The service hands out the longest tests first, each to the first worker that is free. So does [`TimedLoad::takes`].

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    time::Duration,
};

use super::set_load::SetLoad;
use crate::text::{counted, format_duration, plural, prefix};

/// Most bytes of a test's name in a message.
const LONGEST_NAME: usize = 300;

/// The executions of a set with a duration for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimedLoad {
    /// The longest first.
    durations_ms: Vec<u64>,
    /// The test of the longest one, unless that counts as the mean.
    longest: Option<String>,
}

/// The mean of the known durations of all sets, which counts for tests without one. `None` if none is known.
pub(super) fn mean_ms<'a>(loads: impl Iterator<Item = &'a SetLoad>) -> Option<u64> {
    let (sum, count) = loads
        .flat_map(|load| &load.known_ms)
        .fold((0_u128, 0_u128), |(sum, count), ms| {
            (sum + u128::from(*ms), count + 1)
        });
    let mean = sum.checked_div(count)?;
    Some(u64::try_from(mean).unwrap_or(u64::MAX))
}

impl TimedLoad {
    pub(super) fn new(load: &SetLoad, mean_ms: u64) -> Self {
        let unknown = usize::try_from(load.unknown()).unwrap_or(usize::MAX);
        let mut durations_ms = load.known_ms.clone();
        durations_ms.extend(std::iter::repeat_n(mean_ms, unknown));
        durations_ms.sort_unstable_by(|one, other| other.cmp(one));
        let is_known = load.known_ms.first() == durations_ms.first();
        Self {
            durations_ms,
            longest: load.longest.clone().filter(|_| is_known),
        }
    }

    fn longest_ms(&self) -> u64 {
        self.durations_ms.first().copied().unwrap_or_default()
    }

    /// The fewest workers that are done in time, at most `most`. If one test alone takes longer than `target`, as many as are
    /// done with the others by its end.
    pub(super) fn workers(&self, target: Duration, most: u32) -> u32 {
        let goal = milliseconds(target).max(self.longest_ms()).max(1);
        let all: u128 = self.durations_ms.iter().map(|ms| u128::from(*ms)).sum();
        let fewest = u32::try_from(all.div_ceil(u128::from(goal))).unwrap_or(u32::MAX);
        let most = most.max(1);
        (fewest.clamp(1, most)..most)
            .find(|workers| self.takes(*workers) <= goal)
            .unwrap_or(most)
            // A worker without a test takes no time off.
            .min(u32::try_from(self.durations_ms.len()).unwrap_or(u32::MAX))
            .max(1)
    }

    /// How long so many workers are expected to take, in milliseconds.
    pub(super) fn takes(&self, workers: u32) -> u64 {
        let mut ends = BinaryHeap::new();
        ends.extend(std::iter::repeat_n(Reverse(0_u64), workers.max(1) as usize));
        let mut last = 0;
        for ms in &self.durations_ms {
            if let Some(mut first) = ends.peek_mut() {
                first.0 = first.0.saturating_add(*ms);
                last = last.max(first.0);
            }
        }
        last
    }

    /// Why these workers do not meet the target, if they do not.
    pub(super) fn missed(&self, workers: u32, target: Duration) -> Option<MissedTarget> {
        let target_ms = milliseconds(target);
        let takes = self.takes(workers);
        if takes <= target_ms {
            return None;
        }
        Some(match self.longest_ms().cmp(&target_ms) {
            Ordering::Greater if takes == self.longest_ms() => MissedTarget::OneTest {
                test: match &self.longest {
                    Some(name) => format!("{:?}", prefix(name, LONGEST_NAME)),
                    None => "a test that counts as the mean".to_owned(),
                },
                takes: Duration::from_millis(takes),
            },
            _ => MissedTarget::FewWorkers {
                takes: Duration::from_millis(takes),
            },
        })
    }
}

/// Why a target is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MissedTarget {
    /// One test alone takes longer; more workers would not help.
    OneTest { test: String, takes: Duration },
    /// The limit of workers allows no more.
    FewWorkers { takes: Duration },
}

impl MissedTarget {
    /// The message for a set of so many workers.
    pub(super) fn text(&self, set: &str, workers: u32, target: Duration) -> String {
        let target = format_duration(target);
        match self {
            Self::OneTest { test, takes } => format!(
                "the target time of {target} cannot be met: {test} alone is expected to take {} (worker set {set})",
                format_duration(*takes)
            ),
            Self::FewWorkers { takes } => format!(
                "the target time of {target} is not met: {}, the most that {} allowed, {} \
                 expected to take {} (worker set {set})",
                counted(workers, "worker"),
                plural(&workers, "is", "are"),
                plural(&workers, "is", "are"),
                format_duration(*takes)
            ),
        }
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn minutes(known: &[u64], unknown: u64) -> SetLoad {
        let mut known_ms: Vec<u64> = known.iter().map(|it| it * MINUTE).collect();
        known_ms.sort_unstable_by(|one, other| other.cmp(one));
        SetLoad {
            open: known.len() as u64 + unknown,
            longest: (!known.is_empty()).then(|| "s / long".to_owned()),
            known_ms,
        }
    }

    #[test]
    fn fewest_workers_that_are_done_in_time_are_chosen() {
        for (known, unknown, target, most, expected) in [
            // Known durations of minutes, tests without one, target in minutes, limit; workers and minutes.
            (&[1; 10][..], 0, 5, 9, (2, 5)),
            (&[1; 10], 0, 10, 9, (1, 10)),
            (&[1; 10], 0, 60, 9, (1, 10)),
            (&[1; 11], 0, 5, 9, (3, 4)),
            // Ten more count as the mean.
            (&[1, 3], 10, 6, 9, (4, 6)),
            // 15 minutes of work, and no two of the tests fit into five.
            (&[3; 5], 0, 5, 9, (5, 3)),
            // The longest test bounds it: more workers would not help.
            (&[8, 1, 1, 1, 1, 1], 0, 5, 9, (2, 8)),
            (&[8], 0, 5, 9, (1, 8)),
            // The limit.
            (&[1; 100], 0, 5, 4, (4, 25)),
            (&[8; 20], 0, 5, 4, (4, 40)),
            // No more workers than tests.
            (&[2, 2], 0, 1, 9, (2, 2)),
        ] {
            let load = minutes(known, unknown);
            let mean = mean_ms([&load].into_iter()).unwrap();
            let timed = TimedLoad::new(&load, mean);
            let workers = timed.workers(Duration::from_millis(target * MINUTE), most);
            let got = (workers, timed.takes(workers) / MINUTE);
            assert_eq!(got, expected, "{known:?} {unknown} {target} {most}");
        }
    }

    #[test]
    fn missed_target_names_the_one_test_or_the_limit() {
        let missed = |known: &[u64], most| {
            let timed = TimedLoad::new(&minutes(known, 0), 0);
            let target = Duration::from_secs(300);
            let workers = timed.workers(target, most);
            let missed = timed.missed(workers, target);
            missed.map(|it| it.text("OS=Linux", workers, target))
        };
        assert_eq!(missed(&[1; 10], 4), None);
        assert_eq!(
            missed(&[8, 1, 1], 4).unwrap(),
            "the target time of 5m cannot be met: \"s / long\" alone is expected to take 8m (worker set OS=Linux)"
        );
        assert_eq!(
            missed(&[1; 100], 4).unwrap(),
            "the target time of 5m is not met: 4 workers, the most that are allowed, are expected to take 25m (worker set OS=Linux)"
        );
        assert!(missed(&[8; 20], 4).unwrap().contains("take 40m"));
        assert!(
            missed(&[3; 2], 1)
                .unwrap()
                .contains("1 worker, the most that is allowed, is expected to take 6m")
        );
    }

    #[test]
    fn longest_test_has_no_name_if_it_counts_as_the_mean() {
        for (known, mean, expected) in [
            (&[][..], 8, "a test that counts as the mean alone is"),
            (&[2], 8, "a test that counts as the mean alone is"),
            (&[9], 8, "\"s / long\" alone is"),
        ] {
            let timed = TimedLoad::new(&minutes(known, 1), mean * MINUTE);
            let target = Duration::from_secs(300);
            let missed = timed.missed(2, target).unwrap();
            let text = missed.text("any", 2, target);
            assert!(text.contains(expected), "{known:?}: {text}");
        }
    }

    #[test]
    fn mean_counts_each_known_duration_of_all_sets_once() {
        let loads = [minutes(&[1, 2], 5), minutes(&[], 9), minutes(&[6], 0)];
        assert_eq!(mean_ms(loads.iter()), Some(3 * MINUTE));
        assert_eq!(mean_ms([SetLoad::counted(4)].iter()), None);
    }

    #[test]
    fn tests_without_any_duration_take_one_worker() {
        let timed = TimedLoad::new(&SetLoad::counted(3), 0);
        assert_eq!((timed.workers(Duration::ZERO, 4), timed.takes(1)), (1, 0));
    }
}
