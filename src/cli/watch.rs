//! Watches a plan until it is drained, or nothing can happen to it any more, and tells people all the while.

mod counted;
mod start;

use std::time::Duration;

use super::{lookup, screen::Screen};
use crate::{
    client::{Client, ClientError},
    clock,
    config::duration,
    failure::Failure,
    model::{Capabilities, Capability, Lack, PlanId, PlanStatus, PlanWaiting},
    report::sanitise::console_line,
    wait::{Decision, Reminder, WaitSnapshot, wording},
};
use start::Start;

/// How long one question waits at the service: it knows of no change when a worker just goes away.
const LOOK: Duration = Duration::from_secs(5);
/// Most executions that are named in the end.
const MOST_NAMED: u32 = 20;
/// Longest line, in bytes.
const LONGEST: usize = 1000;

/// A wait until everything of a plan is done.
#[derive(Debug)]
pub(crate) struct DrainWatch<'a> {
    client: Client,
    plan: PlanId,
    grace: Duration,
    hints: Vec<Capability>,
    screen: &'a Screen,
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    /// Everything is done.
    Drained(PlanStatus),
    /// Nobody came in time for what is left.
    Starved {
        /// How far the plan is.
        status: PlanStatus,
        /// What is lacking, where it is known.
        lacking: Vec<Lacking>,
    },
}

/// Executions that nobody can take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lacking {
    /// What they need.
    pub(crate) required: Capabilities,
    /// How many.
    pub(crate) open: u64,
    /// What is missing: `worker` or `squish-server`.
    pub(crate) reason: &'static str,
}

/// What people are told of a wait.
struct Seen {
    lines: Vec<String>,
    lacking: Vec<Lacking>,
    /// Whether the service knows who could take what.
    knows_workers: bool,
}

impl Watched {
    /// How far the plan is.
    pub(crate) fn status(&self) -> PlanStatus {
        match self {
            Self::Drained(status) | Self::Starved { status, .. } => *status,
        }
    }

    /// What is lacking, where it is known.
    pub(crate) fn lacking(&self) -> &[Lacking] {
        match self {
            Self::Drained(_) => &[],
            Self::Starved { lacking, .. } => lacking,
        }
    }
}

impl<'a> DrainWatch<'a> {
    /// A wait that gives a helper `grace` to come.
    pub(crate) fn new(
        client: Client,
        plan: PlanId,
        grace: Duration,
        hints: Vec<Capability>,
        screen: &'a Screen,
    ) -> Self {
        Self {
            client,
            plan,
            grace,
            hints,
            screen,
        }
    }

    /// Waits.
    pub(crate) async fn until_drained(&self) -> Result<Watched, Failure> {
        let mut reminder = Reminder::new(self.grace, clock::monotonic());
        let everything = Capabilities::default();
        let mut status = lookup::status(&self.client, self.plan, &everything).await?;
        if status.is_drained() {
            return Ok(Watched::Drained(status));
        }
        let start = Start::of(&self.client, self.plan).await?;
        while !status.is_drained() {
            let asked = clock::monotonic();
            let waiting = self.client.plan_waiting(self.plan).await?;
            if let Some(waiting) = &waiting {
                status = waiting.status;
                if status.is_drained() {
                    break;
                }
            }
            let snapshot = waiting
                .as_ref()
                .map_or_else(|| counted(status, &start), wording::snapshot);
            let decision = reminder.look(snapshot, clock::monotonic());
            if decision.tell {
                let seen = self.seen(waiting, &start).await;
                self.tell(status, &seen, decision).await?;
                if decision.is_over() {
                    return Ok(Watched::Starved {
                        status,
                        lacking: seen.lacking,
                    });
                }
            }
            let pause = decision.remains.map_or(LOOK, |remains| remains.min(LOOK));
            status = self.next(pause, asked).await?;
        }
        Ok(Watched::Drained(status))
    }

