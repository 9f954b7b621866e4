//! The matrix of workers: how many jobs each worker set gets, and what a job is told. Plain functions of counts.
//!
//! `worker_set` reads the sets that people name with `--runs-on` or guesses them, `survey` asks what is open, `share`
//! gives each open execution to one set. Entries hold capabilities, runner labels and numbers alone: GitHub drops an output that holds a secret.

pub mod secrets;
pub mod share;
pub mod survey;
pub mod worker_set;

use serde::Serialize;

pub use worker_set::WorkerSet;

/// Most jobs that GitHub makes of one matrix.
pub const MOST_JOBS: usize = 256;

/// One job of the matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// For people and for `TESTPLAN_WORKER`: the set and which of its workers, as `OS=Linux 1/3`.
    pub name: String,
    /// Labels of the runner.
    pub runs_on: Vec<String>,
    /// What the worker offers, one per line, as the input `capabilities` takes it.
    pub capabilities: String,
    /// Which worker of its set, from 1.
    pub worker: u32,
    /// Which job of the matrix, from 1: names artifacts and workers, the same in each attempt.
    pub index: u32,
    /// Open executions of the set.
    pub open: u64,
}

/// How workers are counted.
#[derive(Clone, Copy, Debug)]
pub struct Sizing {
    /// How many executions a worker shall have at least.
    pub tests_per_worker: u32,
    /// Most workers of one set.
    pub max_workers: u32,
}

/// Jobs, and how many there would be if GitHub took them all.
#[derive(Debug, PartialEq, Eq)]
pub struct Sized {
    /// The jobs.
    pub entries: Vec<Entry>,
    /// At least as many as there are entries.
    pub wanted: usize,
}

/// Makes the jobs of worker sets from their open executions. A set with nothing to do has none. `None` if there are
/// more sets with work than jobs.
pub fn sized(loads: &[(WorkerSet, u64)], sizing: Sizing) -> Option<Sized> {
    let busy: Vec<_> = loads.iter().filter(|(_, open)| *open > 0).collect();
    if busy.len() > MOST_JOBS {
        return None;
    }
    let open: Vec<u64> = busy.iter().map(|(_, open)| *open).collect();
    let wanted: Vec<u32> = open.iter().map(|open| workers(*open, sizing)).collect();
    let total = wanted.iter().map(|workers| *workers as usize).sum();
    let given = within(wanted, &open, MOST_JOBS);
    let entries = busy.iter().zip(given).flat_map(|((set, open), workers)| {
        (1..=workers).map(move |worker| Entry {
            name: format!("{} {worker}/{workers}", set.capabilities),
            runs_on: set.runs_on.clone(),
            capabilities: set.lines(),
            worker,
            index: 0,
            open: *open,
        })
    });
    let entries = (1..)
        .zip(entries)
        .map(|(index, entry)| Entry { index, ..entry });
    Some(Sized {
        entries: entries.collect(),
        wanted: total,
    })
}

fn workers(open: u64, sizing: Sizing) -> u32 {
    let wanted = open.div_ceil(u64::from(sizing.tests_per_worker.max(1)));
    u32::try_from(wanted)
        .unwrap_or(u32::MAX)
        .clamp(1, sizing.max_workers.max(1))
}

/// Takes workers away until there are no more than `most`: each time from the set whose workers have the least to do
/// then, so that the longest job gets longer by as little as can be. Each set keeps one.
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
    };

    fn set(text: &str) -> WorkerSet {
        text.parse().unwrap()
    }

    fn counts(loads: &[(&str, u64)], sizing: Sizing) -> (Vec<(String, usize)>, usize) {
        let sets: Vec<_> = loads
            .iter()
            .map(|(text, open)| (set(text), *open))
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
    fn workers_by_the_work() {
        let sizing = |tests_per_worker, max_workers| Sizing {
            tests_per_worker,
            max_workers,
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
    fn an_entry_tells_a_job_all_and_a_set_without_work_has_none() {
        let loads = [
            (set("browser=chrome, OS=Linux: self-hosted, linux"), 60),
            (set("OS=Windows: windows-latest"), 0),
            (set(": ubuntu-latest"), 1),
        ];
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
    fn the_limit_of_jobs_is_shared_fairly() {
        let many = Sizing {
            tests_per_worker: 1,
            max_workers: 256,
        };
        let (given, wanted) = counts(&[("a=1: x", 300), ("b=1: x", 100), ("c=1: x", 1)], many);
        assert_eq!(wanted, 256 + 100 + 1);
        let given: Vec<usize> = given.into_iter().map(|(_, count)| count).collect();
        assert_eq!(given.iter().sum::<usize>(), MOST_JOBS);
        assert_eq!(given[2], 1, "a small set keeps its worker");
        assert_eq!(
            (300_usize.div_ceil(given[0]), 100_usize.div_ceil(given[1])),
            (2, 2),
            "nobody has more to do than needed: {given:?}"
        );
        let (given, wanted) = counts(&[("a=1: x", 300)], many);
        assert_eq!((given[0].1, wanted), (256, 256));
    }

    #[test]
    fn more_sets_than_jobs_are_no_matrix() {
        let sets = |count: usize| -> Vec<_> {
            (0..count)
                .map(|number| (set(&format!("n={number}: x")), 1))
                .collect()
        };
        assert_eq!(sized(&sets(256), SIZING).unwrap().entries.len(), 256);
        assert_eq!(sized(&sets(257), SIZING), None);
    }

    #[test]
    fn nothing_to_do_is_an_empty_matrix() {
        let none = sized(&[(set("a=1: x"), 0)], SIZING).unwrap();
        assert_eq!((none.entries.len(), none.wanted), (0, 0));
    }
}
