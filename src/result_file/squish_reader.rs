//! Reads the XML reports of Squish: 3.x with suites, cases, features, scenarios and sections, and 2.x.
//!
//! Unknown elements are skipped. Anything that could hide a failure is one: a verification without a known result is an
//! error, as is a test without its end, and trouble outside any case becomes a case.

mod log_entry;
mod open_elements;
mod script_location;
mod test_element;
mod test_end;
mod test_retries;
mod test_type;

use self::{
    log_entry::{LogEntry, LogEntryBuilder, ResultType},
    open_elements::{Field, OpenElements, SquishElement},
    script_location::path_of_uri,
    test_element::{ReportTime, TestElement, joined_names},
    test_retries::{EndedSiblings, ReportPosition},
    test_type::TestType,
};
use super::{
    ResultFile, Scenarios,
    bounded_text::{BoundedText, clip},
    file_cases::FileCases,
    xml_stream::{Attributes, Dialect},
};

/// The root of every report.
pub(super) const ROOT: &[u8] = b"SquishReport";

/// Reads the elements of a Squish report.
#[derive(Debug)]
pub(super) struct SquishReader {
    open: OpenElements,
    cases: FileCases,
    scenarios: Scenarios,
    is_version_2: bool,
    /// How many tests have begun.
    tests: u64,
    /// The tests directly in the root that have ended.
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
                open: OpenElements::default(),
                cases: FileCases::default(),
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

    fn begin_test(&mut self, attributes: &Attributes) {
        let test_type = TestType::parse(attributes.get("type"));
        // Reports before 3.0 nest the tests of a suite in one that looks the same.
        if test_type == TestType::Untyped
            && let Some(outer) = self.open.innermost_test()
            && outer.test_type == TestType::Untyped
            && outer.is_case
        {
            (outer.test_type, outer.is_case) = (TestType::Suite, false);
        }
        let start = ReportPosition {
            cases: self.cases.added(),
            tests: self.tests,
        };
        self.tests += 1;
        let name = attributes.get("name");
        let mut test = TestElement::new(test_type, name, start, self.scenarios, self.open.tests());
        if !matches!(attributes.get("retry").trim(), "" | "0") {
            test.retry_since = Some(start);
        }
        let result = LogEntryBuilder::new(attributes.get("result"), false);
        match result.result() {
            Some(ResultType::Skipped) => test.skipped = Some(String::new()),
            Some(ResultType::Passed) => test.verified = true,
            Some(ResultType::Trouble(_)) => {
                if let Some(trouble) = result.build().and_then(|it| it.trouble("", None)) {
                    test.case.add_trouble(trouble);
                }
            }
            None => {}
        }
        self.open.push(SquishElement::Test(Box::new(test)));
    }

    /// A verification. Before 3.0 its type is what is compared, not the result.
    fn verification(&self, attributes: &Attributes) -> SquishElement {
        let mut entry = LogEntryBuilder::read(attributes, true);
        if self.is_version_2 && entry.result().is_none() {
            entry.kind.clear();
        }
        SquishElement::Verification(Box::new(entry))
    }

    fn end_entry(&mut self, entry: LogEntryBuilder) {
        if let Some(entry) = entry.build() {
            self.add_entry(&entry);
        }
    }

