//! Reads the XML reports of Squish: 3.x with its suites, cases, features, scenarios and sections, and 2.x.
//!
//! Unknown elements are passed over. What could hide a failure is none: a verification without a known result is an
//! error, as is a test without its end, and trouble outside any case becomes a case.

mod log_entry;
mod script_location;
mod test_element;
mod test_end;
mod test_retries;

use self::{
    log_entry::{LogEntry, LogEntryBuilder, ResultType},
    script_location::ScriptLocation,
    test_element::{ReportTime, TestElement, TestType},
    test_retries::{EndedSiblings, ReportPosition},
};
use super::{
    CaseCollector, ResultFile, Scenarios,
    bounded_text::{BoundedText, TextBudget, clip},
    xml_stream::{Attributes, Dialect},
};

/// The root of every report.
pub(super) const ROOT: &[u8] = b"SquishReport";

/// What a field's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Name,
    Uri,
    Line,
    Text,
    Detail,
    /// LogEntryBuilder of the detail, after a word that tells what it is.
    Labelled(&'static str),
    Attachment,
}

/// An open element.
#[derive(Debug)]
enum SquishElement {
    Test(Box<TestElement>),
    Prolog,
    Location(ScriptLocation),
    /// What its results have in common, and whether there was one.
    Verification(Box<LogEntryBuilder>, bool),
    LogEntry(Box<LogEntryBuilder>),
    Field(Field, BoundedText),
    /// Within a field: its text is the field's.
    Inline,
    /// An element that means nothing to us but may contain something that does.
    Group,
}

/// Reads a file's elements one by one.
#[derive(Debug)]
pub(super) struct SquishReader {
    open: Vec<SquishElement>,
    kept: CaseCollector,
    budget: TextBudget,
    scenarios: Scenarios,
    is_version_2: bool,
    /// How many tests have begun.
    tests: u64,
    /// Those directly in the root that have ended.
    outermost: EndedSiblings,
}

impl SquishReader {
    /// For a report whose root has these attributes.
    pub(super) fn new(root: &Attributes, scenarios: Scenarios) -> Result<Self, String> {
        let version = match root.get("version") {
            "" => root.get("Version"),
            version => version,
        };
        let version = clip(version.trim());
        let major = version.split('.').next().unwrap_or_default();
        match major {
            "" | "2" | "3" => Ok(Self {
                open: Vec::new(),
                kept: CaseCollector::default(),
                budget: TextBudget::default(),
                scenarios,
                is_version_2: major == "2",
                tests: 0,
                outermost: EndedSiblings::default(),
            }),
            _ => Err(format!(
                "a Squish report of version {version:?}, which is not read: let squishrunner write xml3.4 \
                 (--reportgen xml3.4,FOLDER)"
            )),
        }
    }

    fn test(&mut self, attributes: &Attributes) -> SquishElement {
        let kind = TestType::of(attributes.get("type"));
        // Reports before 3.0 nest the tests of a suite in one that looks the same.
        if kind == TestType::Untyped
            && let Some(outer) = self.innermost()
            && outer.kind == TestType::Untyped
            && outer.is_case
        {
            (outer.kind, outer.is_case) = (TestType::Suite, false);
        }
        let start = ReportPosition {
            cases: self.kept.came(),
            tests: self.tests,
        };
        self.tests += 1;
        let outer: Vec<&TestElement> = self.tests().collect();
        let mut test =
            TestElement::new(kind, attributes.get("name"), start, self.scenarios, &outer);
        if !matches!(attributes.get("retry").trim(), "" | "0") {
            test.retry_since = Some(start);
        }
        let status = LogEntryBuilder::new(attributes.get("result"), false).into_words();
        match status.meaning {
            Some(ResultType::Skipped) => test.skipped = Some(String::new()),
            Some(ResultType::Passed) => test.verified = true,
            Some(ResultType::Troubled(_)) => {
                if let Some(trouble) = status.trouble("", None) {
                    test.case.trouble(trouble);
                }
            }
            None => {}
        }
        SquishElement::Test(Box::new(test))
    }

    /// A verification. Before 3.0 its type says what is compared, not how that ended.
    fn verification(&self, attributes: &Attributes) -> Box<LogEntryBuilder> {
        let mut said = said(attributes, true);
        if self.is_version_2 && said.meaning().is_none() {
            said.kind.clear();
        }
        said
    }

