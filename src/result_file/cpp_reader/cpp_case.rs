//! One test of Catch2 or doctest, until its element ends.

use crate::result_file::{
    bounded_text::clip,
    case_builder::{CaseBuilder, Severity, TroubleBuilder},
    xml_stream::Attributes,
};

/// Most troubles that are kept of a test.
const MOST_TROUBLES: usize = 100;

/// A test whose element is open.
#[derive(Debug)]
pub(super) struct CppCase {
    pub(super) builder: CaseBuilder,
    /// What went wrong; it counts only if the tool calls the test failed.
    troubles: Vec<TroubleBuilder>,
    /// How many were not kept.
    more: usize,
    skip: Option<String>,
    /// What the tool says of it.
    passed: Option<bool>,
    /// It was not run: doctest lists all tests that were not selected.
    is_unselected: bool,
    is_expected_to_fail: bool,
}

impl CppCase {
    pub(super) fn new(attributes: &Attributes) -> Self {
        let mut builder = CaseBuilder::default();
        builder.name = attributes.get_clipped("name");
        builder.line = attributes.get_number("line");
        let file = attributes.get_clipped("filename");
        builder.file = Some(file).filter(|file| !file.is_empty());
        Self {
            builder,
            troubles: Vec::new(),
            more: 0,
            skip: None,
            passed: None,
            is_unselected: attributes.get("skipped") == "true",
            is_expected_to_fail: attributes.get("should_fail") == "true"
                || attributes.get("tags").contains("[!shouldfail]"),
        }
    }

    pub(super) fn add(&mut self, trouble: TroubleBuilder) {
        if self.troubles.len() < MOST_TROUBLES {
            self.troubles.push(trouble);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn skip(&mut self, why: &str) {
        self.skip = Some(why.trim().to_owned());
    }

    /// Reads the element with the tool's verdict.
    pub(super) fn end_with(&mut self, attributes: &Attributes) {
        let verdict = match attributes.get("test_case_success") {
            "" => attributes.get("success"),
            verdict => verdict,
        };
        self.passed = Some(verdict == "true");
        let seconds: Option<f64> = match attributes.get("durationInSeconds") {
            "" => attributes.get_number("duration"),
            seconds => seconds.parse().ok(),
        };
        self.builder.duration_ms = seconds.and_then(milliseconds);
    }

    /// The case, unless the test was not run.
    pub(super) fn finish(self) -> Option<CaseBuilder> {
        let mut case = self.builder;
        match self.passed {
            Some(true) => {
                if let Some(why) = self.skip {
                    case.add_trouble(TroubleBuilder {
                        severity: Severity::Skipped,
                        ..TroubleBuilder::error(&clip(&why))
                    });
                }
            }
            None if self.is_unselected => return None,
            Some(false) if self.troubles.is_empty() => {
                let (severity, why) = if self.is_expected_to_fail {
                    (
                        Severity::UnexpectedPass,
                        "it passed, but is expected to fail",
                    )
                } else {
                    (Severity::Failed, "it failed without a failed assertion")
                };
                case.add_trouble(TroubleBuilder {
                    severity,
                    ..TroubleBuilder::error(why)
                });
            }
            Some(false) => self.troubles.into_iter().for_each(|trouble| {
                case.add_trouble(trouble);
            }),
            None => {
                case.add_trouble(TroubleBuilder::error("its result is missing"));
            }
        }
        if self.more > 0 {
            case.add_output_line(&format!(
                "testplan: {} more failures are left out",
                self.more
            ));
        }
        Some(case)
    }
}

fn milliseconds(seconds: f64) -> Option<u64> {
    let duration = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    u64::try_from(duration.as_millis()).ok()
}
