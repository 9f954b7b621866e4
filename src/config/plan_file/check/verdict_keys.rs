//! What flaky tests count as, and where the tests in quarantine are listed.

use std::ops::Range;

use super::Check;
use crate::{
    config::{
        config_problem::ConfigProblem,
        plan_file::{
            QuarantineSource,
            marked::{Marked, Plain},
            verdict_keys::{FlakyKey, FlakyWord, Globs, QuarantineKey},
        },
    },
    model::{FlakyPolicy, FlakyRule, FlakyVerdict, TestPattern, verdict_policy::BROKEN_AFTER},
};

/// The longest row of failures that is asked for.
const MOST_RUNS: u32 = 50;

impl Check<'_> {
    pub(super) fn flaky(&mut self, path: &str, key: &FlakyKey) -> FlakyPolicy {
        let section = match key {
            FlakyKey::Word(word) => {
                return FlakyPolicy {
                    default: verdict(*word),
                    rules: Vec::new(),
                };
            }
            FlakyKey::Section(section) => section,
        };
        let rules = section.rules.as_ref().map(|rules| {
            if rules.get().is_empty() {
                self.report(rules.place(), || {
                    ConfigProblem::new(format!("{path}.rules"), "an empty list").help(
                        "leave it out, or write `rules: [{ tests: \"suite/*\", verdict: fail }]`",
                    )
                });
            }
            let rules = rules.get().iter().enumerate();
            let rules = rules.map(|(index, rule)| FlakyRule {
                tests: self.patterns(&format!("{path}.rules[{index}].tests"), &rule.tests),
                verdict: verdict(rule.verdict),
            });
            rules.collect()
        });
        FlakyPolicy {
            default: section.default.map_or(FlakyVerdict::Pass, verdict),
            rules: rules.unwrap_or_default(),
        }
    }

    pub(super) fn quarantine(&mut self, key: &Marked<QuarantineKey>) -> QuarantineSource {
        let (file, place, broken_after) = match key.get() {
            QuarantineKey::File(file) => (file, key.place(), None),
            QuarantineKey::Section(section) => (
                section.file.get(),
                section.file.place(),
                section.broken_after.as_ref(),
            ),
        };
        self.file_name(file, place);
        QuarantineSource {
            file: file.clone(),
            broken_after: broken_after.map_or(Some(BROKEN_AFTER), |after| self.runs(after)),
        }
    }

    fn file_name(&mut self, file: &str, place: Range<usize>) {
        if file.trim().is_empty() || file.contains('\0') {
            self.report(place, || {
                ConfigProblem::new("quarantine", "not a file name")
                    .help("write `quarantine: quarantine.yml`")
            });
        }
    }

    fn runs(&mut self, after: &Plain) -> Option<u32> {
        if after.get() == "off" {
            return None;
        }
        let runs = after.get().parse().ok();
        let runs = runs.filter(|runs| (2..=MOST_RUNS).contains(runs));
        if runs.is_none() {
            self.report(after.place(), || {
                ConfigProblem::new("quarantine.broken-after", "not a number of runs")
                    .expecting(format!("2 to {MOST_RUNS}, or `off`, is expected"))
            });
        }
        runs
    }

    /// Patterns of names; those with mistakes are left out.
    pub(super) fn patterns(&mut self, path: &str, globs: &Marked<Globs>) -> Vec<TestPattern> {
        let Globs(texts) = globs.get();
        if texts.is_empty() {
            self.report(globs.place(), || {
                ConfigProblem::new(path, "an empty list").expecting("a pattern is expected")
            });
        }
        let mut patterns = Vec::new();
        for text in texts {
            match text.parse() {
                Ok(pattern) => patterns.push(pattern),
                Err(why) => self.report(globs.place(), || {
                    ConfigProblem::new(path, format!("{text:?} is not a usable pattern"))
                        .expecting(why)
                        .help("for example \"suite/*\"")
                }),
            }
        }
        patterns
    }
}

fn verdict(word: FlakyWord) -> FlakyVerdict {
    match word {
        FlakyWord::Pass => FlakyVerdict::Pass,
        FlakyWord::Fail => FlakyVerdict::Fail,
    }
}
