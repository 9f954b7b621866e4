//! Reads the JUnit files of other tools: lenient where tools differ, strict where a file could hide a failure.
//!
//! - Suites nest; times may be missing or have separators.
//! - A file that ends early, has a DOCTYPE or exceeds a limit is an error with its line.
//! - Trouble outside any case becomes a case, and so does a count of failures that no case shows.
//! - A failure is a child element or an attribute. Unknown words and elements count as errors.
//! - A passing case without a name, or named after its file, is dropped: tools write it for a file that ran no test or was
//!   interrupted.

mod testcase;
mod vocabulary;

use self::vocabulary::{ChildElement, StatusWord};
use super::{
    ResultFile,
    bounded_text::{BoundedText, clip},
    case_builder::{CaseBuilder, Severity, TroubleBuilder},
    file_cases::FileCases,
    xml_stream::{Attributes, Dialect},
};

/// An open element.
#[derive(Debug)]
enum JunitElement {
    Suite(OpenSuite),
    Case(Box<CaseBuilder>),
    /// `failure`, `error`, `skipped` or a flaky one.
    Trouble(TroubleBuilder),
    /// `system-out` or `system-err` of a case.
    Output(BoundedText),
    /// `properties` of a case, or one of them that names no file.
    Properties,
    /// A property of a case whose text is the path of a file.
    Attachment(BoundedText),
    /// Has no meaning but may contain elements that have one.
    Group,
    /// Its content is skipped.
    Ignored,
}

#[derive(Debug)]
struct OpenSuite {
    /// `outer / inner`. Clipped, because every case in it is given it.
    path: String,
    /// A `testsuites`, which counts what its suites count.
    has_suites: bool,
    claims_errors: bool,
    claims_failures: bool,
    /// A suite in it counts errors too, or a case shows one.
    accounts_for_errors: bool,
    /// A case in it, or trouble outside any case, shows a failure, an error or a failed try.
    shows_trouble: bool,
    /// Written by Qt Test, which counts warnings as errors.
    is_qt: bool,
    is_qt_5: bool,
}

impl OpenSuite {
    fn new(name: &[u8], attributes: &Attributes, outer: &str) -> Self {
        let claims = |keys: [&str; 2]| {
            keys.iter().any(|key| {
                let count = attributes.get(key).trim();
                // A number that cannot be read may be a count.
                let none = count.is_empty() || count.parse().is_ok_and(|count: f64| count <= 0.0);
                !none
            })
        };
        let has_suites = name == b"testsuites";
        let says_failed = matches!(
            testcase::worst_word(attributes),
            Some((StatusWord::Failed, _))
        );
        Self {
            path: match attributes.get("name") {
                _ if has_suites => outer.to_owned(),
                "" => outer.to_owned(),
                name if outer.is_empty() => clip(name),
                name => clip(&format!("{outer} / {name}")),
            },
            has_suites,
            claims_errors: claims(["errors", "errored"]),
            claims_failures: claims(["failures", "failed"]) || says_failed,
            accounts_for_errors: false,
            shows_trouble: false,
            is_qt: false,
            is_qt_5: false,
        }
    }

    /// Whether it counts failures or errors but shows none: of a set-up, a build or a case that was never written. A count
    /// larger than the number of failures shown proves nothing: tools count assertions, sub-tests and tries.
    fn hides_trouble(&self) -> bool {
        let claims = self.claims_failures || self.claims_errors && !self.is_qt;
        claims && !self.shows_trouble
            || self.has_suites && self.claims_errors && !self.accounts_for_errors
    }
}

/// Reads the elements of a JUnit file.
#[derive(Debug, Default)]
pub(super) struct JunitReader {
    open: Vec<JunitElement>,
    cases: FileCases,
    is_junit: bool,
    /// A case is below a root that is no suite.
    is_foreign: bool,
    /// Written by node-tap, which has a property instead of `skipped`.
    is_tap: bool,
}

