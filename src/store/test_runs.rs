//! What is known of tests over time: their runs in earlier plans, and the plans of a template.

use super::requests::Page;
use crate::model::{
    Capabilities, ExecutionId, PlanId, PlanOrigin, RunEnd, Test, TestId, Timestamp,
};

/// A test of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTest {
    /// Its number.
    pub id: TestId,
    /// The project that has it.
    pub project: String,
    /// Its name.
    pub test: Test,
}

/// One run of a test: its execution in one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRun {
    /// The execution.
    pub execution: ExecutionId,
    /// The plan it belongs to.
    pub plan: PlanId,
    /// The title of that plan.
    pub plan_title: String,
    /// When the plan was started.
    pub started: Timestamp,
    /// What the plan tests.
    pub origin: PlanOrigin,
    /// The capabilities that the execution requires.
    pub required: Capabilities,
    /// How it ended.
    pub end: RunEnd,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// The first lines of why it failed or could not run; empty if nothing is known.
    pub message: String,
    /// How often it failed before it was reset.
    pub earlier_failures: u32,
    /// The worker that had it last.
    pub worker: String,
    /// How many executions of its plan ended, and how many of those passed or were skipped.
    pub plan_ended: (u64, u64),
}

/// The runs of a test, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRuns {
    /// The test.
    pub test: KnownTest,
    /// Its runs.
    pub runs: Page<TestRun>,
}

/// A started plan of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRun {
    /// Its number.
    pub id: PlanId,
    /// The template it was started from, if that is known.
    pub template: Option<PlanId>,
    /// The project.
    pub project: String,
    /// Its title.
    pub title: String,
    /// When it was started.
    pub started: Timestamp,
    /// What it tests.
    pub origin: PlanOrigin,
    /// How many executions it has.
    pub size: u64,
    /// Whether all of them ended.
    pub is_over: bool,
}

/// How one execution of a plan stands, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCell {
    /// The execution.
    pub execution: ExecutionId,
    /// Its test.
    pub test: TestId,
    /// The number of the set of capabilities that it requires.
    pub label_set: i64,
    /// How it ended.
    pub end: RunEnd,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
}

/// Which plans are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRunQuery {
    /// Started from this template.
    pub template: PlanId,
    /// For this branch; for every one if `None`.
    pub branch: Option<String>,
    /// With numbers below this one.
    pub before: Option<PlanId>,
}
