//! Commit statuses.

use std::fmt;

use serde::Serialize;

use super::{GitHub, LONGEST_DESCRIPTION, NotSet, fit, tries::Budget};

/// What a commit status says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitStatus {
    /// Good, bad, neither or not yet known.
    pub state: State,
    /// What tells it from other statuses of the commit; a later one of the same context replaces it.
    pub context: String,
    /// One line for people; cut behind [`LONGEST_DESCRIPTION`] characters.
    pub description: String,
    /// Where people read more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_url: Option<String>,
}

/// What a commit status comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not known yet.
    Pending,
    /// Passed.
    Success,
    /// Failed: a result about the product.
    Failure,
    /// Neither is known.
    Error,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        })
    }
}

impl GitHub {
    /// Sets a status of a commit. Server errors, lost connections and short rate limits are tried again: setting the
    /// same status twice is the same as once.
    pub async fn set_status(&self, commit: &str, status: &CommitStatus) -> Result<(), NotSet> {
        let path = format!("/statuses/{}", super::address::commit(commit)?);
        let status = CommitStatus {
            description: fit::characters(&status.description, LONGEST_DESCRIPTION),
            ..status.clone()
        };
        let budget = Budget::start(self.patience);
        budget.persist(|| self.create(budget, &path, &status)).await
    }
}
