//! What the workers of a set have to do.

use crate::model::Execution;

/// The open executions of a worker set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SetLoad {
    pub(crate) open: u64,
    /// How long those with a known duration are expected to run, in milliseconds, the longest first.
    pub(crate) known_ms: Vec<u64>,
    /// The test of the longest of these.
    pub(crate) longest: Option<String>,
}

impl SetLoad {
    /// A load of which only the number of executions is known.
    pub(crate) fn counted(open: u64) -> Self {
        Self {
            open,
            ..Self::default()
        }
    }

    /// The load of these executions, the longest first.
    pub(super) fn of(executions: &[&Execution]) -> Self {
        let mut known = executions
            .iter()
            .filter_map(|it| Some((it, it.expected_ms?)))
            .peekable();
        Self {
            open: executions.len() as u64,
            longest: known.peek().map(|(longest, _)| longest.test.to_string()),
            known_ms: known.map(|(_, expected)| expected).collect(),
        }
    }

    /// How many of its executions have no known duration.
    pub(super) fn unknown(&self) -> u64 {
        self.open.saturating_sub(self.known_ms.len() as u64)
    }
}
