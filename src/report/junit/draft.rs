//! The cases of one execution, one after the other.

use std::{borrow::Cow, collections::HashMap};

use crate::report::{
    AttemptReport, EntryStatus, ReportEntry,
    cases::{BorrowedText, CaseId, CaseLine, CaseReader, VerdictWord},
    failure_details::FailureDetails,
    sanitise::{xml_line, xml_text},
};

use super::{JunitError, MAX_NAME, OWN, Outline, Profile, UniqueNames, XmlWriter};

/// Longest message, in bytes.
const MAX_MESSAGE: usize = 4 * 1024;
/// Longest message whose text has it too, in bytes.
const MAX_REPEATED: usize = 256;
/// Longest text of a failure or of an output, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// Longest path of an attachment, in bytes.
const MAX_PATH: usize = 2000;

/// A case to be.
pub(super) struct Draft<'a> {
    pub(super) classname: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) status: Status,
    pub(super) duration_ms: Option<u64>,
    pub(super) file: Option<Cow<'a, str>>,
    pub(super) line: Option<u32>,
    pub(super) output: Cow<'a, str>,
    pub(super) notes: String,
    pub(super) properties: Vec<(&'static str, Cow<'a, str>)>,
}

/// What a case says, with what it said in earlier generations.
pub(super) struct Status {
    pub(super) now: Now,
    pub(super) before: Vec<Words>,
}

pub(super) enum Now {
    Passed,
    Skipped(String),
    Troubled(Words),
}

/// Whether a test says something of the product, or could not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Failure,
    Error,
}

impl Kind {
    /// The element's name.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}

/// A failure or error in words, cleaned.
pub(super) struct Words {
    pub(super) kind: Kind,
    pub(super) ty: String,
    pub(super) message: String,
    pub(super) text: String,
    pub(super) duration_ms: Option<u64>,
}

impl Words {
    fn new(kind: Kind, ty: &str, trouble: (&str, &str)) -> Self {
        let (message, text) = trouble;
        let first = [message, text]
            .iter()
            .flat_map(|text| text.lines())
            .find(|line| !line.trim().is_empty())
            .unwrap_or(ty);
        let body = match (message.lines().nth(1).is_some(), text.is_empty()) {
            (_, true) => Cow::Borrowed(message),
            (true, false) if !text.contains(message) => Cow::Owned(format!("{message}\n{text}")),
            _ => Cow::Borrowed(text),
        };
        // What is in the body too need not be there twice at length.
        let longest = if body.len() <= MAX_TEXT && body.contains(first) {
            MAX_REPEATED
        } else {
            MAX_MESSAGE
        };
        Self {
            kind,
            ty: xml_line(ty, MAX_NAME).into_owned(),
            message: xml_line(first, longest).into_owned(),
            text: xml_text(&body, MAX_TEXT).into_owned(),
            duration_ms: None,
        }
    }

    /// Of a case that did not pass.
    fn of(case: &CaseLine<'_>) -> Option<Self> {
        let kind = match case.word {
            VerdictWord::Failed => Kind::Failure,
            VerdictWord::Error => Kind::Error,
            VerdictWord::Passed | VerdictWord::Skipped => return None,
        };
        let ty = if case.kind.trim().is_empty() {
            kind.word()
        } else {
            &case.kind
        };
        Some(Self::new(kind, ty, (&case.message, &case.text)))
    }
}

impl Status {
    fn new(now: Now) -> Self {
        Self {
            now,
            before: Vec::new(),
        }
    }

    fn is_troubled(&self) -> bool {
        matches!(self.now, Now::Troubled(_))
    }
}

/// The labels of an execution, empty if it has none.
pub(super) fn labels(entry: &ReportEntry) -> String {
    entry
        .labels()
        .filter(|labels| !labels.is_empty())
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// What cases of an execution get on their way into the file.
struct Finish<'a> {
    outline: &'a Outline<'a>,
    names: &'a UniqueNames,
    /// How many are written.
    done: usize,
    /// What cases said before a reset, by their place.
    before: HashMap<usize, Vec<Words>>,
    /// The end of the output, for the first case that did not pass and has none.
    tail: Option<&'a str>,
}

impl Draft<'_> {
    /// Writes the cases of an execution: at least one.
    pub(super) fn write_all(
        outline: &Outline<'_>,
        names: &UniqueNames,
        profile: Profile,
        reader: &mut CaseReader,
        xml: &mut XmlWriter<'_>,
    ) -> Result<(), JunitError> {
        let entry = outline.entry;
        let tail = entry
            .counted()
            .filter(|_| entry.status != EntryStatus::Missing)
            .and_then(AttemptReport::ended)
            .map(|ended| ended.output_tail.as_str());
        let mut finish = Finish {
            outline,
            names,
            done: 0,
            before: remembered(outline, reader)?,
            tail,
        };
        if let Some(cases) = outline.cases {
            reader.each(cases, |case| {
                xml.case(&finish.finished(of_case(entry, &case)), profile)
            })?;
        }
        if outline.own {
            let draft = of_execution(entry, outline.cases.is_some());
            xml.case(&finish.finished(draft), profile)?;
        }
        Ok(())
    }
}

