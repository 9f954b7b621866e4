//! The ways in which tests run.

/// A way to run the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Each test in a process of its own.
    Single,
    /// As a run does it by default.
    Batched,
    /// The same, with the tests in random order.
    Shuffled,
    /// Tests whose verdicts differ, each once more in a process of its own.
    Alone,
}

impl Way {
    /// Its name in the report, and of its folder in `--out`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Batched => "batched",
            Self::Shuffled => "shuffled",
            Self::Alone => "alone",
        }
    }
}
