//! The state that all handlers share: the store behind its limits, the clock, and whether the service is stopping.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, watch},
    task::AbortHandle,
    time::{Instant, timeout},
};

use super::{
    access::Access,
    housekeeping,
    http_error::HttpError,
    imports::storage::{self, ImportStorage},
    limits::Limits,
    live_pages::LivePages,
    live_workers::LiveWorkers,
    refused_logins::RefusedLogins,
    to_wire,
    upload_faults::UploadFaults,
    waiting_clients::WaitingClients,
    worker_jobs::WorkerJobs,
};
use crate::{
    api::plan::PlanResponse,
    clock::{self, ServiceClock},
    files::StorageError,
    model::{Plan, PlanKind, Timestamp},
    store::{Reply, Store, StoreError},
};

/// The state that all handlers share.
#[derive(Debug)]
pub(super) struct ServiceState {
    pub(super) clock: Arc<ServiceClock>,
    /// Since when it runs.
    pub(super) started: Instant,
    pub(super) access: Access,
    pub(super) limits: Limits,
    pub(super) document: OnceLock<Bytes>,
    /// The workers heard of.
    pub(super) live_workers: LiveWorkers,
    /// The clients that wait for a better answer.
    pub(super) waiting: Arc<WaitingClients>,
    /// The plans that browsers look at.
    pub(super) live_pages: Arc<LivePages>,
    /// Where the pages are, if not at the root.
    base_path: OnceLock<String>,
    public_url: OnceLock<String>,
    public_badges: AtomicBool,
    pub(super) worker_jobs: WorkerJobs,
    pub(super) refused_logins: RefusedLogins,
    /// Where uploads are stored; empty if the service accepts none.
    pub(super) imports: OnceLock<ImportStorage>,
    /// Whether they can be stored.
    pub(super) upload_faults: Arc<UploadFaults>,
    /// Limits concurrent uploads.
    pub(super) uploads: Arc<Semaphore>,
    /// Limits how many of them are slow: half.
    pub(super) slow_uploads: Arc<Semaphore>,
    /// Limits concurrent bodies with lists of tests.
    pub(super) lists: Semaphore,
    store: Arc<dyn Store>,
    calls: Arc<Semaphore>,
    /// Limits what waiting clients ask at once. It is apart from `calls`, so that a crowd of them leaves room for results and
    /// heartbeats.
    waiting_calls: Arc<Semaphore>,
    /// A stop was ordered, so load balancers should send their clients elsewhere.
    leaving: AtomicBool,
    stopping: watch::Sender<bool>,
    beat: AbortHandle,
    /// The task that looks after the place of uploads.
    upkeep: OnceLock<AbortHandle>,
}

