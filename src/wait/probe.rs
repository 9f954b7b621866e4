//! Looks at the service on behalf of workers that wait: what is in the way, and whether it can ever end.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use tokio::time::Instant;

use crate::{
    client::Client,
    clock,
    model::{Capabilities, PlanId, PlanStatus, PlanWaiting, SquishServer},
};

/// How soon after the beginning of a wait the service is asked: shorter waits are nobody's concern.
const FIRST: Duration = Duration::from_secs(2);
/// How often then: of the answer, people hear less often.
const EVERY: Duration = Duration::from_secs(5);

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// A service of ours knows workers and Squish servers.
    Whole(PlanWaiting),
    /// Another one has counts and a list of Squish servers.
    Parts {
        /// How far the plan is.
        status: PlanStatus,
        /// Its Squish servers, or why they are not known.
        squish_servers: Result<Vec<SquishServer>, String>,
    },
    /// It could not be asked; the workers will notice too.
    Nothing,
}

type Asking = Pin<Box<dyn Future<Output = Finding> + Send>>;

/// Asks while somebody waits. Cancelling [`Self::next`] loses nothing.
pub(crate) struct WaitProbe {
    client: Client,
    plan: PlanId,
    due: Option<Instant>,
    asking: Option<Asking>,
}

impl WaitProbe {
    /// For a plan; asks nothing yet.
    pub(crate) fn new(client: Client, plan: PlanId) -> Self {
        Self {
            client,
            plan,
            due: None,
            asking: None,
        }
    }

    /// The wait is given up in so much time, unless the next finding is a better one.
    pub(crate) fn hurry(&mut self, remains: Duration) {
        let last = soon(remains);
        self.due = self.due.map(|due| due.min(last));
    }

    /// Nobody waits any more.
    pub(crate) fn rest(&mut self) {
        (self.due, self.asking) = (None, None);
    }

    /// The next finding, in its time.
    pub(crate) async fn next(&mut self) -> Finding {
        if self.asking.is_none() {
            let due = *self.due.get_or_insert_with(|| soon(FIRST));
            tokio::time::sleep_until(due).await;
        }
        let asking = self
            .asking
            .get_or_insert_with(|| Box::pin(look(self.client.clone(), self.plan)));
        let finding = asking.await;
        (self.asking, self.due) = (None, Some(soon(EVERY)));
        finding
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

fn soon(span: Duration) -> Instant {
    Instant::from(clock::monotonic() + span)
}

async fn look(client: Client, plan: PlanId) -> Finding {
    match client.plan_waiting(plan).await {
        Ok(Some(waiting)) => return Finding::Whole(waiting),
        Ok(None) => {}
        Err(_) => return Finding::Nothing,
    }
    match client.status(plan, &Capabilities::default()).await {
        Ok(status) => Finding::Parts {
            status,
            squish_servers: client
                .squish_servers()
                .await
                .map_err(|error| error.to_string()),
        },
        Err(_) => Finding::Nothing,
    }
}
