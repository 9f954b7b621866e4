//! What a command line can contain of an execution, and why an execution can have no command.

use std::path::Path;

use crate::{
    model::{Capabilities, ExecutionId, PlanId, SquishServer, Test},
    preset::NotSelected,
};

/// The facts that the command of an execution can contain.
#[derive(Clone, Copy, Debug)]
pub struct CommandFacts<'a> {
    /// The plan.
    pub plan: PlanId,
    /// The execution.
    pub execution: ExecutionId,
    /// The test.
    pub test: &'a Test,
    /// Its project.
    pub project: &'a str,
    /// The plan's batch.
    pub batch: &'a str,
    /// The execution's own results folder, absolute.
    pub results: &'a Path,
    /// The Squish server that came with the reservation.
    pub server: Option<&'a SquishServer>,
    /// What the worker offers.
    pub capabilities: &'a Capabilities,
    /// The tests of a call that can run many; `test` and `execution` are the first of them.
    pub call: Option<CallTests<'a>>,
}

/// The tests that one call of a command runs.
#[derive(Clone, Copy, Debug)]
pub struct CallTests<'a> {
    /// What the command calls them; not empty.
    pub names: &'a [String],
    /// The file that lists them, one a line; absolute.
    pub file: &'a Path,
}

/// Why an execution has no command: it becomes an execution error with this message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CommandError(pub(super) String);

impl From<NotSelected> for CommandError {
    fn from(why: NotSelected) -> Self {
        Self(format!("{why}; rename the test"))
    }
}