impl ServiceState {
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Arc<ServiceClock>,
        access: Access,
        limits: Limits,
    ) -> Self {
        let waiting = Arc::new(WaitingClients::default());
        let listener: Weak<WaitingClients> = Arc::downgrade(&waiting);
        store.listen(listener);
        let live_pages = Arc::new(LivePages::new(limits.streams.most));
        let listener: Weak<LivePages> = Arc::downgrade(&live_pages);
        store.listen(listener);
        let live_workers = LiveWorkers::default();
        Self {
            beat: housekeeping::start(
                Arc::clone(&store),
                Arc::clone(&clock),
                live_workers.clone(),
                limits.beat,
            ),
            upload_faults: Arc::default(),
            upkeep: OnceLock::new(),
            started: clock::timer(),
            clock,
            access,
            document: OnceLock::new(),
            live_workers,
            waiting,
            live_pages,
            base_path: OnceLock::new(),
            public_url: OnceLock::new(),
            public_badges: AtomicBool::new(false),
            worker_jobs: WorkerJobs::default(),
            refused_logins: RefusedLogins::default(),
            imports: OnceLock::new(),
            uploads: Arc::new(Semaphore::new(limits.uploads)),
            slow_uploads: Arc::new(Semaphore::new(limits.uploads.div_ceil(2))),
            lists: Semaphore::new(limits.lists as usize),
            store,
            calls: Arc::new(Semaphore::new(limits.calls)),
            waiting_calls: Arc::new(Semaphore::new(limits.waiting_calls)),
            limits,
            leaving: AtomicBool::new(false),
            stopping: watch::Sender::new(false),
        }
    }

    /// Has the links of pages begin with a path. A second call changes nothing.
    pub(super) fn set_base_path(&self, path: String) {
        let _ = self.base_path.set(path);
    }

    /// What the links of pages begin with; empty at the root.
    pub(super) fn base_path(&self) -> &str {
        self.base_path.get().map_or("", String::as_str)
    }

    /// Has answers about plans name their pages below this address, unless it is empty. A second call changes nothing.
    pub(super) fn set_public_url(&self, url: String) {
        let _ = self.public_url.set(url);
    }

    /// Has badges be shown without a login.
    pub(super) fn publish_badges(&self) {
        self.public_badges.store(true, Ordering::Relaxed);
    }

    /// Whether badges need no login.
    pub(super) fn has_public_badges(&self) -> bool {
        self.public_badges.load(Ordering::Relaxed)
    }

    /// A plan for the wire, with the address of its page if that is known.
    pub(super) fn plan_on_wire(&self, plan: Plan) -> PlanResponse {
        let base = self.public_url.get().filter(|url| !url.is_empty());
        let is_started = plan.kind == PlanKind::Instance;
        let page_url = base
            .filter(|_| is_started)
            .map(|base| format!("{base}/plans/{}", plan.id));
        PlanResponse {
            page_url,
            ..to_wire::plan(plan)
        }
    }

    /// Accepts uploads from now on and stores them in `place`. A second call changes nothing.
    pub(super) async fn keep_imports(&self, place: ImportStorage) -> Result<(), StorageError> {
        storage::clean_up(&place.files, self.store(), true).await?;
        let files = place.files.clone();
        // All uploads of one service are in one place.
        if self.imports.set(place).is_ok() {
            let faults = Arc::clone(&self.upload_faults);
            let store = Arc::clone(&self.store);
            let upkeep = storage::start_upkeep(files, store, faults, self.limits.beat);
            let _ = self.upkeep.set(upkeep);
        }
        Ok(())
    }

    /// Calls the store, within the limits on time and number. The call completes even if the client disconnects or the time
    /// is over.
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
        self.ask_with(permit, call).await
    }

    /// The same for a client that waits, or for all that do: it comes in turn instead of being refused.
    pub(super) async fn ask_for_waiting<T, F>(&self, call: F) -> Result<T, HttpError>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a dyn Store, Timestamp) -> Reply<'a, T> + Send + 'static,
    {
        let permit = Arc::clone(&self.waiting_calls).acquire_owned();
        let permit = timeout(self.limits.handler, permit)
            .await
            .map_err(|_| HttpError::Busy)?
            .map_err(|_| HttpError::Stopping)?;
        self.ask_with(permit, call).await
    }

    async fn ask_with<T, F>(&self, permit: OwnedSemaphorePermit, call: F) -> Result<T, HttpError>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a dyn Store, Timestamp) -> Reply<'a, T> + Send + 'static,
    {
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let work = Uncancelled::new(async move {
            let answer = call(store.as_ref(), now).await;
            drop(permit);
            answer
        });
        let Ok(answer) = timeout(self.limits.handler, work).await else {
            if let Some(outage) = self.store.outage() {
                return Err(HttpError::Away(outage));
            }
            tracing::error!(limit = ?self.limits.handler, "the store did not answer in time");
            return Err(HttpError::Busy);
        };
        Ok(answer?)
    }

    /// The store, past the limits on calls.
    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Why it accepts no changes, or no uploads.
    pub(super) fn fault(&self) -> Option<HttpError> {
        let disk = || {
            let fault = self.store.disk_fault();
            fault.or_else(|| self.upload_faults.disk_fault())
        };
        let away = self.store.outage().map(HttpError::Away);
        away.or_else(|| disk().map(HttpError::Disk))
    }

    /// Answers `/readyz` with 503, and everything else as before.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Refuses new work and answers all long polls.
    pub(super) fn stop(&self) {
        self.leave();
        self.stopping.send_replace(true);
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Becomes true when the service stops.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    fn end_tasks(&self) {
        self.beat.abort();
        if let Some(upkeep) = self.upkeep.get() {
            upkeep.abort();
        }
    }

    /// Stops, waits for running calls of the store, and closes it. A second call does nothing.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        self.stop();
        self.end_tasks();
        self.refused_logins.log_rest();
        let all = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        let ended = async {
            let calls = self.calls.acquire_many(all(self.limits.calls)).await?;
            let waiting = all(self.limits.waiting_calls);
            self.waiting_calls
                .acquire_many(waiting)
                .await
                .map(|waiting| (calls, waiting))
        };
        match timeout(self.limits.handler, ended).await {
            Ok(Ok(_)) => {}
            Ok(Err(_closed_before)) => return Ok(()),
            Err(_) => tracing::error!("closing the store while calls to it are unanswered"),
        }
        self.calls.close();
        self.waiting_calls.close();
        self.store.close().await
    }
}

impl Drop for ServiceState {
    fn drop(&mut self) {
        self.end_tasks();
    }
}

/// A future that completes in the background when it is dropped. axum drops a handler when its client disconnects, and the
/// shutdown must still wait for the change.
struct Uncancelled<T: 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: 'static> Uncancelled<T> {
    fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<T: 'static> Future for Uncancelled<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Taken out while it runs, so that `drop` does not run it again after a panic.
        let mut work = self.0.take().expect("a future is not polled after its end");
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            self.0 = Some(work);
        }
        polled
    }
}

impl<T: 'static> Drop for Uncancelled<T> {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move {
                work.await;
            });
        }
    }
}
