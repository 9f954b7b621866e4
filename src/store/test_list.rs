//! Lists of tests that come with requests for plans, and what publishing does to a template.

use crate::model::{DiscoveryAccount, PlanId, PlannedTest, TestListDigest};

/// The tests that a plan is requested with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedTests {
    /// Names the list.
    pub digest: TestListDigest,
    /// The list itself; absent if the store should know it.
    pub list: Option<Vec<PlannedTest>>,
}

/// What a plan keeps of the request that it was started by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanTests {
    /// The list that it was requested with; `None` if it got the published tests.
    pub digest: Option<TestListDigest>,
    /// The account of the discovery that made the list.
    pub discovery: Option<DiscoveryAccount>,
}

/// What publishing does, or would do, to a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateDifference {
    /// Its number; `None` if it is new and was not published.
    pub id: Option<PlanId>,
    /// Its title.
    pub title: String,
    /// Whether a look-up found it before.
    pub is_new: bool,
    /// Whether anything differs: tests, their order, description or tags.
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

/// Most added and most removed tests that a [`TemplateDifference`] names; the counts go on.
pub const MAX_DIFFERENCES: usize = 100;
