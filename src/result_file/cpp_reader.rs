//! Reads the XML of Catch2 and doctest, which has what their JUnit files lack: the verdict of each test in the tool's own
//! words, also of tests with sections, without assertions, or with failures that are expected.
//!
//! A test without that verdict, in which its process ended, is an error.

mod cpp_case;

use self::cpp_case::CppCase;
use super::{
    ResultFile,
    bounded_text::BoundedText,
    case_builder::{Severity, TroubleBuilder},
    file_cases::FileCases,
    xml_stream::{Attributes, Dialect},
};

/// Root elements: of Catch2 2 and 3, and of doctest.
pub(super) const ROOTS: [&[u8]; 3] = [b"Catch", b"Catch2TestRun", b"doctest"];

/// An open element.
#[derive(Debug)]
enum CppElement {
    /// A group of tests, with its name.
    Suite(String),
    Case(Box<CppCase>),
    /// `Section` or `SubCase`, with its name.
    Section(String),
    /// A failed assertion or an exception.
    Trouble(TroubleBuilder),
    /// A piece of the trouble around it, after these words.
    Piece(&'static str, BoundedText),
    /// Why the case skips itself.
    Skip(BoundedText),
    /// What a case prints or notes.
    Output(BoundedText),
    Ignored,
}

/// Reads the elements of a file.
#[derive(Debug)]
pub(super) struct CppReader {
    /// The class name of tests in no suite.
    tool: &'static str,
    open: Vec<CppElement>,
    cases: FileCases,
    shows_failure: bool,
    /// The file counts tests that failed.
    claims_failure: bool,
}

impl Dialect for CppReader {
    fn start(&mut self, name: &[u8], attributes: &Attributes) -> Result<bool, String> {
        let element = self.element(name, attributes);
        self.open.push(element);
        Ok(true)
    }

    fn text(&mut self) -> Option<&mut BoundedText> {
        match self.open.last_mut()? {
            CppElement::Trouble(trouble) => Some(&mut trouble.text),
            CppElement::Piece(_, text) | CppElement::Skip(text) | CppElement::Output(text) => {
                Some(text)
            }
            _ => None,
        }
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(CppElement::Piece(words, text)) => {
                if let Some(CppElement::Trouble(trouble)) = self.open.last_mut() {
                    let text = text.into_string();
                    trouble.text.line(&format!("{words}{}", text.trim()));
                }
            }
            Some(CppElement::Trouble(trouble)) => self.add_trouble(trouble),
            Some(CppElement::Skip(text)) => {
                if let Some(case) = self.case() {
                    case.skip(&text.into_string());
                }
            }
            Some(CppElement::Output(text)) => {
                if let Some(case) = self.case() {
                    case.builder.add_output(text.into_string().trim());
                }
            }
            Some(CppElement::Case(case)) => {
                let Some(case) = case.finish() else { return };
                self.shows_failure |= case.worst >= Some(Severity::UnexpectedPass);
                let suite = self.open.iter().rev().find_map(|element| match element {
                    CppElement::Suite(name) if !name.is_empty() => Some(name.as_str()),
                    _ => None,
                });
                self.cases.add(case, suite.unwrap_or(self.tool));
            }
            _ => {}
        }
    }

    fn is_in_case(&self) -> bool {
        let is_case = |element: &CppElement| matches!(element, CppElement::Case(_));
        self.open.iter().any(is_case)
    }

    fn finish(mut self: Box<Self>, _: &str) -> Result<ResultFile, String> {
        if self.claims_failure && !self.shows_failure {
            let trouble = TroubleBuilder::error("the file counts failures that it does not list");
            self.cases.add_outside(trouble, self.tool);
        }
        Ok(self.cases.into_file())
    }
}

impl CppReader {
    pub(super) fn new(root: &[u8]) -> Self {
        Self {
            tool: if root == b"doctest" {
                "doctest"
            } else {
                "catch2"
            },
            open: Vec::new(),
            cases: FileCases::default(),
            shows_failure: false,
            claims_failure: false,
        }
    }

