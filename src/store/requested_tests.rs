//! Lists of tests in requests for plans, and the differences that publishing makes to a template.

use crate::model::{DiscoveryAccount, PlanId, PlannedTest, TestListDigest};

/// The tests that a plan is requested with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedTests {
    /// Names the list.
    pub digest: TestListDigest,
    /// The list itself; absent if the client expects the store to have it.
    pub list: Option<Vec<PlannedTest>>,
}

/// The tests that a plan was requested with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanTests {
    /// The digest of the list; `None` if the plan got the published tests.
    pub digest: Option<TestListDigest>,
    /// How the list was discovered.
    pub discovery: Option<DiscoveryAccount>,
}

/// The difference that publishing makes, or would make, to a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateDifference {
    /// `None` if it is new and was not published.
    pub id: Option<PlanId>,
    /// The title.
    pub title: String,
    /// Whether no look-up found it before.
    pub is_new: bool,
    /// Whether tests, their order, description or tags differ.
    pub is_changed: bool,
    /// How many tests it had.
    pub before: u64,
    /// How many tests it has now.
    pub count: u64,
    /// How many tests were added.
    pub added: u64,
    /// How many tests were removed.
    pub removed: u64,
    /// The first [`MAX_DIFFERENCES`] of the added, in the order of the new list.
    pub first_added: Vec<PlannedTest>,
    /// The first [`MAX_DIFFERENCES`] of the removed, in the order of the old list.
    pub first_removed: Vec<PlannedTest>,
}

/// Most added and most removed tests that a [`TemplateDifference`] lists; its counts include all.
pub const MAX_DIFFERENCES: usize = 100;
