//! A worker that waits for an execution.

use std::{pin::Pin, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::Sleep,
};

use super::{end_of_wait, watch as watch_plan};
use crate::{
    service::{
        service_state::ServiceState,
        waiting_clients::{GroupKey, Place, ReserveAnswer, Ticket, WakeUp},
    },
    store::{Reservation, Reserve, protocol::request_limits},
};

/// A waiting worker. It leaves when it is dropped, and what it was woken for goes to the next one.
#[derive(Debug)]
pub(in crate::service) struct WaitingWorker {
    shared: Arc<ServiceState>,
    place: Place,
    bell: Arc<Notify>,
    stopping: watch::Receiver<bool>,
    end: Pin<Box<Sleep>>,
    /// The number of the last question, and what it was asked for as long as there is no answer.
    question: Ticket,
    woken_by: Option<WakeUp>,
}

/// How a pause of a worker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::service) enum Woken {
    /// The store may have something for it.
    Ask,
    /// Another worker with the same offer was answered that nothing is left.
    NothingLeft,
    /// The wait is over or the service is stopping; the newest count of pending executions, if it is newer than the answer.
    End { pending: Option<u64> },
}

impl WaitingWorker {
    /// Takes a place for `wait`. Must happen before the store is asked for the first time.
    pub(in crate::service) fn join(
        shared: &Arc<ServiceState>,
        request: &Reserve,
        wait: Duration,
    ) -> Self {
        let key = GroupKey {
            plan: request.plan,
            offered: request.offered.clone(),
            allocate_server: request.allocate_server,
        };
        let mut tables = shared.waiting.tables();
        let (place, bell) = tables.workers.join(&key);
        watch_plan(&mut tables, shared, request.plan);
        drop(tables);
        Self {
            shared: Arc::clone(shared),
            bell,
            stopping: shared.stopping(),
            end: end_of_wait(shared, wait, place.ticket),
            question: 0,
            woken_by: None,
            place,
        }
    }

    /// What the store would answer to a worker that has not asked yet, if that is known from the others with its offer.
    pub(in crate::service) fn known_answer(&mut self, request: &Reserve) -> Option<Reservation> {
        let store = self.shared.store();
        let asks_anyway = request_limits::reserve(request).is_err()
            || !store.is_first(request)
            || store.disk_fault().is_some();
        if asks_anyway {
            return None;
        }
        let tables = self.shared.waiting.tables();
        let (question, pending) = tables.workers.known_answer(&self.place)?;
        self.question = question;
        Some(Reservation::NoExecution { pending })
    }

    /// Must be called before each question to the store.
    pub(in crate::service) fn asks(&mut self) {
        let mut tables = self.shared.waiting.tables();
        (self.question, self.woken_by) = tables.workers.begin_question(&self.place);
    }

    /// Must be called with the answer.
    pub(in crate::service) fn answered(&mut self, answer: &Reservation) {
        let answer = match answer {
            Reservation::Granted(granted) => ReserveAnswer::Granted {
                required: std::iter::once(granted.as_ref())
                    .chain(&granted.more)
                    .map(|it| it.required.clone())
                    .collect(),
                has_server: granted.server.is_some(),
            },
            Reservation::NoExecution { pending } => {
                ReserveAnswer::NoExecution { pending: *pending }
            }
            Reservation::NoServer { pending } => ReserveAnswer::NoServer { pending: *pending },
        };
        let woken_by = self.woken_by.take();
        let mut tables = self.shared.waiting.tables();
        tables
            .workers
            .answered(&self.place, self.question, woken_by, &answer);
        if matches!(answer, ReserveAnswer::NoServer { .. }) {
            // From now on the watch looks for the end of a cool-down.
            tables.poke(self.place.plan);
        }
    }

    /// Waits until it is woken, at most until the end of the wait.
    pub(in crate::service) async fn woken(&mut self) -> Woken {
        tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => {}
            () = self.bell.notified() => {
                let is_over = self.shared.waiting.tables().workers.take_nothing_left(&self.place);
                return if is_over { Woken::NothingLeft } else { Woken::Ask };
            }
            () = &mut self.end => {}
        }
        let tables = self.shared.waiting.tables();
        Woken::End {
            pending: tables.workers.newer_pending(&self.place, self.question),
        }
    }
}

impl Drop for WaitingWorker {
    fn drop(&mut self) {
        let mut tables = self.shared.waiting.tables();
        tables.workers.leave(&self.place, self.woken_by.take());
        tables.left(self.place.plan);
    }
}