    fn element(&mut self, name: &[u8], attributes: &Attributes) -> CppElement {
        let is_in_case = self.is_in_case();
        match (self.open.last(), name) {
            (Some(CppElement::Trouble(_)), b"Original" | b"Text") => {
                CppElement::Piece("", BoundedText::default())
            }
            (Some(CppElement::Trouble(_)), b"Expanded") => {
                CppElement::Piece("is  ", BoundedText::default())
            }
            (Some(CppElement::Trouble(_)), _) => {
                CppElement::Piece("threw  ", BoundedText::default())
            }
            (Some(CppElement::Output(_) | CppElement::Skip(_)), _) => CppElement::Ignored,
            (_, b"TestSuite") => CppElement::Suite(attributes.get_clipped("name")),
            (_, b"TestCase") if !is_in_case => CppElement::Case(Box::new(CppCase::new(attributes))),
            (_, b"OverallResultsCases" | b"OverallResultsTestCases") => {
                let count: Option<u64> = attributes.get_number("failures");
                self.claims_failure |= count != Some(0);
                CppElement::Ignored
            }
            _ if is_in_case => self.element_of_case(name, attributes),
            _ => CppElement::Ignored,
        }
    }

    fn element_of_case(&mut self, name: &[u8], attributes: &Attributes) -> CppElement {
        let place = || format!("{}:{}", attributes.get("filename"), attributes.get("line"));
        let trouble = |severity, kind: &str| {
            CppElement::Trouble(TroubleBuilder {
                severity,
                kind: kind.to_owned(),
                ..TroubleBuilder::error(&place())
            })
        };
        let kind = attributes.get_clipped("type");
        match name {
            b"Section" | b"SubCase" => CppElement::Section(attributes.get_clipped("name")),
            // What is only reported is no failure.
            b"Expression" if kind == "WARN" || kind.ends_with("NOFAIL") => CppElement::Ignored,
            b"Expression" if attributes.get("success") == "true" => CppElement::Ignored,
            b"Failure" => trouble(Severity::Failed, "FAIL"),
            b"Message" if kind == "WARNING" => CppElement::Output(BoundedText::default()),
            b"Expression" | b"Message" => trouble(Severity::Failed, &kind),
            b"Exception" | b"FatalErrorCondition" => trouble(Severity::Error, "exception"),
            b"Skip" => CppElement::Skip(BoundedText::default()),
            b"Info" | b"Warning" | b"StdOut" | b"StdErr" | b"Text" => {
                CppElement::Output(BoundedText::default())
            }
            b"OverallResult" | b"OverallResultsAsserts" => {
                if let Some(case) = self.case() {
                    case.end_with(attributes);
                }
                CppElement::Section(String::new())
            }
            _ => CppElement::Ignored,
        }
    }

    /// Adds trouble to the open case, with the sections it is in.
    fn add_trouble(&mut self, mut trouble: TroubleBuilder) {
        let names = self.open.iter().filter_map(|element| match element {
            CppElement::Section(name) => Some(name.as_str()),
            _ => None,
        });
        let sections: Vec<&str> = names.collect();
        let text = trouble.text.into_string();
        let text = text.trim();
        let place = std::mem::take(&mut trouble.message);
        trouble.text = BoundedText::default();
        if !sections.is_empty() {
            trouble.text.push(&format!("in {}\n", sections.join(" > ")));
        }
        trouble.text.push(&format!("{place}\n{text}"));
        let expression = text.lines().next().unwrap_or_default();
        trouble.set_message(&match trouble.kind.as_str() {
            "exception" => expression.to_owned(),
            kind => format!("{kind}( {expression} )"),
        });
        if let Some(case) = self.case() {
            case.add(trouble);
        }
    }

    fn case(&mut self) -> Option<&mut CppCase> {
        let mut open = self.open.iter_mut().rev();
        open.find_map(|element| match element {
            CppElement::Case(case) => Some(&mut **case),
            _ => None,
        })
    }
}
