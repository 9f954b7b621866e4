//! The loop of a worker: gives its session work, settles what ended, and reserves the next work at the same time.
//!
//! Nothing waits for anything else without a reason: results are delivered while the next work is reserved, so that one
//! commit's wait hides the other's. What ended at the same time is recorded and delivered together. A worker reserves
//! nothing while it records or uploads a result, releases a lease, or owes the service more than the delivery under way.

use std::{collections::HashMap, mem, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::sync::Notify;

use super::{
    Worker,
    active_lease::{ActiveLease, EndedExecution},
    next_execution::{Next, Wanted},
    settlement::Settled,
};
use crate::{
    client::BatchOptions,
    model::{ExecutionId, record::RecordEvent},
    run::{
        ending::RunEnding,
        phase::{LAST_ANSWER, Phase, moved_past},
        session::{Session, SessionEvent},
        state::WorkerEvent,
    },
};

/// Most events of a session that are taken together.
const MOST_EVENTS: usize = 1000;

/// Works until nothing is left, the run stops, or the service is gone. `Left` is always the last message.
pub(in crate::run) async fn work(worker: Worker) {
    let ending = WorkLoop::new(&worker).run().await;
    worker.send(WorkerEvent::Left(ending)).await;
}

/// What one worker has in hand.
struct WorkLoop<'a> {
    worker: &'a Worker,
    session: Box<dyn Session>,
    /// What the session works on.
    leases: HashMap<ExecutionId, ActiveLease>,
    /// What the session wants, and is not on its way.
    wants: Option<BatchOptions>,
    reserving: Option<BoxFuture<'a, Next>>,
    /// Notified when a reservation finds no execution that fits, and waits for one.
    nothing_fits: Arc<Notify>,
    /// Executions that ended and are being recorded.
    settling: FuturesUnordered<BoxFuture<'a, Settled>>,
    /// Recorded ones whose results are uploaded or whose leases are released.
    following: FuturesUnordered<BoxFuture<'a, Settled>>,
    undelivered: Vec<EndedExecution>,
    /// What a call of the tool cost beyond its tests, for the next delivery.
    start_cost: Option<Duration>,
    delivering: Option<BoxFuture<'a, Option<RunEnding>>>,
    /// Why the worker leaves; nothing is reserved any more.
    ending: Option<RunEnding>,
}

impl<'a> WorkLoop<'a> {
    fn new(worker: &'a Worker) -> Self {
        Self {
            worker,
            session: worker.settings.runner.start(worker.phase.clone()),
            leases: HashMap::new(),
            wants: None,
            reserving: None,
            nothing_fits: Arc::default(),
            settling: FuturesUnordered::new(),
            following: FuturesUnordered::new(),
            undelivered: Vec::new(),
            start_cost: None,
            delivering: None,
            ending: None,
        }
    }

    /// Works until nothing is left, the run stops, or the service is gone.
    async fn run(mut self) -> RunEnding {
        loop {
            self.deliver();
            if self.is_empty_handed()
                && let Some(ending) = self.ending.take()
            {
                self.session.end().await;
                return self.worker.leaving(ending);
            }
            self.reserve();
            self.step().await;
        }
    }

    async fn step(&mut self) {
        let mut phase = self.worker.phase.clone();
        let session_matters = self.ending.is_none() || !self.leases.is_empty();
        tokio::select! {
            event = self.session.next(), if session_matters => self.handle_all(event).await,
            Some(settled) = self.settling.next() => self.settled(settled),
            Some(settled) = self.following.next() => self.settled(settled),
            next = finished(&mut self.reserving) => self.reserved(next),
            () = self.nothing_fits.notified() => self.session.none_now(),
            ending = finished(&mut self.delivering) => self.leave(ending),
            _ = moved_past(&mut phase, Phase::Working), if self.ending.is_none() => {
                self.leave(Some(RunEnding::Finished));
            }
        }
    }

    fn is_empty_handed(&self) -> bool {
        self.leases.is_empty()
            && self.settling.is_empty()
            && self.following.is_empty()
            && self.undelivered.is_empty()
            && self.delivering.is_none()
            && self.reserving.is_none()
    }