    /// Adds a log entry to the innermost open case, or to the innermost test if no case is open.
    fn add_entry(&mut self, entry: &LogEntry) {
        let tests = self.open.tests();
        let owner = tests.clone().rev().position(|test| test.is_case);
        let owner = owner.unwrap_or(0);
        let outer = tests.clone().count() - owner;
        let within = joined_names(tests.clone().skip(outer), " / ", |_| true);
        // Trouble in a part that can be retried belongs to this try of it.
        let part = tests
            .rev()
            .take(owner)
            .position(|part| part.test_type.can_be_retried());

        let suite = self.suite_folder();
        let file = path_of_uri(&entry.location.uri, &suite);
        let trouble = entry.trouble(&within, file.as_deref());
        let is_trouble = trouble.is_some();
        if let Some(trouble) = trouble {
            let Some(test) = self.open.test_mut(part.unwrap_or(owner)) else {
                return self.cases.add_outside(trouble, "");
            };
            if test.case.add_trouble(trouble) && file.is_some() {
                (test.case.file, test.case.line) = (file, entry.location.line);
            }
        }
        let Some(owner) = self.open.test_mut(owner) else {
            return;
        };
        for uri in entry.attachments.iter().filter(|uri| !uri.is_empty()) {
            let path = path_of_uri(uri, &suite);
            if !path.is_some_and(|path| owner.case.add_attachment(&path)) {
                owner.case.note_unusable_attachment(uri.trim());
            }
        }
        match entry.result {
            Some(ResultType::Passed) => owner.verified = true,
            Some(ResultType::Skipped) => {
                owner.skipped.get_or_insert_with(|| entry.message.clone());
            }
            Some(ResultType::Trouble(_)) | None => {}
        }
        if !is_trouble && entry.kind != "PASS" {
            owner.case.add_output_line(&entry.line(&within));
        }
    }

    /// The folder of the open suite, if its prolog names it.
    fn suite_folder(&self) -> String {
        self.open
            .tests()
            .filter(|test| test.test_type == TestType::Suite)
            .find_map(|suite| path_of_uri(&suite.location.uri, ""))
            .unwrap_or_default()
    }
}

impl Dialect for SquishReader {
    fn start(&mut self, name: &[u8], attributes: &Attributes) -> Result<bool, String> {
        let element = match (name, self.open.last_mut()) {
            // Tests, messages and verifications count wherever they are.
            (b"test", _) => {
                self.begin_test(attributes);
                return Ok(true);
            }
            (b"message", _) => log_entry(attributes, false),
            (b"verification", _) => self.verification(attributes),
            (b"prolog", Some(SquishElement::Test(test))) => {
                test.has_prolog = true;
                test.began = ReportTime::parse(attributes.get("time"));
                SquishElement::Prolog
            }
            (b"epilog", Some(SquishElement::Test(test))) => {
                test.has_epilog = true;
                test.ended = ReportTime::parse(attributes.get("time"));
                SquishElement::Group
            }
            (b"uri", Some(SquishElement::Field(Field::Attachment, _))) => {
                self.open.push_field(Field::Attachment);
                return Ok(true);
            }
            (_, Some(SquishElement::Field(..))) => return Ok(false),
            (name, Some(SquishElement::Verification(_)))
                if name.to_ascii_lowercase().ends_with(b"result") =>
            {
                log_entry(attributes, true)
            }
            _ => {
                self.open.push_inner(name, attributes);
                return Ok(true);
            }
        };
        self.open.push(element);
        Ok(true)
    }

    fn text(&mut self) -> Option<&mut BoundedText> {
        match self.open.last_mut()? {
            SquishElement::Field(_, text) => Some(text),
            SquishElement::LogEntry(entry) => Some(&mut entry.text),
            _ => None,
        }
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(SquishElement::Field(field, text)) => self.open.end_field(field, text),
            Some(SquishElement::Location(location)) => self.open.end_location(location),
            Some(SquishElement::LogEntry(mut entry)) => {
                if let Some(SquishElement::Verification(verification)) = self.open.last_mut() {
                    verification.has_results = true;
                    entry.complete_from(verification);
                }
                self.end_entry(*entry);
            }
            Some(SquishElement::Verification(entry)) => self.end_entry(*entry),
            Some(SquishElement::Test(test)) => self.end_test(test),
            Some(SquishElement::Prolog) => self.end_prolog(),
            Some(SquishElement::Group) | None => {}
        }
    }

    fn is_in_case(&self) -> bool {
        self.open.tests().any(|test| test.is_case)
    }

    fn finish(self: Box<Self>, _: &str) -> Result<ResultFile, String> {
        Ok(self.cases.into_file())
    }
}

fn log_entry(attributes: &Attributes, is_verification: bool) -> SquishElement {
    SquishElement::LogEntry(Box::new(LogEntryBuilder::read(attributes, is_verification)))
}