    /// The counts after a pause: a service of ours tells of a change at once.
    async fn next(
        &self,
        pause: Duration,
        asked: std::time::Instant,
    ) -> Result<PlanStatus, ClientError> {
        if self.client.is_testplan() && pause.as_secs() > 0 {
            return self.client.wait_status(self.plan, pause).await;
        }
        tokio::time::sleep(pause.saturating_sub(asked.elapsed())).await;
        self.client
            .status(self.plan, &Capabilities::default())
            .await
    }

    /// What people are told of it.
    async fn seen(&self, waiting: Option<PlanWaiting>, start: &Start) -> Seen {
        match (waiting, start.why_it_rests(clock::monotonic())) {
            (Some(waiting), _) => Seen {
                lines: wording::lines(&waiting),
                lacking: lacking(&waiting),
                knows_workers: true,
            },
            (None, Some(why)) => Seen {
                lines: vec![why],
                lacking: Vec::new(),
                knows_workers: false,
            },
            (None, None) => counted::seen(&self.client, self.plan, &self.hints).await,
        }
    }

    async fn tell(
        &self,
        status: PlanStatus,
        seen: &Seen,
        decision: Decision,
    ) -> Result<(), Failure> {
        let PlanStatus {
            open,
            reserved,
            done,
        } = status;
        let waited = duration::format(Duration::from_secs(decision.waited.as_secs()));
        let mut lines = vec![format!(
            "waiting {waited} for plan {}: {open} open, {reserved} reserved, {done} done",
            self.plan
        )];
        lines.extend(seen.lines.iter().map(|line| indented(line)));
        if decision.is_over() {
            lines.extend(self.given_up(status, seen).await?);
        } else if let Some(remains) = decision.remains {
            let remains = Duration::from_secs(remains.as_secs() + 1).min(self.grace);
            let why = if seen.knows_workers {
                "nothing can happen as it is"
            } else {
                "nothing is at work"
            };
            lines.push(format!(
                "  {why}: unless that changes, this ends with exit code 5 in {} (--grace)",
                duration::format(remains)
            ));
        }
        for line in lines {
            if decision.is_over() {
                self.screen.always(&line);
            } else {
                self.screen.info(&line);
            }
        }
        Ok(())
    }

    /// The last words: what stays open, by name where the service has names.
    async fn given_up(&self, status: PlanStatus, seen: &Seen) -> Result<Vec<String>, Failure> {
        let (open, plan, grace) = (status.open, self.plan, duration::format(self.grace));
        if !seen.knows_workers {
            return Ok(vec![format!(
                "given up: nothing was at work and nothing changed for {grace}; {open} of plan {plan} open, and which \
                 workers there are this service does not say"
            )]);
        }
        let mut lines = vec![format!(
            "given up: nothing could happen for {grace}; of plan {plan} stay open:"
        )];
        let named = self.client.open_executions(plan, MOST_NAMED).await?;
        let named = named.unwrap_or_default();
        for execution in &named {
            lines.push(indented(&format!(
                "{} (execution {}) needs {}",
                execution.test, execution.id, execution.required
            )));
        }
        let more = open.saturating_sub(named.len() as u64);
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
        Ok(lines)
    }
}

/// What counts alone show: nothing is at work, where somebody should be. Whether somebody could take what is open is not
/// known.
fn counted(status: PlanStatus, start: &Start) -> WaitSnapshot {
    WaitSnapshot {
        status,
        stuck: status.reserved == 0 && start.why_it_rests(clock::monotonic()).is_none(),
        ..WaitSnapshot::default()
    }
}

fn lacking(waiting: &PlanWaiting) -> Vec<Lacking> {
    waiting
        .lacking()
        .filter_map(|need| {
            Some(Lacking {
                required: need.required.clone(),
                open: need.open,
                reason: match need.lack? {
                    Lack::Worker => "worker",
                    Lack::SquishServer => "squish-server",
                },
            })
        })
        .collect()
}

fn indented(line: &str) -> String {
    format!("  {}", console_line(line, LONGEST))
}
