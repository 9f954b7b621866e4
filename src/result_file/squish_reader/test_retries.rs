//! Tests that squishrunner retried (`--retry N`): its report has every try, and the last one counts.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher as _},
};

use crate::{
    model::record::MAX_CASES,
    result_file::{
        bounded_text::floor,
        case_builder::{CaseBuilder, Severity},
    },
};

/// Most bytes of text kept for all parts of a case while it is open. Of later parts the beginning is kept.
const MAX_PARTS_TEXT: usize = 1024 * 1024;
/// Most bytes of text kept for one part beyond that.
const MAX_LATER_TEXT: usize = 1024;

/// How much of a report had been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ReportPosition {
    pub(super) cases: u64,
    /// How many tests had begun.
    pub(super) tests: u64,
}

/// Names a test or a part of a case by a hash.
pub(super) fn key(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The keys of the tests that have ended within one element, to recognise a later try of one of them.
#[derive(Debug, Default)]
pub(super) struct EndedSiblings(HashSet<u64>);

impl EndedSiblings {
    /// Whether one of them has one of these keys.
    pub(super) fn have(&self, mut keys: impl Iterator<Item = u64>) -> bool {
        keys.any(|key| self.0.contains(&key))
    }

    /// Adds the keys of a test. Beyond a limit a later try counts as a test of its own, so the worse of both counts.
    pub(super) fn add(&mut self, keys: impl Iterator<Item = u64>) {
        if self.0.len() < MAX_CASES {
            self.0.extend(keys);
        }
    }
}

/// The trouble in parts of a case, until the case has ended and no part can be retried.
#[derive(Debug, Default)]
pub(super) struct PartRetries {
    parts: Vec<EndedPart>,
    /// Bytes of text in all of them.
    text: usize,
}

#[derive(Debug)]
struct EndedPart {
    key: u64,
    start: u64,
    trouble: CaseBuilder,
    text: String,
}

impl PartRetries {
    /// Adds a part of `case` that has ended. With `retry_since`, its tries that began before no longer count.
    pub(super) fn add(
        &mut self,
        case: &mut CaseBuilder,
        (key, mut trouble): (u64, CaseBuilder),
        start: ReportPosition,
        retry_since: Option<ReportPosition>,
    ) {
        if let Some(since) = retry_since {
            let is_earlier = |part: &mut EndedPart| part.key == key && part.start < since.tests;
            for part in self.parts.extract_if(.., is_earlier) {
                self.text -= part.text.len();
                case.add_earlier_try(part.trouble.message(), &part.text);
            }
        }
        if trouble.worst <= Some(Severity::Skipped) {
            return;
        }
        let mut text = trouble.take_text();
        if self.parts.len() >= MAX_CASES {
            return case.add_part(trouble, &text);
        }
        if self.text + text.len() > MAX_PARTS_TEXT {
            text.truncate(floor(&text, MAX_LATER_TEXT));
        }
        self.text += text.len();
        self.parts.push(EndedPart {
            key,
            start: start.tests,
            trouble,
            text,
        });
    }

    /// Adds the trouble of the tries that count to the case.
    pub(super) fn move_to(self, case: &mut CaseBuilder) {
        for part in self.parts {
            case.add_part(part.trouble, &part.text);
        }
    }
}
