//! What all handlers share: the store behind its bounds, the clock, and whether the service is stopping.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use tokio::{
    runtime::Handle,
    sync::{Semaphore, TryAcquireError, watch},
    task::AbortHandle,
    time::timeout,
};

use super::{
    access::Access, housekeeping, http_error::HttpError, imports::ImportStorage, limits::Limits,
    roster::Roster,
};
use crate::{
    clock::ServiceClock,
    model::Timestamp,
    store::{Reply, Store, StoreError},
};

/// What all handlers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Arc<ServiceClock>,
    pub(super) access: Access,
    pub(super) limits: Limits,
    pub(super) document: OnceLock<serde_json::Value>,
    /// The workers heard of.
    pub(super) roster: Roster,
    /// Where uploads are kept, if anywhere.
    pub(super) imports: OnceLock<ImportStorage>,
    /// Uploads that may be under way at once.
    pub(super) uploads: Arc<Semaphore>,
    /// Bodies with lists of tests that may be read at once.
    pub(super) lists: Semaphore,
    store: Arc<dyn Store>,
    calls: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
    beat: AbortHandle,
}

impl Shared {
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Arc<ServiceClock>,
        access: Access,
        limits: Limits,
    ) -> Self {
        Self {
            beat: housekeeping::start(Arc::clone(&store), Arc::clone(&clock), limits.beat),
            clock,
            access,
            document: OnceLock::new(),
            roster: Roster::default(),
            imports: OnceLock::new(),
            uploads: Arc::new(Semaphore::new(limits.uploads)),
            lists: Semaphore::new(limits.lists),
            store,
            calls: Arc::new(Semaphore::new(limits.calls)),
            limits,
            stopping: watch::Sender::new(false),
        }
    }

    /// Keeps uploads in a place from now on; a second place changes nothing.
    pub(super) fn keep_imports(&self, place: ImportStorage) -> std::io::Result<()> {
        place.sweep()?;
        // Whoever sets it twice keeps the first: uploads of one service lie in one place.
        let _ = self.imports.set(place);
        Ok(())
    }

    /// Asks the store, within the bounds on time and number. What was asked is done even if the client goes away or
    /// the time is over.
    pub(super) async fn ask<T, F>(&self, call: F) -> Result<T, HttpError>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a dyn Store, Timestamp) -> Reply<'a, T> + Send + 'static,
    {
        let permit = Arc::clone(&self.calls)
            .try_acquire_owned()
            .map_err(|error| match error {
                TryAcquireError::NoPermits => HttpError::Busy,
                TryAcquireError::Closed => HttpError::Stopping,
            })?;
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let work = Unstoppable::new(async move {
            let answer = call(store.as_ref(), now).await;
            drop(permit);
            answer
        });
        let Ok(answer) = timeout(self.limits.handler, work).await else {
            tracing::error!(limit = ?self.limits.handler, "the store did not answer in time");
            return Err(HttpError::Busy);
        };
        Ok(answer?)
    }

    /// Changes of the store from now on.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.store.changes()
    }

    /// Hands out no more work, and answers all long polls.
    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Becomes true once.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Stops, waits for what the store still does, and closes it. Does nothing if that was done.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        self.stop();
        self.beat.abort();
        let all = u32::try_from(self.limits.calls).unwrap_or(u32::MAX);
        match timeout(self.limits.handler, self.calls.acquire_many(all)).await {
            Ok(Ok(_)) => {}
            Ok(Err(_closed_before)) => return Ok(()),
            Err(_) => tracing::error!("the store is closed while calls to it are unanswered"),
        }
        self.calls.close();
        self.store.close().await
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.beat.abort();
    }
}

/// A future that is finished in the background when whoever awaits it goes away: axum drops a handler when its client
/// disconnects, and a change half asked for must still be counted by the shutdown that waits for it.
struct Unstoppable<T: 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: 'static> Unstoppable<T> {
    fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<T: 'static> Future for Unstoppable<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Taken out while it runs: work that panics must not be run again by `drop`.
        let mut work = self.0.take().expect("a future is not polled after its end");
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            self.0 = Some(work);
        }
        polled
    }
}

impl<T: 'static> Drop for Unstoppable<T> {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move {
                work.await;
            });
        }
    }
}
