//! Tests that squishrunner tried again (`--retry N`): its report has every try, and the last one counts.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher as _},
};

use super::test_element::{TestElement, TestType};
use crate::{
    model::record::MAX_CASES,
    result_file::{
        bounded_text::floor,
        case_builder::{CaseBuilder, Severity},
    },
};

/// Most bytes of text kept of all parts of a case whose tries are not settled; of a later one the beginning is kept.
const MAX_UNSETTLED: usize = 1024 * 1024;
/// Most bytes of text kept of one part beyond that.
const FEW: usize = 1024;

/// How much of a report had been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ReportPosition {
    /// How many cases.
    pub(super) cases: u64,
    /// How many tests had begun.
    pub(super) tests: u64,
}

/// The tests that have ended beside each other, so that a later try of one is known.
#[derive(Debug, Default)]
pub(super) struct EndedSiblings(HashSet<u64>);

impl EndedSiblings {
    /// Whether one of them is an earlier try of this test.
    pub(super) fn have_earlier_try_of(&self, test: &TestElement) -> bool {
        marks(test).any(|mark| self.0.contains(&mark))
    }

    /// Adds one. Beyond a bound a later try is taken for a test of its own, so that the worse of both counts.
    pub(super) fn add(&mut self, test: &TestElement) {
        if self.0.len() < MAX_CASES {
            self.0.extend(marks(test));
        }
    }
}

/// What a later try has in common with an earlier one. The name of a test case is that of its folder, so no other one has
/// it. Scenarios may share a name, but not the line of a file as well.
fn marks(test: &TestElement) -> impl Iterator<Item = u64> {
    let kind = test.kind;
    let by_name =
        matches!(kind, TestType::Case | TestType::Untyped).then(|| hash(&(kind, &test.name)));
    let has_own_line = matches!(
        kind,
        TestType::Feature | TestType::Scenario | TestType::Outline
    );
    let place = test
        .place
        .line
        .filter(|_| has_own_line && !test.place.uri.is_empty());
    let by_place = place.map(|line| hash(&(kind, &test.name, &test.place.uri, line)));
    by_name.into_iter().chain(by_place)
}

/// Names one part of a case: features, scenarios, outlines and rows from the outermost to it.
pub(super) fn part_key<'a>(parts: impl Iterator<Item = &'a TestElement>) -> u64 {
    let names: Vec<(TestType, &str)> = parts.map(|part| (part.kind, part.name.as_str())).collect();
    hash(&names)
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What went wrong in parts of a case, until the case has ended and no part can be tried again.
#[derive(Debug, Default)]
pub(super) struct PartRetries {
    parts: Vec<PartTry>,
    text: usize,
}

#[derive(Debug)]
struct PartTry {
    key: u64,
    start: u64,
    trouble: CaseBuilder,
    text: String,
}

impl PartRetries {
    /// Adds a part of the case that has ended. With `retry_since`, its tries that began before then count no more.
    pub(super) fn add(
        &mut self,
        case: &mut CaseBuilder,
        (key, mut trouble): (u64, CaseBuilder),
        start: ReportPosition,
        retry_since: Option<ReportPosition>,
    ) {
        if let Some(since) = retry_since {
            let is_earlier = |part: &mut PartTry| part.key == key && part.start < since.tests;
            for part in self.parts.extract_if(.., is_earlier) {
                self.text -= part.text.len();
                case.earlier_try(part.trouble.message(), &part.text);
            }
        }
        if trouble.worst <= Some(Severity::Skipped) {
            return;
        }
        if self.parts.len() >= MAX_CASES {
            return case.absorb(trouble);
        }
        let mut text = trouble.take_text();
        if self.text + text.len() > MAX_UNSETTLED {
            text.truncate(floor(&text, FEW));
        }
        self.text += text.len();
        self.parts.push(PartTry {
            key,
            start: start.tests,
            trouble,
            text,
        });
    }

    /// Gives all that counts to the case.
    pub(super) fn settle(self, case: &mut CaseBuilder) {
        for part in self.parts {
            let mut trouble = part.trouble;
            trouble.set_text(&part.text);
            case.absorb(trouble);
        }
    }
}
