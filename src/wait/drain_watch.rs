//! Watches a plan until it is drained, or until it is stuck for too long. Another process runs its tests.

use std::time::Duration;

use super::{
    partial_waiting::{self, PlanStart},
    reminder::{self, Reminder, WaitSnapshot},
    update::{self, WaitUpdate},
    wait_probe::WaitProbe,
    wording,
};
use crate::{
    client::{Client, ClientError},
    clock,
    model::{Capability, PlanId, PlanStatus, PlanWaiting},
    report::sanitise::console_line,
};

/// Most open executions that are named at the end.
const MOST_NAMED: u32 = 20;

/// A wait until a plan is drained.
#[derive(Debug)]
pub(crate) struct DrainWatch {
    client: Client,
    plan: PlanId,
    grace: Duration,
    hints: Vec<Capability>,
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DrainEnd {
    /// All executions are done.
    Drained(PlanStatus),
    /// No worker or Squish server appeared in time for what is still open.
    GaveUp(PlanWaiting),
}

impl DrainEnd {
    /// The counts of the plan.
    pub(crate) fn status(&self) -> PlanStatus {
        match self {
            Self::Drained(status) => *status,
            Self::GaveUp(waiting) => waiting.status,
        }
    }
}

impl DrainWatch {
    /// Gives up after the plan was stuck for `grace`. If the service only counts, counts the executions that need each of
    /// `hints`.
    pub(crate) fn new(
        client: Client,
        plan: PlanId,
        grace: Duration,
        hints: Vec<Capability>,
    ) -> Self {
        Self {
            client,
            plan,
            grace,
            hints,
        }
    }

    /// Waits, and hands each reminder to `print`: its lines, and whether it is the last.
    pub(crate) async fn until_drained(
        &self,
        mut print: impl FnMut(&[String], bool),
    ) -> Result<DrainEnd, ClientError> {
        let start = PlanStart::of(&self.client, self.plan).await?;
        let mut probe = WaitProbe::for_onlooker(self.client.clone(), self.plan);
        let mut reminder = Reminder::new(self.grace, reminder::EVERY, clock::monotonic());
        loop {
            let mut waiting = probe.next().await?;
            if waiting.status.is_drained() {
                return Ok(DrainEnd::Drained(waiting.status));
            }
            let now = clock::monotonic();
            if let Some(start) = &start {
                start.add_to(&mut waiting, now);
            }
            let decision = reminder.observe(WaitSnapshot::of(&waiting), now);
            if let Some(remains) = decision.remains {
                probe.hurry(remains);
            }
            if decision.remind {
                let lines = self.lines(&mut waiting).await;
                let stuck = match waiting.partial {
                    None => wording::STUCK,
                    Some(_) => wording::NOTHING_RUNS,
                };
                let update = WaitUpdate::new(decision, self.grace, stuck, lines, String::new);
                let mut text = update.text(&self.headline(waiting.status));
                if decision.is_over() {
                    text.extend(self.left_open(&waiting).await?);
                }
                print(&text, decision.is_over());
            }
            if decision.is_over() {
                return Ok(DrainEnd::GaveUp(waiting));
            }
        }
    }

    fn headline(&self, status: PlanStatus) -> String {
        let PlanStatus {
            open,
            reserved,
            done,
        } = status;
        format!(
            " for plan {}: {open} open, {reserved} reserved, {done} done",
            self.plan
        )
    }

    /// Describes what the plan waits for. If the service only counts, asks for the counts that are useful.
    async fn lines(&self, waiting: &mut PlanWaiting) -> Vec<String> {
        let is_explained = match &waiting.partial {
            None => true,
            Some(partial) => partial.handed_over || waiting.due.is_some(),
        };
        if is_explained {
            return wording::lines(waiting);
        }
        partial_waiting::add_squish_servers(&self.client, waiting).await;
        partial_waiting::add_needs(&self.client, self.plan, &self.hints, waiting).await;
        let mut lines = wording::lines(waiting);
        lines.push(
            "this service reports neither what executions need nor which workers are running; \
             --capability KEY=VALUE also counts the executions that need it"
                .to_owned(),
        );
        lines
    }

    /// The executions that stay open, by name if the service lists executions.
    async fn left_open(&self, waiting: &PlanWaiting) -> Result<Vec<String>, ClientError> {
        let (open, plan) = (waiting.status.open, self.plan);
        if waiting.partial.is_some() {
            return Ok(vec![format!(
                "  {open} executions of plan {plan} stay open; this service does not report which workers are running"
            )]);
        }
        let named = self.client.open_executions(plan, MOST_NAMED).await?;
        let named = named.unwrap_or_default();
        let mut lines = vec![format!("  executions of plan {plan} that stay open:")];
        lines.extend(named.iter().map(|open| {
            let line = wording::open_execution(open);
            format!("    {}", console_line(&line, update::LONGEST))
        }));
        let more = open.saturating_sub(named.len() as u64);
        if more > 0 {
            lines.push(format!("    and {more} more"));
        }
        Ok(lines)
    }
}
