//! Flags that select tests of a template.

use std::str::FromStr;

use clap::Args;

use crate::{
    model::{PlanId, TestPattern},
    selection::{FailedTests, SelectionRules, Shard},
};

/// Which tests of the template to take.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SelectionArgs {
    /// Select tests whose SUITE/TESTCASE or suite matches this glob, in which `*` matches `/` too; repeat for more [default:
    /// all].
    #[arg(long, value_name = "PATTERN", value_parser = TestPattern::glob_or_name, help_heading = "Selection")]
    pub(crate) only: Vec<TestPattern>,
    /// Select tests that did not pass in the last plan of the template and branch, or in this plan: those that failed, could
    /// not run or have no result. Without a service the last plan is that of --out.
    #[arg(long, value_name = "PLAN", num_args = 0..=1, require_equals = true, default_missing_value = "last", help_heading = "Selection")]
    failed: Option<EarlierPlan>,
    /// Select share I of N, after the other flags; each test is in one share, if all have the same tests. Workers of one
    /// plan at a service need no shares.
    #[arg(long, value_name = "I/N", help_heading = "Selection")]
    pub(crate) shard: Option<Shard>,
}

/// The plan whose failures are selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EarlierPlan {
    /// The last one.
    Last,
    Number(PlanId),
    /// None: the flag was switched off.
    No,
}

impl FromStr for EarlierPlan {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "last" | "true" => Ok(Self::Last),
            "false" => Ok(Self::No),
            number => number
                .parse()
                .map(Self::Number)
                .map_err(|_| "the number of a plan is expected, such as 105, or `last`"),
        }
    }
}

impl SelectionArgs {
    /// The plan whose failures are selected, if any is.
    pub(crate) fn earlier_plan(&self) -> Option<EarlierPlan> {
        self.failed.filter(|it| *it != EarlierPlan::No)
    }

    /// Whether any flag selects.
    pub(crate) fn is_given(&self) -> bool {
        !self.only.is_empty() || self.earlier_plan().is_some() || self.shard.is_some()
    }

    /// The rules of the flags, with the tests of the earlier plan.
    pub(crate) fn rules(&self, failed: Option<FailedTests>) -> SelectionRules {
        SelectionRules {
            only: self.only.clone(),
            failed,
            shard: self.shard,
        }
    }
}