    /// An element within a message, a verification, a location or a prolog.
    fn field(&mut self, name: &[u8], attributes: &Attributes) -> SquishElement {
        let place = self.open.last();
        // A skipped test has no prolog: its name stands in it.
        let in_prolog = match place {
            Some(SquishElement::Prolog) => true,
            Some(SquishElement::Test(test)) => !test.has_prolog,
            _ => false,
        };
        let in_location = matches!(place, Some(SquishElement::Location(_)));
        let in_said = matches!(
            place,
            Some(SquishElement::LogEntry(_) | SquishElement::Verification(..))
        );
        let field = match name {
            b"location" => return SquishElement::Location(ScriptLocation::default()),
            b"uri" if in_location => Field::Uri,
            b"lineNo" if in_location => Field::Line,
            b"name" if in_prolog => Field::Name,
            _ if !in_said => return SquishElement::Group,
            b"description" if attributes.get("type").eq_ignore_ascii_case("DETAILED") => {
                Field::Detail
            }
            b"text" | b"description" | b"name" => Field::Text,
            b"expectedValue" => Field::Labelled("expected"),
            b"actualValue" => Field::Labelled("actual"),
            b"insertion" => Field::Labelled("inserted"),
            b"deletion" => Field::Labelled("deleted"),
            b"objectName" => Field::Labelled("object"),
            // Names the file with what was expected.
            b"objectLocation" => return SquishElement::Group,
            _ if names_a_file(name) => {
                if let Some(SquishElement::LogEntry(said) | SquishElement::Verification(said, _)) =
                    self.open.last_mut()
                {
                    for key in ["uri", "path", "file", "src"] {
                        said.attachment(attributes.get(key));
                    }
                }
                Field::Attachment
            }
            _ => Field::Detail,
        };
        SquishElement::Field(field, BoundedText::default())
    }

    /// Takes the text of a field that has ended.
    fn take(&mut self, field: Field, text: &str) {
        let text = text.trim();
        match (field, self.open.last_mut()) {
            (Field::Name, _) => {
                if let Some(test) = self.innermost() {
                    test.name = clip(text);
                }
            }
            (Field::Uri, Some(SquishElement::Location(place))) => text.clone_into(&mut place.uri),
            (Field::Line, Some(SquishElement::Location(place))) => place.line = text.parse().ok(),
            (field, Some(SquishElement::LogEntry(said) | SquishElement::Verification(said, _))) => {
                match field {
                    Field::Text => said.text.join(text),
                    Field::Detail => said.detail.join(text),
                    Field::Labelled(word) if !text.is_empty() => {
                        said.detail.line(&format!("{word}: {text}"));
                    }
                    Field::Attachment => said.attachment(text),
                    Field::Name | Field::Uri | Field::Line | Field::Labelled(_) => {}
                }
            }
            _ => {}
        }
    }

    /// Gives a complete message or result to the case it is of.
    fn hear(&mut self, words: &LogEntry) {
        let of_case =
            |frame: &SquishElement| matches!(frame, SquishElement::Test(test) if test.is_case);
        let of_any = |frame: &SquishElement| matches!(frame, SquishElement::Test(_));
        let owner = self
            .open
            .iter()
            .rposition(of_case)
            .or_else(|| self.open.iter().rposition(of_any));
        let suite = self.suite_folder();
        let file = script_location::path(&words.place.uri, &suite);
        let Some(owner) = owner else {
            if let Some(trouble) = words.trouble("", file.as_deref()) {
                let case = trouble.outside_any_case("", &mut self.budget);
                self.kept.push(case);
            }
            return;
        };
        let within = test_element::names(tests(&self.open[owner + 1..]), " / ", |_| true);
        let Some(SquishElement::Test(test)) = self.open.get_mut(owner) else {
            return;
        };
        for uri in words.attachments.iter().filter(|uri| !uri.is_empty()) {
            let taken =
                script_location::path(uri, &suite).is_some_and(|path| test.case.attachment(&path));
            if !taken {
                test.case.no_attachment(uri);
            }
        }
        if let Some(trouble) = words.trouble(&within, file.as_deref()) {
            // What went wrong in a part of the case belongs to this try of it.
            let part = self.open[owner + 1..].iter().rposition(
                |frame| matches!(frame, SquishElement::Test(part) if part.kind.may_be_tried_again()),
            );
            let at = part.map_or(owner, |part| owner + 1 + part);
            if let Some(SquishElement::Test(test)) = self.open.get_mut(at)
                && test.case.trouble(trouble)
                && file.is_some()
            {
                (test.case.file, test.case.line) = (file, words.place.line);
            }
            return;
        }
        match words.meaning {
            Some(ResultType::Passed) if words.kind == "PASS" => test.verified = true,
            Some(ResultType::Passed) => {
                test.verified = true;
                test.case.line_of_output(&words.line(&within));
            }
            Some(ResultType::Skipped) => {
                test.skipped.get_or_insert_with(|| words.message.clone());
                test.case.line_of_output(&words.line(&within));
            }
            Some(ResultType::Troubled(_)) | None => test.case.line_of_output(&words.line(&within)),
        }
    }

    /// The folder of the open suite, where its prolog names it.
    fn suite_folder(&self) -> String {
        self.tests()
            .filter(|test| test.kind == TestType::Suite)
            .find_map(|suite| script_location::path(&suite.place.uri, ""))
            .unwrap_or_default()
    }

    fn tests(&self) -> impl Iterator<Item = &TestElement> {
        tests(&self.open)
    }

    fn innermost(&mut self) -> Option<&mut TestElement> {
        self.open.iter_mut().rev().find_map(|frame| match frame {
            SquishElement::Test(test) => Some(&mut **test),
            _ => None,
        })
    }
}

