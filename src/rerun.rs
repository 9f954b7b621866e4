//! Re-runs of a CI run: whether an earlier attempt started the plan, and which executions to reset then.
//!
//! A re-run keeps the plan of the first attempt and completes it. What failed or could not run is reset once per attempt:
//! testplan's own service counts the resets (`generation`), with Test Center the records show them.

pub(crate) mod reopen;
pub(crate) mod resume;

use crate::ci::{Ci, CiSystem, started_by};

/// How many attempts lie between this process and the one that started its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rerun {
    /// The plan was started in this attempt, or the CI does not count attempts: nothing is reset.
    First,
    /// This many attempts later.
    Later(u32),
    /// This is a re-run, and the attempt that started the plan is unknown.
    Unknown {
        /// The CI's attempt.
        attempt: u32,
    },
}

impl Rerun {
    /// Reads the starting attempt from `given` (`--plan-attempt`), else from the plan's title if that is a default title
    /// of this run.
    pub(crate) fn of(ci: &Ci, given: Option<u32>, title: &str) -> Self {
        let Some(attempt) = attempt(ci) else {
            return Self::First;
        };
        let started = given.or_else(|| {
            let (run, attempt) = started_by(title)?;
            (ci.run_id.as_deref() == Some(run)).then_some(attempt)
        });
        match (started, attempt) {
            (Some(started), _) => match attempt.checked_sub(started) {
                Some(later @ 1..) => Self::Later(later),
                _ => Self::First,
            },
            (None, 1) => Self::First,
            (None, attempt) => Self::Unknown { attempt },
        }
    }
}

/// The attempt of the CI run, if the CI counts them: 1 is the first.
pub(crate) fn attempt(ci: &Ci) -> Option<u32> {
    // Other CIs do not count attempts, or count them per job.
    let counts = ci.system == CiSystem::GitHubActions;
    let attempt = ci.run_attempt.as_deref().filter(|_| counts)?.parse();
    attempt.ok().filter(|attempt| *attempt > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn github(attempt: &str) -> Ci {
        Ci {
            system: CiSystem::GitHubActions,
            run_id: Some("77".to_owned()),
            run_attempt: Some(attempt.to_owned()),
            ..Ci::default()
        }
    }

    #[test]
    fn rerun_counts_attempts_since_the_plan_started() {
        let later = Rerun::Later;
        let unknown = |attempt| Rerun::Unknown { attempt };
        for (attempt, given, title, expected) in [
            ("1", None, "T (GitHub Actions 77.1)", Rerun::First),
            ("2", None, "T (GitHub Actions 77.1)", later(1)),
            ("3", None, "T (GitHub Actions 77.1 gui)", later(2)),
            // All jobs were run again: the plan is a new one.
            ("2", None, "T (GitHub Actions 77.2)", Rerun::First),
            ("3", None, "T (GitHub Actions 77.2)", later(1)),
            // What is given wins.
            ("2", Some(1), "Nightly", later(1)),
            ("2", Some(2), "T (GitHub Actions 77.1)", Rerun::First),
            ("1", Some(2), "Nightly", Rerun::First),
            // A plan of another run, or with a title of its own.
            ("2", None, "T (GitHub Actions 76.1)", unknown(2)),
            ("2", None, "Nightly", unknown(2)),
            ("2", None, "T (GitHub Actions 77.x)", unknown(2)),
            ("1", None, "Nightly", Rerun::First),
            ("", None, "Nightly", Rerun::First),
            ("0", Some(1), "Nightly", Rerun::First),
        ] {
            assert_eq!(
                Rerun::of(&github(attempt), given, title),
                expected,
                "{attempt} {given:?} {title}"
            );
        }
    }

    #[test]
    fn rerun_needs_a_ci_that_counts_attempts() {
        let gitlab = Ci {
            system: CiSystem::GitLab,
            run_attempt: Some("901".to_owned()),
            ..Ci::default()
        };
        assert_eq!(attempt(&gitlab), None);
        assert_eq!(Rerun::of(&gitlab, Some(1), "Nightly"), Rerun::First);
    }
}
