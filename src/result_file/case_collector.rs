//! Collects cases of result files: as many as a record takes, and the counts of all.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::ResultFile;
use crate::model::{CaseCounts, CaseResult, outcome::CaseVerdict, record::MAX_CASES};

/// At most [`MAX_CASES`] cases in their order, and the counts of all. Beyond that a case replaces one that matters less: a
/// pass replaces a skip, a failure replaces a pass. So the kept cases have the verdict of all.
#[derive(Debug, Default)]
pub(crate) struct CaseCollector {
    /// By their number: how many were added before.
    cases: BTreeMap<u64, CaseResult>,
    added: u64,
    /// The numbers of the kept cases, by rank.
    ranks: [BTreeSet<u64>; 5],
    /// The numbers of the kept cases, by the hash of class name and name.
    names: HashMap<u64, BTreeSet<u64>>,
    counts: CaseCounts,
}

impl CaseCollector {
    pub(crate) fn push(&mut self, case: CaseResult) {
        self.counts.add(&case.verdict);
        self.keep(case);
    }

    /// Adds the counts and cases of another file; `change` is called for each case.
    pub(crate) fn add_file(&mut self, file: ResultFile, mut change: impl FnMut(&mut CaseResult)) {
        self.counts = self.counts.plus(file.counts);
        for mut case in file.cases {
            change(&mut case);
            self.keep(case);
        }
    }

    /// How many cases were added so far.
    pub(super) fn added(&self) -> u64 {
        self.added
    }

    /// Removes the cases of this name among the first `number`, as if they had not been added.
    pub(super) fn take_earlier(
        &mut self,
        classname: &str,
        name: &str,
        number: u64,
    ) -> Vec<CaseResult> {
        let key = key(classname, name);
        let numbers = self.names.get(&key).into_iter().flatten();
        let earlier: Vec<u64> = numbers
            .copied()
            .take_while(|other| *other < number)
            .filter(|other| {
                let case = self.cases.get(other);
                case.is_some_and(|case| case.classname == classname && case.name == name)
            })
            .collect();
        let cases: Vec<CaseResult> = earlier
            .into_iter()
            .filter_map(|number| self.take(number))
            .collect();
        for case in &cases {
            self.counts.remove(&case.verdict);
        }
        cases
    }

    pub(crate) fn into_file(self) -> ResultFile {
        ResultFile {
            cases: self.cases.into_values().collect(),
            counts: self.counts,
        }
    }

    fn keep(&mut self, case: CaseResult) {
        let rank = rank(&case);
        let number = self.added;
        self.added += 1;
        if self.cases.len() >= MAX_CASES && !self.evict_below(rank) {
            return;
        }
        self.ranks[rank].insert(number);
        let key = key(&case.classname, &case.name);
        self.names.entry(key).or_default().insert(number);
        self.cases.insert(number, case);
    }

    /// Drops the last case of the lowest rank below this one.
    fn evict_below(&mut self, limit: usize) -> bool {
        let last = self.ranks[..limit].iter().find_map(BTreeSet::last).copied();
        last.and_then(|number| self.take(number)).is_some()
    }

    fn take(&mut self, number: u64) -> Option<CaseResult> {
        let case = self.cases.remove(&number)?;
        self.ranks[rank(&case)].remove(&number);
        let key = key(&case.classname, &case.name);
        if let Some(numbers) = self.names.get_mut(&key) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.names.remove(&key);
            }
        }
        Some(case)
    }
}

fn key(classname: &str, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (classname, name).hash(&mut hasher);
    hasher.finish()
}

fn rank(case: &CaseResult) -> usize {
    match case.verdict {
        CaseVerdict::Skipped { .. } => 0,
        CaseVerdict::Passed { flaky: false } => 1,
        CaseVerdict::Passed { flaky: true } => 2,
        CaseVerdict::Failed(_) => 3,
        CaseVerdict::Error(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Trouble;

    const PASSED: CaseVerdict = CaseVerdict::Passed { flaky: false };

    fn case(name: &str, verdict: CaseVerdict) -> CaseResult {
        CaseResult {
            classname: String::new(),
            name: name.to_owned(),
            verdict,
            duration_ms: None,
            file: None,
            line: None,
            output: String::new(),
            attachments: Vec::new(),
        }
    }

    fn failed() -> CaseVerdict {
        CaseVerdict::Failed(Trouble::default())
    }

    fn skipped() -> CaseVerdict {
        CaseVerdict::Skipped {
            message: String::new(),
        }
    }

    #[test]
    fn failure_beyond_the_limit_is_kept_and_all_are_counted() {
        let mut kept = CaseCollector::default();
        for index in 0..MAX_CASES {
            kept.push(case(&index.to_string(), PASSED));
        }
        kept.push(case("late skip", skipped()));
        kept.push(case("late failure", failed()));
        let file = kept.into_file();
        assert_eq!(file.cases.len(), MAX_CASES);
        assert_eq!(file.cases[MAX_CASES - 1].name, "late failure");
        assert!(file.cases.iter().all(|case| case.name != "late skip"));
        let counts = file.counts;
        let most = MAX_CASES as u64;
        assert_eq!((counts.passed, counts.failed, counts.skipped), (most, 1, 1));
        let not_kept = file.not_kept();
        assert_eq!(
            (not_kept.passed, not_kept.failed, not_kept.skipped),
            (1, 0, 1)
        );
    }

    #[test]
    fn counts_of_files_are_added() {
        let mut kept = CaseCollector::default();
        for _ in 0..3 {
            let mut file = CaseCollector::default();
            for index in 0..6_000 {
                file.push(case(&index.to_string(), PASSED));
            }
            kept.add_file(file.into_file(), |case| case.line = Some(7));
        }
        let file = kept.into_file();
        assert_eq!((file.cases.len(), file.counts.passed), (MAX_CASES, 18_000));
        assert_eq!(file.not_kept().total(), 8_000);
        assert!(file.cases.iter().all(|case| case.line == Some(7)));
    }

    #[test]
    fn earlier_cases_of_a_name_are_removed() {
        let mut kept = CaseCollector::default();
        for (name, verdict) in [
            ("a", failed()),
            ("b", PASSED),
            ("a", skipped()),
            ("a", PASSED),
        ] {
            kept.push(case(name, verdict));
        }
        assert_eq!(kept.take_earlier("", "a", 3).len(), 2);
        assert!(kept.take_earlier("", "a", 3).is_empty());
        assert!(kept.take_earlier("x", "a", 4).is_empty());
        let file = kept.into_file();
        assert_eq!((file.cases.len(), file.counts.total()), (2, 2));
        assert_eq!(file.counts.passed, 2);
    }
}
