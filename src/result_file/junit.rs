//! Reads the JUnit files of other tools: leniently where tools differ, strictly where a file could hide a failure.
//!
//! Any root will do, suites nest, times may be missing or grouped, counts are never trusted. A file that breaks off,
//! has a DOCTYPE or exceeds a bound is an error with its line. What is wrong outside any case becomes a case.

mod case;

use super::{
    Kept,
    case::{CaseBuilder, Severity, TroubleBuilder},
    stream::{Attributes, Dialect},
    text::{Budget, Clipped, clip},
};
use crate::model::CaseResult;

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
    /// Its name behind those of the suites it is in, as `outer / inner`; clipped, for every case in it is given it.
    path: String,
    cases: usize,
    /// It is the whole of several, a `testsuites`.
    whole: bool,
    claims_errors: bool,
    claims_failures: bool,
    /// A suite in it counts errors too, or a case shows one.
    accounts_for_errors: bool,
}

impl Suite {
    fn new(name: &[u8], attributes: &Attributes, outer: &str) -> Self {
        let claims = |count| {
            let count = attributes.get(count).trim().parse();
            count.is_ok_and(|count: u64| count > 0)
        };
        let whole = name == b"testsuites";
        Self {
            path: match attributes.get("name") {
                _ if whole => outer.to_owned(),
                "" => outer.to_owned(),
                name if outer.is_empty() => clip(name),
                name => clip(&format!("{outer} / {name}")),
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

/// Reads a file's elements one by one.
#[derive(Debug, Default)]
pub(super) struct Parser {
    open: Vec<Frame>,
    kept: Kept,
    budget: Budget,
    is_junit: bool,
}

impl Dialect for Parser {
    fn start(&mut self, name: &[u8], attributes: &Attributes) -> Result<(), String> {
        self.is_junit |= matches!(name, b"testsuites" | b"testsuite" | b"testcase");
        let frame = match (self.open.last(), name) {
            (Some(Frame::Ignored), _) => Frame::Ignored,
            (Some(Frame::Trouble(_) | Frame::Output(_) | Frame::Inline), _) => Frame::Inline,
            (_, b"testcase") => Frame::Case(Box::new(case::case(attributes))),
            (Some(Frame::Case(_)), b"system-out" | b"system-err") => {
                Frame::Output(Clipped::default())
            }
            (_, b"system-out" | b"system-err" | b"properties") => Frame::Ignored,
            (Some(Frame::Case(_)), name) => match case::severity(name) {
                Some(severity) => Frame::Trouble(case::trouble(severity, attributes)),
                None => Frame::Ignored,
            },
            (_, b"failure" | b"error") => {
                Frame::Trouble(case::trouble(Severity::Error, attributes))
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
            Some(Frame::Output(output)) => Some(output),
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
            Some(Frame::Case(case)) => {
                let suite = self.suite_path().to_owned();
                let case = case.finish(&suite, &mut self.budget);
                self.keep(case);
            }
            Some(Frame::Suite(_) | Frame::Inline | Frame::Group | Frame::Ignored) | None => {}
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

    fn finish(self: Box<Self>, root: &str) -> Result<Vec<CaseResult>, String> {
        if !self.is_junit {
            return Err(format!(
                "this is not JUnit: its root is <{root}> and it has no test case"
            ));
        }
        Ok(self.kept.into_cases())
    }
}

impl Parser {
    fn outside_any_case(&mut self, trouble: TroubleBuilder) {
        let suite = self.suite_path().to_owned();
        let case = trouble.outside_any_case(&suite, &mut self.budget);
        self.keep(case);
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

    /// The path of the innermost open suite.
    fn suite_path(&self) -> &str {
        let suites = self.open.iter().rev().find_map(|frame| match frame {
            Frame::Suite(suite) => Some(suite.path.as_str()),
            _ => None,
        });
        suites.unwrap_or_default()
    }
}
