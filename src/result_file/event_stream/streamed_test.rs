//! What a stream says of one test: its name, its attempts, and whether it is running.

use super::event_line::{EndStatus, TestEnd, TestLine};
use crate::{
    model::CaseResult,
    result_file::{
        bounded_text::{BoundedText, TextBudget, clip, first_line},
        case_builder::{CaseBuilder, Severity, TroubleBuilder},
    },
};

/// Most attempts whose words are kept.
const MAX_ATTEMPTS: usize = 20;
/// What stands between titles.
const SEPARATOR: &str = " > ";

/// A test as a stream names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct StreamedTest {
    /// Its file; possibly empty.
    pub file: String,
    /// Its titles, joined.
    pub name: String,
    /// Its line in the file.
    pub line: Option<u32>,
}

impl StreamedTest {
    pub(super) fn of(line: &TestLine) -> Self {
        Self {
            file: clip(&line.file),
            name: joined(&line.project, &line.titles),
            line: line.line,
        }
    }
}

/// Titles as one name.
pub(super) fn joined(project: &str, titles: &[String]) -> String {
    let titles = titles.join(SEPARATOR);
    clip(&match project {
        "" => titles,
        project => format!("[{project}] {titles}"),
    })
}

/// How one attempt ended, with its words cut to their bounds.
#[derive(Debug)]
struct EndedAttempt {
    attempt: u32,
    status: Option<EndStatus>,
    duration_ms: Option<u64>,
    message: String,
    kind: String,
    text: String,
    flaky: bool,
}

impl EndedAttempt {
    fn new(attempt: u32, end: TestEnd, budget: &mut TextBudget) -> Self {
        let TestEnd {
            status,
            ms,
            message,
            kind,
            text: words,
            flaky,
        } = end;
        let mut text = BoundedText::default();
        if first_line(&message) != message.trim() && !words.contains(message.trim()) {
            text.push(&message);
        }
        text.join(&words);
        Self {
            attempt,
            status,
            duration_ms: ms.and_then(milliseconds),
            message: first_line(&message),
            kind: clip(&kind),
            text: budget.take(text),
            flaky,
        }
    }
}

/// Whole milliseconds; `None` for what is no duration.
fn milliseconds(ms: f64) -> Option<u64> {
    const MOST: f64 = 1e12;
    if !(0.0..=MOST).contains(&ms) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within 0 and 1e12"
    )]
    Some(ms.round() as u64)
}

/// The lines of one test so far.
#[derive(Debug)]
pub(super) struct TestProgress {
    test: StreamedTest,
    /// The attempt that runs.
    open: Option<u32>,
    last: Option<EndedAttempt>,
    earlier: Vec<EndedAttempt>,
}

impl TestProgress {
    pub(super) fn new(test: StreamedTest) -> Self {
        Self {
            test,
            open: None,
            last: None,
            earlier: Vec::new(),
        }
    }

    pub(super) fn start(&mut self, attempt: u32) {
        self.open = Some(attempt);
    }

    pub(super) fn end(&mut self, line: &TestLine, end: TestEnd, budget: &mut TextBudget) {
        if self.open.is_some_and(|open| open <= line.attempt) {
            self.open = None;
        }
        if line.line.is_some() {
            self.test.line = line.line;
        }
        let ended = EndedAttempt::new(line.attempt, end, budget);
        match &mut self.last {
            // A second end of the same attempt can only make it worse.
            Some(last) if ended.attempt <= last.attempt => {
                if ended.status > last.status {
                    *last = EndedAttempt {
                        attempt: last.attempt,
                        ..ended
                    };
                }
            }
            last => {
                let before = last.replace(ended);
                if self.earlier.len() < MAX_ATTEMPTS {
                    self.earlier.extend(before);
                }
            }
        }
    }

    /// Whether an attempt has started and not ended.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn file(&self) -> &str {
        &self.test.file
    }

    pub(super) fn into_test(self) -> StreamedTest {
        self.test
    }

    /// The case of a test whose last attempt has a status and no other one runs.
    pub(super) fn into_case(self, budget: &mut TextBudget) -> Option<CaseResult> {
        let last = self.last?;
        let status = last.status?;
        let mut case = CaseBuilder::default();
        case.classname.clone_from(&self.test.file);
        case.name = self.test.name;
        case.duration_ms = last.duration_ms;
        case.file = Some(self.test.file).filter(|file| !file.is_empty());
        case.line = self.test.line;
        let severity = match status {
            EndStatus::Passed => None,
            EndStatus::Skipped => Some(Severity::Skipped),
            EndStatus::Failed => Some(Severity::Failed),
            EndStatus::Error => Some(Severity::Error),
        };
        match severity {
            Some(severity) => {
                let mut trouble = TroubleBuilder::error(&last.message);
                trouble.severity = severity;
                trouble.kind = last.kind;
                trouble.text.push(&last.text);
                case.add_trouble(trouble);
            }
            None if last.flaky && self.earlier.is_empty() => {
                case.add_earlier_try("it did not pass at once", &last.text);
            }
            None => {}
        }
        // Attempts before a skip say nothing. Others that did not fail were repeated with a group in which another test failed.
        if status != EndStatus::Skipped {
            for earlier in self.earlier {
                if matches!(earlier.status, Some(EndStatus::Failed | EndStatus::Error)) {
                    let message = match earlier.message.as_str() {
                        "" => "it did not pass",
                        message => message,
                    };
                    case.add_earlier_try(message, &earlier.text);
                }
            }
        }
        Some(case.finish("", budget))
    }
}
