//! The loop of a worker: gives its session work, settles what ended, and reserves the next work at the same time.
//!
//! Nothing waits for anything else without a reason: results are delivered while the next work is reserved, so that one
//! commit's wait hides the other's. A worker reserves nothing while it records or uploads a result, releases a lease, or
//! owes the service more than the delivery under way.

use std::{collections::HashMap, mem, sync::Arc};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::sync::Notify;

use super::{
    Worker,
    active_lease::{ActiveLease, EndedExecution},
    next_execution::Next,
    settlement::Settled,
};
use crate::{
    model::{ExecutionId, record::RecordEvent},
    run::{
        ending::RunEnding,
        phase::{LAST_ANSWER, Phase, moved_past},
        session::{Session, SessionEvent},
        state::WorkerEvent,
    },
};

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
    /// The session wants work, and none is on its way.
    wants: bool,
    reserving: Option<BoxFuture<'a, Next>>,
    /// Notified when a reservation finds no execution that fits, and waits for one.
    nothing_fits: Arc<Notify>,
    /// Executions that ended and are not ready for delivery yet.
    settling: FuturesUnordered<BoxFuture<'a, Settled>>,
    undelivered: Vec<EndedExecution>,
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
            wants: false,
            reserving: None,
            nothing_fits: Arc::default(),
            settling: FuturesUnordered::new(),
            undelivered: Vec::new(),
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
                return ending;
            }
            self.reserve();
            self.step().await;
        }
    }

    async fn step(&mut self) {
        let mut phase = self.worker.phase.clone();
        let session_matters = self.ending.is_none() || !self.leases.is_empty();
        tokio::select! {
            event = self.session.next(), if session_matters => self.handle(event).await,
            Some(settled) = self.settling.next() => self.settled(settled),
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
            && self.undelivered.is_empty()
            && self.delivering.is_none()
            && self.reserving.is_none()
    }

    async fn handle(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Wants(_) => self.wants = true,
            SessionEvent::StartCost(_) => {}
            SessionEvent::Started { execution, pid } => {
                if let Some(lease) = self.leases.get_mut(&execution) {
                    lease.record_process(pid);
                }
                self.worker
                    .record(RecordEvent::Started { execution, pid })
                    .await;
            }
            SessionEvent::Ended { execution, attempt } => {
                if let Some(lease) = self.leases.remove(&execution) {
                    let attempt = *attempt;
                    let ended = EndedExecution { lease, attempt };
                    self.settling.push(self.worker.settle(ended).boxed());
                }
            }
        }
    }

    fn settled(&mut self, settled: Settled) {
        match settled {
            Settled::ToDeliver(ended) => self.undelivered.push(*ended),
            Settled::Done(ending) => self.leave(ending),
        }
    }

    /// Delivers everything that is ready at once.
    fn deliver(&mut self) {
        if self.delivering.is_none() && self.settling.is_empty() && !self.undelivered.is_empty() {
            let ended = mem::take(&mut self.undelivered);
            self.delivering = Some(self.worker.deliver_all(ended).boxed());
        }
    }

    fn reserve(&mut self) {
        // With servers the result goes first, because it frees the one that the next execution may need.
        let result_first = self.worker.settings.allocate_server && self.delivering.is_some();
        let may = self.ending.is_none() && self.settling.is_empty() && self.undelivered.is_empty();
        if self.wants && may && self.reserving.is_none() && !result_first {
            self.wants = false;
            self.reserving = Some(
                self.worker
                    .next_work(Arc::clone(&self.nothing_fits))
                    .boxed(),
            );
        }
    }

    fn reserved(&mut self, next: Next) {
        match next {
            Next::Execute(lease) if self.ending.is_some() => {
                let worker = self.worker;
                let releasing = async move {
                    worker.release_recorded(*lease, None).await;
                    Settled::Done(None)
                };
                self.settling.push(releasing.boxed());
            }
            Next::Execute(lease) => {
                self.session.take(vec![lease.work()]);
                self.leases.insert(lease.execution(), *lease);
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
