//! Reads the JUnit files of other tools: leniently where tools differ, strictly where a file could hide a failure.
//!
//! Suites nest, times may be missing or grouped. A file that breaks off, has a DOCTYPE or exceeds a bound is an error with
//! its line. Trouble outside any case becomes a case, and so does a count of failures that no case shows. A failure may be
//! written as a child element or as an attribute; words and elements that are not known count as errors. A passing case
//! without a name, or named after its file, is dropped: tools write it for a file that ran no test or was interrupted.

mod testcase;
mod vocabulary;

use self::vocabulary::{ChildElement, VerdictWord};
use super::{
    CaseCollector, ResultFile,
    bounded_text::{BoundedText, TextBudget, clip},
    case_builder::{CaseBuilder, Severity, TroubleBuilder},
    xml_stream::{Attributes, Dialect},
};

/// An open element.
#[derive(Debug)]
enum JunitElement {
    Suite(OpenSuite),
    Case(Box<CaseBuilder>),
    /// `failure`, `error`, `skipped` or a flaky one: text belongs to it.
    Trouble(TroubleBuilder),
    /// `system-out` or `system-err` of a case.
    Output(BoundedText),
    /// `properties` of a case, or one of them that names no file.
    Properties,
    /// A property of a case that names a file of it as its text.
    Attachment(BoundedText),
    /// Inside one of those that have a text: it is theirs.
    Inline,
    /// An element that means nothing to us but may contain something that does.
    Group,
    /// An element whose content is left out.
    Ignored,
}

#[derive(Debug)]
struct OpenSuite {
    /// Its name behind those of the suites it is in, as `outer / inner`; clipped, for every case in it is given it.
    path: String,
    /// It is the whole of several, a `testsuites`.
    whole: bool,
    claims_errors: bool,
    claims_failures: bool,
    /// A suite in it counts errors too, or a case shows one.
    accounts_for_errors: bool,
    /// A case in it, or something outside any case, shows a failure, an error or a failed try.
    shows_trouble: bool,
    /// Qt Test wrote it, which counts warnings as errors.
    is_qt: bool,
    is_qt_5: bool,
}

impl OpenSuite {
    fn new(name: &[u8], attributes: &Attributes, outer: &str) -> Self {
        let claims = |keys: [&str; 2]| {
            keys.iter().any(|key| {
                let count = attributes.get(key).trim();
                // A number that cannot be read may be one.
                let none = count.is_empty() || count.parse().is_ok_and(|count: f64| count <= 0.0);
                !none
            })
        };
        let whole = name == b"testsuites";
        let says_failed = matches!(
            testcase::worst_word(attributes),
            Some((VerdictWord::Failed, _))
        );
        Self {
            path: match attributes.get("name") {
                _ if whole => outer.to_owned(),
                "" => outer.to_owned(),
                name if outer.is_empty() => clip(name),
                name => clip(&format!("{outer} / {name}")),
            },
            whole,
            claims_errors: claims(["errors", "errored"]),
            claims_failures: claims(["failures", "failed"]) || says_failed,
            accounts_for_errors: false,
            shows_trouble: false,
            is_qt: false,
            is_qt_5: false,
        }
    }

    /// It counts failures or errors and shows none: a set-up, a build or a case that was never written. Counts larger than
    /// what is shown prove nothing, for tools count assertions, sub-tests and tries.
    fn hides_trouble(&self) -> bool {
        let claims = self.claims_failures || self.claims_errors && !self.is_qt;
        claims && !self.shows_trouble
            || self.whole && self.claims_errors && !self.accounts_for_errors
    }
}

/// Reads a file's elements one by one.
#[derive(Debug, Default)]
pub(super) struct JunitReader {
    open: Vec<JunitElement>,
    kept: CaseCollector,
    budget: TextBudget,
    is_junit: bool,
    /// A case stands in no suite, below a root that is none.
    is_foreign: bool,
    /// node-tap wrote it, which has a property in place of `skipped`.
    is_tap: bool,
}

