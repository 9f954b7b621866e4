//! Which CI this is and what it knows: commit, branch, run, links; and what GitHub is told of a run.

pub mod checkout;
mod detect;
mod event;
pub mod github;
mod labels;
mod title;
pub mod workflow;

use std::fmt;

use serde_json::Value;

use crate::{
    model::{Timestamp, record::Checkout},
    text::short_commit,
};

pub use event::{Doubt, ReadOnly};
pub use title::started_by;

/// What the CI around this process says of itself. Outside of one, everything is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ci {
    /// Which one.
    pub system: CiSystem,
    /// The commit under test, as a hash.
    pub commit: Option<String>,
    /// The commit that people look at, where statuses and checks go. Of a pull request its head, where the commit under
    /// test is a merge commit that nobody sees.
    pub report_on: Option<String>,
    /// GitHub's merge of the event's pull request: a result of it counts for `report_on`, its head.
    pub merge: Option<String>,
    /// The branch under test; of a pull request, the one that it comes from. `None` for a tag.
    pub branch: Option<String>,
    /// The pull request that the run belongs to, where the event names one.
    pub pull_request: Option<u64>,
    /// Why the CI's own token most likely may only read.
    pub read_only: Option<ReadOnly>,
    /// What the event leaves open, to be told to people.
    pub doubts: Vec<Doubt>,
    /// What tells this run from all others of the same CI.
    pub run_id: Option<String>,
    /// What tells a re-run from the first, where it keeps the run's id. Compare it, do not count with it.
    pub run_attempt: Option<String>,
    /// The job within the run.
    pub job: Option<String>,
    /// The values of the job's matrix in a few words, where they are known.
    pub matrix: Option<String>,
    /// What tells this job from others of its name in one attempt: those of a matrix, or of a workflow that is called
    /// twice. The same in all steps of the job.
    pub job_mark: Option<String>,
    /// Where people see the run.
    pub run_url: Option<String>,
}

/// The CI systems that are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CiSystem {
    /// None of them: somebody's machine, or a CI that is not known.
    #[default]
    None,
    /// GitHub Actions.
    GitHubActions,
    /// GitLab CI/CD.
    GitLab,
    /// Jenkins.
    Jenkins,
    /// Azure Pipelines.
    AzurePipelines,
    /// Buildkite.
    Buildkite,
    /// `CircleCI`.
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

/// What makes a run outside of any CI unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When it began.
    pub time: Timestamp,
    /// A random number.
    pub random: u32,
}

impl Ci {
    /// Finds out by the variables that the CIs set. `lookup` gives `None` for absent and for empty ones.
    pub fn detect(lookup: impl Fn(&str) -> Option<String>) -> Self {
        detect::detect(&lookup)
    }

    /// The same as [`Ci::detect`], and in GitHub Actions what the event says beyond the variables. `payload` is what the
    /// file of `GITHUB_EVENT_PATH` holds, `None` if it cannot be read; `head` is the commit that is checked out, if
    /// that is known.
    pub fn with_event(
        lookup: impl Fn(&str) -> Option<String>,
        payload: Option<&Value>,
        head: Option<&str>,
    ) -> Self {
        let ci = detect::detect(&lookup);
        if ci.system != CiSystem::GitHubActions {
            return ci;
        }
        let facts = event::facts(&lookup, payload, head);
        Self {
            commit: facts.tested,
            report_on: facts.report_on,
            merge: facts.merge,
            branch: facts.branch,
            pull_request: facts.pull_request,
            read_only: facts.read_only,
            doubts: facts.doubts,
            ..ci
        }
    }

    /// What a checkout at a commit is a test of.
    pub fn checkout(&self, commit: &str) -> Checkout {
        let is_merge = self.merge.as_deref() == Some(commit);
        Checkout {
            commit: commit.to_owned(),
            stands_for: self.report_on.clone().filter(|_| is_merge),
        }
    }

    /// The title of a new plan: the same within one job of one attempt of one run, so that a plan is found again whose
    /// answer was lost, and another one for every other.
    pub fn default_title(&self, template: &str, moment: Moment) -> String {
        format!("{template} ({})", title::run(self, moment))
    }

    /// The batch of a new plan: as unique as its title, and led by what was tested.
    pub fn default_batch(&self, template: &str, moment: Moment) -> String {
        let commit = self.commit.as_deref().map(short_commit);
        let tested = [self.branch.as_deref(), commit, Some(template)];
        let tested: Vec<&str> = tested.into_iter().flatten().collect();
        format!("{} ({})", tested.join(" "), title::run(self, moment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Moment = Moment {
        time: Timestamp(1_795_359_464_000),
        random: 0xbeef,
    };

    fn github(attempt: &str) -> Ci {
        Ci {
            system: CiSystem::GitHubActions,
            commit: Some("11c02e5a9f0b".to_owned()),
            branch: Some("main".to_owned()),
            run_id: Some("123".to_owned()),
            run_attempt: Some(attempt.to_owned()),
            ..Ci::default()
        }
    }

    #[test]
    fn two_jobs_of_a_run_have_plans_of_their_own() {
        let ci = Ci {
            job: Some("gui".to_owned()),
            ..github("1")
        };
        let title = ci.default_title("Nightly", MOMENT);
        assert_eq!(title, "Nightly (GitHub Actions 123.1 gui)");
        assert_eq!(started_by(&title), Some(("123", 1)));
    }

    #[test]
    fn names_a_plan_after_run_and_attempt() {
        let ci = github("1");
        assert_eq!(
            ci.default_title("Nightly", MOMENT),
            "Nightly (GitHub Actions 123.1)"
        );
        assert_eq!(
            ci.default_batch("Nightly", MOMENT),
            "main 11c02e5a9f Nightly (GitHub Actions 123.1)"
        );
        let later = Moment {
            time: Timestamp(0),
            random: 1,
        };
        assert_eq!(
            ci.default_title("Nightly", later),
            ci.default_title("Nightly", MOMENT)
        );
        assert_ne!(
            ci.default_title("Nightly", MOMENT),
            github("2").default_title("Nightly", MOMENT)
        );
        assert_ne!(
            ci.default_title("Nightly", MOMENT),
            ci.default_title("Daily", MOMENT)
        );
    }

    #[test]
    fn names_a_plan_after_the_moment_outside_ci() {
        let ci = Ci::default();
        let title = ci.default_title("Nightly", MOMENT);
        assert_eq!(title, "Nightly (local 20261122-145744-0000beef)");
        assert_eq!(ci.default_batch("Nightly", MOMENT), title);
        let other = Moment {
            random: 1,
            ..MOMENT
        };
        assert_ne!(title, ci.default_title("Nightly", other));
        let never = Moment {
            time: Timestamp(i64::MAX),
            ..MOMENT
        };
        assert!(
            ci.default_title("Nightly", never)
                .contains(&i64::MAX.to_string())
        );
    }
}
