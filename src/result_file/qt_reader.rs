//! Reads the XML of Qt Test, which shows each row of a table and each skip, in Qt 5 and 6 alike: the JUnit files of Qt 5 show
//! neither.

use super::{
    ResultFile,
    bounded_text::BoundedText,
    case_builder::{CaseBuilder, Severity, TroubleBuilder},
    file_cases::FileCases,
    xml_stream::{Attributes, Dialect},
};

/// The root element: a class of tests.
pub(super) const ROOT: &[u8] = b"TestCase";

/// How failures begin that Qt 6 writes for a test that does not exist.
const UNKNOWN: [&str; 2] = ["Function not found: ", "Data tag not found: "];

/// An open element.
#[derive(Debug)]
enum QtElement {
    Function(TestFunction),
    /// `Incident` or `Message`.
    Incident(Box<Incident>),
    /// The name of a row, within an incident.
    Row(BoundedText),
    Description(BoundedText),
    Ignored,
}

/// A function, and its rows in their order; a function without a table has one row without a name.
#[derive(Debug)]
struct TestFunction {
    name: String,
    rows: Vec<(String, CaseBuilder)>,
    duration_ms: Option<u64>,
}

/// What happened in a row.
#[derive(Debug)]
struct Incident {
    kind: String,
    file: String,
    line: Option<u32>,
    row: String,
    text: String,
}

/// Reads the elements of a file.
#[derive(Debug)]
pub(super) struct QtReader {
    class: String,
    open: Vec<QtElement>,
    cases: FileCases,
}

impl Dialect for QtReader {
    fn start(&mut self, name: &[u8], attributes: &Attributes) -> Result<bool, String> {
        let element = match (self.open.last_mut(), name) {
            (Some(QtElement::Ignored) | None, b"TestFunction") => {
                QtElement::Function(TestFunction {
                    name: attributes.get_clipped("name"),
                    rows: Vec::new(),
                    duration_ms: None,
                })
            }
            (Some(QtElement::Function(_)), b"Incident" | b"Message") => {
                QtElement::Incident(Box::new(Incident {
                    kind: match (name, attributes.get("type")) {
                        (b"Message", "skip") => "skip".to_owned(),
                        (b"Message", _) => "message".to_owned(),
                        (_, kind) => kind.to_owned(),
                    },
                    file: attributes.get_clipped("file"),
                    line: attributes.get_number("line"),
                    row: String::new(),
                    text: String::new(),
                }))
            }
            (Some(QtElement::Function(function)), b"Duration") => {
                function.duration_ms = attributes.get_number("msecs").and_then(whole);
                QtElement::Ignored
            }
            (Some(QtElement::Incident(_)), b"DataTag") => QtElement::Row(BoundedText::default()),
            (Some(QtElement::Incident(_)), b"Description") => {
                QtElement::Description(BoundedText::default())
            }
            _ => QtElement::Ignored,
        };
        self.open.push(element);
        Ok(true)
    }

    fn text(&mut self) -> Option<&mut BoundedText> {
        match self.open.last_mut()? {
            QtElement::Row(text) | QtElement::Description(text) => Some(text),
            _ => None,
        }
    }

    fn end(&mut self) {
        let ended = self.open.pop();
        match (self.open.last_mut(), ended) {
            (Some(QtElement::Incident(incident)), Some(QtElement::Row(text))) => {
                incident.row = text.into_string();
            }
            (Some(QtElement::Incident(incident)), Some(QtElement::Description(text))) => {
                incident.text = text.into_string();
            }
            (Some(QtElement::Function(function)), Some(QtElement::Incident(incident))) => {
                function.apply(*incident);
            }
            (_, Some(QtElement::Function(function))) => self.add(function),
            _ => {}
        }
    }

    fn is_in_case(&self) -> bool {
        let is_case = |element: &QtElement| matches!(element, QtElement::Function(_));
        self.open.iter().any(is_case)
    }

    fn finish(self: Box<Self>, _: &str) -> Result<ResultFile, String> {
        Ok(self.cases.into_file())
    }
}

impl QtReader {
    /// `root` are the attributes of the root, which is the first element that is opened.
    pub(super) fn new(root: &Attributes) -> Self {
        Self {
            class: root.get_clipped("name"),
            open: Vec::new(),
            cases: FileCases::default(),
        }
    }

    fn add(&mut self, function: TestFunction) {
        // They speak for the whole class, and are no tests.
        let is_hook = matches!(function.name.as_str(), "initTestCase" | "cleanupTestCase");
        let is_only = function.rows.len() == 1;
        for (row, mut case) in function.rows {
            if is_hook && !case.shows_trouble() {
                continue;
            }
            case.name = match row.as_str() {
                "" => function.name.clone(),
                row => format!("{}({row})", function.name),
            };
            case.duration_ms = function.duration_ms.filter(|_| is_only);
            self.cases.add(case, &self.class);
        }
    }
}

impl TestFunction {
    fn apply(&mut self, incident: Incident) {
        let Incident {
            kind,
            file,
            line,
            row,
            text,
        } = incident;
        if kind == "fail" && UNKNOWN.iter().any(|words| text.starts_with(words)) {
            return;
        }
        // Warnings may come before the row has begun.
        if kind == "message" && !self.rows.iter().any(|(name, _)| *name == row) {
            return;
        }
        let at = self.rows.iter().position(|(name, _)| *name == row);
        let at = at.unwrap_or_else(|| {
            self.rows.push((row, CaseBuilder::default()));
            self.rows.len() - 1
        });
        let case = &mut self.rows[at].1;
        let severity = match kind.as_str() {
            "pass" | "bpass" => return,
            // A failure that is expected.
            "xfail" | "bxfail" | "message" => return case.add_output(&text),
            "skip" | "bfail" | "bxpass" => Severity::Skipped,
            "xpass" => Severity::UnexpectedPass,
            "fail" => Severity::Failed,
            _ => Severity::Error,
        };
        if !file.is_empty() {
            (case.file, case.line) = (Some(file), line);
        }
        let mut trouble = TroubleBuilder {
            severity,
            ..TroubleBuilder::error("")
        };
        let message = match kind.as_str() {
            "bfail" | "bxpass" => format!("blacklisted: {text}"),
            _ => text,
        };
        trouble.set_message(&message);
        case.add_trouble(trouble);
    }
}

fn whole(milliseconds: f64) -> Option<u64> {
    let duration = std::time::Duration::try_from_secs_f64(milliseconds / 1000.0).ok()?;
    u64::try_from(duration.as_millis()).ok()
}
