//! Statements about plans, and the tests that they start with.

use std::ops::Range;

use crate::{
    model::{
        Capabilities, Plan, PlanId, PlanKind, PlanOrigin, PlannedTest, Test, TestListDigest,
        Timestamp,
    },
    store::{PlanQuery, StoreError},
};

/// The part of a plan or template that never changes.
#[derive(Clone, Debug)]
pub(in crate::store) struct PlanFacts {
    pub(in crate::store) kind: PlanKind,
    pub(in crate::store) project: String,
    pub(in crate::store) batch: String,
    /// Nothing is handed out before this time.
    pub(in crate::store) planned: Option<Timestamp>,
    /// Its template, if it was started since plans keep it.
    pub(in crate::store) template: Option<i64>,
    /// The numbers of its executions: without a gap.
    pub(in crate::store) executions: Range<i64>,
    /// The numbers of the label sets of its executions.
    pub(in crate::store) label_sets: Vec<i64>,
}

/// A plan to insert.
#[derive(Debug)]
pub(in crate::store) struct NewPlanRow<'a> {
    /// Its template, for project, description and tags.
    pub(in crate::store) template: &'a Plan,
    pub(in crate::store) title: &'a str,
    pub(in crate::store) batch: &'a str,
    /// As JSON.
    pub(in crate::store) repositories: String,
    pub(in crate::store) planned: Option<Timestamp>,
    pub(in crate::store) created_at: Timestamp,
    /// How many executions it gets.
    pub(in crate::store) size: i64,
    /// The digest of the list that it was requested with.
    pub(in crate::store) tests_digest: Option<&'a [u8]>,
    /// The account of the discovery, as JSON.
    pub(in crate::store) discovery: Option<String>,
    /// The principal of the request.
    pub(in crate::store) started_by: &'a str,
    /// What it tests.
    pub(in crate::store) origin: &'a PlanOrigin,
}

/// Where the tests of a plan are copied from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum TestSource {
    /// The published tests of a template.
    Template(PlanId),
    /// A list that came with a request.
    List(i64),
}

impl TestSource {
    /// The table of the tests, the column that names their owner, and the owner.
    pub(in crate::store) fn rows(self) -> (&'static str, &'static str, i64) {
        match self {
            Self::Template(id) => ("template_tests", "template", id.0),
            Self::List(id) => ("listed_tests", "list", id),
        }
    }
}

/// Reading plans and templates.
pub(in crate::store) trait PlanReads {
    /// A plan or template as it was when it started, without totals.
    fn plan_as_started(&mut self, id: PlanId) -> Result<Option<Plan>, StoreError>;

    /// How many executions of a plan passed, failed and were skipped.
    fn plan_totals(&mut self, id: PlanId) -> Result<[u64; 3], StoreError>;

    /// The kind of a plan or template.
    fn plan_kind(&mut self, id: PlanId) -> Result<Option<PlanKind>, StoreError>;

    /// The newest plan, or the template that is not hidden, of this name.
    fn newest_plan(&mut self, query: &PlanQuery) -> Result<Option<PlanId>, StoreError>;

    /// The titles of a kind and project, at most `limit`.
    fn plan_titles(
        &mut self,
        kind: PlanKind,
        project: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError>;

    /// The names of projects, at most `limit`.
    fn projects(&mut self, limit: u32) -> Result<Vec<String>, StoreError>;

    /// The digest of the list that a plan was requested with, and the account of its discovery as JSON.
    fn requested_tests(
        &mut self,
        id: PlanId,
    ) -> Result<(Option<TestListDigest>, Option<String>), StoreError>;

    /// The plans of which executions are still to be ended, because they were cancelled.
    fn cancelling_plans(&mut self) -> Result<Vec<PlanId>, StoreError>;

    /// Before which time nothing of a plan is handed out.
    fn planned_time(&mut self, id: PlanId) -> Result<Option<Timestamp>, StoreError>;

    /// The labels of a set.
    fn label_set(&mut self, set: i64) -> Result<Capabilities, StoreError>;
}

/// Starting plans.
pub(in crate::store) trait PlanRows {
    /// The facts of a plan or template.
    fn plan_facts(&mut self, id: PlanId) -> Result<Option<PlanFacts>, StoreError>;

    /// Whether a template is hidden; `None` if there is none.
    fn is_hidden_template(&mut self, id: PlanId) -> Result<Option<bool>, StoreError>;

    /// Inserts a plan and returns its number. The numbers of its executions are reserved.
    fn insert_plan(&mut self, plan: &NewPlanRow<'_>) -> Result<PlanId, StoreError>;

    /// Inserts the counters and executions of a new plan. A test without a history counts `unknown_ms`.
    fn insert_executions(
        &mut self,
        plan: PlanId,
        source: TestSource,
        unknown_ms: i64,
    ) -> Result<(), StoreError>;

    /// How many tests of a source have a known duration.
    fn known_durations(&mut self, source: TestSource) -> Result<i64, StoreError>;

    /// The known duration at a place of the sorted ones, in milliseconds.
    fn known_duration(&mut self, source: TestSource, place: i64) -> Result<i64, StoreError>;

    /// The number of tests of a template whose published tests have this digest.
    fn published_size(
        &mut self,
        template: PlanId,
        digest: &TestListDigest,
    ) -> Result<Option<i64>, StoreError>;

    /// The number and the size of a list that the project has.
    fn test_list(
        &mut self,
        project: &str,
        digest: &TestListDigest,
    ) -> Result<Option<(i64, i64)>, StoreError>;

    /// Inserts a list without its tests.
    fn insert_test_list(
        &mut self,
        project: &str,
        digest: &TestListDigest,
        size: i64,
    ) -> Result<i64, StoreError>;

    /// Inserts the tests of a source that has none yet.
    fn insert_tests(
        &mut self,
        source: TestSource,
        project: &str,
        tests: &[PlannedTest],
    ) -> Result<(), StoreError>;

    /// The number of a label set; a new set is inserted.
    fn intern_labels(&mut self, labels: &Capabilities) -> Result<i64, StoreError>;

    /// Notes the page of the CI job of a worker.
    fn note_worker_job(&mut self, plan: PlanId, worker: &str, url: &str) -> Result<(), StoreError>;

    /// A test by its number.
    fn test(&mut self, id: i64) -> Result<Test, StoreError>;

    /// Updates the average duration of a test with these labels.
    fn learn_duration(
        &mut self,
        test: i64,
        label_set: i64,
        duration_ms: i64,
    ) -> Result<(), StoreError>;

    /// The known durations of a plan's tests in ascending order, in milliseconds.
    fn durations_of_plan(&mut self, executions: Range<i64>) -> Result<Vec<i64>, StoreError>;

    /// Updates what a call of the test tool costs beyond its tests.
    fn learn_start_cost(&mut self, template: i64, start_ms: i64) -> Result<(), StoreError>;

    /// What a call of the test tool costs beyond its tests, in milliseconds; 0 if that is not known.
    fn start_cost(&mut self, template: i64) -> Result<i64, StoreError>;
}
