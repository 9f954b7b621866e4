//! Plans: look-up, start and status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{test_list::RequestedTests, tolerant};
use crate::model::{DiscoveryAccount, PlanId, PlanKind, PlanOrigin, TestListDigest};

/// The vendor's Test Plan Response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanResponse {
    /// Test plan ID.
    #[serde(deserialize_with = "tolerant::id")]
    pub id: PlanId,
    /// Test plan title.
    pub title: String,
    /// Test plan description.
    #[serde(default)]
    pub description: String,
    /// Name of the associated batch; empty for a template.
    #[serde(default)]
    pub batch_name: String,
    /// Current time of the server, milliseconds since epoch.
    #[serde(default)]
    pub server_dt: i64,
    /// Planned execution, milliseconds since epoch.
    #[serde(default)]
    pub planned_dt: Option<i64>,
    /// `instance` or `template`.
    #[serde(rename = "type")]
    pub kind: PlanKind,
    /// Project name.
    #[serde(default)]
    pub project: String,
    /// Linked repositories. Absent in one of the page's examples.
    #[serde(default, deserialize_with = "tolerant::list")]
    pub repository_information: Vec<Repository>,
    /// Tags. Absent in one of the page's examples.
    #[serde(default, deserialize_with = "tolerant::list")]
    pub tags: Vec<String>,
    /// Number of passed tests.
    #[serde(default)]
    pub passes: u64,
    /// Number of failed tests.
    #[serde(default)]
    pub failed: u64,
    /// Number of skipped tests.
    #[serde(default)]
    pub skipped: u64,
    /// Total number of tests. The page's fresh plan has 0 while its status sums to 28: never the number to wait for.
    #[serde(default)]
    pub count: u64,
    /// Additive: the address of the plan's page for people, if the service knows how people reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_url: Option<String>,
}

/// The vendor's Repository object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repository {
    /// Repository identifier. A string here, a number in [`RevisionReference`].
    #[serde(deserialize_with = "tolerant::text")]
    pub id: String,
    /// Whether this repository is enabled for the plan.
    #[serde(default)]
    pub enabled: bool,
    /// Branch name or commit hash.
    #[serde(default)]
    pub branch: String,
    /// Current commit hash of the branch.
    #[serde(default)]
    pub hash: String,
}

/// The vendor's Revision Reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionReference {
    /// Repository ID, from the repository settings page.
    #[serde(deserialize_with = "tolerant::id")]
    pub id: i64,
    /// Branch name or commit hash.
    pub branch: String,
}

/// Body of `POST executeplan`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutePlanRequest {
    /// The template to start.
    #[serde(deserialize_with = "tolerant::id")]
    pub template_id: PlanId,
    /// Title of the new plan, not empty.
    #[schemars(length(min = 1))]
    pub title: String,
    /// Batch, not empty.
    #[schemars(length(min = 1))]
    pub batch: String,
    /// Scheduled start, milliseconds since epoch. With Test Center, a time and revisions hand the execution over to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<i64>,
    /// Revisions. An array in the page's words, a single object in its type: both are read, an array is sent.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "tolerant::list"
    )]
    pub linked_repos: Vec<RevisionReference>,
    /// Additive: the tests of the plan, in place of those of the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<RequestedTests>,
    /// Additive: the account of the discovery that made `tests`. The plan keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<DiscoveryAccount>,
    /// Additive: what the plan tests. The plan keeps it.
    #[serde(default, skip_serializing_if = "PlanOrigin::is_empty")]
    pub origin: PlanOrigin,
}

/// Answer of `POST executeplan`: the vendor's plan, and the digest of the tests it was requested with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StartedPlanResponse {
    /// The plan.
    #[serde(flatten)]
    pub plan: PlanResponse,
    /// The digest that the request named; absent where it named none, and from a service that takes no lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests_digest: Option<TestListDigest>,
}

/// The vendor's Status Response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusResponse {
    /// Available executions.
    pub open: u64,
    /// Executions in progress.
    pub reserved: u64,
    /// Finished executions. The page's example says `done`, its table `finished`: read either, send both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// The same number under its other name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<u64>,
}
