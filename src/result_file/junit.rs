//! Reads the JUnit files of other tools: leniently where tools differ, strictly where a file could hide a failure.
//!
//! Suites nest, times may be missing or grouped. A file that breaks off, has a DOCTYPE or exceeds a bound is an error with
//! its line. Trouble outside any case becomes a case, and so does a count of failures that no case shows. A failure may be
//! written as a child element or as an attribute; words and elements that are not known count as errors. A passing case
//! without a name, or named after its file, is dropped: tools write it for a file that ran no test or was interrupted.

mod case;
mod words;

use self::words::{Child, Word};
use super::{
    Kept, ResultFile,
    case::{CaseBuilder, Severity, TroubleBuilder},
    stream::{Attributes, Dialect},
    text::{Budget, Clipped, clip},
};

/// An open element.
#[derive(Debug)]
enum Frame {
    Suite(Suite),
    Case(Box<CaseBuilder>),
    /// `failure`, `error`, `skipped` or a flaky one: text belongs to it.
    Trouble(TroubleBuilder),
    /// `system-out` or `system-err` of a case.
    Output(Clipped),
    /// `properties` of a case, or one of them that names no file.
    Properties,
    /// A property of a case that names a file of it as its text.
    Attachment(Clipped),
    /// Inside one of those that have a text: it is theirs.
    Inline,
    /// An element that means nothing to us but may contain something that does.
    Group,
    /// An element whose content is left out.
    Ignored,
}

#[derive(Debug)]
struct Suite {
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

impl Suite {
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
        let says_failed = matches!(case::worst_word(attributes), Some((Word::Failed, _)));
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
pub(super) struct Parser {
    open: Vec<Frame>,
    kept: Kept,
    budget: Budget,
    is_junit: bool,
    /// A case stands in no suite, below a root that is none.
    is_foreign: bool,
    /// node-tap wrote it, which has a property in place of `skipped`.
    is_tap: bool,
}

impl Dialect for Parser {
    fn start(&mut self, name: &[u8], attributes: &Attributes) -> Result<(), String> {
        self.is_junit |= matches!(name, b"testsuites" | b"testsuite" | b"testcase");
        self.is_tap |= name == b"testsuites" && attributes.get("name") == "TAP Tests";
        if name == b"property" {
            self.property(attributes);
        }
        let frame = match (self.open.last(), name) {
            (Some(Frame::Ignored), _) => Frame::Ignored,
            (
                Some(Frame::Trouble(_) | Frame::Output(_) | Frame::Attachment(_) | Frame::Inline),
                _,
            ) => Frame::Inline,
            (_, b"testcase") => {
                self.is_foreign |= !self.open.is_empty() && self.suites().next().is_none();
                let mut case = case::case(attributes);
                // Qt 5 gives every case a result but those that skip themselves.
                if self.suites().any(|suite| suite.is_qt_5) && attributes.get("result").is_empty() {
                    case.said = Some(case::skip(""));
                }
                Frame::Case(Box::new(case))
            }
            (Some(Frame::Case(_)), b"system-out" | b"system-err") => {
                Frame::Output(Clipped::default())
            }
            (Some(Frame::Case(_) | Frame::Properties), b"property")
                if case::names_attachment(attributes) =>
            {
                match attributes.get("value") {
                    "" => Frame::Attachment(Clipped::default()),
                    path => {
                        self.attach(path);
                        Frame::Properties
                    }
                }
            }
            (Some(Frame::Case(_) | Frame::Properties), b"properties" | b"property") => {
                Frame::Properties
            }
            (_, b"system-out" | b"system-err" | b"properties") | (Some(Frame::Properties), _) => {
                Frame::Ignored
            }
            (Some(Frame::Case(_)), b"rerunFailure" | b"rerunError") => {
                if let Some(Frame::Case(case)) = self.open.last_mut() {
                    case.has_failed_try = true;
                }
                Frame::Ignored
            }
            // What a case holds may fail too.
            (Some(Frame::Case(_)), b"testsuite" | b"testsuites") => {
                Frame::Suite(Suite::new(name, attributes, self.suite_path()))
            }
            (Some(Frame::Case(_)), b"steps" | b"step" | b"reruns") => Frame::Group,
            (Some(Frame::Case(_)), name) => match case::severity(name) {
                Some(severity) => Frame::Trouble(case::trouble(name, severity, attributes)),
                None => Frame::Ignored,
            },
            (_, name) if matches!(words::child(name), Child::Failure | Child::Error) => {
                Frame::Trouble(case::trouble(name, Severity::Error, attributes))
            }
            (_, b"testsuite" | b"testsuites") => {
                Frame::Suite(Suite::new(name, attributes, self.suite_path()))
            }
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

    fn text(&mut self) -> Option<&mut Clipped> {
        let owner = self
            .open
            .iter_mut()
            .rev()
            .find(|frame| !matches!(frame, Frame::Inline));
        match owner {
            Some(Frame::Trouble(trouble)) => Some(&mut trouble.text),
            Some(Frame::Output(text) | Frame::Attachment(text)) => Some(text),
            _ => None,
        }
    }

    fn end(&mut self) {
        if let Some(Frame::Suite(suite)) = self.open.last()
            && suite.hides_trouble()
        {
            self.outside_any_case(TroubleBuilder::error(
                "the suite counts errors or failures that it does not list",
            ));
        }
        match self.open.pop() {
            Some(Frame::Trouble(trouble)) => {
                if let Some(Frame::Case(case)) = self.open.last_mut() {
                    case.trouble(trouble);
                } else {
                    self.outside_any_case(trouble);
                }
            }
            Some(Frame::Output(output)) => {
                if let Some(Frame::Case(case)) = self.open.last_mut() {
                    case.output(&output.into_string());
                }
            }
            Some(Frame::Attachment(path)) => {
                self.attach(&path.into_string());
            }
            Some(Frame::Case(mut case)) => {
                case.settle();
                if case.shows_trouble() {
                    self.suites().for_each(|suite| suite.shows_trouble = true);
                }
                if !case::proves_nothing(&case) {
                    let suite = self.suite_path().to_owned();
                    let case = case.finish(&suite, &mut self.budget);
                    self.kept.push(case);
                }
            }
            Some(
                Frame::Suite(_) | Frame::Properties | Frame::Inline | Frame::Group | Frame::Ignored,
            )
            | None => {}
        }
    }

    fn inside(&self) -> &'static str {
        let is_case = |frame: &Frame| matches!(frame, Frame::Case(_));
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

impl Parser {
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
                case.said = Some(case::skip(why.trim_end_matches([':', ' '])));
            }
            _ => {}
        }
    }

    fn open_case(&mut self) -> Option<&mut CaseBuilder> {
        self.open.iter_mut().rev().find_map(|frame| match frame {
            Frame::Case(case) => Some(&mut **case),
            _ => None,
        })
    }

    /// Adds an attachment to the open case.
    fn attach(&mut self, path: &str) {
        if let Some(case) = self.open_case() {
            case.attachment_or_output(path);
        }
    }

    fn suites(&mut self) -> impl Iterator<Item = &mut Suite> {
        self.open.iter_mut().filter_map(|frame| match frame {
            Frame::Suite(suite) => Some(suite),
            _ => None,
        })
    }

    /// The path of the innermost open suite.
    fn suite_path(&self) -> &str {
        let suites = self.open.iter().rev().find_map(|frame| match frame {
            Frame::Suite(suite) => Some(suite.path.as_str()),
            _ => None,
        });
        suites.unwrap_or_default()
    }
}
