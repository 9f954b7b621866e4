//! What is known for a decision, and what was decided, as values.

use std::collections::BTreeMap;

use super::rules::{EarlierRuns, QuarantineState};
use crate::model::{Day, ExecutionId, FlakyVerdict, Quarantine, Test, VerdictPolicy};

/// What the workers' records say about the policy of their plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedPolicy {
    /// The policies that workers read, each once.
    pub policies: Vec<VerdictPolicy>,
    /// The last day on which one of them was read.
    pub day: Option<Day>,
}

impl RecordedPolicy {
    /// Adds what a worker read.
    pub(in crate::report) fn add(&mut self, policy: VerdictPolicy, day: Day) {
        self.day = self.day.max(Some(day));
        if !self.policies.contains(&policy) {
            self.policies.push(policy);
        }
    }

    /// What a flaky test counts as: failed if any worker says so.
    pub(super) fn flaky(&self, test: &Test) -> FlakyVerdict {
        let fails = |policy: &VerdictPolicy| policy.flaky.verdict(test) == FlakyVerdict::Fail;
        if self.policies.iter().any(fails) {
            FlakyVerdict::Fail
        } else {
            FlakyVerdict::Pass
        }
    }

    /// The quarantine that all of them read; `None` without any, or if they differ.
    pub(super) fn quarantine(&self) -> Option<&Quarantine> {
        self.first().filter(|_| !self.differs())
    }

    pub(super) fn first(&self) -> Option<&Quarantine> {
        self.policies.iter().find_map(|it| it.quarantine.as_ref())
    }

    pub(super) fn differs(&self) -> bool {
        let mut policies = self.policies.iter();
        let first = policies.next().map(|it| &it.quarantine);
        policies.any(|it| Some(&it.quarantine) != first)
    }
}

/// The earlier runs of quarantined tests that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureHistory {
    /// By execution.
    Known(BTreeMap<ExecutionId, EarlierRuns>),
    /// Why it could not be asked.
    Unknown(String),
}

impl FailureHistory {
    /// Where no service was named.
    pub(crate) fn not_asked() -> Self {
        Self::Unknown(
            "no service with earlier runs was named (--url and --plan-id name it; `broken-after: off` in testplan.yml asks none)"
                .to_owned(),
        )
    }
}

/// What was decided about one execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruling {
    /// The quarantine of its test, if it has one.
    pub quarantine: Option<EntryQuarantine>,
    /// It failed, or is flaky where that counts as failed, and its quarantine excuses it.
    pub is_excused: bool,
    /// It is flaky, and that counts as failed.
    pub flaky_fails: bool,
}

/// The quarantine of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryQuarantine {
    pub owner: String,
    pub reason: String,
    pub link: Option<String>,
    pub until: Day,
    pub state: QuarantineState,
}

/// Sentences about the quarantine and flaky tests of a plan. The texts are raw: surfaces clean them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerdictNotes {
    /// Those that a person should act on come first.
    pub sentences: Vec<String>,
    /// How many of them these are.
    pub to_act_on: usize,
}
