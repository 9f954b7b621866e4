//! One `test` element: a suite, a case, a scenario or a part of one, from its prolog to its epilog.

use super::{
    script_location::ScriptLocation,
    test_retries::{EndedSiblings, PartRetries, ReportPosition, key},
    test_type::TestType,
};
use crate::result_file::{
    Scenarios,
    bounded_text::clip,
    case_builder::{CaseBuilder, OUTSIDE, Severity, TroubleBuilder},
};

/// An open `test` element.
#[derive(Debug, Default)]
pub(super) struct TestElement {
    pub(super) test_type: TestType,
    /// Whether it becomes a case of its own.
    pub(super) is_case: bool,
    pub(super) name: String,
    pub(super) location: ScriptLocation,
    pub(super) began: Option<ReportTime>,
    pub(super) ended: Option<ReportTime>,
    pub(super) has_prolog: bool,
    pub(super) has_epilog: bool,
    /// Where it began.
    pub(super) start: ReportPosition,
    /// Where it began, if it is marked as a retry or an element beside it is an earlier try.
    pub(super) retry_since: Option<ReportPosition>,
    /// The tests directly in it that have ended.
    pub(super) siblings: EndedSiblings,
    /// The trouble in parts of it that may be retried.
    pub(super) parts: PartRetries,
    pub(super) inner_ran: bool,
    pub(super) inner_skipped: bool,
    /// A verification in it passed, or failed as expected.
    pub(super) verified: bool,
    /// Why it was skipped.
    pub(super) skipped: Option<String>,
    /// Elements in it became cases of their own.
    pub(super) holds_cases: bool,
    pub(super) case: CaseBuilder,
}

impl TestElement {
    /// An element within `outer`, the open ones.
    pub(super) fn new<'a>(
        test_type: TestType,
        name: &str,
        start: ReportPosition,
        scenarios: Scenarios,
        outer: impl DoubleEndedIterator<Item = &'a Self>,
    ) -> Self {
        let mut outer = outer.rev().peekable();
        let in_outline = outer
            .peek()
            .is_some_and(|test| test.test_type == TestType::Outline);
        let in_case = outer.any(|test| test.is_case);
        let each = scenarios == Scenarios::Each;
        Self {
            test_type,
            is_case: match test_type {
                TestType::Suite | TestType::Feature => false,
                TestType::Case => true,
                TestType::Scenario | TestType::Outline => each || !in_case,
                TestType::Row => (each && in_outline) || !in_case,
                TestType::Part | TestType::Untyped => !in_case,
            },
            name: clip(name.trim()),
            start,
            ..Self::default()
        }
    }

    /// What a later try has in common with an earlier one. A test case has the name of its folder, so no other case has
    /// that name. Scenarios may share a name, but not also the line of a file.
    pub(super) fn retry_keys(&self) -> impl Iterator<Item = u64> {
        let test_type = self.test_type;
        let by_name = matches!(test_type, TestType::Case | TestType::Untyped)
            .then(|| key(&(test_type, &self.name)));
        let has_own_line = matches!(
            test_type,
            TestType::Feature | TestType::Scenario | TestType::Outline
        );
        let uri = &self.location.uri;
        let line = self
            .location
            .line
            .filter(|_| has_own_line && !uri.is_empty());
        let by_location = line.map(|line| key(&(test_type, &self.name, uri, line)));
        by_name.into_iter().chain(by_location)
    }

    /// Whether it never began: a skipped test has a type, perhaps a name, and no prolog. Before 3.0, tests have no type, and
    /// one with any content began.
    pub(super) fn never_began(&self) -> bool {
        let is_marked = self.has_prolog || self.has_epilog || self.test_type == TestType::Untyped;
        !is_marked && self.is_silent()
    }

    /// Whether nothing of it ran: it never began, or everything in it was skipped.
    pub(super) fn was_skipped(&self) -> bool {
        self.never_began() || self.inner_skipped && self.is_silent()
    }

    /// Whether it ran. A suite, a feature or an outline ran if something in it did.
    pub(super) fn ran(&self) -> bool {
        let holds_others = matches!(
            self.test_type,
            TestType::Suite | TestType::Feature | TestType::Outline
        );
        !(holds_others && self.is_silent() || self.was_skipped())
    }

    fn is_silent(&self) -> bool {
        self.case.worst.is_none() && !self.verified && !self.inner_ran
    }

    /// The case of this test, which ends within `outer`. `None` if there is none to report.
    pub(super) fn into_case<'a>(
        mut self,
        outer: impl Iterator<Item = &'a Self> + Clone,
    ) -> Option<EndedTest> {
        if !self.is_case {
            self.case.worst?;
            let mut tests: Vec<&Self> = outer.collect();
            tests.push(&self);
            let classname = joined_names(tests.into_iter(), " / ", |it| {
                matches!(it, TestType::Suite | TestType::Feature)
            });
            OUTSIDE.clone_into(&mut self.case.name);
            self.case.classname = classname;
            return Some(EndedTest {
                case: self.case,
                only_holds_cases: false,
            });
        }
        let only_holds_cases = self.holds_cases && self.case.worst.is_none();
        if self.case.worst.is_none()
            && !self.verified
            && !only_holds_cases
            && let Some(reason) = self.skipped.take()
        {
            self.case.add_trouble(TroubleBuilder {
                severity: Severity::Skipped,
                ..TroubleBuilder::error(&reason)
            });
        }
        let suites = joined_names(outer.clone(), " / ", |it| it == TestType::Suite);
        let cases = joined_names(outer.clone(), ".", |it| it == TestType::Case);
        self.case.classname = match (suites.as_str(), cases.as_str()) {
            (_, "") => suites,
            ("", _) => cases,
            _ => clip(&format!("{suites}.{cases}")),
        };
        self.case.name = full_name(self.test_type, self.name, outer);
        let times = self.began.zip(self.ended);
        self.case.duration_ms = times.and_then(|(began, ended)| ended.since(began));
        Some(EndedTest {
            case: self.case,
            only_holds_cases,
        })
    }
}

