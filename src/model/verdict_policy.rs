//! Which results decide the conclusion of a plan: what a flaky test counts as, and which failures a quarantine excuses.

use serde::{Deserialize, Serialize};

use super::{Capabilities, Day, LabelCase, Test, TestPattern};

/// How many failed runs in a row make a quarantined test broken, unless `broken-after` says otherwise.
pub const BROKEN_AFTER: u32 = 5;

/// What `testplan.yml` says about verdicts. Workers write it to their records, so that every report of a plan decides alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictPolicy {
    /// What a flaky test counts as.
    #[serde(default, skip_serializing_if = "FlakyPolicy::is_default")]
    pub flaky: FlakyPolicy,
    /// Tests whose failures do not decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Quarantine>,
}

/// What a test counts as that failed and then passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlakyVerdict {
    /// It passed.
    #[default]
    Pass,
    /// It failed.
    Fail,
}

/// What flaky tests count as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlakyPolicy {
    /// Where no rule matches.
    pub default: FlakyVerdict,
    /// The first that matches decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<FlakyRule>,
}

/// What some flaky tests count as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlakyRule {
    /// Tests that match any of these.
    pub tests: Vec<TestPattern>,
    /// What they count as.
    pub verdict: FlakyVerdict,
}

impl FlakyPolicy {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What this test counts as if it is flaky.
    pub fn verdict(&self, test: &Test) -> FlakyVerdict {
        let matching = |rule: &&FlakyRule| rule.tests.iter().any(|it| it.matches(test));
        let rule = self.rules.iter().find(matching);
        rule.map_or(self.default, |rule| rule.verdict)
    }
}

/// A quarantine file as a worker read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// The file, as `testplan.yml` names it.
    pub file: String,
    /// How many failed runs in a row make a test broken; `None` if no history is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_after: Option<u32>,
    /// Why the file could not be read; then it has no entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Its entries.
    #[serde(default)]
    pub entries: Vec<QuarantineEntry>,
}

/// An entry of a quarantine file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineEntry {
    /// Tests that match any of these.
    pub tests: Vec<TestPattern>,
    /// Who repairs them.
    pub owner: String,
    /// Why they are in quarantine.
    pub reason: String,
    /// Where more about it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The last day of the quarantine.
    pub until: Day,
    /// Only where the test requires all of these.
    #[serde(default, skip_serializing_if = "Capabilities::is_empty")]
    pub capabilities: Capabilities,
}

impl QuarantineEntry {
    /// Whether it is about this test in this configuration. Without known capabilities, an entry that asks for some is not.
    pub fn covers(&self, test: &Test, required: Option<&Capabilities>) -> bool {
        let configuration = self.capabilities.is_empty()
            || required.is_some_and(|it| it.covers(&self.capabilities, LabelCase::Folded));
        configuration && self.tests.iter().any(|pattern| pattern.matches(test))
    }
}

impl Quarantine {
    /// The entry of a test; of several, the one that ends last.
    pub fn entry(&self, test: &Test, required: Option<&Capabilities>) -> Option<&QuarantineEntry> {
        let entries = self.entries.iter();
        entries
            .filter(|entry| entry.covers(test, required))
            .max_by_key(|entry| entry.until)
    }
}
