//! What the exit codes of the command mean.

use std::ops::{Range, RangeInclusive};

use super::Check;
use crate::{
    config::{
        config_problem::ConfigProblem,
        plan_file::{codes::Codes, document, marked::Marked},
        suggest,
    },
    runner::exit_codes::{CodeEntry, CodeError, CodeSet, ExitCodes, range_text},
};

const PASSED: &str = "runner.exit-codes.passed";
const FAILED: &str = "runner.exit-codes.failed";

/// An entry that can be read, and where it stands.
type PlacedEntry = (CodeEntry, Range<usize>);

impl Check<'_> {
    /// Default: 0 for passed and 1 for failed, unless the other list has that code.
    pub(super) fn exit_codes(
        &mut self,
        section: Option<&Marked<document::ExitCodesSection>>,
    ) -> ExitCodes {
        let given = section.map(Marked::get);
        let passed = given.and_then(|section| section.passed.as_ref());
        let passed = passed.map(|codes| self.entries(PASSED, codes));
        let failed = given.and_then(|section| section.failed.as_ref());
        let failed = failed.map(|codes| self.entries(FAILED, codes));
        for (entry, place) in passed.iter().flatten() {
            if *entry == CodeEntry::Count {
                self.report(place.clone(), || {
                    ConfigProblem::new(PASSED, "`count` cannot mean passed")
                        .expecting("the number of failures")
                        .help("write `passed: [0], failed: count`")
                });
            }
        }
        let usual = |code: i32, other: Option<&Vec<PlacedEntry>>| {
            let mut others = other.into_iter().flatten();
            if others.any(|(entry, _)| entry.codes().contains(&code)) {
                CodeSet::default()
            } else {
                [code].into()
            }
        };
        let set = |entries: &[PlacedEntry]| {
            let mut set = CodeSet::default();
            for (entry, _) in entries {
                set.add(entry.codes());
            }
            set
        };
        let codes = ExitCodes {
            passed: match &passed {
                Some(entries) => set(entries),
                None => usual(0, failed.as_ref()),
            },
            failed: match &failed {
                Some(entries) => set(entries),
                None => usual(1, passed.as_ref()),
            },
            counts_failures: failed
                .iter()
                .flatten()
                .any(|(entry, _)| *entry == CodeEntry::Count),
        };
        for (entry, place) in failed.iter().flatten() {
            if let Some(both) = codes.passed.shared(&entry.codes()) {
                self.report(place.clone(), || twice(&both));
            }
        }
        // An entry that cannot be read is a mistake of its own.
        let written = given.and_then(|section| section.passed.as_ref());
        let written = written.is_some_and(|it| !it.get().entries(0..0).is_empty());
        if let Some(section) = section
            && codes.passed.is_empty()
            && !written
        {
            self.report(section.place(), || {
                ConfigProblem::new(PASSED, "no exit code").expecting("no test could ever pass")
            });
        }
        codes
    }

    fn entries<const COUNT: bool>(
        &mut self,
        path: &str,
        codes: &Marked<Codes<COUNT>>,
    ) -> Vec<PlacedEntry> {
        let mut entries = Vec::new();
        for (text, place) in codes.get().entries(codes.place()) {
            match CodeEntry::parse(text) {
                Ok(entry) => entries.push((entry, place)),
                Err(error) => self.report(place, || unreadable(path, text, &error, COUNT)),
            }
        }
        entries
    }
}

fn unreadable(path: &str, text: &str, error: &CodeError, count: bool) -> ConfigProblem {
    let problem = ConfigProblem::new(path, error.to_string());
    match error {
        CodeError::Reversed { first, last } => {
            problem.expecting(format!("did you mean `{last}-{first}`?"))
        }
        CodeError::Unreadable if count && suggest::nearest(text, &["count"]).is_some() => {
            problem.expecting("did you mean `count`?")
        }
        CodeError::Unreadable if count => {
            problem.expecting("a code, a range as 2-250, or `count` is expected")
        }
        CodeError::Unreadable => problem.expecting("a code or a range as 101-199 is expected"),
    }
}

fn twice(both: &RangeInclusive<i32>) -> ConfigProblem {
    let verb = if both.start() == both.end() {
        "means"
    } else {
        "mean"
    };
    ConfigProblem::new(
        FAILED,
        format!("{} {verb} both passed and failed", range_text(both)),
    )
    .expecting("`passed` has it already")
}
