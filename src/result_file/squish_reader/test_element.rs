//! One `test` element: a suite, a case, a scenario or a part of one, from its prolog to its epilog.

use super::{
    script_location::ScriptLocation,
    test_retries::{EndedSiblings, PartRetries, ReportPosition},
};
use crate::result_file::{
    Scenarios,
    bounded_text::clip,
    case_builder::{CaseBuilder, OUTSIDE, Severity, TroubleBuilder},
};

/// What a `test` element stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TestType {
    Suite,
    Case,
    Feature,
    Scenario,
    Outline,
    Row,
    /// A step, a section, or what is not known.
    Part,
    /// It says nothing, as all do before 3.0: a suite if others are in it.
    Untyped,
}

impl TestType {
    pub(super) fn of(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "testsuite" => Self::Suite,
            "testcase" => Self::Case,
            "feature" => Self::Feature,
            "scenario" => Self::Scenario,
            "scenariooutline" => Self::Outline,
            "row" => Self::Row,
            "" => Self::Untyped,
            _ => Self::Part,
        }
    }

    /// Whether it is a part of a case that squishrunner may try again by itself.
    pub(super) fn may_be_tried_again(self) -> bool {
        matches!(
            self,
            Self::Feature | Self::Scenario | Self::Outline | Self::Row
        )
    }

    /// Whether one that is no case may lack its end: what is around it shows whether it was ended.
    pub(super) fn may_lack_epilog(self) -> bool {
        matches!(
            self,
            Self::Part | Self::Row | Self::Scenario | Self::Outline
        )
    }
}

/// An open `test` element.
#[derive(Debug)]
pub(super) struct TestElement {
    pub(super) kind: TestType,
    /// Whether it becomes a case of its own.
    pub(super) is_case: bool,
    pub(super) name: String,
    pub(super) place: ScriptLocation,
    pub(super) began: Option<ReportTime>,
    pub(super) ended: Option<ReportTime>,
    pub(super) has_prolog: bool,
    pub(super) has_epilog: bool,
    /// What had been read when it began.
    pub(super) start: ReportPosition,
    /// The same, where a test beside it is an earlier try of it.
    pub(super) retry_since: Option<ReportPosition>,
    /// The tests directly in it that have ended.
    pub(super) siblings: EndedSiblings,
    /// What went wrong in parts of it that may be tried again.
    pub(super) parts: PartRetries,
    /// Whether anything in it ran, and whether anything in it was skipped.
    pub(super) inner_ran: bool,
    pub(super) inner_skipped: bool,
    /// A verification in it passed, or failed as expected.
    pub(super) verified: bool,
    /// Why it was not run, where something says that it was not.
    pub(super) skipped: Option<String>,
    /// Cases within it were reported on their own.
    pub(super) holds_cases: bool,
    pub(super) case: CaseBuilder,
}

impl TestElement {
    /// An element within `outer`, the open ones.
    pub(super) fn new(
        kind: TestType,
        name: &str,
        start: ReportPosition,
        scenarios: Scenarios,
        outer: &[&Self],
    ) -> Self {
        let in_case = outer.iter().any(|test| test.is_case);
        let each = scenarios == Scenarios::Each;
        let in_outline = outer
            .last()
            .is_some_and(|test| test.kind == TestType::Outline);
        Self {
            kind,
            is_case: match kind {
                TestType::Suite | TestType::Feature => false,
                TestType::Case => true,
                TestType::Scenario | TestType::Outline => each || !in_case,
                TestType::Row => (each && in_outline) || !in_case,
                TestType::Part | TestType::Untyped => !in_case,
            },
            name: clip(name.trim()),
            place: ScriptLocation::default(),
            began: None,
            ended: None,
            has_prolog: false,
            has_epilog: false,
            start,
            retry_since: None,
            siblings: EndedSiblings::default(),
            parts: PartRetries::default(),
            inner_ran: false,
            inner_skipped: false,
            verified: false,
            skipped: None,
            holds_cases: false,
            case: CaseBuilder::default(),
        }
    }

    /// Whether it never began: a skipped test has a type, perhaps a name, and no prolog. Before 3.0 there are no types, and
    /// one of which anything is said did begin.
    pub(super) fn never_began(&self) -> bool {
        let is_marked = self.has_prolog || self.has_epilog || self.kind == TestType::Untyped;
        !is_marked && self.is_silent()
    }