impl Dialect for JunitReader {
    fn start(&mut self, name: &[u8], attributes: &Attributes) -> Result<(), String> {
        self.is_junit |= matches!(name, b"testsuites" | b"testsuite" | b"testcase");
        self.is_tap |= name == b"testsuites" && attributes.get("name") == "TAP Tests";
        if name == b"property" {
            self.property(attributes);
        }
        let frame = match (self.open.last(), name) {
            (Some(JunitElement::Ignored), _) => JunitElement::Ignored,
            (
                Some(
                    JunitElement::Trouble(_)
                    | JunitElement::Output(_)
                    | JunitElement::Attachment(_)
                    | JunitElement::Inline,
                ),
                _,
            ) => JunitElement::Inline,
            (_, b"testcase") => {
                self.is_foreign |= !self.open.is_empty() && self.suites().next().is_none();
                let mut case = testcase::case(attributes);
                // Qt 5 gives every case a result but those that skip themselves.
                if self.suites().any(|suite| suite.is_qt_5) && attributes.get("result").is_empty() {
                    case.said = Some(testcase::skip(""));
                }
                JunitElement::Case(Box::new(case))
            }
            (Some(JunitElement::Case(_)), b"system-out" | b"system-err") => {
                JunitElement::Output(BoundedText::default())
            }
            (Some(JunitElement::Case(_) | JunitElement::Properties), b"property")
                if testcase::names_attachment(attributes) =>
            {
                match attributes.get("value") {
                    "" => JunitElement::Attachment(BoundedText::default()),
                    path => {
                        self.attach(path);
                        JunitElement::Properties
                    }
                }
            }
            (
                Some(JunitElement::Case(_) | JunitElement::Properties),
                b"properties" | b"property",
            ) => JunitElement::Properties,
            (_, b"system-out" | b"system-err" | b"properties")
            | (Some(JunitElement::Properties), _) => JunitElement::Ignored,
            (Some(JunitElement::Case(_)), b"rerunFailure" | b"rerunError") => {
                if let Some(JunitElement::Case(case)) = self.open.last_mut() {
                    case.has_failed_try = true;
                }
                JunitElement::Ignored
            }
            // What a case holds may fail too.
            (Some(JunitElement::Case(_)), b"testsuite" | b"testsuites") => {
                JunitElement::Suite(OpenSuite::new(name, attributes, self.suite_path()))
            }
            (Some(JunitElement::Case(_)), b"steps" | b"step" | b"reruns") => JunitElement::Group,
            (Some(JunitElement::Case(_)), name) => match testcase::severity(name) {
                Some(severity) => {
                    JunitElement::Trouble(testcase::trouble(name, severity, attributes))
                }
                None => JunitElement::Ignored,
            },
            (_, name)
                if matches!(
                    vocabulary::child(name),
                    ChildElement::Failure | ChildElement::Error
                ) =>
            {
                JunitElement::Trouble(testcase::trouble(name, Severity::Error, attributes))
            }
            (_, b"testsuite" | b"testsuites") => {
                JunitElement::Suite(OpenSuite::new(name, attributes, self.suite_path()))
            }
            _ => JunitElement::Group,
        };
        let accounts_for_errors = match &frame {
            JunitElement::Suite(suite) => suite.claims_errors,
            _ => name == b"error",
        };
        if accounts_for_errors {
            self.suites()
                .for_each(|suite| suite.accounts_for_errors = true);
        }
        self.open.push(frame);
        Ok(())
    }

    fn text(&mut self) -> Option<&mut BoundedText> {
        let owner = self
            .open
            .iter_mut()
            .rev()
            .find(|frame| !matches!(frame, JunitElement::Inline));
        match owner {
            Some(JunitElement::Trouble(trouble)) => Some(&mut trouble.text),
            Some(JunitElement::Output(text) | JunitElement::Attachment(text)) => Some(text),
            _ => None,
        }
    }

