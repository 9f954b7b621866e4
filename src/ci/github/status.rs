//! Commit statuses.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    api_client::GitHub,
    publish_error::PublishError,
    retries::Budget,
    text_limits::{self, LONGEST_DESCRIPTION},
};

/// The content of a commit status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitStatus {
    /// Its state.
    pub state: StatusState,
    /// Identifies the status on the commit; a later one of the same context replaces it.
    pub context: String,
    /// One line for people; cut at [`LONGEST_DESCRIPTION`] characters.
    pub description: String,
    /// The linked page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_url: Option<String>,
}

/// The state of a commit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusState {
    /// Pending.
    Pending,
    /// Passed.
    Success,
    /// Failed: the product has a fault.
    Failure,
    /// No verdict.
    Error,
}

impl fmt::Display for StatusState {
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
struct CombinedStatus {
    #[serde(default)]
    statuses: Vec<KnownStatus>,
}

#[derive(Deserialize)]
struct KnownStatus {
    state: String,
    context: String,
    #[serde(default)]
    target_url: Option<String>,
}

impl GitHub {
    /// Replaces a pending status of the same context that links to `run`. Leaves any other alone.
    pub(crate) async fn end_pending(
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
        let found: CombinedStatus = budget.persist(|| self.get(budget, &path)).await?;
        let is_ours = |known: &KnownStatus| {
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

    /// Sets a status of a commit. Server errors, lost connections and short rate limits are retried: setting a status twice is the
    /// same as once.
    pub async fn set_status(
        &self,
        commit: &str,
        status: &CommitStatus,
    ) -> Result<(), PublishError> {
        let path = format!("/statuses/{}", super::address::commit(commit)?);
        let status = CommitStatus {
            description: text_limits::characters(&status.description, LONGEST_DESCRIPTION),
            ..status.clone()
        };
        let budget = Budget::start(self.patience);
        budget.persist(|| self.create(budget, &path, &status)).await
    }
}
