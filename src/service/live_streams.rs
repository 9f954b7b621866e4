//! Live streams of plans' pages: one producer for each plan that browsers look at, and one queue for each browser.
//!
//! The producer reads the plan when a commit changed it, at most four times a second, and now and then, because workers come
//! and go without a commit. Browsers get the parts that changed, the same bytes for all. One that reads too slowly misses some:
//! its stream ends, and it connects again with the number of the last event that it got.

use std::{
    convert::Infallible,
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, broadcast, broadcast::error::RecvError, watch},
    time::{sleep, timeout},
};

use super::{
    http_error::HttpError,
    live_pages::{Shown, WatchedPlan},
    plan_reader::PlanReader,
    plan_reader::no_list,
    service_state::ServiceState,
    to_wire,
};
use crate::{
    api::execution_list::ExecutionResponse,
    model::PlanId,
    pages::{LiveParts, Site},
};

/// Changes that wait for a browser; one more, and it misses the first.
const QUEUE: usize = 16;
/// Most events whose tests are sent one by one; with more the browser loads the page again.
const MAX_EVENTS: u32 = 400;
/// A comment is sent after this long without a change, so that proxies keep the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How soon the producer looks again after a change.
const FOLLOW_UP: Duration = Duration::from_secs(1);
/// The first line: how long a browser waits before it connects again, in milliseconds.
const GREETING: &str = "retry: 2000\n\n";

/// A browser's place: its end lets the producer look whether it is still needed.
struct Viewer {
    receiver: Option<broadcast::Receiver<Bytes>>,
    poke: Arc<Notify>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        // First, so that the producer does not count it.
        drop(self.receiver.take());
        self.poke.notify_one();
    }
}

/// The stream of a plan's page for one browser, which knows everything up to the event `after`.
pub(super) async fn stream_of(
    shared: &Arc<ServiceState>,
    site: &Site,
    plan: PlanId,
    after: i64,
) -> Result<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, HttpError> {
    let permits = Arc::clone(&shared.live_pages.permits);
    let permit = permits.try_acquire_owned().map_err(|_| HttpError::Busy)?;
    // An unknown plan gets no producer.
    shared
        .ask_for_waiting(move |store, now| store.plan_tests(plan, now))
        .await?;
    let (mut watched, receiver) = watch_plan(shared, site, plan);
    let viewer = Viewer {
        receiver: Some(receiver),
        poke: Arc::clone(&watched.poke),
        _permit: permit,
    };
    let first = timeout(
        shared.limits.handler,
        watched.current.wait_for(Option::is_some),
    );
    let shown = match first.await {
        Ok(Ok(shown)) => shown.clone(),
        Ok(Err(_ended)) => None,
        Err(_) => return Err(HttpError::Busy),
    };
    // The producer ends with the service.
    let shown = shown.ok_or(HttpError::Stopping)?;
    let rows = changed_rows(shared, plan, after).await?;
    let catch_up = shown.parts.event(
        &LiveParts::default(),
        (site, plan),
        rows.as_deref(),
        shown.event,
    );
    let first = format!("{GREETING}{}", catch_up.unwrap_or_default());
    Ok(stream::unfold((Some(first), viewer), next))
}

async fn next(
    (first, mut viewer): (Option<String>, Viewer),
) -> Option<(Result<Bytes, Infallible>, (Option<String>, Viewer))> {
    if let Some(first) = first {
        return Some((Ok(first.into()), (None, viewer)));
    }
    let receiver = viewer.receiver.as_mut()?;
    let bytes = match timeout(KEEP_ALIVE, receiver.recv()).await {
        Ok(Ok(bytes)) => bytes,
        Err(_) => Bytes::from_static(b":\n\n"),
        Ok(Err(RecvError::Lagged(missed))) => {
            tracing::debug!(missed, "a live page reads too slowly");
            return None;
        }
        Ok(Err(RecvError::Closed)) => return None,
    };
    Some((Ok(bytes), (None, viewer)))
}

