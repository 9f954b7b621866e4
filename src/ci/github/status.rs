//! Commit statuses.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{GitHub, LONGEST_DESCRIPTION, PublishError, fit, tries::Budget};

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

/// The latest status of each context of a commit.
#[derive(Deserialize)]
struct Combined {
    #[serde(default)]
    statuses: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    state: String,
    context: String,
    #[serde(default)]
    target_url: Option<String>,
}

impl GitHub {
    /// Sets a status in place of a pending one of the same context that links to `run`. Leaves any other alone.
    pub async fn end_pending(
        &self,
        commit: &str,
        status: &CommitStatus,
        run: &str,
    ) -> Result<(), PublishError> {
        let path = format!(
            "/commits/{}/status?per_page=100",
            super::address::commit(commit)?
        );
        let budget = Budget::start(self.patience);
        let found: Combined = budget.persist(|| self.get(budget, &path)).await?;
        let is_ours = |known: &Known| {
            known.state == "pending"
                && known.context.eq_ignore_ascii_case(&status.context)
                && (known.target_url.as_deref())
                    .and_then(|url| url.strip_prefix(run).filter(|_| !run.is_empty()))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if found.statuses.iter().any(is_ours) {
            self.set_status(commit, status).await?;
        }
        Ok(())
    }

    /// Sets a status of a commit. Server errors, lost connections and short rate limits are tried again: setting the
    /// same status twice is the same as once.
    pub async fn set_status(
        &self,
        commit: &str,
        status: &CommitStatus,
    ) -> Result<(), PublishError> {
        let path = format!("/statuses/{}", super::address::commit(commit)?);
        let status = CommitStatus {
            description: fit::characters(&status.description, LONGEST_DESCRIPTION),
            ..status.clone()
        };
        let budget = Budget::start(self.patience);
        budget.persist(|| self.create(budget, &path, &status)).await
    }
}