impl Dialect for JunitReader {
    fn start(&mut self, name: &[u8], attributes: &Attributes) -> Result<bool, String> {
        self.is_junit |= matches!(name, b"testsuites" | b"testsuite" | b"testcase");
        self.is_tap |= name == b"testsuites" && attributes.get("name") == "TAP Tests";
        if name == b"property" {
            self.apply_property(attributes);
        }
        let element = self.element(name, attributes);
        let accounts_for_errors = match &element {
            Some(JunitElement::Suite(suite)) => suite.claims_errors,
            _ => name == b"error",
        };
        if accounts_for_errors {
            self.suites()
                .for_each(|suite| suite.accounts_for_errors = true);
        }
        let opens = element.is_some();
        self.open.extend(element);
        Ok(opens)
    }

    fn text(&mut self) -> Option<&mut BoundedText> {
        match self.open.last_mut()? {
            JunitElement::Trouble(trouble) => Some(&mut trouble.text),
            JunitElement::Output(text) | JunitElement::Attachment(text) => Some(text),
            _ => None,
        }
    }

    fn end(&mut self) {
        if let Some(JunitElement::Suite(suite)) = self.open.last()
            && suite.hides_trouble()
        {
            self.add_outside(TroubleBuilder::error(
                "the suite counts errors or failures that it does not list",
            ));
        }
        match self.open.pop() {
            Some(JunitElement::Trouble(trouble)) => match self.open.last_mut() {
                Some(JunitElement::Case(case)) => {
                    case.add_trouble(trouble);
                }
                _ => self.add_outside(trouble),
            },
            Some(JunitElement::Output(output)) => {
                if let Some(case) = self.case() {
                    case.add_output(&output.into_string());
                }
            }
            Some(JunitElement::Attachment(path)) => self.add_attachment(&path.into_string()),
            Some(JunitElement::Case(mut case)) => {
                case.end_children();
                if case.shows_trouble() {
                    self.suites().for_each(|suite| suite.shows_trouble = true);
                }
                if !testcase::proves_nothing(&case) {
                    self.cases.add(*case, suite_path(&self.open));
                }
            }
            _ => {}
        }
    }

    fn is_in_case(&self) -> bool {
        let is_case = |element: &JunitElement| matches!(element, JunitElement::Case(_));
        self.open.iter().any(is_case)
    }

    fn finish(self: Box<Self>, root: &str) -> Result<ResultFile, String> {
        let why = match (self.is_junit, self.is_foreign) {
            (false, _) => "it has no test case",
            (true, true) => "its test cases stand in no <testsuite>",
            (true, false) => return Ok(self.cases.into_file()),
        };
        Err(format!("this is not JUnit: its root is <{root}> and {why}"))
    }
}

impl JunitReader {
    /// The element that begins. `None` if it belongs to the innermost open one.
    fn element(&mut self, name: &[u8], attributes: &Attributes) -> Option<JunitElement> {
        let is_property = matches!(name, b"property" | b"properties");
        Some(match self.open.last() {
            Some(
                JunitElement::Ignored
                | JunitElement::Trouble(_)
                | JunitElement::Output(_)
                | JunitElement::Attachment(_),
            ) => return None,
            _ if name == b"testcase" => self.test_case(attributes),
            Some(JunitElement::Case(_) | JunitElement::Properties) if is_property => {
                self.property_of_case(name, attributes)
            }
            Some(JunitElement::Properties) => JunitElement::Ignored,
            Some(JunitElement::Case(_)) => self.child_of_case(name, attributes),
            Some(JunitElement::Suite(_) | JunitElement::Group) | None => match name {
                b"system-out" | b"system-err" | b"properties" => JunitElement::Ignored,
                b"testsuite" | b"testsuites" => self.suite(name, attributes),
                _ => match vocabulary::child_element(name) {
                    ChildElement::Failure | ChildElement::Error => {
                        JunitElement::Trouble(testcase::trouble(name, Severity::Error, attributes))
                    }
                    _ => JunitElement::Group,
                },
            },
        })
    }

