//! A partial [`PlanWaiting`] from a service that only counts, such as Test Center.

use std::{collections::BTreeSet, time::Instant};

use crate::{
    client::{Client, ClientError},
    clock,
    model::{
        Capabilities, Capability, LabelCase, Lack, Need, PartialKnowledge, Plan, PlanId,
        PlanStatus, PlanWaiting, SquishServer, SquishServerId, Timestamp,
    },
};

/// Most capabilities whose executions are counted.
const MOST: usize = 16;

/// The counts alone.
pub(super) fn of(status: PlanStatus) -> PlanWaiting {
    PlanWaiting {
        status,
        partial: Some(PartialKnowledge::default()),
        ..PlanWaiting::default()
    }
}

/// Adds the Squish servers, or why they cannot be listed.
pub(super) async fn add_squish_servers(client: &Client, waiting: &mut PlanWaiting) {
    match (client.squish_servers().await, &mut waiting.partial) {
        (Ok(list), _) => waiting.squish_servers = list,
        (Err(error), Some(partial)) => partial.squish_servers_error = Some(error.to_string()),
        (Err(_), None) => {}
    }
}

/// Adds how many open executions need each capability in `hints` or of a Squish server. A capability that cannot be
/// counted is left out.
pub(super) async fn add_needs(
    client: &Client,
    plan: PlanId,
    hints: &[Capability],
    waiting: &mut PlanWaiting,
) {
    for wanted in candidates(&waiting.squish_servers, hints) {
        let required = Capabilities::from(vec![wanted]);
        let Ok(PlanStatus {
            open: open @ 1.., ..
        }) = client.status(plan, &required).await
        else {
            continue;
        };
        let fitting = fitting(&waiting.squish_servers, &required);
        let enabled = |it: &SquishServer| it.enabled && fitting.contains(&it.id);
        let is_lacking = !waiting.squish_servers.iter().any(enabled);
        waiting.needs.push(Need {
            open,
            reserved: 0,
            workers: 0,
            last_seen: None,
            lack: is_lacking.then_some(Lack::SquishServer),
            lacking_for: None,
            squish_servers: fitting,
            required,
        });
    }
}

/// The Squish servers that have these capabilities, ignoring case: the service may compare otherwise.
pub(super) fn fitting(servers: &[SquishServer], wanted: &Capabilities) -> Vec<SquishServerId> {
    servers
        .iter()
        .filter(|it| it.labels.covers(wanted, LabelCase::Folded))
        .map(|it| it.id)
        .collect()
}

/// The hints and the labels of the Squish servers, each once.
fn candidates(squish_servers: &[SquishServer], hints: &[Capability]) -> Vec<Capability> {
    let known = squish_servers.iter().flat_map(|it| it.labels.iter());
    let mut taken = BTreeSet::new();
    hints
        .iter()
        .chain(known)
        .filter(|capability| taken.insert(capability.to_string().to_lowercase()))
        .take(MOST)
        .cloned()
        .collect()
}

/// When a plan starts and who runs it, according to a service that only counts. Before its start, or while Test Center
/// runs it, a plan without reserved executions lacks no worker.
#[derive(Clone, Debug)]
pub(super) struct PlanStart {
    plan: Plan,
    asked: Instant,
}

impl PlanStart {
    /// Asks a service that only counts; our own reports the start with what a plan waits for.
    pub(super) async fn of(client: &Client, plan: PlanId) -> Result<Option<Self>, ClientError> {
        if client.is_testplan() {
            return Ok(None);
        }
        let plan = client.plan(plan).await?;
        let asked = clock::monotonic();
        Ok(Some(Self { plan, asked }))
    }

    /// Adds the start to what is known at `now`.
    pub(super) fn add_to(&self, waiting: &mut PlanWaiting, now: Instant) {
        let passed = now.saturating_duration_since(self.asked);
        waiting.at = service_time(&self.plan).plus(passed);
        waiting.due = self.plan.planned.filter(|due| waiting.at < *due);
        if let Some(partial) = &mut waiting.partial {
            partial.handed_over = self.plan.is_handed_over();
        }
    }
}

/// The service's time when it answered; ours if the answer has none.
pub(crate) fn service_time(plan: &Plan) -> Timestamp {
    match plan.server_time {
        Timestamp(0) => clock::wall(),
        time => time,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        model::{PlanKind, plan::LinkedRepository},
        wait::wording,
    };

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
            page_url: None,
        }
    }

    #[test]
    fn a_plan_is_not_stuck_before_its_start_or_while_test_center_runs_it() {
        let asked = clock::monotonic();
        let waiting = |plan: Plan, after: u64| {
            let mut waiting = of(PlanStatus {
                open: 1,
                ..PlanStatus::default()
            });
            PlanStart { plan, asked }.add_to(&mut waiting, asked + Duration::from_secs(after));
            waiting
        };
        for (planned, linked, stuck, stuck_later) in [
            (None, false, true, true),
            (None, true, true, true),
            (Some(1_000_000), false, true, true),
            (Some(900_000), false, true, true),
            (Some(1_060_000), false, false, true),
            (Some(1_060_000), true, false, false),
            (Some(900_000), true, false, false),
        ] {
            let found = [0, 61].map(|after| waiting(plan(planned, linked), after).is_stuck());
            assert_eq!(found, [stuck, stuck_later], "{planned:?} {linked}");
        }
        let early = wording::lines(&waiting(plan(Some(1_060_000), false), 0));
        assert_eq!(
            early,
            ["the plan starts at 1970-01-01T00:17:40Z, in 1m 00s: no test is handed out before"]
        );
    }
}
