//! Which part of its template's tests a plan has.

use serde::{Deserialize, Serialize};

/// What a plan was limited to. Counts executions: a test in two configurations counts twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Selection {
    /// The flags that selected, such as `--only 'login/*' --shard 1/3`.
    pub flags: String,
    /// How many tests the plan has.
    pub selected: u64,
    /// How many tests the template had then.
    pub of: u64,
}

impl std::fmt::Display for Selection {
    /// `selection of 12 of 340 tests`, so that no reader takes the plan for all of them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "selection of {} of {} tests", self.selected, self.of)
    }
}