    /// Handles an event of the session, and those that are there already.
    async fn handle_all(&mut self, first: SessionEvent) {
        let mut ended = Vec::new();
        let mut next = Some(first);
        while let Some(event) = next.take() {
            ended.extend(self.handle(event).await);
            if ended.len() < MOST_EVENTS {
                next = self.session.next().now_or_never();
            }
        }
        if !ended.is_empty() {
            self.settling.push(self.worker.settle(ended).boxed());
        }
    }

    /// Returns an execution that ended.
    async fn handle(&mut self, event: SessionEvent) -> Option<EndedExecution> {
        match event {
            SessionEvent::Wants(batch) => self.wants = Some(batch),
            SessionEvent::StartCost(cost) => self.start_cost = Some(cost),
            SessionEvent::Started { execution, pid } => {
                if let Some(lease) = self.leases.get_mut(&execution) {
                    lease.record_process(pid);
                }
                self.worker
                    .record(RecordEvent::Started { execution, pid })
                    .await;
            }
            SessionEvent::Ended { execution, attempt } => {
                let lease = self.leases.remove(&execution)?;
                let attempt = *attempt;
                return Some(EndedExecution { lease, attempt });
            }
        }
        None
    }

    fn settled(&mut self, settled: Settled) {
        let worker = self.worker;
        self.undelivered.extend(settled.to_deliver);
        for (ended, results) in settled.to_upload {
            let uploading = worker.settle_upload(ended, results);
            self.following.push(uploading.boxed());
        }
        if !settled.to_release.is_empty() {
            let releasing = worker.settle_releases(settled.to_release);
            self.following.push(releasing.boxed());
        }
        self.leave(settled.ending);
    }

    /// Delivers everything that is ready at once.
    fn deliver(&mut self) {
        if self.delivering.is_none() && self.settling.is_empty() && !self.undelivered.is_empty() {
            let ended = mem::take(&mut self.undelivered);
            let start_cost = self.start_cost.take();
            self.delivering = Some(self.worker.deliver_all(ended, start_cost).boxed());
        }
    }

    fn reserve(&mut self) {
        // With servers the result goes first, because it frees the one that the next execution may need.
        let is_result_first =
            self.worker.settings.allocate_server || self.session.wants_results_first();
        let waits_for_results = is_result_first && self.delivering.is_some();
        let may = self.ending.is_none()
            && self.settling.is_empty()
            && self.following.is_empty()
            && self.undelivered.is_empty();
        if may
            && self.reserving.is_none()
            && !waits_for_results
            && let Some(batch) = self.wants.take()
        {
            let mark = self.session.mark();
            let wanted = Wanted { batch, mark };
            let nothing_fits = Arc::clone(&self.nothing_fits);
            self.reserving = Some(self.worker.next_work(wanted, nothing_fits).boxed());
        }
    }

    fn reserved(&mut self, next: Next) {
        match next {
            Next::Execute(leases) if self.ending.is_some() => {
                let worker = self.worker;
                let releases = leases.into_iter().map(|lease| {
                    let release = lease.release(None, false);
                    (lease, release)
                });
                let releases = releases.collect();
                let releasing = async move {
                    worker.release_held(releases).await;
                    Settled::default()
                };
                self.following.push(releasing.boxed());
            }
            Next::Execute(leases) => {
                self.session
                    .take(leases.iter().map(ActiveLease::work).collect());
                let leases = leases.into_iter().map(|lease| (lease.execution(), lease));
                self.leases.extend(leases);
            }
            Next::Leave(ending) => {
                self.session.none_now();
                self.leave(Some(ending));
            }
        }
    }

    fn leave(&mut self, ending: Option<RunEnding>) {
        let Some(ending) = ending else { return };
        if self.ending.is_none()
            && let Some(reserving) = self.reserving.take()
        {
            // It may wait for an execution that fits. A lease that is granted later than this expires by itself.
            let answer = tokio::time::timeout(LAST_ANSWER, reserving);
            let answer = answer.map(|next| next.unwrap_or(Next::Leave(RunEnding::Finished)));
            self.reserving = Some(answer.boxed());
        }
        self.ending.get_or_insert_default().merge(ending);
    }
}

/// The result of a future that may be there; for ever if it is not. Clears it.
async fn finished<T>(future: &mut Option<BoxFuture<'_, T>>) -> T {
    match future {
        Some(running) => {
            let result = running.await;
            *future = None;
            result
        }
        None => std::future::pending().await,
    }
}
