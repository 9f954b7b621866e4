//! Waiting workers that are alike, and why one of them is woken.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::sync::Notify;

use crate::model::{Capabilities, PlanId};

/// The number of a waiting worker, in the order of their arrival; also the number of a question to the store.
pub(in crate::service) type Ticket = u64;
pub(super) type GroupId = u64;

/// What makes waiting workers alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::service) struct GroupKey {
    pub(in crate::service) plan: PlanId,
    pub(in crate::service) offered: Capabilities,
    pub(in crate::service) allocate_server: bool,
}

/// Why a worker is woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::service) enum WakeUp {
    /// An execution opened. The groups in `tried` could not run it for lack of a Squish server.
    Opened {
        required: Arc<Capabilities>,
        tried: Vec<GroupId>,
    },
    /// A Squish server became free. The groups in `tried` have no use for it.
    FreeServer { tried: Vec<GroupId> },
    /// Something may have changed unnoticed.
    Look,
    /// A worker of the same group was answered that nothing is left.
    NothingLeft,
}

/// Workers that the store would answer alike.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) members: BTreeMap<Ticket, Member>,
    /// The members without a wake-up.
    pub(super) free: BTreeSet<Ticket>,
    /// The newest count of pending executions, and the question that it answers.
    pub(super) pending: (Ticket, u64),
    /// The last question that was answered with "none is open now" while nothing changed since.
    none_open: Option<Ticket>,
    /// When something changed last that could serve the group.
    changed: Ticket,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) bell: Arc<Notify>,
    pub(super) wake_up: Option<WakeUp>,
}

impl Group {
    pub(super) fn new(key: GroupKey) -> Self {
        Self {
            key,
            members: BTreeMap::new(),
            free: BTreeSet::new(),
            pending: (0, 0),
            none_open: None,
            changed: 0,
        }
    }

    /// Notes that something changed that could serve the group: what was answered before may be wrong now.
    pub(super) fn changed(&mut self, now: Ticket) {
        (self.none_open, self.changed) = (None, now);
    }

    /// Notes the answer that no execution is open now. An answer to a question from before the last change may be older.
    pub(super) fn answered_none_open(&mut self, question: Ticket) {
        if question > self.changed {
            self.none_open = self.none_open.max(Some(question));
        }
    }

    /// The question whose answer is still that of the store, and how many executions are pending, if some are.
    pub(super) fn known_answer(&self) -> Option<(Ticket, u64)> {
        let question = self.none_open?;
        let (_, pending) = self.pending;
        (pending > 0).then_some((question, pending))
    }

    /// Wakes one of them.
    pub(super) fn wake(&mut self, ticket: Ticket, wake_up: WakeUp) {
        self.free.remove(&ticket);
        if let Some(member) = self.members.get_mut(&ticket) {
            member.wake_up = Some(wake_up);
            member.bell.notify_one();
        }
    }

    /// Answers all that arrived before a question whose answer was that nothing is left. Those that are already woken ask
    /// the store themselves.
    pub(super) fn nothing_left(&mut self, question: Ticket) {
        let before: Vec<Ticket> = self.free.range(..question).copied().collect();
        for ticket in before {
            self.wake(ticket, WakeUp::NothingLeft);
        }
    }
}