    fn suite(&self, name: &[u8], attributes: &Attributes) -> JunitElement {
        JunitElement::Suite(OpenSuite::new(name, attributes, suite_path(&self.open)))
    }

    fn test_case(&mut self, attributes: &Attributes) -> JunitElement {
        self.is_foreign |= !self.open.is_empty() && self.suites().next().is_none();
        let mut case = testcase::case(attributes);
        // Qt 5 writes a result for every case except those that skip themselves.
        if self.suites().any(|suite| suite.is_qt_5) && attributes.get("result").is_empty() {
            case.by_attribute = Some(testcase::skip(""));
        }
        JunitElement::Case(Box::new(case))
    }

    fn child_of_case(&mut self, name: &[u8], attributes: &Attributes) -> JunitElement {
        match name {
            b"system-out" | b"system-err" => JunitElement::Output(BoundedText::default()),
            b"rerunFailure" | b"rerunError" => {
                if let Some(case) = self.case() {
                    case.has_failed_try = true;
                }
                JunitElement::Ignored
            }
            // A suite in a case may fail too.
            b"testsuite" | b"testsuites" => self.suite(name, attributes),
            b"steps" | b"step" | b"reruns" => JunitElement::Group,
            _ => testcase::severity(name).map_or(JunitElement::Ignored, |severity| {
                JunitElement::Trouble(testcase::trouble(name, severity, attributes))
            }),
        }
    }

    fn property_of_case(&mut self, name: &[u8], attributes: &Attributes) -> JunitElement {
        if name == b"property" && testcase::names_attachment(attributes) {
            match attributes.get("value") {
                "" => return JunitElement::Attachment(BoundedText::default()),
                path => self.add_attachment(path),
            }
        }
        JunitElement::Properties
    }

    /// Applies a property that changes how suites or the open case are read.
    fn apply_property(&mut self, attributes: &Attributes) {
        let is_tap = self.is_tap;
        match (attributes.get("name"), self.case()) {
            ("QTestVersion", _) => {
                let is_qt_5 = attributes.get("value").starts_with("5.");
                self.suites().for_each(|suite| {
                    suite.is_qt = true;
                    suite.is_qt_5 = is_qt_5;
                });
            }
            (name @ ("skip" | "todo"), Some(case)) if is_tap && case.by_attribute.is_none() => {
                let why = format!("{name}: {}", attributes.get("value"));
                case.by_attribute = Some(testcase::skip(why.trim_end_matches([':', ' '])));
            }
            _ => {}
        }
    }

    fn add_outside(&mut self, trouble: TroubleBuilder) {
        self.suites().for_each(|suite| suite.shows_trouble = true);
        self.cases.add_outside(trouble, suite_path(&self.open));
    }

    fn add_attachment(&mut self, path: &str) {
        if let Some(case) = self.case() {
            case.add_attachment_or_note(path);
        }
    }

    /// The innermost open case.
    fn case(&mut self) -> Option<&mut CaseBuilder> {
        self.open
            .iter_mut()
            .rev()
            .find_map(|element| match element {
                JunitElement::Case(case) => Some(&mut **case),
                _ => None,
            })
    }

    fn suites(&mut self) -> impl Iterator<Item = &mut OpenSuite> {
        self.open.iter_mut().filter_map(|element| match element {
            JunitElement::Suite(suite) => Some(suite),
            _ => None,
        })
    }
}

/// The path of the innermost open suite.
fn suite_path(open: &[JunitElement]) -> &str {
    let path = open.iter().rev().find_map(|element| match element {
        JunitElement::Suite(suite) => Some(suite.path.as_str()),
        _ => None,
    });
    path.unwrap_or_default()
}
