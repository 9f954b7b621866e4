//! The types of `test` elements.

/// The type of a `test` element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum TestType {
    Suite,
    Case,
    Feature,
    Scenario,
    Outline,
    Row,
    /// A step, a section, or an unknown type.
    Part,
    /// No type, as in all reports before 3.0: a suite if it contains others.
    #[default]
    Untyped,
}

impl TestType {
    pub(super) fn parse(word: &str) -> Self {
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

    /// Whether squishrunner may retry it as a part of a case.
    pub(super) fn can_be_retried(self) -> bool {
        matches!(
            self,
            Self::Feature | Self::Scenario | Self::Outline | Self::Row
        )
    }

    /// Whether it may lack its epilog unless it is a case: the element around it shows whether it was aborted.
    pub(super) fn may_lack_epilog(self) -> bool {
        matches!(
            self,
            Self::Part | Self::Row | Self::Scenario | Self::Outline
        )
    }
}
