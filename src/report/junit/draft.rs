//! The cases of one execution before they have their final names.

use std::collections::HashMap;

use quick_junit::{NonSuccessKind, TestCaseStatus, TestRerun};

use crate::{
    model::{
        CaseResult, Outcome,
        outcome::{CaseVerdict, Trouble},
    },
    report::{
        Attempt, Entry, Standing,
        clean::{xml_line, xml_text},
    },
};

use super::{MAX_NAME, OWN, Profile};

/// Longest message, in bytes.
const MAX_MESSAGE: usize = 4 * 1024;
/// Longest text of a failure or of an output, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// A case to be.
pub(super) struct Draft<'a> {
    pub(super) entry: &'a Entry,
    pub(super) classname: String,
    pub(super) name: String,
    pub(super) status: Status,
    pub(super) duration_ms: Option<u64>,
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<u32>,
    pub(super) output: String,
    pub(super) attachments: &'a [String],
    pub(super) notes: String,
}

/// What a case says, with what it said in earlier generations.
pub(super) struct Status {
    now: Now,
    before: Vec<Words>,
}

enum Now {
    Passed,
    Skipped(String),
    Troubled(Words),
}

/// A failure or error in words, cleaned.
struct Words {
    kind: NonSuccessKind,
    ty: String,
    message: String,
    text: String,
    duration_ms: Option<u64>,
}

impl Words {
    fn new(kind: NonSuccessKind, ty: &str, trouble: (&str, &str)) -> Self {
        let (message, text) = trouble;
        let first = [message, text]
            .iter()
            .flat_map(|text| text.lines())
            .find(|line| !line.trim().is_empty())
            .unwrap_or(ty);
        let body = match (message.lines().nth(1).is_some(), text.is_empty()) {
            (_, true) => message.to_owned(),
            (true, false) if !text.contains(message) => format!("{message}\n{text}"),
            _ => text.to_owned(),
        };
        Self {
            kind,
            ty: xml_line(ty, MAX_NAME),
            message: xml_line(first, MAX_MESSAGE),
            text: xml_text(&body, MAX_TEXT),
            duration_ms: None,
        }
    }

    fn failure(trouble: &Trouble) -> Self {
        Self::of(NonSuccessKind::Failure, "failure", trouble)
    }

    fn error(trouble: &Trouble) -> Self {
        Self::of(NonSuccessKind::Error, "error", trouble)
    }

    fn of(kind: NonSuccessKind, otherwise: &str, trouble: &Trouble) -> Self {
        let ty = if trouble.kind.trim().is_empty() {
            otherwise
        } else {
            &trouble.kind
        };
        Self::new(kind, ty, (&trouble.message, &trouble.text))
    }

    fn into_rerun(self, profile: Profile) -> TestRerun {
        let mut rerun = TestRerun::new(self.kind);
        rerun.set_type(self.ty).set_message(self.message);
        if !self.text.is_empty() {
            rerun.set_description(self.text);
        }
        if profile == Profile::Default {
            rerun.time = self.duration_ms.map(std::time::Duration::from_millis);
        }
        rerun
    }
}

impl Status {
    fn new(now: Now) -> Self {
        Self {
            now,
            before: Vec::new(),
        }
    }

    pub(super) fn into_junit(self, profile: Profile) -> TestCaseStatus {
        let mut status = match self.now {
            Now::Passed => TestCaseStatus::success(),
            Now::Skipped(message) => {
                let mut status = TestCaseStatus::skipped();
                if !message.is_empty() {
                    status.set_message(message);
                }
                status
            }
            Now::Troubled(words) => {
                let mut status = TestCaseStatus::non_success(words.kind);
                status.set_type(words.ty).set_message(words.message);
                if !words.text.is_empty() {
                    status.set_description(words.text);
                }
                status
            }
        };
        status.add_reruns(self.before.into_iter().map(|it| it.into_rerun(profile)));
        status
    }

    fn is_troubled(&self) -> bool {
        matches!(self.now, Now::Troubled(_))
    }
}

/// The labels of an execution, empty if it has none.
pub(super) fn labels(entry: &Entry) -> String {
    entry
        .labels()
        .filter(|labels| !labels.is_empty())
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// The cases of an execution: at least one.
pub(super) fn of_entry(entry: &Entry) -> Vec<Draft<'_>> {
    let ended = entry
        .counted()
        .filter(|_| entry.standing != Standing::Missing)
        .and_then(Attempt::ended);
    let cases = ended.map_or(&[][..], |ended| &ended.cases);
    let mut drafts: Vec<Draft<'_>> = cases.iter().map(|case| of_case(entry, case)).collect();
    let told = match entry.standing {
        Standing::Error | Standing::Missing => false,
        Standing::Failed => drafts.iter().any(|draft| draft.status.is_troubled()),
        Standing::Passed | Standing::Skipped => !drafts.is_empty(),
    };
    if !told {
        drafts.push(of_execution(entry, !cases.is_empty()));
    }
    remember(entry, &mut drafts);
    if let Some(ended) = ended
        && let Some(draft) = drafts
            .iter_mut()
            .find(|draft| draft.status.is_troubled() && draft.output.is_empty())
    {
        draft.output = xml_text(&ended.output_tail, MAX_TEXT);
    }
    if entry.standing != Standing::Missing {
        drafts[0].notes = xml_text(&notes(entry), MAX_TEXT);
    }
    // Some tools leave the time of a case out; where it is the only one, it took as long as its execution.
    if let [only] = drafts.as_mut_slice() {
        only.duration_ms = only.duration_ms.or_else(|| entry.duration_ms());
    }
    drafts
}

