//! Reads the JUnit files of other tools: leniently where tools differ, strictly where a file could hide a failure.
//!
//! Any root will do, suites nest, times may be missing or grouped, counts are never trusted. A file that breaks off,
//! has a DOCTYPE or exceeds a bound is an error with its line. What is wrong outside any case becomes a case.

mod case;

use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};

use self::case::{CaseBuilder, Severity, TroubleBuilder};
use super::{
    Kept,
    input::Counted,
    text::{Charset, Clipped},
};
use crate::model::CaseResult;

/// Deepest nesting of elements.
const MAX_DEPTH: usize = 64;
/// Most attributes of one element.
const MAX_ATTRIBUTES: usize = 256;
/// Largest file, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;
/// Most text kept of one element, in bytes; the middle of a longer one is left out.
const MAX_FIELD: usize = 64 * 1024;
/// Most text kept of one file, in bytes; what comes later is left out.
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct JunitError {
    /// The line that was being read, 1 for the first; `None` where the file could not be opened.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for JunitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Reads a file.
pub fn read_path(path: &Path) -> Result<Vec<CaseResult>, JunitError> {
    match File::open(path) {
        Ok(file) => read(BufReader::with_capacity(64 * 1024, file)),
        Err(error) => Err(JunitError {
            line: None,
            message: format!("cannot be opened: {error}"),
        }),
    }
}

/// Reads a stream to its end. Beyond [`MAX_CASES`](crate::model::record::MAX_CASES), cases that matter least are
/// dropped, see [`Kept`].
pub fn read(mut source: impl BufRead) -> Result<Vec<CaseResult>, JunitError> {
    let start = source.fill_buf().unwrap_or_default();
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Err(JunitError {
            line: Some(1),
            message: "the file is in UTF-16: let the test tool write UTF-8".to_owned(),
        });
    }
    let mut reader = Reader::from_reader(Counted::new(source, MAX_FILE));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.allow_dangling_amp = true;
    let mut parser = Parser::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let step = match reader.read_event_into(&mut buffer) {
            Ok(event) => parser.step(event),
            Err(error) => Err(error.to_string()),
        };
        match step {
            Ok(true) => {}
            Ok(false) => return Ok(parser.kept.into_cases()),
            Err(message) => {
                return Err(JunitError {
                    line: Some(reader.get_ref().line()),
                    message,
                });
            }
        }
    }
}

/// An open element.
#[derive(Debug)]
enum Frame {
    Suite(Suite),
    Case(Box<CaseBuilder>),
    /// `failure`, `error`, `skipped` or a flaky one: text belongs to it.
    Trouble(TroubleBuilder),
    /// `system-out` or `system-err` of a case.
    Output(Clipped),
    /// Inside one of the two above: its text is theirs.
    Inline,
    /// An element that means nothing to us but may contain something that does.
    Group,
    /// An element whose content is left out.
    Ignored,
}

#[derive(Debug)]
struct Suite {
    name: String,
    cases: usize,
    /// It is the whole of several, a `testsuites`.
    whole: bool,
    claims_errors: bool,
    claims_failures: bool,
    /// A suite in it counts errors too, or a case shows one.
    accounts_for_errors: bool,
}

impl Suite {
    fn new(name: &[u8], attributes: &Attributes) -> Self {
        let claims = |count| {
            let count = attributes.get(count).trim().parse();
            count.is_ok_and(|count: u64| count > 0)
        };
        let whole = name == b"testsuites";
        Self {
            name: if whole {
                String::new()
            } else {
                attributes.get("name").to_owned()
            },
            cases: 0,
            whole,
            claims_errors: claims("errors"),
            claims_failures: claims("failures"),
            accounts_for_errors: false,
        }
    }

    /// It counts what it does not show: cases that were never written, or an error that belongs to none of its suites.
    /// The count of a single suite with cases says nothing: Qt Test counts messages as errors.
    fn hides_trouble(&self) -> bool {
        let empty = self.cases == 0 && (self.claims_errors || self.claims_failures);
        empty || (self.whole && self.claims_errors && !self.accounts_for_errors)
    }
}

#[derive(Debug, Default)]
struct Parser {
    open: Vec<Frame>,
    kept: Kept,
    charset: Charset,
    text: usize,
    root: Option<String>,
    is_junit: bool,
}

impl Parser {
    /// Takes one event; `false` at the end of the file.
    fn step(&mut self, event: Event<'_>) -> Result<bool, String> {
        match event {
            Event::Start(start) => self.start(&start)?,
            Event::End(_) => self.end(),
            Event::Text(text) => self.push(|charset| charset.decode(&text).into_owned()),
            Event::CData(text) => self.push(|charset| charset.decode(&text).into_owned()),
            Event::GeneralRef(reference) => self.push(|_| resolve(&reference)),
            Event::Decl(declaration) => {
                if let Some(Ok(name)) = declaration.encoding() {
                    self.charset = Charset::named(&name);
                }
            }
            Event::DocType(_) => {
                return Err(
                    "a DOCTYPE: refused, because it can make a small file endless".to_owned(),
                );
            }
            Event::Eof => {
                self.finish()?;
                return Ok(false);
            }
            Event::Empty(_) | Event::Comment(_) | Event::PI(_) => {}
        }
        Ok(true)
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() == MAX_DEPTH {
            return Err(format!("elements nest deeper than {MAX_DEPTH}"));
        }
        let attributes = Attributes::read(element, self.charset)?;
        let name = element.local_name();
        let name = name.as_ref();
        if self.root.is_none() {
            self.root = Some(self.charset.decode(name).into_owned());
        }
        self.is_junit |= matches!(name, b"testsuites" | b"testsuite" | b"testcase");
        let frame = match (self.open.last(), name) {
            (Some(Frame::Ignored), _) => Frame::Ignored,
            (Some(Frame::Trouble(_) | Frame::Output(_) | Frame::Inline), _) => Frame::Inline,
            (_, b"testcase") => Frame::Case(Box::new(CaseBuilder::new(&attributes))),
            (Some(Frame::Case(_)), b"system-out" | b"system-err") => {
                Frame::Output(Clipped::new(MAX_FIELD))
            }
            (_, b"system-out" | b"system-err" | b"properties") => Frame::Ignored,
            (Some(Frame::Case(_)), name) => match Severity::of_element(name) {
                Some(severity) => Frame::Trouble(TroubleBuilder::new(severity, &attributes)),
                None => Frame::Ignored,
            },
            (_, b"failure" | b"error") => {
                Frame::Trouble(TroubleBuilder::new(Severity::Error, &attributes))
            }
            (_, b"testsuite" | b"testsuites") => Frame::Suite(Suite::new(name, &attributes)),
            _ => Frame::Group,
        };
        let accounts_for_errors = match &frame {
            Frame::Suite(suite) => suite.claims_errors,
            _ => name == b"error",
        };
        if accounts_for_errors {
            self.suites()
                .for_each(|suite| suite.accounts_for_errors = true);
        }
        self.open.push(frame);
        Ok(())
    }

