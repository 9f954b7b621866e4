//! What pages read of tests over time, one statement each.

use crate::{
    model::{ExecutionId, PlanId, RunEnd, TestId, TestVerdict, Timestamp},
    store::{
        StoreError,
        test_runs::{KnownTest, PlanRun, PlanRunQuery, RunCell, TestRun},
    },
};

/// Most bytes of a message that a list of runs has.
pub(in crate::store) const LONGEST_MESSAGE: i64 = 500;

/// Reading tests over time.
pub(in crate::store) trait RunReads {
    /// Runs of a test with executions below `before`, newest first.
    fn runs_of_test(
        &mut self,
        test: TestId,
        page: (ExecutionId, u32),
        now: Timestamp,
    ) -> Result<Vec<TestRun>, StoreError>;

    /// The tests of these numbers.
    fn tests_by_id(&mut self, ids: &[i64]) -> Result<Vec<KnownTest>, StoreError>;

    /// A started plan.
    fn plan_run(&mut self, plan: PlanId) -> Result<Option<PlanRun>, StoreError>;

    /// Started plans of a template, newest first.
    fn plan_runs(&mut self, query: &PlanRunQuery, limit: u32) -> Result<Vec<PlanRun>, StoreError>;

    /// The newest plan of each branch of a template, newest first.
    fn newest_of_branches(
        &mut self,
        template: PlanId,
        limit: u32,
    ) -> Result<Vec<PlanRun>, StoreError>;

    /// The numbers of the templates that are not hidden, by project and title.
    fn visible_templates(&mut self, limit: u32) -> Result<Vec<PlanId>, StoreError>;

    /// The pages of the CI jobs of a plan's workers, by worker, at most `limit`.
    fn worker_jobs(
        &mut self,
        plan: PlanId,
        limit: u32,
    ) -> Result<Vec<(String, String)>, StoreError>;

    /// How each execution of a plan stands.
    fn run_cells(
        &mut self,
        plan: PlanId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<RunCell>, StoreError>;
}

/// The columns of how an execution ended.
pub(in crate::store) struct EndColumns {
    /// Below 3 it did not end.
    pub(in crate::store) state: i64,
    pub(in crate::store) verdict: Option<i64>,
    pub(in crate::store) flaky: Option<bool>,
    pub(in crate::store) has_error: bool,
    pub(in crate::store) earlier_failures: u32,
}

impl EndColumns {
    /// How it ended.
    pub(in crate::store) fn end(&self) -> RunEnd {
        if self.state != 3 {
            return RunEnd::Open;
        }
        let verdict: Option<TestVerdict> = self.verdict.map(super::verdict);
        let after_failure = self.flaky.unwrap_or(false) || self.earlier_failures > 0;
        RunEnd::of(verdict, after_failure, self.has_error)
    }
}
