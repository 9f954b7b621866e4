//! Lists of tests on the wire, additive all of it: what a plan is started with, and what templates are published with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Capability, DiscoveryAccount, PlanId, PlannedTest, Test, TestListDigest};

/// `code` of the answer to a digest that the service has no list for: send the list, too. No plan was started.
pub const UNKNOWN_TESTS: i64 = 1003;
/// Path of `PUT templates`.
pub const TEMPLATES_PATH: &str = "/testplan/v1/templates";

/// Member `tests` of `POST executeplan`: the plan holds exactly these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestedTests {
    /// Digest of the list.
    pub digest: TestListDigest,
    /// The list; needed only if the service does not know the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<Vec<PlannedTestEntry>>,
}

/// A test in one configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedTestEntry {
    /// Suite.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suite: String,
    /// Test case, not empty.
    #[schemars(length(min = 1))]
    pub testcase: String,
    /// What it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Capability>,
}

impl From<PlannedTestEntry> for PlannedTest {
    fn from(entry: PlannedTestEntry) -> Self {
        Self {
            test: Test {
                suite: entry.suite,
                testcase: entry.testcase,
            },
            required: entry.labels.into(),
        }
    }
}

impl From<&PlannedTest> for PlannedTestEntry {
    fn from(planned: &PlannedTest) -> Self {
        Self {
            suite: planned.test.suite.clone(),
            testcase: planned.test.testcase.clone(),
            labels: planned.required.clone().into(),
        }
    }
}

/// Answer of `GET plans/{id}/discovery`: what a plan keeps of the request that it was started by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanTestsResponse {
    /// Digest of the tests that it was requested with; absent if it got the published ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests_digest: Option<TestListDigest>,
    /// The account of the discovery that made the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<DiscoveryAccount>,
}

/// Body of `PUT templates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublishTemplatesRequest {
    /// Project of all of them.
    #[schemars(length(min = 1))]
    pub project: String,
    /// The templates; those not named stay as they are.
    pub templates: Vec<TemplateEntry>,
    /// Only answer what would change.
    #[serde(default)]
    pub dry_run: bool,
}

/// A template with its tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateEntry {
    /// Title; with the project it names the template.
    #[schemars(length(min = 1))]
    pub title: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What a plan started from it runs, in order.
    pub tests: Vec<PlannedTestEntry>,
}

/// Answer of `PUT templates`, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublishTemplatesResponse {
    /// What changed, or with `dry_run` would change.
    pub templates: Vec<TemplateDifferenceEntry>,
}

/// What publishing does to a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateDifferenceEntry {
    /// Its number; absent if it is new and was not published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PlanId>,
    /// Its title.
    pub title: String,
    /// Whether it is new, changed or unchanged.
    pub change: TemplateChange,
    /// How many tests it had.
    pub before: u64,
    /// How many tests it has now.
    pub count: u64,
    /// How many tests were added.
    pub added: u64,
    /// How many tests were removed.
    pub removed: u64,
    /// The first 100 of the added.
    pub first_added: Vec<PlannedTestEntry>,
    /// The first 100 of the removed.
    pub first_removed: Vec<PlannedTestEntry>,
}

/// What publishing does to a template, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TemplateChange {
    /// No look-up found it before.
    New,
    /// Its tests, their order, its description or its tags differ.
    Changed,
    /// Nothing differs.
    Unchanged,
}
