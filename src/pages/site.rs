//! Where the pages are: links below the base path.

use crate::model::{ExecutionId, PlanId, TestId};
pub(crate) use crate::text::percent_encoded;

/// The longest link that a page has, in bytes.
pub(super) const MAX_LINK: usize = 1_000;

/// The place of the pages, and who looks at them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Site {
    /// Before every path, such as `/ci`; empty at the root.
    pub(crate) base: String,
    /// Whether a session can be ended.
    pub(crate) has_session: bool,
    /// Whether the one who looks may act.
    pub(crate) can_act: bool,
}

impl Site {
    /// A path of the service with the base before it.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The page of a plan.
    pub(crate) fn plan(&self, plan: PlanId) -> String {
        format!("{}/plans/{plan}", self.base)
    }

    /// The page of a test.
    pub(crate) fn test(&self, test: TestId) -> String {
        format!("{}/tests/{test}", self.base)
    }

    /// The page of an execution.
    pub(crate) fn execution(&self, plan: PlanId, execution: ExecutionId) -> String {
        format!("{}/plans/{plan}/executions/{execution}", self.base)
    }
}