impl Dialect for SquishReader {
    fn start(&mut self, name: &[u8], attributes: &Attributes) -> Result<(), String> {
        let frame = match (name, self.open.last()) {
            // Those that matter, wherever they are.
            (b"test", _) => self.test(attributes),
            (b"message", _) => SquishElement::LogEntry(said(attributes, false)),
            (b"verification", _) => {
                SquishElement::Verification(self.verification(attributes), false)
            }
            (b"prolog", Some(SquishElement::Test(_))) => {
                if let Some(test) = self.innermost() {
                    test.has_prolog = true;
                    test.began = ReportTime::read(attributes.get("time"));
                }
                SquishElement::Prolog
            }
            (b"epilog", Some(SquishElement::Test(_))) => {
                if let Some(test) = self.innermost() {
                    test.has_epilog = true;
                    test.ended = ReportTime::read(attributes.get("time"));
                }
                SquishElement::Group
            }
            (b"uri", Some(SquishElement::Field(Field::Attachment, _))) => {
                SquishElement::Field(Field::Attachment, BoundedText::default())
            }
            (_, Some(SquishElement::Field(..) | SquishElement::Inline)) => SquishElement::Inline,
            (name, Some(SquishElement::Verification(..)))
                if name.to_ascii_lowercase().ends_with(b"result") =>
            {
                SquishElement::LogEntry(said(attributes, true))
            }
            _ => self.field(name, attributes),
        };
        self.open.push(frame);
        Ok(())
    }

    fn text(&mut self) -> Option<&mut BoundedText> {
        let owner = self
            .open
            .iter_mut()
            .rev()
            .find(|frame| !matches!(frame, SquishElement::Inline));
        match owner {
            Some(SquishElement::Field(_, text)) => Some(text),
            Some(SquishElement::LogEntry(said)) => Some(&mut said.text),
            _ => None,
        }
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(SquishElement::Field(Field::Attachment, text))
                if matches!(
                    self.open.last(),
                    Some(SquishElement::Field(Field::Attachment, _))
                ) =>
            {
                // A file named by an element within: the outer one's text is no name.
                if let Some(SquishElement::Field(_, outer)) = self.open.last_mut() {
                    *outer = text;
                }
            }
            Some(SquishElement::Field(field, text)) => self.take(field, &text.into_string()),
            Some(SquishElement::Location(place)) => match self.open.last_mut() {
                Some(SquishElement::LogEntry(said) | SquishElement::Verification(said, _)) => {
                    said.place = place
                }
                Some(SquishElement::Prolog) => {
                    if let Some(test) = self.innermost() {
                        test.place = place;
                    }
                }
                Some(SquishElement::Test(test)) if !test.has_prolog => test.place = place,
                _ => {}
            },
            Some(SquishElement::LogEntry(mut said)) => {
                if let Some(SquishElement::Verification(whole, told)) = self.open.last_mut() {
                    *told = true;
                    said.place.or(&whole.place);
                    if said.name.is_empty() {
                        said.name.clone_from(&whole.name);
                    }
                }
                self.hear(&said.into_words());
            }
            Some(SquishElement::Verification(said, told)) => {
                let said = if told {
                    said.beside_results()
                } else {
                    Some(*said)
                };
                if let Some(said) = said {
                    self.hear(&said.into_words());
                }
            }
            Some(SquishElement::Test(test)) => self.close(test),
            Some(SquishElement::Prolog) => {
                let depth = self.open.len().saturating_sub(1);
                if let Some(SquishElement::Test(mut test)) = self.open.pop() {
                    self.find_earlier_try(&mut test, depth);
                    self.open.push(SquishElement::Test(test));
                }
            }
            Some(SquishElement::Inline | SquishElement::Group) | None => {}
        }
    }

    fn inside(&self) -> &'static str {
        if self.tests().any(|test| test.is_case) {
            "a test case"
        } else {
            "a suite"
        }
    }

    fn finish(self: Box<Self>, _: &str) -> Result<ResultFile, String> {
        Ok(self.kept.into_file())
    }
}

/// The tests among some frames, the outermost first.
fn tests(frames: &[SquishElement]) -> impl Iterator<Item = &TestElement> {
    frames.iter().filter_map(|frame| match frame {
        SquishElement::Test(test) => Some(&**test),
        _ => None,
    })
}

/// A message or verification from its attributes; before 3.0, they say where it was and what it is called.
fn said(attributes: &Attributes, is_verification: bool) -> Box<LogEntryBuilder> {
    let mut said = LogEntryBuilder::new(attributes.get("type"), is_verification);
    said.place = ScriptLocation {
        uri: attributes.get("file").to_owned(),
        line: attributes.get("line").trim().parse().ok(),
    };
    said.name = clip(attributes.get("name").trim());
    Box::new(said)
}

/// Whether an element's name says that it is about a file to look at.
fn names_a_file(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    ["attachment", "screenshot", "image", "video"]
        .iter()
        .any(|word| name.contains(word))
}