    /// Whether nothing of it ran, because it never began or all in it was skipped.
    pub(super) fn was_skipped(&self) -> bool {
        self.never_began() || self.inner_skipped && self.is_silent()
    }

    /// Whether it ran: a suite, a feature or an outline does where something in it does.
    pub(super) fn ran(&self) -> bool {
        let holds_others = matches!(
            self.kind,
            TestType::Suite | TestType::Feature | TestType::Outline
        );
        !(holds_others && self.is_silent() || self.was_skipped())
    }

    fn is_silent(&self) -> bool {
        self.case.worst.is_none() && !self.verified && !self.inner_ran
    }

    /// Ends it within `outer`: the case with its names is left. `None` where there is none to report.
    pub(super) fn close(mut self, outer: &[&Self]) -> Option<EndedTest> {
        if !self.is_case {
            self.case.worst?;
            OUTSIDE.clone_into(&mut self.case.name);
            self.case.classname = names(outer.iter().copied().chain([&self]), " / ", |kind| {
                matches!(kind, TestType::Suite | TestType::Feature)
            });
            return Some(EndedTest {
                case: self.case,
                only_holds_others: false,
            });
        }
        let only_holds_others = self.holds_cases && self.case.worst.is_none();
        if self.case.worst.is_none()
            && !self.verified
            && !only_holds_others
            && let Some(reason) = self.skipped.take()
        {
            self.case.trouble(TroubleBuilder {
                severity: Severity::Skipped,
                ..TroubleBuilder::error(&reason)
            });
        }
        let is_case = |kind| matches!(kind, TestType::Case);
        let suite = names(outer.iter().copied(), " / ", |kind| kind == TestType::Suite);
        let cases = names(outer.iter().copied(), ".", is_case);
        self.case.classname = match (suite.as_str(), cases.as_str()) {
            (_, "") => suite,
            ("", _) => cases,
            _ => clip(&format!("{suite}.{cases}")),
        };
        self.case.name = match self.kind {
            TestType::Scenario | TestType::Outline | TestType::Row => {
                let around = names(outer.iter().copied(), " / ", |kind| {
                    matches!(
                        kind,
                        TestType::Feature | TestType::Outline | TestType::Scenario
                    )
                });
                match (around.as_str(), self.kind) {
                    ("", _) => self.name,
                    (_, TestType::Row) => clip(&format!("{around} [{}]", self.name)),
                    _ => clip(&format!("{around} / {}", self.name)),
                }
            }
            TestType::Suite
            | TestType::Case
            | TestType::Feature
            | TestType::Part
            | TestType::Untyped => self.name,
        };
        self.case.duration_ms = self
            .began
            .zip(self.ended)
            .and_then(|(began, ended)| ended.since(began));
        Some(EndedTest {
            case: self.case,
            only_holds_others,
        })
    }
}

/// A test that has ended.
#[derive(Debug)]
pub(super) struct EndedTest {
    /// Its case, with its names.
    pub(super) case: CaseBuilder,
    /// The cases in it say everything: it is none itself.
    pub(super) only_holds_others: bool,
}

/// The names of some of the tests, joined.
pub(super) fn names<'a>(
    tests: impl Iterator<Item = &'a TestElement>,
    between: &str,
    which: impl Fn(TestType) -> bool,
) -> String {
    let names: Vec<&str> = tests
        .filter(|test| which(test.kind) && !test.name.is_empty())
        .map(|test| test.name.as_str())
        .collect();
    clip(&names.join(between))
}

/// A moment: with an offset from UTC, or as some clock showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportTime {
    Absolute(jiff::Timestamp),
    Local(jiff::civil::DateTime),
}

impl ReportTime {
    /// Reads an ISO 8601 time; anything else is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let absolute = text.parse().map(Self::Absolute);
        absolute.or_else(|_| text.parse().map(Self::Local)).ok()
    }

    /// Milliseconds from another to this one. More than a year is a wrong clock.
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
    fn time_goes_from_prolog_to_epilog() {
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
            let took = ReportTime::read(began)
                .zip(ReportTime::read(ended))
                .and_then(|(began, ended)| ended.since(began));
            assert_eq!(took, expected, "{began} to {ended}");
        }
    }
}
