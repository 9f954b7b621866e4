//! The cases of result files in a report. They make up most of a record, so they stay in the record file: an attempt keeps
//! their counts, the first that did not pass, and the location to read all of them again.

mod id;
mod line;
mod source;

use std::borrow::Cow;

use crate::model::{CaseCounts, CaseResult, outcome::CaseVerdict};

use super::excerpt::suffix;

pub(in crate::report) use id::{CaseId, MAX_NAME};
pub(in crate::report) use line::{BorrowedText, CaseLine, VerdictWord, each_case};
pub(in crate::report) use source::CaseReader;
pub(in crate::report) use source::{CasesLocation, TextSource};
pub use source::{ReadAgainError, ReadSeek, RecordSource};

/// Most failed cases kept of one attempt: as many as a page shows in detail.
const MAX_NOTED: usize = 20;
/// Longest text and output of a kept case, in bytes: only JUnit shows more.
const MAX_NOTED_TEXT: usize = 16 * 1024;

/// The cases of one attempt.
#[derive(Clone, Debug, Default)]
pub struct Cases {
    counts: CaseCounts,
    noted: Vec<CaseResult>,
    ids: Box<[CaseId]>,
    location: Option<CasesLocation>,
}

/// Compares what surfaces show; the location of the cases makes no difference.
impl PartialEq for Cases {
    fn eq(&self, other: &Self) -> bool {
        (self.counts, &self.noted, &self.ids) == (other.counts, &other.noted, &other.ids)
    }
}

impl Eq for Cases {}

impl Cases {
    /// The cases of a JSON array that can be read again at a place.
    pub(in crate::report) fn scan(
        text: &str,
        location: CasesLocation,
    ) -> Result<Self, serde_json::Error> {
        let mut cases = Self {
            location: Some(location),
            ..Self::default()
        };
        let mut ids = Vec::new();
        each_case(text, |case| {
            ids.push(CaseId::of(&case.classname, &case.name));
            cases.take(case);
            Ok(())
        })?;
        cases.ids = ids.into_boxed_slice();
        Ok(cases)
    }

    /// From cases in memory, for tests.
    pub fn of(cases: &[CaseResult]) -> Self {
        let text = serde_json::to_string(cases).expect("cases are plain data");
        let location = CasesLocation::of_text("memory", &text);
        Self::scan(&text, location).expect("what was written can be read")
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub fn counts(&self) -> CaseCounts {
        self.counts
    }

    /// The first cases that did not pass at once, in order: at most 20 that failed or broke, one that passed after it failed,
    /// and one with a file if none of these has one. Long texts are cut.
    pub fn noted(&self) -> &[CaseResult] {
        &self.noted
    }

    /// The id of each case, in order.
    pub(in crate::report) fn ids(&self) -> &[CaseId] {
        &self.ids
    }

    fn take(&mut self, case: CaseLine<'_>) {
        let flaky = case.flaky();
        let verdict = case.word;
        let troubled = verdict.is_trouble();
        let room = match (troubled, flaky) {
            (true, _) => self.counts.troubled() < MAX_NOTED,
            (false, true) => self.counts.flaky == 0,
            (false, false) => false,
        };
        let placed = (troubled || flaky)
            && case.file.is_some()
            && self.noted.iter().all(|noted| noted.file.is_none());
        self.counts.add(&verdict.plain(flaky));
        if room || placed {
            let mut case = case.into_result();
            cut(&mut case);
            self.noted.push(case);
        }
    }
}

/// Cuts texts to what surfaces show: the first line and the end.
fn cut(case: &mut CaseResult) {
    if let CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) = &mut case.verdict
        && let Cow::Owned(short) = shortened(&trouble.text)
    {
        trouble.text = short;
    }
    if let Cow::Owned(short) = shortened(&case.output) {
        case.output = short;
    }
}

fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_NOTED_TEXT {
        return Cow::Borrowed(text);
    }
    let first = text.trim_start().lines().next().unwrap_or_default();
    let first = super::excerpt::prefix(first, MAX_NOTED_TEXT / 8);
    let end = suffix(text, MAX_NOTED_TEXT - first.len());
    Cow::Owned(format!("{first}\n{end}"))
}