/// The name of a case, behind those of features and outlines around a scenario or row.
fn full_name<'a>(
    test_type: TestType,
    name: String,
    outer: impl Iterator<Item = &'a TestElement>,
) -> String {
    let is_row = test_type == TestType::Row;
    if !is_row && !matches!(test_type, TestType::Scenario | TestType::Outline) {
        return name;
    }
    let around = joined_names(outer, " / ", |it| {
        matches!(
            it,
            TestType::Feature | TestType::Outline | TestType::Scenario
        )
    });
    match around.as_str() {
        "" => name,
        _ if is_row => clip(&format!("{around} [{name}]")),
        _ => clip(&format!("{around} / {name}")),
    }
}

/// A test that has ended, with its names.
#[derive(Debug)]
pub(super) struct EndedTest {
    pub(super) case: CaseBuilder,
    /// The cases in it have all results: it is no case itself.
    pub(super) only_holds_cases: bool,
}

/// The names of the tests of some types, joined.
pub(super) fn joined_names<'a>(
    tests: impl Iterator<Item = &'a TestElement>,
    separator: &str,
    is_included: impl Fn(TestType) -> bool,
) -> String {
    let names: Vec<&str> = tests
        .filter(|test| is_included(test.test_type) && !test.name.is_empty())
        .map(|test| test.name.as_str())
        .collect();
    clip(&names.join(separator))
}

/// A time of a report, with or without an offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportTime {
    Absolute(jiff::Timestamp),
    Local(jiff::civil::DateTime),
}

impl ReportTime {
    /// Parses an ISO 8601 time.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let absolute = text.parse().map(Self::Absolute);
        absolute.or_else(|_| text.parse().map(Self::Local)).ok()
    }

    /// Milliseconds since another time. More than a year comes from a wrong clock.
    fn since(self, earlier: Self) -> Option<u64> {
        let span = match (self, earlier) {
            (Self::Absolute(now), Self::Absolute(then)) => now.duration_since(then),
            (Self::Local(now), Self::Local(then)) => now.duration_since(then),
            _ => return None,
        };
        let milliseconds = u64::try_from(span.as_millis()).ok()?;
        (milliseconds < 366 * 86_400_000).then_some(milliseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_from_prolog_to_epilog() {
        let table = [
            (
                "2026-01-02T03:04:05.250Z",
                "2026-01-02T03:04:06.000Z",
                Some(750),
            ),
            (
                "2026-01-02T03:04:05+01:00",
                "2026-01-02T02:04:06Z",
                Some(1000),
            ),
            ("2026-01-02T03:04:05", "2026-01-02T03:04:07", Some(2000)),
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:07", None),
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:04Z", None),
            ("2020-01-02T03:04:05Z", "2026-01-02T03:04:04Z", None),
            ("soon", "2026-01-02T03:04:04Z", None),
        ];
        for (began, ended, expected) in table {
            let took = ReportTime::parse(began)
                .zip(ReportTime::parse(ended))
                .and_then(|(began, ended)| ended.since(began));
            assert_eq!(took, expected, "{began} to {ended}");
        }
    }
}
