//! Waits for results that Test Center counts itself: it marks an automated test done when it starts it, and counts the
//! result later.

use std::time::Duration;

use super::{
    reminder::{Reminder, Snapshot},
    wording::seconds,
};
use crate::{
    client::{Client, ClientError},
    clock,
    model::{Capabilities, Plan, PlanId, PlanStatus},
};

/// Pauses between questions: after a change, and the longest without one.
const POLL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// How often people are reminded of a wait in which nothing changes.
const EVERY: Duration = Duration::from_secs(25);

/// A plan that is watched until its results are counted.
#[derive(Debug)]
pub(crate) struct ResultsWatch<'a> {
    client: &'a Client,
    plan: PlanId,
    /// The last counts, also of a wait that is interrupted.
    pub counts: Option<PlanCounts>,
}

/// The counts of a plan: of its executions and of its results.
#[derive(Clone, Debug)]
pub(crate) struct PlanCounts {
    /// Counts of its executions.
    pub status: PlanStatus,
    /// The plan with the counts of its results.
    pub plan: Plan,
}

impl PlanCounts {
    /// Whether every execution has its result. A plan without executions may still get some.
    pub(crate) fn is_complete(&self) -> bool {
        let Self { status, plan } = self;
        status.is_drained() && status.total() > 0 && plan.results() >= status.total()
    }

    /// `1 open, 0 reserved, 2 done; 1 passed, 1 failed, 0 skipped so far`.
    pub(crate) fn text(&self) -> String {
        let [open, reserved, done, passed, failed, skipped] = self.numbers();
        format!(
            "{open} open, {reserved} reserved, {done} done; {passed} passed, {failed} failed, {skipped} skipped so far"
        )
    }

    fn numbers(&self) -> [u64; 6] {
        let Self { status, plan } = self;
        [
            status.open,
            status.reserved,
            status.done,
            plan.passes,
            plan.failed,
            plan.skipped,
        ]
    }
}

/// The counts, and whether only results are still expected.
#[derive(PartialEq)]
struct Counted {
    numbers: [u64; 6],
    awaits_results: bool,
}

impl Snapshot for Counted {
    fn is_stuck(&self) -> bool {
        self.awaits_results
    }

    fn is_news(&self, before: Option<&Self>) -> bool {
        before.is_none_or(|before| before.numbers != self.numbers)
    }
}

impl<'a> ResultsWatch<'a> {
    /// Asks nothing yet.
    pub(crate) fn new(client: &'a Client, plan: PlanId) -> Self {
        Self {
            client,
            plan,
            counts: None,
        }
    }

    /// Waits until every execution has its result, or until the plan was drained and no result was counted for
    /// `patience`. That time begins no earlier than `starts` from now. Hands each change and each reminder to `print`.
    pub(crate) async fn until_complete(
        &mut self,
        patience: Duration,
        starts: Duration,
        print: impl Fn(String),
    ) -> Result<PlanCounts, ClientError> {
        let began = clock::monotonic();
        let mut reminder = Reminder::new(patience, EVERY, began);
        let mut pause = POLL.0;
        loop {
            let counts = self.ask().await?;
            let now = clock::monotonic();
            let starts_in = (began + starts).saturating_duration_since(now);
            let snapshot = Counted {
                numbers: counts.numbers(),
                awaits_results: counts.status.is_drained() && starts_in.is_zero(),
            };
            let decision = reminder.observe(snapshot, now);
            let (plan, text) = (self.plan, counts.text());
            if decision.news {
                pause = POLL.0;
                print(format!("plan {plan}: {text}"));
            }
            if counts.is_complete() || decision.is_over() {
                return Ok(counts);
            }
            if decision.remind && !decision.news {
                let waited = seconds(decision.waited);
                print(format!("waiting {waited} for plan {plan}: {text}"));
            }
            tokio::time::sleep(decision.remains.map_or(pause, |remains| pause.min(remains))).await;
            pause = (pause * 2).min(POLL.1);
        }
    }

    async fn ask(&mut self) -> Result<PlanCounts, ClientError> {
        let everything = Capabilities::default();
        let status = self.client.status(self.plan, &everything).await?;
        let plan = self.client.plan(self.plan).await?;
        let counts = PlanCounts { status, plan };
        self.counts = Some(counts.clone());
        Ok(counts)
    }
}
