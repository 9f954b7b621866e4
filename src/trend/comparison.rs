//! A plan beside the one before of its template and branch.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::{
    model::{ExecutionId, RunEnd, TestId},
    store::RunCell,
};

/// It has to take at least this much longer to be called slower, in milliseconds: small times vary.
const SLOWER_BY_MS: u64 = 1_000;

/// What became of one test on one system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    pub(crate) test: TestId,
    #[serde(skip)]
    pub(crate) label_set: i64,
    /// Its execution in the plan; in the plan before for those that are missing.
    pub(crate) execution: ExecutionId,
    /// How long it took then and now, in milliseconds, where that was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) took_ms: Option<(u64, u64)>,
}

/// What differs. A test that occurs several times on one system is compared by its worst end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Comparison {
    /// Failed, and did not before: it passed, was skipped, or was not there.
    pub(crate) newly_failed: Vec<Change>,
    /// Passed, and failed before.
    pub(crate) fixed: Vec<Change>,
    /// Failed both times.
    pub(crate) still_failed: Vec<Change>,
    /// Could not run, and had a verdict before.
    pub(crate) newly_broken: Vec<Change>,
    /// Skipped, and ran before.
    pub(crate) newly_skipped: Vec<Change>,
    /// There before and no longer.
    pub(crate) missing: Vec<Change>,
    /// Not there before.
    pub(crate) added: Vec<Change>,
    /// Took more than twice as long, and a second longer. The longest difference first.
    pub(crate) slower: Vec<Change>,
}

impl Comparison {
    /// Compares what a plan has so far with an earlier one. Tests that did not end yet are left out.
    pub(crate) fn of(before: &[RunCell], now: &[RunCell]) -> Self {
        let mut earlier = worst(before);
        let mut found = Self::default();
        let mut ordered: Vec<_> = worst(now).into_iter().collect();
        ordered.sort_unstable_by_key(|(_, cell)| cell.execution.0);
        for (key, cell) in ordered {
            found.compare(earlier.remove(&key), &cell);
        }
        let mut gone: Vec<_> = earlier.into_values().collect();
        gone.sort_unstable_by_key(|cell| cell.execution.0);
        found.missing = gone.iter().map(change).collect();
        let by = |change: &Change| change.took_ms.map_or(0, |(then, now)| now - then);
        found
            .slower
            .sort_by_key(|change| std::cmp::Reverse(by(change)));
        found
    }

    /// Without tests that only one of the plans has: one of them has a part of the tests by intention.
    pub(crate) fn of_common_tests(mut self) -> Self {
        let added: HashSet<ExecutionId> = self.added.iter().map(|it| it.execution).collect();
        self.newly_failed
            .retain(|change| !added.contains(&change.execution));
        self.added.clear();
        self.missing.clear();
        self
    }

    fn compare(&mut self, earlier: Option<RunCell>, cell: &RunCell) {
        let Some(earlier) = earlier else {
            self.added.push(change(cell));
            if cell.end == RunEnd::Failed {
                self.newly_failed.push(change(cell));
            }
            return;
        };
        match (earlier.end, cell.end) {
            (_, RunEnd::Open) => {}
            (RunEnd::Failed, RunEnd::Failed) => self.still_failed.push(change(cell)),
            (_, RunEnd::Failed) => self.newly_failed.push(change(cell)),
            (RunEnd::Failed, end) if end.is_pass() => self.fixed.push(change(cell)),
            (then, RunEnd::CouldNotRun) if then.is_verdict() => {
                self.newly_broken.push(change(cell));
            }
            (then, RunEnd::Skipped) if then != RunEnd::Skipped && then != RunEnd::Open => {
                self.newly_skipped.push(change(cell));
            }
            _ => {}
        }
        let both_passed = earlier.end.is_pass() && cell.end.is_pass();
        if let Some((then, now)) = earlier
            .duration_ms
            .zip(cell.duration_ms)
            .filter(|_| both_passed)
            && now > then.saturating_mul(2)
            && now - then >= SLOWER_BY_MS
        {
            self.slower.push(Change {
                took_ms: Some((then, now)),
                ..change(cell)
            });
        }
    }
}

