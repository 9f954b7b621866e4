//! Reads the detailed report of Boost.Test in XML. It has the verdict of each test that ran in the tool's words, where its
//! JUnit file shows expected failures as failures, changes names, and lists all tests that were not selected.

use super::{
    ResultFile,
    bounded_text::{BoundedText, clip},
    case_builder::{CaseBuilder, Severity, TroubleBuilder},
    file_cases::FileCases,
    xml_stream::{Attributes, Dialect},
};

/// The root element.
pub(super) const ROOT: &[u8] = b"TestResult";

/// The class name of tests in no suite.
const TOOL: &str = "boost-test";

/// Reads the elements of a report.
#[derive(Debug, Default)]
pub(super) struct BoostReader {
    /// For each open element, its name if it is a suite.
    open: Vec<Option<String>>,
    cases: FileCases,
}

impl Dialect for BoostReader {
    fn start(&mut self, name: &[u8], attributes: &Attributes) -> Result<bool, String> {
        let mut suite = None;
        match name {
            b"TestSuite" => suite = Some(attributes.get_clipped("name")),
            b"TestCase" => self.add(attributes),
            _ => {}
        }
        self.open.push(suite);
        Ok(true)
    }

    fn text(&mut self) -> Option<&mut BoundedText> {
        None
    }

    fn end(&mut self) {
        self.open.pop();
    }

    fn is_in_case(&self) -> bool {
        false
    }

    fn finish(self: Box<Self>, _: &str) -> Result<ResultFile, String> {
        Ok(self.cases.into_file())
    }
}

impl BoostReader {
    fn add(&mut self, attributes: &Attributes) {
        let mut case = CaseBuilder::default();
        case.name = attributes.get_clipped("name");
        let count = |name: &str| attributes.get_number::<u64>(name).unwrap_or(0);
        let failed = count("assertions_failed");
        let (severity, message) = match attributes.get("result") {
            "passed" => (None, String::new()),
            "skipped" => (Some(Severity::Skipped), String::new()),
            result @ ("failed" | "aborted") => {
                let assertions = if failed == 1 {
                    "assertion"
                } else {
                    "assertions"
                };
                (
                    Some(Severity::Failed),
                    format!("{result}: {failed} {assertions} failed, see the output"),
                )
            }
            result => (Some(Severity::Error), clip(result)),
        };
        if let Some(severity) = severity {
            case.add_trouble(TroubleBuilder {
                severity,
                ..TroubleBuilder::error(&message)
            });
        }
        // The first suite is the program.
        let suites: Vec<&str> = self
            .open
            .iter()
            .flatten()
            .skip(1)
            .map(String::as_str)
            .collect();
        let suite = suites.join("/");
        self.cases
            .add(case, if suite.is_empty() { TOOL } else { &suite });
    }
}
