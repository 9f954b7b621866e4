//! What a plan was started for: the commit under test and the CI run that asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a plan tests and where it came from, according to the client that started it. Every part is optional, and empty if unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PlanOrigin {
    /// The branch under test; for a pull request its head branch.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub branch: String,
    /// The commit under test, as a hash.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// Who caused the CI run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// The page of the CI run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub run_url: String,
}

impl PlanOrigin {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The texts with the names of their members.
    pub fn texts(&self) -> [(&'static str, &str); 4] {
        [
            ("branch", &self.branch),
            ("commit", &self.commit),
            ("author", &self.author),
            ("run_url", &self.run_url),
        ]
    }
}
