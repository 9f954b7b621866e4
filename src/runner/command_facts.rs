//! What a command line can contain of an execution, and why an execution can have no command.

use std::path::Path;

use crate::model::{Capabilities, ExecutionId, PlanId, SquishServer, Test};

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
}

/// Why an execution has no command: it becomes an execution error with this message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CommandError(pub(super) String);
