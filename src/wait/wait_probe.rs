//! Asks the service at intervals what a plan waits for, on behalf of waiting workers or of the command `wait`.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use tokio::time::Instant;

use super::partial_waiting;
use crate::{
    client::{Client, ClientError},
    clock,
    model::{PlanId, PlanWaiting},
};

/// How long a worker waits before the first question: shorter waits need no explanation.
const FIRST: Duration = Duration::from_secs(2);
/// How often the service is asked. It reports no change when a worker disappears.
const EVERY: Duration = Duration::from_secs(5);

type ProbeAnswer = Result<PlanWaiting, ClientError>;
type PendingProbe = Pin<Box<dyn Future<Output = ProbeAnswer> + Send>>;

/// Polls what a plan waits for. Cancelling [`Self::next`] loses nothing.
pub(crate) struct WaitProbe {
    client: Client,
    plan: PlanId,
    audience: Audience,
    due: Option<Instant>,
    pending: Option<PendingProbe>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// Each answer decides whether the workers stay, so it includes the Squish servers.
    Workers,
    /// A command that also asks when the counts change, where the service can say when.
    Onlooker,
}

impl WaitProbe {
    /// For workers that wait for executions of this plan.
    pub(crate) fn for_workers(client: Client, plan: PlanId) -> Self {
        Self::new(client, plan, Audience::Workers)
    }

    /// For a command that only watches the plan.
    pub(super) fn for_onlooker(client: Client, plan: PlanId) -> Self {
        Self::new(client, plan, Audience::Onlooker)
    }

    fn new(client: Client, plan: PlanId, audience: Audience) -> Self {
        Self {
            client,
            plan,
            audience,
            due: None,
            pending: None,
        }
    }

    /// Asks no later than the wait ends, which is in `remains` unless the next answer is better.
    pub(crate) fn hurry(&mut self, remains: Duration) {
        let last = after(remains);
        self.due = self.due.map(|due| due.min(last));
    }

    /// Forgets the wait: no worker waits any more.
    pub(crate) fn reset(&mut self) {
        (self.due, self.pending) = (None, None);
    }

    /// The next answer, when it is due.
    pub(crate) async fn next(&mut self) -> ProbeAnswer {
        let first = match self.audience {
            Audience::Workers => FIRST,
            Audience::Onlooker => Duration::ZERO,
        };
        let due = *self.due.get_or_insert_with(|| after(first));
        let pending = self.pending.get_or_insert_with(|| {
            let client = self.client.clone();
            Box::pin(ask(client, self.plan, self.audience, due))
        });
        let answer = pending.await;
        (self.pending, self.due) = (None, Some(after(EVERY)));
        answer
    }
}

impl fmt::Debug for WaitProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitProbe")
            .field("plan", &self.plan)
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

fn after(span: Duration) -> Instant {
    Instant::from(clock::monotonic() + span)
}

async fn ask(client: Client, plan: PlanId, audience: Audience, due: Instant) -> ProbeAnswer {
    let left = due.saturating_duration_since(after(Duration::ZERO));
    let answers_late = client.is_testplan() && left >= Duration::from_secs(1);
    if audience == Audience::Onlooker && answers_late {
        let status = client.wait_status(plan, left).await?;
        if status.is_drained() {
            return Ok(partial_waiting::of(status));
        }
    } else {
        tokio::time::sleep_until(due).await;
    }
    if let Some(waiting) = client.plan_waiting(plan).await? {
        return Ok(waiting);
    }
    let status = client
        .status(plan, &crate::model::Capabilities::default())
        .await?;
    let mut waiting = partial_waiting::of(status);
    if audience == Audience::Workers {
        partial_waiting::add_squish_servers(&client, &mut waiting).await;
    }
    Ok(waiting)
}
