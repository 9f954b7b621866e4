//! A plan in a line of the list, and at the head of its own page.

use serde::Serialize;

use super::{page_state::PlanState, plan_counts::PlanCounts};
use crate::{
    api::plan::PlanResponse,
    model::{PlanOrigin, PlanStatus, Timestamp, millis},
    text::short_commit,
};

/// What the service knows of a plan.
#[derive(Clone, Debug)]
pub(crate) struct PlanFacts {
    /// As the API answers.
    pub(crate) plan: PlanResponse,
    pub(crate) status: PlanStatus,
    /// Ended with an error.
    pub(crate) could_not_run: u64,
    /// Ended without a verdict and without an error.
    pub(crate) no_verdict: u64,
    pub(crate) started_by: String,
    pub(crate) origin: PlanOrigin,
    /// Who cancelled it and why, while tests are as the cancel ended them.
    pub(crate) cancelled: Option<String>,
    pub(crate) started: Timestamp,
    /// When the last execution ended, if all have.
    pub(crate) ended: Option<Timestamp>,
    /// The number of the last event.
    pub(crate) last_event: i64,
}

/// A plan and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PlanSummary {
    #[serde(flatten)]
    pub(crate) plan: PlanResponse,
    pub(crate) state: PlanState,
    pub(crate) counts: PlanCounts,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) started_by: String,
    /// What it tests, as far as the client that started it named it.
    #[serde(skip_serializing_if = "PlanOrigin::is_empty")]
    pub(crate) origin: PlanOrigin,
    /// Who cancelled it and why, while tests are as the cancel ended them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cancelled: Option<String>,
    /// Milliseconds since epoch by the service's clock.
    pub(crate) started_dt: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended_dt: Option<i64>,
    /// From its start to its end, or so far.
    pub(crate) duration_ms: u64,
    pub(crate) last_event: i64,
}

impl PlanSummary {
    /// The summary at `now`.
    pub(crate) fn of(facts: PlanFacts, now: Timestamp) -> Self {
        let PlanFacts { plan, status, .. } = facts;
        let counts = PlanCounts {
            total: status.total(),
            open: status.open,
            reserved: status.reserved,
            done: status.done,
            failed: plan.failed,
            could_not_run: facts.could_not_run,
            no_verdict: facts.no_verdict,
            passed: plan.passes,
            skipped: plan.skipped,
        };
        let is_due = plan.planned_dt.is_none_or(|planned| planned <= now.0);
        Self {
            state: match state(&counts, is_due) {
                PlanState::CouldNotRun if facts.cancelled.is_some() => PlanState::Cancelled,
                state => state,
            },
            cancelled: facts.cancelled,
            counts,
            started_by: facts.started_by,
            origin: facts.origin,
            started_dt: facts.started.0,
            ended_dt: facts.ended.map(|ended| ended.0),
            duration_ms: millis(facts.ended.unwrap_or(now).since(facts.started)),
            last_event: facts.last_event,
            plan,
        }
    }

    /// The title, or what stands for it.
    pub(super) fn title(&self) -> &str {
        let title = self.plan.title.trim();
        if title.is_empty() { "Test plan" } else { title }
    }

    /// The revisions that it was started for: branches, or commits in short.
    pub(super) fn revisions(&self) -> String {
        let linked = self.plan.repository_information.iter();
        let names: Vec<&str> = linked.map(|it| shortened(&it.branch)).collect();
        names.join(", ")
    }

    /// Whether tests are still to come.
    pub(crate) fn is_live(&self) -> bool {
        self.counts.open + self.counts.reserved > 0
    }
}

/// The first digits of a commit; the whole name of a branch.
fn shortened(revision: &str) -> &str {
    let is_commit = revision.len() >= 40 && revision.bytes().all(|b| b.is_ascii_hexdigit());
    if is_commit {
        short_commit(revision)
    } else {
        revision
    }
}

/// What could not run outranks what failed, because then the results are not complete.
fn state(counts: &PlanCounts, is_due: bool) -> PlanState {
    if counts.total == 0 {
        PlanState::Empty
    } else if counts.reserved > 0 {
        PlanState::Running
    } else if counts.open > 0 {
        if is_due {
            PlanState::Waiting
        } else {
            PlanState::Planned
        }
    } else if counts.could_not_run > 0 {
        PlanState::CouldNotRun
    } else if counts.failed > 0 {
        PlanState::Failed
    } else if counts.no_verdict > 0 {
        PlanState::NoVerdict
    } else {
        PlanState::Passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_of_a_plan_is_the_worst_of_its_ends_once_all_ended() {
        let counts = |open, reserved, failed, could_not_run, no_verdict| PlanCounts {
            total: 9,
            open,
            reserved,
            failed,
            could_not_run,
            no_verdict,
            ..PlanCounts::default()
        };
        let table = [
            (counts(3, 1, 2, 0, 0), PlanState::Running),
            (counts(3, 0, 2, 0, 0), PlanState::Waiting),
            (counts(0, 0, 2, 1, 1), PlanState::CouldNotRun),
            (counts(0, 0, 2, 0, 1), PlanState::Failed),
            (counts(0, 0, 0, 0, 1), PlanState::NoVerdict),
            (counts(0, 0, 0, 0, 0), PlanState::Passed),
            (PlanCounts::default(), PlanState::Empty),
        ];
        for (counts, expected) in table {
            assert_eq!(state(&counts, true), expected, "{counts:?}");
        }
        assert_eq!(state(&counts(1, 0, 0, 0, 0), false), PlanState::Planned);
    }

    #[test]
    fn commits_are_short_and_branches_are_not() {
        let commit = "11c02e5d9f6b4e8a7c1d2e3f4a5b6c7d8e9f0a1b";
        assert_eq!(shortened(commit), "11c02e5d9f");
        assert_eq!(shortened("release/2026-11"), "release/2026-11");
    }
}