/// The plan's producer, started if there is none, and a place in its queue.
fn watch_plan(
    shared: &Arc<ServiceState>,
    site: &Site,
    plan: PlanId,
) -> (WatchedPlan, broadcast::Receiver<Bytes>) {
    let mut table = shared.live_pages.table();
    // A producer that panicked is replaced.
    let running = table
        .get(&plan)
        .filter(|watched| watched.current.has_changed().is_ok());
    if let Some(watched) = running {
        return (watched.clone(), watched.changes.subscribe());
    }
    let (changes, receiver) = broadcast::channel(QUEUE);
    let (shown, current) = watch::channel(None);
    let watched = WatchedPlan {
        changes,
        current,
        poke: Arc::default(),
    };
    table.insert(plan, watched.clone());
    let producer = Producer {
        shared: Arc::downgrade(shared),
        site: Site {
            // One page for all who look.
            can_act: false,
            // The parts have no form.
            has_session: false,
            ..site.clone()
        },
        plan,
        reader: PlanReader::new(plan),
        shown,
    };
    tokio::spawn(producer.run(watched.clone()));
    (watched, receiver)
}

/// The task that reads a plan for all browsers that look at it.
struct Producer {
    shared: Weak<ServiceState>,
    site: Site,
    plan: PlanId,
    reader: PlanReader,
    shown: watch::Sender<Option<Arc<Shown>>>,
}

impl Producer {
    async fn run(mut self, watched: WatchedPlan) {
        let Some(limits) = self.shared.upgrade().map(|shared| shared.limits) else {
            return;
        };
        let pause = Duration::from_millis(limits.streams.pause_ms.into());
        loop {
            let Some(shared) = self.shared.upgrade() else {
                return;
            };
            let mut stopping = shared.stopping();
            let has_changed = match self.look(&shared, &watched).await {
                Ok(has_changed) => has_changed,
                Err(error) => {
                    tracing::debug!(plan = %self.plan, ?error, "a live page could not be read");
                    false
                }
            };
            drop(shared);
            // After a result comes a reservation, which another replica does not report.
            let look = if has_changed {
                limits.look.min(FOLLOW_UP)
            } else {
                limits.look
            };
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => break,
                () = sleep(pause) => {}
            }
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => break,
                () = watched.poke.notified() => {}
                () = sleep(look) => {}
            }
            if self.is_alone(&watched) {
                return;
            }
        }
        if let Some(shared) = self.shared.upgrade() {
            shared.live_pages.table().remove(&self.plan);
        }
    }

    /// Whether no browser looks any more; then its place is free for another producer.
    fn is_alone(&self, watched: &WatchedPlan) -> bool {
        let Some(shared) = self.shared.upgrade() else {
            return true;
        };
        let mut table = shared.live_pages.table();
        let is_alone = watched.changes.receiver_count() == 0;
        if is_alone {
            table.remove(&self.plan);
        }
        is_alone
    }

    /// Reads the plan, and sends what changed since the last look. Whether there was an event.
    async fn look(
        &mut self,
        shared: &Arc<ServiceState>,
        watched: &WatchedPlan,
    ) -> Result<bool, HttpError> {
        let page = self.reader.page(shared, no_list(), None).await?;
        let shown = Shown {
            parts: LiveParts::of(&page, &self.site),
            event: page.plan.last_event,
        };
        let before = self.shown.borrow().clone();
        let mut has_changed = false;
        if let Some(before) = before {
            has_changed = before.event != shown.event;
            let rows = if has_changed {
                changed_rows(shared, self.plan, before.event).await?
            } else {
                Some(Vec::new())
            };
            let place = (&self.site, self.plan);
            let event = shown
                .parts
                .event(&before.parts, place, rows.as_deref(), shown.event);
            if let Some(event) = event {
                // Before the send: a browser that comes in between gets the event twice rather than not at all.
                self.shown.send_replace(Some(Arc::new(shown)));
                let _nobody_looks = watched.changes.send(event.into());
                return Ok(has_changed);
            }
        }
        self.shown.send_replace(Some(Arc::new(shown)));
        Ok(has_changed)
    }
}

/// The tests that changed after an event; `None` if they are too many.
async fn changed_rows(
    shared: &ServiceState,
    plan: PlanId,
    after: i64,
) -> Result<Option<Vec<ExecutionResponse>>, HttpError> {
    let changed = shared
        .ask_for_waiting(move |store, now| store.changed_executions(plan, after, MAX_EVENTS, now))
        .await?;
    let rows = changed.executions.into_iter().map(to_wire::execution);
    Ok(changed.is_complete.then(|| rows.collect()))
}
