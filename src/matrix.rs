//! Sizes the matrix of workers: how many jobs each worker set gets.
//!
//! `worker_set` parses `--runs-on` or guesses the sets, `survey` asks what is open, `share` assigns each open execution to one
//! set. `target_time` sizes a set by durations. Entries hold only capabilities, runner labels and numbers: GitHub drops an output that holds a secret.

pub(crate) mod secrets;
pub(crate) mod set_load;
pub(crate) mod share;
pub(crate) mod survey;
mod target_time;
pub(crate) mod worker_set;

use std::time::Duration;

use serde::Serialize;

pub(crate) use set_load::SetLoad;
pub(crate) use worker_set::WorkerSet;

use self::target_time::TimedLoad;

/// Most jobs of one matrix at GitHub.
pub(crate) const MOST_JOBS: usize = 256;

/// One job of the matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct MatrixEntry {
    /// The set and the worker in it, such as `OS=Linux 1/3`; also `TESTPLAN_WORKER`.
    pub(crate) name: String,
    pub(crate) runs_on: Vec<String>,
    /// What the worker offers, one per line, as the input `capabilities` takes it.
    pub(crate) capabilities: String,
    /// Number of the worker in its set, from 1.
    pub(crate) worker: u32,
    /// Number of the job in the matrix, from 1. It names artifacts and workers, and is the same in each attempt.
    pub(crate) index: u32,
    /// Open executions of the set.
    pub(crate) open: u64,
}

/// Limits of the number of workers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizing {
    /// Open executions per worker.
    pub(crate) tests_per_worker: u32,
    /// Most workers of one set.
    pub(crate) max_workers: u32,
    /// How long the plan should take. Decides in place of `tests_per_worker` if durations are known.
    pub(crate) target_time: Option<Duration>,
}

/// The jobs, and how many there would be without the limit of GitHub.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sized {
    pub(crate) entries: Vec<MatrixEntry>,
    /// The number of jobs without the limit.
    pub(crate) wanted: usize,
    /// How long the set that takes longest is expected to run tests, if a target time decided.
    pub(crate) expected: Option<Duration>,
    /// Why the target time is not met, for each set that does not meet it.
    pub(crate) missed: Vec<String>,
}

impl Sized {
    /// Whether no duration is known, so that the number of executions decided in place of a target time.
    pub(crate) fn ignores_target(&self, sizing: Sizing) -> bool {
        sizing.target_time.is_some() && self.expected.is_none() && !self.entries.is_empty()
    }
}

/// Makes the jobs of worker sets from their open executions. `None` if more sets have work than a matrix has jobs.
pub(crate) fn sized(loads: &[(WorkerSet, SetLoad)], sizing: Sizing) -> Option<Sized> {
    let busy: Vec<_> = loads.iter().filter(|(_, load)| load.open > 0).collect();
    if busy.len() > MOST_JOBS {
        return None;
    }
    let open: Vec<u64> = busy.iter().map(|(_, load)| load.open).collect();
    let mean = target_time::mean_ms(loads.iter().map(|(_, load)| load));
    let target = sizing.target_time.zip(mean);
    let timed: Option<(Duration, Vec<TimedLoad>)> = target.map(|(target, mean)| {
        let timed = busy.iter().map(|(_, load)| TimedLoad::new(load, mean));
        (target, timed.collect())
    });
    let wanted: Vec<u32> = match &timed {
        Some((target, timed)) => timed
            .iter()
            .map(|load| load.workers(*target, sizing.max_workers))
            .collect(),
        None => open.iter().map(|open| workers(*open, sizing)).collect(),
    };
    let total = wanted.iter().map(|workers| *workers as usize).sum();
    let given = within(wanted, &open, MOST_JOBS);
    let mut missed = Vec::new();
    let expected = timed.map(|(target, timed)| {
        let mut longest_ms = 0;
        for ((load, workers), (set, _)) in timed.iter().zip(&given).zip(&busy) {
            longest_ms = longest_ms.max(load.takes(*workers));
            if let Some(why) = load.missed(*workers, target) {
                missed.push(why.text(&set.capabilities.to_string(), *workers, target));
            }
        }
        Duration::from_millis(longest_ms)
    });
    let entries = busy.iter().zip(given).flat_map(|((set, load), workers)| {
        (1..=workers).map(move |worker| MatrixEntry {
            name: format!("{} {worker}/{workers}", set.capabilities),
            runs_on: set.runs_on.clone(),
            capabilities: set.lines(),
            worker,
            index: 0,
            open: load.open,
        })
    });
    let entries = (1..)
        .zip(entries)
        .map(|(index, entry)| MatrixEntry { index, ..entry });
    Some(Sized {
        entries: entries.collect(),
        wanted: total,
        expected,
        missed,
    })
}

