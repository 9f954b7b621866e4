//! What a service that only counts says of a plan's beginning: one that waits for its time, or that Test Center runs by
//! itself, has nothing reserved for long and lacks nobody.

use std::time::{Duration, Instant};

use crate::{
    cli::managed,
    client::{Client, ClientError},
    clock,
    config::duration,
    model::{Plan, PlanId},
};

/// When a plan starts, and who runs it.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// By our clock, however much Test Center's differs.
    due: Option<Instant>,
    /// Its time, in words.
    time: String,
    handed_over: bool,
}

impl Start {
    /// Asks a service that only counts; our own says all of this with what it waits for.
    pub(super) async fn of(client: &Client, plan: PlanId) -> Result<Self, ClientError> {
        if client.is_testplan() {
            return Ok(Self {
                due: None,
                time: String::new(),
                handed_over: false,
            });
        }
        Ok(Self::read(&client.plan(plan).await?, clock::monotonic()))
    }

    fn read(plan: &Plan, now: Instant) -> Self {
        let left = |planned: crate::model::Timestamp| planned.since(managed::now(plan));
        Self {
            due: plan
                .planned
                .and_then(|planned| now.checked_add(left(planned))),
            time: plan.planned.map(managed::shown).unwrap_or_default(),
            handed_over: plan.is_handed_over(),
        }
    }

    /// Why nothing has to be at work, if so.
    pub(super) fn why_it_rests(&self, now: Instant) -> Option<String> {
        let left = self.due.map(|due| due.saturating_duration_since(now));
        let left = left.filter(|left| !left.is_zero()).map(|left| {
            let left = duration::format(Duration::from_secs(left.as_secs() + 1));
            format!("from {}, in {left}", self.time)
        });
        match (self.handed_over, left) {
            (true, Some(when)) => Some(format!("Test Center runs it itself {when}")),
            (true, None) => Some(
                "Test Center runs it itself: what it lacks, if anything, is told there; --deadline bounds this wait"
                    .to_owned(),
            ),
            (false, Some(when)) => Some(format!("it is to be worked on {when}")),
            (false, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PlanKind, Timestamp, plan::LinkedRepository};

    fn plan(planned: Option<i64>, linked: bool) -> Plan {
        let repository = LinkedRepository {
            id: 7,
            branch: "main".to_owned(),
        };
        Plan {
            id: PlanId(105),
            kind: PlanKind::Instance,
            project: String::new(),
            title: String::new(),
            description: String::new(),
            batch: String::new(),
            tags: Vec::new(),
            repositories: linked.then_some(repository).into_iter().collect(),
            planned: planned.map(Timestamp),
            // Its clock is decades behind ours.
            server_time: Timestamp(1_000_000),
            passes: 0,
            failed: 0,
            skipped: 0,
            count: 0,
        }
    }

    #[test]
    fn a_plan_rests_until_its_time_by_its_services_clock_and_all_along_if_it_is_handed_over() {
        let now = clock::monotonic();
        let later = now + Duration::from_secs(61);
        for (planned, linked, rests, rests_later) in [
            (None, false, false, false),
            (None, true, false, false),
            (Some(1_000_000), false, false, false),
            (Some(900_000), false, false, false),
            (Some(1_060_000), false, true, false),
            (Some(1_060_000), true, true, true),
            (Some(900_000), true, true, true),
        ] {
            let start = Start::read(&plan(planned, linked), now);
            let found = [now, later].map(|at| start.why_it_rests(at).is_some());
            assert_eq!(found, [rests, rests_later], "{planned:?} {linked}");
        }
        let start = Start::read(&plan(Some(1_059_500), false), now);
        let why = start.why_it_rests(now).unwrap();
        assert!(why.ends_with("in 1m"), "{why}");
    }
}