    fn push(&mut self, text: impl FnOnce(Charset) -> String) {
        let charset = self.charset;
        let owner = self
            .open
            .iter_mut()
            .rev()
            .find(|frame| !matches!(frame, Frame::Inline));
        match owner {
            Some(Frame::Trouble(trouble)) => trouble.text.push(&text(charset)),
            Some(Frame::Output(output)) => output.push(&text(charset)),
            _ => {}
        }
    }

    fn end(&mut self) {
        if let Some(Frame::Suite(suite)) = self.open.last()
            && suite.hides_trouble()
        {
            let case = case::hidden_trouble(&self.suite_path());
            self.keep(case);
        }
        match self.open.pop() {
            Some(Frame::Trouble(mut trouble)) => {
                trouble.text.limit(self.text_left());
                self.text += trouble.text.len();
                if let Some(Frame::Case(case)) = self.open.last_mut() {
                    case.trouble(trouble);
                } else {
                    let case = trouble.outside_any_case(&self.suite_path());
                    self.keep(case);
                }
            }
            Some(Frame::Output(mut output)) => {
                output.limit(self.text_left());
                self.text += output.len();
                if let Some(Frame::Case(case)) = self.open.last_mut() {
                    case.output(&output.into_string());
                }
            }
            Some(Frame::Case(case)) => {
                let case = case.finish(&self.suite_path());
                self.keep(case);
            }
            Some(Frame::Suite(_) | Frame::Inline | Frame::Group | Frame::Ignored) | None => {}
        }
    }

    fn keep(&mut self, case: CaseResult) {
        self.suites().for_each(|suite| suite.cases += 1);
        self.kept.push(case);
    }

    fn suites(&mut self) -> impl Iterator<Item = &mut Suite> {
        self.open.iter_mut().filter_map(|frame| match frame {
            Frame::Suite(suite) => Some(suite),
            _ => None,
        })
    }

    fn text_left(&self) -> usize {
        MAX_TEXT.saturating_sub(self.text)
    }

    /// The names of the open suites, as `outer / inner`.
    fn suite_path(&self) -> String {
        let names: Vec<&str> = self
            .open
            .iter()
            .filter_map(|frame| match frame {
                Frame::Suite(suite) if !suite.name.is_empty() => Some(suite.name.as_str()),
                _ => None,
            })
            .collect();
        names.join(" / ")
    }

    fn finish(&self) -> Result<(), String> {
        if !self.open.is_empty() {
            let inside = self
                .open
                .iter()
                .any(|frame| matches!(frame, Frame::Case(_)));
            let inside = if inside { "a test case" } else { "a suite" };
            return Err(format!(
                "the file ends inside {inside}: the test tool was stopped or the disk is full"
            ));
        }
        match &self.root {
            None => Err("the file is empty".to_owned()),
            Some(root) if !self.is_junit => Err(format!(
                "this is not JUnit: its root is <{root}> and it has no test case"
            )),
            Some(_) => Ok(()),
        }
    }
}

/// What `&…;` stands for; an entity that is none of XML's own is left as it stands.
fn resolve(reference: &BytesRef<'_>) -> String {
    let name = String::from_utf8_lossy(reference);
    match reference.resolve_char_ref() {
        Ok(Some(character)) => character.into(),
        Ok(None) => quick_xml::escape::resolve_xml_entity(&name)
            .map_or_else(|| format!("&{name};"), str::to_owned),
        Err(_) => format!("&{name};"),
    }
}

/// The attributes of one element; of a repeated one the first counts.
#[derive(Debug)]
struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn read(element: &BytesStart<'_>, charset: Charset) -> Result<Self, String> {
        let mut list = Vec::new();
        // Comparing each with each would take time that grows with the square of their number.
        for attribute in element.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| format!("a broken attribute: {error}"))?;
            if list.len() == MAX_ATTRIBUTES {
                return Err(format!(
                    "more than {MAX_ATTRIBUTES} attributes in one element"
                ));
            }
            let raw = charset.decode(&attribute.value);
            let value = match quick_xml::escape::unescape(&raw) {
                Ok(value) => value.into_owned(),
                Err(_) => raw.into_owned(),
            };
            list.push((
                charset
                    .decode(attribute.key.local_name().as_ref())
                    .into_owned(),
                value,
            ));
        }
        Ok(Self(list))
    }

    /// The value, empty where there is none.
    fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    }
}
