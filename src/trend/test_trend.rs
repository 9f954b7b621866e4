//! How a test does on each system that it runs on.

use serde::Serialize;

use super::{
    spell::{Spell, failing_spell},
    telling::is_telling,
    usual::median,
};
use crate::{
    model::{Capabilities, RunEnd},
    store::TestRun,
};

/// Of how many last runs changes are counted.
const LAST_RUNS: usize = 20;
/// So many changes between pass and failure in the last runs of a branch make a test flaky: a failure that came and was mended
/// changes it twice.
pub(crate) const TRANSITIONS_OF_FLAKY: u64 = 4;

/// A test on one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SystemTrend {
    /// What the executions require, such as `OS=Linux`.
    pub(crate) system: String,
    /// Runs with a verdict in plans that tell something.
    pub(crate) runs: u64,
    pub(crate) failed: u64,
    /// Those that passed only after a failure.
    pub(crate) flaky: u64,
    /// Commits on which it both passed and failed, one of them in a run of its own.
    pub(crate) mixed_commits: u64,
    /// Changes between pass and failure in the last twenty runs.
    pub(crate) transitions: u64,
    /// Whether it is flaky: it passed and failed on one commit, or changed often.
    pub(crate) is_flaky: bool,
    /// How its last runs ended, newest first; those that are still open are left out.
    pub(crate) last: Vec<RunEnd>,
    /// Since when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failing: Option<Spell>,
    /// The median of the runs with a verdict, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usual_ms: Option<u64>,
}

/// The trend of each system, in the order of their names, of runs newest first.
pub(crate) fn trends(runs: &[TestRun]) -> Vec<SystemTrend> {
    let mut systems: Vec<&Capabilities> = runs.iter().map(|run| &run.required).collect();
    systems.sort_unstable();
    systems.dedup();
    let each = systems.into_iter();
    each.map(|system| {
        let own: Vec<&TestRun> = runs.iter().filter(|run| run.required == *system).collect();
        trend(system, &own)
    })
    .collect()
}

fn trend(system: &Capabilities, all: &[&TestRun]) -> SystemTrend {
    let telling = |run: &&&TestRun| run.end.is_verdict() && is_telling(run.plan_ended);
    let counted: Vec<&TestRun> = all.iter().filter(telling).copied().collect();
    let count = |end| counted.iter().filter(|run| run.end == end).count() as u64;
    let (flaky, mixed_commits) = (count(RunEnd::Flaky), mixed_commits(&counted));
    let transitions = transitions(&counted);
    let ended = all
        .iter()
        .map(|run| run.end)
        .filter(|end| *end != RunEnd::Open);
    SystemTrend {
        system: system.to_string(),
        runs: counted.len() as u64,
        failed: count(RunEnd::Failed),
        flaky,
        mixed_commits,
        transitions,
        is_flaky: flaky + mixed_commits > 0 || transitions >= TRANSITIONS_OF_FLAKY,
        last: ended.take(LAST_RUNS).collect(),
        failing: failing_spell(all.iter().copied()),
        usual_ms: median(counted.iter().filter_map(|run| run.duration_ms)),
    }
}

/// How many commits have both a pass and a failure.
fn mixed_commits(runs: &[&TestRun]) -> u64 {
    let commits = |passes: bool| {
        let those = runs.iter().filter(move |run| run.end.is_pass() == passes);
        those
            .map(|run| run.origin.commit.as_str())
            .filter(|commit| !commit.is_empty())
    };
    let passed: std::collections::BTreeSet<&str> = commits(true).collect();
    let failed: std::collections::BTreeSet<&str> = commits(false).collect();
    passed.intersection(&failed).count() as u64
}

/// How often the last runs changed between pass and failure, each compared with the one before on its branch.
fn transitions(runs: &[&TestRun]) -> u64 {
    let mut last = std::collections::BTreeMap::new();
    let mut changes = 0;
    for run in runs.iter().take(LAST_RUNS) {
        let before = last.insert(run.origin.branch.as_str(), run.end.is_pass());
        changes += u64::from(before.is_some_and(|before| before != run.end.is_pass()));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::{super::spell::examples::runs, *};

    fn of(ends: &str) -> SystemTrend {
        trends(&runs("Linux", ends)).remove(0)
    }

    #[test]
    fn each_system_has_its_own_trend() {
        let mut all = runs("Linux", "..FF");
        all.extend(runs("Windows", "...."));
        let found = trends(&all);
        let facts = found
            .iter()
            .map(|it| (it.system.as_str(), it.failed, it.failing.is_some()));
        let facts: Vec<_> = facts.collect();
        assert_eq!(facts, [("OS=Linux", 2, true), ("OS=Windows", 0, false)]);
    }

    #[test]
    fn flaky_is_what_passes_and_fails_without_a_reason() {
        for (ends, flaky) in [
            ("..........", false),
            ("....FFF...", false),
            ("..F...F...", true),
            ("....~.....", true),
            ("..FFFFF", false),
            ("..!.!.!.", false),
        ] {
            assert_eq!(of(ends).is_flaky, flaky, "{ends}");
        }
        let mut twice = runs("Linux", ".F");
        twice[0].origin.commit = "c1".to_owned();
        assert!(trends(&twice)[0].is_flaky, "pass and failure on one commit");
        twice[0].plan_ended = (100, 3);
        assert!(!trends(&twice)[0].is_flaky, "the plan was out of order");
    }

    #[test]
    fn changes_are_counted_within_a_branch() {
        let mut all = runs("Linux", ".F.F.F");
        for run in &mut all {
            if run.end == RunEnd::Failed {
                run.origin.branch = "topic".to_owned();
            }
        }
        assert_eq!(trends(&all)[0].transitions, 0);
    }

    #[test]
    fn open_runs_are_no_part_of_it() {
        let found = of(".F!o");
        assert_eq!(
            found.last,
            [RunEnd::CouldNotRun, RunEnd::Failed, RunEnd::Passed]
        );
        assert_eq!((found.runs, found.usual_ms), (2, Some(100)));
    }
}