fn notes(entry: &Entry) -> String {
    let lines: Vec<String> = entry
        .explanations
        .iter()
        .map(|explanation| format!("testplan: {explanation}"))
        .collect();
    lines.join("\n")
}

fn no_result(entry: &Entry) -> String {
    let reasons: Vec<String> = entry.explanations.iter().map(ToString::to_string).collect();
    format!("no counted result: {}", reasons.join("; "))
}

fn of_case<'a>(entry: &'a Entry, case: &'a CaseResult) -> Draft<'a> {
    let mut status = Status::new(match &case.verdict {
        CaseVerdict::Passed { .. } => Now::Passed,
        CaseVerdict::Skipped { message } => Now::Skipped(xml_line(message, MAX_MESSAGE)),
        CaseVerdict::Failed(trouble) => Now::Troubled(Words::failure(trouble)),
        CaseVerdict::Error(trouble) => Now::Troubled(Words::error(trouble)),
    });
    if case.verdict == (CaseVerdict::Passed { flaky: true }) {
        status.before.push(failed_inside());
    }
    let (classname, name) = id_of(entry, case);
    Draft {
        entry,
        classname,
        name,
        status,
        duration_ms: case.duration_ms,
        file: case.file.as_deref(),
        line: case.line,
        output: xml_text(&case.output, MAX_TEXT),
        attachments: &case.attachments,
        notes: String::new(),
    }
}

fn of_execution(entry: &Entry, beside_cases: bool) -> Draft<'_> {
    let (message, text) = entry.trouble();
    let mut status = Status::new(match entry.standing {
        Standing::Passed => Now::Passed,
        Standing::Skipped => Now::Skipped(String::new()),
        Standing::Failed => {
            let message = match (message.is_empty(), beside_cases) {
                (false, _) => message.as_str(),
                (true, true) => "the test failed, though no case of its result files did",
                (true, false) => "the test failed; see its output",
            };
            Now::Troubled(Words::new(
                NonSuccessKind::Failure,
                "failure",
                (message, &text),
            ))
        }
        Standing::Error => Now::Troubled(Words::new(
            NonSuccessKind::Error,
            "execution-error",
            (&message, &text),
        )),
        Standing::Missing => Now::Troubled(Words::new(
            NonSuccessKind::Error,
            "missing",
            (&no_result(entry), ""),
        )),
    });
    if entry.flaky && entry.earlier().next().is_none() {
        status.before.push(failed_inside());
    }
    Draft {
        entry,
        classname: or(&entry.test.suite, OWN),
        name: or(&entry.test.testcase, "unnamed"),
        status,
        duration_ms: entry.duration_ms(),
        file: None,
        line: None,
        output: String::new(),
        attachments: &[],
        notes: String::new(),
    }
}

/// Adds what attempts said before a reset to the cases they said it of; what no case answers to goes to the first.
fn remember(entry: &Entry, drafts: &mut [Draft<'_>]) {
    if entry.earlier().next().is_none() {
        return;
    }
    let places: HashMap<(String, String), usize> = drafts
        .iter()
        .enumerate()
        .rev()
        .map(|(index, draft)| ((draft.classname.clone(), draft.name.clone()), index))
        .collect();
    for attempt in entry.earlier() {
        let cases = attempt.ended().map_or(&[][..], |ended| &ended.cases);
        let mut heard = false;
        for case in cases {
            let words = match &case.verdict {
                CaseVerdict::Failed(trouble) => Words::failure(trouble),
                CaseVerdict::Error(trouble) => Words::error(trouble),
                CaseVerdict::Passed { .. } | CaseVerdict::Skipped { .. } => continue,
            };
            if let Some(index) = places.get(&id_of(entry, case)) {
                drafts[*index].status.before.push(Words {
                    duration_ms: case.duration_ms,
                    ..words
                });
                heard = true;
            }
        }
        if !heard
            && let Some(words) = of_attempt(attempt)
            && let Some(draft) = drafts.first_mut()
        {
            draft.status.before.push(words);
        }
    }
}

/// Class name and name that a case of the result files is reported under, unless another one has them too.
fn id_of(entry: &Entry, case: &CaseResult) -> (String, String) {
    (
        or(&case.classname, &entry.test.suite),
        or(&case.name, &entry.test.testcase),
    )
}

fn of_attempt(attempt: &Attempt) -> Option<Words> {
    let ended = attempt.ended()?;
    let words = match (attempt.standing(), &ended.outcome) {
        (Standing::Error, Outcome::ExecutionError { message, details }) => {
            Words::new(NonSuccessKind::Error, "execution-error", (message, details))
        }
        (Standing::Failed, _) => {
            let message = attempt
                .first_trouble()
                .unwrap_or_else(|| "the test failed".to_owned());
            Words::new(
                NonSuccessKind::Failure,
                "failure",
                (&message, &ended.output_tail),
            )
        }
        _ => return None,
    };
    Some(Words {
        duration_ms: Some(ended.duration_ms),
        ..words
    })
}

fn failed_inside() -> Words {
    Words::new(
        NonSuccessKind::Failure,
        "flaky",
        (
            "it failed before it passed, by the word of the test tool",
            "",
        ),
    )
}

/// The first of both that is not empty, cleaned.
fn or(text: &str, otherwise: &str) -> String {
    let cleaned = xml_line(text, MAX_NAME);
    if cleaned.trim().is_empty() {
        let otherwise = xml_line(otherwise, MAX_NAME);
        if otherwise.trim().is_empty() {
            OWN.to_owned()
        } else {
            otherwise
        }
    } else {
        cleaned
    }
}
