//! What a CI says about the run that this process belongs to.

use std::fmt;

use super::github_event::{event_warning::EventWarning, read_only::ReadOnly};
use crate::model::{PlanOrigin, record::Checkout};

/// What the CI says about the run of this process. Outside of a CI, everything is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ci {
    pub system: CiSystem,
    /// The commit under test, as a hash.
    pub commit: Option<String>,
    /// The commit that gets statuses and check runs. For a pull request the head, because people do not see the merge commit
    /// that is tested.
    pub report_on: Option<String>,
    /// GitHub's merge commit of the pull request. Its results count for `report_on`, the head.
    pub merge: Option<String>,
    /// The branch under test; for a pull request its head branch. `None` for a tag.
    pub branch: Option<String>,
    /// The pull request of the run, if the event names one.
    pub pull_request: Option<u64>,
    /// Why the CI's own token can probably only read.
    pub read_only: Option<ReadOnly>,
    /// What the event does not say.
    pub event_warnings: Vec<EventWarning>,
    /// Identifies the run within the CI.
    pub run_id: Option<String>,
    /// Distinguishes re-runs that keep the run's id. Compare it, do not count with it.
    pub run_attempt: Option<String>,
    pub job: Option<String>,
    /// The values of the job's matrix, shortened.
    pub matrix: Option<String>,
    /// Distinguishes jobs of one name in one attempt, such as those of a matrix or of a workflow that is called twice. The
    /// same in all steps of the job.
    pub job_mark: Option<String>,
    pub run_url: Option<String>,
    /// The page of this job; that of the run where the CI does not say more.
    pub job_url: Option<String>,
    /// Who caused the run.
    pub author: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CiSystem {
    /// A developer's machine, or another CI.
    #[default]
    None,
    GitHubActions,
    GitLab,
    Jenkins,
    AzurePipelines,
    Buildkite,
    CircleCi,
}

impl fmt::Display for CiSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "local",
            Self::GitHubActions => "GitHub Actions",
            Self::GitLab => "GitLab",
            Self::Jenkins => "Jenkins",
            Self::AzurePipelines => "Azure Pipelines",
            Self::Buildkite => "Buildkite",
            Self::CircleCi => "CircleCI",
        })
    }
}

/// Longest text of what a plan tests, in characters.
const LONGEST_ORIGIN: usize = 1_000;

impl Ci {
    /// What a plan that this run starts tests. What is too long to be true is left out.
    pub(crate) fn origin(&self) -> PlanOrigin {
        let text = |text: &Option<String>| {
            let fits = |text: &String| text.chars().count() <= LONGEST_ORIGIN;
            text.clone().filter(fits).unwrap_or_default()
        };
        PlanOrigin {
            branch: text(&self.branch),
            commit: text(&self.commit),
            author: text(&self.author),
            run_url: text(&self.run_url),
        }
    }

    /// The checkout of a commit, with the commit that its results count for.
    pub(crate) fn checkout(&self, commit: &str) -> Checkout {
        let is_merge = self.merge.as_deref() == Some(commit);
        Checkout {
            commit: commit.to_owned(),
            stands_for: self.report_on.clone().filter(|_| is_merge),
        }
    }
}