impl<'a> Finish<'a> {
    fn finished<'d>(&mut self, mut draft: Draft<'d>) -> Draft<'d>
    where
        'a: 'd,
    {
        let (entry, place) = (self.outline.entry, self.outline.first + self.done);
        draft.classname = self.names.classname(place, entry, draft.classname);
        draft.name = self.names.name(place, entry, draft.name);
        if let Some(words) = self.before.remove(&self.done) {
            draft.status.before.extend(words);
        }
        if draft.status.is_troubled()
            && draft.output.is_empty()
            && let Some(tail) = self.tail.take()
        {
            draft.output = xml_text(tail, MAX_TEXT);
        }
        if self.done == 0 {
            draft.properties = properties(entry);
            if entry.status != EntryStatus::Missing {
                draft.notes = xml_text(&notes(entry), MAX_TEXT).into_owned();
            }
        }
        // Some tools leave the time of a case out; where it is the only one, it took as long as its execution.
        if self.outline.len() == 1 {
            draft.duration_ms = draft.duration_ms.or_else(|| entry.duration_ms());
        }
        self.done += 1;
        draft
    }
}

/// Where the cases of an execution come from; its first case has them.
fn properties(entry: &ReportEntry) -> Vec<(&'static str, Cow<'_, str>)> {
    let mut properties = vec![("execution", Cow::Owned(entry.execution.to_string()))];
    let Some(attempt) = entry.counted().or_else(|| entry.attempts.last()) else {
        return properties;
    };
    properties.push(("worker", xml_line(&attempt.worker, MAX_NAME)));
    if let Some(host) = &attempt.squish_server {
        properties.push(("squish-server", xml_line(host, MAX_NAME)));
    }
    let number = attempt
        .number
        .map_or(entry.attempts.len(), |number| number as usize);
    if number > 1 {
        properties.push(("attempt", Cow::Owned(number.to_string())));
    }
    properties
}

fn notes(entry: &ReportEntry) -> String {
    let lines: Vec<String> = entry
        .explanations
        .iter()
        .map(|explanation| format!("testplan: {explanation}"))
        .collect();
    lines.join("\n")
}

fn no_result(entry: &ReportEntry) -> String {
    format!("no counted result: {}", entry.explained())
}

fn of_case<'a>(entry: &'a ReportEntry, case: &'a CaseLine<'_>) -> Draft<'a> {
    let mut status = Status::new(match (case.word, Words::of(case)) {
        (VerdictWord::Skipped, _) => {
            Now::Skipped(xml_line(&case.message, MAX_MESSAGE).into_owned())
        }
        (_, Some(words)) => Now::Troubled(words),
        (_, None) => Now::Passed,
    });
    if case.flaky() {
        status.before.push(failed_inside());
    }
    Draft {
        classname: or(&case.classname, &entry.test.suite),
        name: or(&case.name, &entry.test.testcase),
        status,
        duration_ms: case.duration_ms,
        file: case.file.as_deref().map(|file| xml_line(file, MAX_NAME)),
        line: case.line,
        output: with_attachments(xml_text(&case.output, MAX_TEXT), &case.attachments),
        notes: String::new(),
        properties: Vec::new(),
    }
}