fn workers(open: u64, sizing: Sizing) -> u32 {
    let wanted = open.div_ceil(u64::from(sizing.tests_per_worker.max(1)));
    u32::try_from(wanted)
        .unwrap_or(u32::MAX)
        .clamp(1, sizing.max_workers.max(1))
}

/// Removes workers until there are at most `most`, each time from the set whose workers then have the least to do, so that
/// the longest job grows least. Each set keeps one.
fn within(mut workers: Vec<u32>, open: &[u64], most: usize) -> Vec<u32> {
    let mut total: usize = workers.iter().map(|count| *count as usize).sum();
    while total > most {
        let spared = (0..workers.len())
            .filter(|index| workers[*index] > 1)
            .min_by_key(|index| {
                let left = u64::from(workers[*index] - 1);
                (open[*index].div_ceil(left), std::cmp::Reverse(*index))
            });
        let Some(spared) = spared else { break };
        workers[spared] -= 1;
        total -= 1;
    }
    workers
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZING: Sizing = Sizing {
        tests_per_worker: 25,
        max_workers: 4,
        target_time: None,
    };

    fn set(text: &str) -> WorkerSet {
        text.parse().unwrap()
    }

    fn counts(loads: &[(&str, u64)], sizing: Sizing) -> (Vec<(String, usize)>, usize) {
        let sets: Vec<_> = loads
            .iter()
            .map(|(text, open)| (set(text), SetLoad::counted(*open)))
            .collect();
        let sized = sized(&sets, sizing).unwrap();
        let mut counts: Vec<(String, usize)> = Vec::new();
        for entry in &sized.entries {
            let set = entry.name.rsplit_once(' ').unwrap().0.to_owned();
            match counts.last_mut() {
                Some((name, count)) if *name == set => *count += 1,
                _ => counts.push((set, 1)),
            }
        }
        (counts, sized.wanted)
    }

    #[test]
    fn workers_grow_with_open_executions() {
        let sizing = |tests_per_worker, max_workers| Sizing {
            tests_per_worker,
            max_workers,
            target_time: None,
        };
        for (open, per_worker, most, expected) in [
            (1, 25, 4, 1),
            (25, 25, 4, 1),
            (26, 25, 4, 2),
            (60, 25, 4, 3),
            (100, 25, 4, 4),
            (1_000_000, 25, 4, 4),
            (3, 1, 256, 3),
            (u64::MAX, 1, 256, 256),
        ] {
            assert_eq!(
                workers(open, sizing(per_worker, most)),
                expected,
                "{open} by {per_worker}, at most {most}"
            );
        }
    }

    #[test]
    fn entry_describes_a_job_and_idle_sets_have_none() {
        let loads = [
            (set("browser=chrome, OS=Linux: self-hosted, linux"), 60),
            (set("OS=Windows: windows-latest"), 0),
            (set(": ubuntu-latest"), 1),
        ]
        .map(|(set, open)| (set, SetLoad::counted(open)));
        let sized = sized(&loads, SIZING).unwrap();
        assert_eq!(sized.entries.len(), 4);
        assert_eq!(
            serde_json::to_value(&sized.entries[1]).unwrap(),
            serde_json::json!({
                "name": "OS=Linux, browser=chrome 2/3",
                "runs-on": ["self-hosted", "linux"],
                "capabilities": "OS=Linux\nbrowser=chrome",
                "worker": 2,
                "index": 2,
                "open": 60,
            })
        );
        assert_eq!(
            serde_json::to_value(&sized.entries[3]).unwrap(),
            serde_json::json!({
                "name": "any 1/1",
                "runs-on": ["ubuntu-latest"],
                "capabilities": "",
                "worker": 1,
                "index": 4,
                "open": 1,
            })
        );
    }

    #[test]
    fn job_limit_is_shared_by_load() {
        let many = Sizing {
            tests_per_worker: 1,
            max_workers: 256,
            target_time: None,
        };
        let (given, wanted) = counts(&[("a=1: x", 300), ("b=1: x", 100), ("c=1: x", 1)], many);
        assert_eq!(wanted, 256 + 100 + 1);
        let given: Vec<usize> = given.into_iter().map(|(_, count)| count).collect();
        assert_eq!(given.iter().sum::<usize>(), MOST_JOBS);
        assert_eq!(given[2], 1, "a small set keeps its worker");
        assert_eq!(
            (300_usize.div_ceil(given[0]), 100_usize.div_ceil(given[1])),
            (2, 2),
            "no worker gets more than needed: {given:?}"
        );
        let (given, wanted) = counts(&[("a=1: x", 300)], many);
        assert_eq!((given[0].1, wanted), (256, 256));
    }

    #[test]
    fn more_sets_than_jobs_give_no_matrix() {
        let sets = |count: usize| -> Vec<_> {
            (0..count)
                .map(|number| (set(&format!("n={number}: x")), SetLoad::counted(1)))
                .collect()
        };
        assert_eq!(sized(&sets(256), SIZING).unwrap().entries.len(), 256);
        assert_eq!(sized(&sets(257), SIZING), None);
    }

    #[test]
    fn target_time_sizes_each_set_and_tests_per_worker_stands_in_for_unknown_durations() {
        let load = |open, known_ms: &[u64]| SetLoad {
            open,
            known_ms: known_ms.to_vec(),
            longest: Some("s / t".to_owned()),
        };
        let sizing = Sizing {
            target_time: Some(Duration::from_secs(5)),
            ..SIZING
        };
        // Two workers for ten seconds; one for four tests of a second, the mean; one test is too long.
        let loads = [
            (set("a=1: x"), load(10, &[1_000; 10])),
            (set("b=1: x"), load(4, &[])),
            (set("c=1: x"), load(0, &[])),
        ];
        let timed = sized(&loads, sizing).unwrap();
        let names: Vec<&str> = timed.entries.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a=1 1/2", "a=1 2/2", "b=1 1/1"]);
        assert_eq!(timed.expected, Some(Duration::from_secs(5)));
        assert!(timed.missed.is_empty() && !timed.ignores_target(sizing));

        let long = [(set("a=1: x"), load(2, &[9_000, 1_000]))];
        let long = sized(&long, sizing).unwrap();
        assert_eq!(
            (long.entries.len(), long.expected),
            (2, Some(Duration::from_secs(9)))
        );
        assert!(
            long.missed[0].contains("\"s / t\" alone"),
            "{:?}",
            long.missed
        );

        let unknown = [(set("a=1: x"), SetLoad::counted(60))];
        let unknown = sized(&unknown, sizing).unwrap();
        assert_eq!((unknown.entries.len(), unknown.expected), (3, None));
        assert!(unknown.ignores_target(sizing) && !unknown.ignores_target(SIZING));
    }

    #[test]
    fn no_open_executions_give_an_empty_matrix() {
        let none = sized(&[(set("a=1: x"), SetLoad::default())], SIZING).unwrap();
        assert_eq!((none.entries.len(), none.wanted), (0, 0));
    }
}
