//! Waits for results that a service counts by itself: Test Center has an automated test done as soon as it is started, and
//! its result only later.

use std::time::{Duration, Instant};

use super::screen::Screen;
use crate::{
    client::{Client, ClientError},
    clock,
    config::duration,
    model::{Capabilities, Plan, PlanId, PlanStatus},
};

/// Pauses between questions: after something moved, and the longest while nothing does.
const POLL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// How often people hear of a wait in which nothing moves.
const QUIET: Duration = Duration::from_secs(25);

/// A plan that is watched until its results are there.
#[derive(Debug)]
pub(crate) struct ResultsWatch<'a> {
    client: &'a Client,
    plan: PlanId,
    screen: &'a Screen,
    /// What was seen last, also when the wait is cut short.
    pub(crate) seen: Option<Seen>,
}

/// How far a plan is.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Its executions.
    pub(crate) status: PlanStatus,
    /// With the counts of its results.
    pub(crate) plan: Plan,
}

impl Seen {
    /// Whether every execution has its result. A plan without executions may still get some.
    pub(crate) fn is_complete(&self) -> bool {
        let Self { status, plan } = self;
        status.is_drained() && status.total() > 0 && plan.results() >= status.total()
    }

    fn counts(&self) -> [u64; 6] {
        let Self { status, plan } = self;
        let PlanStatus {
            open,
            reserved,
            done,
        } = *status;
        [open, reserved, done, plan.passes, plan.failed, plan.skipped]
    }

    /// How far, in words.
    pub(crate) fn words(&self) -> String {
        let [open, reserved, done, passed, failed, skipped] = self.counts();
        format!(
            "{open} open, {reserved} reserved, {done} done; {passed} passed, {failed} failed, {skipped} skipped so far"
        )
    }
}

impl<'a> ResultsWatch<'a> {
    /// A plan that nobody has looked at yet.
    pub(crate) fn new(client: &'a Client, plan: PlanId, screen: &'a Screen) -> Self {
        Self {
            client,
            plan,
            screen,
            seen: None,
        }
    }

    /// Waits until every execution has its result, or until nothing was open or reserved and no result came for as long
    /// as `patience`. That time counts from `starts` from now on: nothing is expected before. Says what moves, and
    /// once in a while that nothing does.
    pub(crate) async fn results(
        &mut self,
        patience: Duration,
        starts: Duration,
    ) -> Result<Seen, ClientError> {
        let began = clock::monotonic();
        let mut moved = began + starts;
        let mut told = began;
        let mut pause = POLL.0;
        loop {
            let before = self.seen.as_ref().map(Seen::counts);
            let seen = self.look().await?;
            let now = clock::monotonic();
            if before != Some(seen.counts()) {
                moved = moved.max(now);
                pause = POLL.0;
                told = now;
                self.screen
                    .info(format_args!("plan {}: {}", self.plan, seen.words()));
            } else if now.saturating_duration_since(told) >= QUIET {
                told = now;
                self.still(&seen, began, now);
            }
            let waited = now.saturating_duration_since(moved);
            if seen.is_complete()
                || (seen.status.is_drained() && waited >= patience && now >= moved)
            {
                return Ok(seen);
            }
            let left = if seen.status.is_drained() {
                patience.saturating_sub(waited) + moved.saturating_duration_since(now)
            } else {
                pause
            };
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(POLL.1);
        }
    }

    async fn look(&mut self) -> Result<Seen, ClientError> {
        let status = self
            .client
            .status(self.plan, &Capabilities::default())
            .await?;
        let plan = self.client.plan(self.plan).await?;
        let seen = Seen { status, plan };
        self.seen = Some(seen.clone());
        Ok(seen)
    }

    fn still(&self, seen: &Seen, began: Instant, now: Instant) {
        let waited = Duration::from_secs(now.saturating_duration_since(began).as_secs());
        self.screen.info(format_args!(
            "waiting {} for plan {}: {}",
            duration::format(waited),
            self.plan,
            seen.words()
        ));
    }
}