/// Adds a line per attachment, in the form that CI systems look for in outputs.
fn with_attachments<'a>(mut output: Cow<'a, str>, paths: &[BorrowedText<'_>]) -> Cow<'a, str> {
    for path in paths {
        let path = xml_line(path, MAX_PATH);
        // The first of these would end the line's form.
        if path.contains("]]") {
            continue;
        }
        let output = output.to_mut();
        if !output.is_empty() {
            output.push('\n');
        }
        output.extend(["[[ATTACHMENT|", &*path, "]]"]);
    }
    output
}

fn of_execution(entry: &ReportEntry, beside_cases: bool) -> Draft<'_> {
    let problem = FailureDetails::of_entry(entry);
    let (message, text) = (problem.message(), problem.details());
    let mut status = Status::new(match entry.status {
        EntryStatus::Passed => Now::Passed,
        EntryStatus::Skipped => Now::Skipped(String::new()),
        EntryStatus::Failed => {
            let message = match (message.is_empty(), beside_cases) {
                (false, _) => message,
                (true, true) => "the test failed, though no case of its result files did",
                (true, false) => "the test failed; see its output",
            };
            Now::Troubled(Words::new(Kind::Failure, "failure", (message, text)))
        }
        EntryStatus::CouldNotRun => {
            Now::Troubled(Words::new(Kind::Error, "execution-error", (message, text)))
        }
        EntryStatus::Missing => {
            Now::Troubled(Words::new(Kind::Error, "missing", (&no_result(entry), "")))
        }
    });
    if entry.flaky && entry.earlier().next().is_none() {
        status.before.push(failed_inside());
    }
    Draft {
        classname: own_classname(entry),
        name: own_name(entry),
        status,
        duration_ms: entry.duration_ms(),
        file: None,
        line: None,
        output: Cow::Borrowed(""),
        notes: String::new(),
        properties: Vec::new(),
    }
}

/// Class name of the case of an execution.
pub(super) fn own_classname(entry: &ReportEntry) -> Cow<'_, str> {
    or(&entry.test.suite, OWN)
}

/// Name of the case of an execution.
pub(super) fn own_name(entry: &ReportEntry) -> Cow<'_, str> {
    or(&entry.test.testcase, "unnamed")
}

/// What attempts said before a reset, by the places of the cases that they said it of; what no case answers to goes to
/// the first.
fn remembered(
    outline: &Outline<'_>,
    reader: &mut CaseReader,
) -> Result<HashMap<usize, Vec<Words>>, JunitError> {
    let entry = outline.entry;
    let mut before: HashMap<usize, Vec<Words>> = HashMap::new();
    if entry.earlier().next().is_none() {
        return Ok(before);
    }
    let mut places: HashMap<CaseId, usize> = HashMap::new();
    for (place, id) in outline.ids().enumerate() {
        places.entry(id).or_insert(place);
    }
    for attempt in entry.earlier() {
        let mut heard = false;
        let cases = attempt.ended().map(|ended| &ended.cases);
        if let Some(cases) = cases.filter(|cases| cases.counts().troubled() > 0) {
            reader.each::<JunitError, _>(cases, |case| {
                let id = || CaseId::of(&case.classname, &case.name).or(outline.otherwise());
                if let Some(words) = Words::of(&case)
                    && let Some(place) = places.get(&id())
                {
                    before.entry(*place).or_default().push(Words {
                        duration_ms: case.duration_ms,
                        ..words
                    });
                    heard = true;
                }
                Ok(())
            })?;
        }
        if !heard && let Some(words) = of_attempt(attempt) {
            before.entry(0).or_default().push(words);
        }
    }
    Ok(before)
}

fn of_attempt(attempt: &AttemptReport) -> Option<Words> {
    let problem = FailureDetails::of_attempt(attempt);
    let words = match (attempt.status(), problem.error) {
        (EntryStatus::CouldNotRun, Some(error)) => {
            Words::new(Kind::Error, "execution-error", error)
        }
        (EntryStatus::Failed, _) => {
            let message = match problem.message() {
                "" => "the test failed",
                message => message,
            };
            Words::new(Kind::Failure, "failure", (message, problem.output))
        }
        _ => return None,
    };
    Some(Words {
        duration_ms: attempt.duration_ms(),
        ..words
    })
}

fn failed_inside() -> Words {
    Words::new(
        Kind::Failure,
        "flaky",
        ("according to the test tool, it failed before it passed", ""),
    )
}

/// The first of both that is not empty, cleaned.
pub(super) fn or<'a>(text: &'a str, otherwise: &'a str) -> Cow<'a, str> {
    let cleaned = xml_line(text, MAX_NAME);
    if !cleaned.trim().is_empty() {
        return cleaned;
    }
    let otherwise = xml_line(otherwise, MAX_NAME);
    if otherwise.trim().is_empty() {
        Cow::Borrowed(OWN)
    } else {
        otherwise
    }
}
