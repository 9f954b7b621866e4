//! The plans that browsers look at: which have a producer, and how many streams are open.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, broadcast, watch};

use crate::{
    model::PlanId,
    pages::LiveParts,
    store::{ChangeListener, Changes},
    sync::ignore_poison,
};

/// The plans that browsers look at.
#[derive(Debug)]
pub(super) struct LivePages {
    watched: Mutex<HashMap<PlanId, WatchedPlan>>,
    pub(super) permits: Arc<Semaphore>,
    most: usize,
}

/// A plan with a producer.
#[derive(Clone, Debug)]
pub(super) struct WatchedPlan {
    pub(super) changes: broadcast::Sender<Bytes>,
    /// What the page shows now; nothing until the producer has read it.
    pub(super) current: watch::Receiver<Option<Arc<Shown>>>,
    pub(super) poke: Arc<Notify>,
}

/// The parts of a page, and the last event that they know of.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) parts: LiveParts,
    pub(super) event: i64,
}

impl ChangeListener for LivePages {
    fn changed(&self, changes: &Changes) {
        let watched = self.table();
        if watched.is_empty() {
            return;
        }
        for plan in changes.plans.keys() {
            if let Some(watched) = watched.get(plan) {
                watched.poke.notify_one();
            }
        }
    }
}

impl LivePages {
    pub(super) fn new(most: u16) -> Self {
        let most = usize::from(most);
        Self {
            watched: Mutex::default(),
            permits: Arc::new(Semaphore::new(most)),
            most,
        }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, HashMap<PlanId, WatchedPlan>> {
        ignore_poison(self.watched.lock())
    }

    /// Has the producer of a plan look, if it has one: a worker came, got a test or left. No commit reports that.
    pub(super) fn workers_changed(&self, plan: PlanId) {
        if let Some(watched) = self.table().get(&plan) {
            watched.poke.notify_one();
        }
    }

    /// How many streams are open, and how many may be.
    pub(super) fn streams(&self) -> (usize, usize) {
        let open = self.most.saturating_sub(self.permits.available_permits());
        (open, self.most)
    }
}