fn change(cell: &RunCell) -> Change {
    Change {
        test: cell.test,
        label_set: cell.label_set,
        execution: cell.execution,
        took_ms: None,
    }
}

/// The worst end of each test on each system.
fn worst(cells: &[RunCell]) -> HashMap<(i64, i64), RunCell> {
    let mut all: HashMap<(i64, i64), RunCell> = HashMap::with_capacity(cells.len());
    for cell in cells {
        let known = all.entry((cell.test.0, cell.label_set)).or_insert(*cell);
        if badness(cell.end) > badness(known.end) {
            *known = *cell;
        }
    }
    all
}

fn badness(end: RunEnd) -> u8 {
    match end {
        RunEnd::Skipped => 0,
        RunEnd::Passed => 1,
        RunEnd::Flaky => 2,
        RunEnd::NoVerdict => 3,
        RunEnd::Open => 4,
        RunEnd::CouldNotRun => 5,
        RunEnd::Failed => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter a test, `-` for one that is not there.
    fn cells(ends: &str, first: i64) -> Vec<RunCell> {
        let all = ends
            .chars()
            .zip(1_i64..)
            .filter(|(letter, _)| *letter != '-');
        all.map(|(letter, number)| RunCell {
            execution: ExecutionId(first + number),
            test: TestId(number),
            label_set: 1,
            end: match letter {
                '.' => RunEnd::Passed,
                'F' => RunEnd::Failed,
                '~' => RunEnd::Flaky,
                's' => RunEnd::Skipped,
                '!' => RunEnd::CouldNotRun,
                _ => RunEnd::Open,
            },
            duration_ms: Some(1_000),
        })
        .collect()
    }

    fn tests(changes: &[Change]) -> Vec<i64> {
        changes.iter().map(|change| change.test.0).collect()
    }

    #[test]
    fn each_test_is_where_its_change_belongs() {
        let found = Comparison::of(&cells(".FF.s.-F~..", 0), &cells("F.FssF.-~!o", 100));
        assert_eq!(tests(&found.newly_failed), [1, 6]);
        assert_eq!(tests(&found.fixed), [2]);
        assert_eq!(tests(&found.still_failed), [3]);
        assert_eq!(tests(&found.newly_skipped), [4]);
        assert_eq!(tests(&found.newly_broken), [10]);
        assert_eq!(tests(&found.added), [7]);
        assert_eq!(tests(&found.missing), [8]);
        assert!(found.slower.is_empty());
        assert_eq!(found.missing[0].execution, ExecutionId(8));
        assert!(
            Comparison::of(&cells("..F", 0), &cells("..F", 9))
                .newly_failed
                .is_empty()
        );
        let same = Comparison::of(&cells("..", 0), &cells("..", 9));
        assert_eq!(same, Comparison::default());
    }

    #[test]
    fn new_test_that_fails_is_newly_failed() {
        let found = Comparison::of(&[], &cells("F.", 0));
        assert_eq!(
            (tests(&found.newly_failed), tests(&found.added)),
            (vec![1], vec![1, 2])
        );
    }

    #[test]
    fn slower_is_twice_as_long_and_a_second_more() {
        let before = cells("....", 0);
        let mut now = cells("...F", 100);
        for (cell, took) in now.iter_mut().zip([2_500, 1_999, 9_000, 9_000]) {
            cell.duration_ms = Some(took);
        }
        let found = Comparison::of(&before, &now);
        assert_eq!(tests(&found.slower), [3, 1]);
        assert_eq!(found.slower[0].took_ms, Some((1_000, 9_000)));
    }

    #[test]
    fn repeated_test_is_compared_by_its_worst_end() {
        let mut now = cells(".F", 100);
        now[1].test = TestId(1);
        let found = Comparison::of(&cells(".", 0), &now);
        assert_eq!(tests(&found.newly_failed), [1]);
    }

    #[test]
    fn test_of_one_plan_alone_is_no_change_of_a_selection() {
        let found = Comparison::of(&cells(".F.-F", 0), &cells("-.FFF", 100)).of_common_tests();
        assert_eq!(tests(&found.newly_failed), [3]);
        assert_eq!(tests(&found.fixed), [2]);
        assert_eq!(tests(&found.still_failed), [5]);
        assert!(found.added.is_empty() && found.missing.is_empty());
    }
}