    fn end(&mut self) {
        if let Some(JunitElement::Suite(suite)) = self.open.last()
            && suite.hides_trouble()
        {
            self.outside_any_case(TroubleBuilder::error(
                "the suite counts errors or failures that it does not list",
            ));
        }
        match self.open.pop() {
            Some(JunitElement::Trouble(trouble)) => {
                if let Some(JunitElement::Case(case)) = self.open.last_mut() {
                    case.trouble(trouble);
                } else {
                    self.outside_any_case(trouble);
                }
            }
            Some(JunitElement::Output(output)) => {
                if let Some(JunitElement::Case(case)) = self.open.last_mut() {
                    case.output(&output.into_string());
                }
            }
            Some(JunitElement::Attachment(path)) => {
                self.attach(&path.into_string());
            }
            Some(JunitElement::Case(mut case)) => {
                case.settle();
                if case.shows_trouble() {
                    self.suites().for_each(|suite| suite.shows_trouble = true);
                }
                if !testcase::proves_nothing(&case) {
                    let suite = self.suite_path().to_owned();
                    let case = case.finish(&suite, &mut self.budget);
                    self.kept.push(case);
                }
            }
            Some(
                JunitElement::Suite(_)
                | JunitElement::Properties
                | JunitElement::Inline
                | JunitElement::Group
                | JunitElement::Ignored,
            )
            | None => {}
        }
    }

    fn inside(&self) -> &'static str {
        let is_case = |frame: &JunitElement| matches!(frame, JunitElement::Case(_));
        if self.open.iter().any(is_case) {
            "a test case"
        } else {
            "a suite"
        }
    }

    fn finish(self: Box<Self>, root: &str) -> Result<ResultFile, String> {
        let why = match (self.is_junit, self.is_foreign) {
            (false, _) => "it has no test case",
            (true, true) => "its test cases stand in no <testsuite>",
            (true, false) => return Ok(self.kept.into_file()),
        };
        Err(format!("this is not JUnit: its root is <{root}> and {why}"))
    }
}

impl JunitReader {
    fn outside_any_case(&mut self, trouble: TroubleBuilder) {
        let suite = self.suite_path().to_owned();
        let case = trouble.outside_any_case(&suite, &mut self.budget);
        self.suites().for_each(|suite| suite.shows_trouble = true);
        self.kept.push(case);
    }

    /// A property that says something of the suites or the case that it is in.
    fn property(&mut self, attributes: &Attributes) {
        let is_tap = self.is_tap;
        match (attributes.get("name"), self.open_case()) {
            ("QTestVersion", _) => {
                let is_qt_5 = attributes.get("value").starts_with("5.");
                self.suites().for_each(|suite| {
                    suite.is_qt = true;
                    suite.is_qt_5 = is_qt_5;
                });
            }
            (name @ ("skip" | "todo"), Some(case)) if is_tap && case.said.is_none() => {
                let why = format!("{name}: {}", attributes.get("value"));
                case.said = Some(testcase::skip(why.trim_end_matches([':', ' '])));
            }
            _ => {}
        }
    }

    fn open_case(&mut self) -> Option<&mut CaseBuilder> {
        self.open.iter_mut().rev().find_map(|frame| match frame {
            JunitElement::Case(case) => Some(&mut **case),
            _ => None,
        })
    }

    /// Adds an attachment to the open case.
    fn attach(&mut self, path: &str) {
        if let Some(case) = self.open_case() {
            case.attachment_or_output(path);
        }
    }

    fn suites(&mut self) -> impl Iterator<Item = &mut OpenSuite> {
        self.open.iter_mut().filter_map(|frame| match frame {
            JunitElement::Suite(suite) => Some(suite),
            _ => None,
        })
    }

    /// The path of the innermost open suite.
    fn suite_path(&self) -> &str {
        let suites = self.open.iter().rev().find_map(|frame| match frame {
            JunitElement::Suite(suite) => Some(suite.path.as_str()),
            _ => None,
        });
        suites.unwrap_or_default()
    }
}
