//! Which waiting worker is woken by which change: plain data and decisions, no clock, no task.
//!
//! Workers that wait with the same offer for the same plan are a group: the store would answer each of them alike. A change
//! wakes as many workers as it can serve, those first that have waited longest. A worker that cannot use what it was woken for
//! passes the wake-up on; one that leaves passes it on too, so none is lost.

mod group;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use tokio::sync::Notify;

use self::group::{Group, GroupId, Member};
pub(in crate::service) use self::group::{GroupKey, Ticket, WakeUp};
use crate::{
    model::{Capabilities, LabelCase, PlanId},
    store::Changes,
};

/// Most groups of a plan that look again without a cause at a time.
const GROUPS_PER_LOOK: usize = 16;
/// How many workers a worker wakes that found something when it looked without knowing what there is.
const LOOK_FURTHER: usize = 2;

/// What the store answered, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::service) enum ReserveAnswer {
    /// Executions with these requirements.
    Granted {
        required: Vec<Capabilities>,
        has_server: bool,
    },
    NoExecution {
        pending: u64,
    },
    NoServer {
        pending: u64,
    },
}

/// A place in a group.
#[derive(Clone, Debug)]
pub(in crate::service) struct Place {
    pub(in crate::service) ticket: Ticket,
    group: GroupId,
    pub(in crate::service) plan: PlanId,
}

/// All waiting workers.
#[derive(Debug, Default)]
pub(in crate::service) struct WorkerGroups {
    last: u64,
    ids: HashMap<GroupKey, GroupId>,
    groups: HashMap<GroupId, Group>,
    plans: HashMap<PlanId, BTreeSet<GroupId>>,
    /// The groups for which there is an execution, but no Squish server.
    lacking_servers: BTreeSet<GroupId>,
    /// The group after which the next look without a cause begins.
    looked: HashMap<PlanId, GroupId>,
    /// As the store compares capabilities; known since its first change.
    label_case: LabelCase,
}

impl WorkerGroups {
    /// Adds a worker. It must ask the store after that: what changed before does not wake it.
    pub(in crate::service) fn join(&mut self, key: &GroupKey) -> (Place, Arc<Notify>) {
        let ticket = self.next();
        let group = match self.ids.get(key) {
            Some(id) => *id,
            None => self.add_group(key.clone()),
        };
        let bell = Arc::new(Notify::new());
        if let Some(it) = self.groups.get_mut(&group) {
            let member = Member {
                bell: Arc::clone(&bell),
                wake_up: None,
            };
            it.members.insert(ticket, member);
            it.free.insert(ticket);
        }
        let plan = key.plan;
        let place = Place {
            ticket,
            group,
            plan,
        };
        (place, bell)
    }

    /// The number of pending executions if the store would answer a worker that has just joined that none is open: it answered
    /// another worker of the group so and nothing changed since. The worker is then as good as one that asked that question.
    pub(in crate::service) fn known_answer(&self, place: &Place) -> Option<(Ticket, u64)> {
        self.groups.get(&place.group)?.known_answer()
    }

    /// Begins a question of a worker: takes its wake-up, so that a change from here on wakes it again. The number orders
    /// questions and arrivals.
    pub(in crate::service) fn begin_question(&mut self, place: &Place) -> (Ticket, Option<WakeUp>) {
        let number = self.next();
        let group = self.groups.get_mut(&place.group);
        let wake_up = group.and_then(|group| {
            let wake_up = group.members.get_mut(&place.ticket)?.wake_up.take();
            group.free.insert(place.ticket);
            wake_up
        });
        (number, wake_up)
    }

    /// Takes the answer to a question, and passes on what the worker was woken for but could not use.
    pub(in crate::service) fn answered(
        &mut self,
        place: &Place,
        question: Ticket,
        woken_by: Option<WakeUp>,
        answer: &ReserveAnswer,
    ) {
        let (lacks_server, pending) = match answer {
            ReserveAnswer::Granted { .. } => (None, None),
            ReserveAnswer::NoExecution { pending } => (Some(false), Some(*pending)),
            ReserveAnswer::NoServer { pending } => (Some(true), Some(*pending)),
        };
        if let Some(lacks_server) = lacks_server {
            self.set_lacks_server(place.group, lacks_server);
        }
        if let (Some(pending), Some(group)) = (pending, self.groups.get_mut(&place.group)) {
            group.pending = group.pending.max((question, pending));
            if pending == 0 {
                group.nothing_left(question);
            }
        }
        match answer {
            ReserveAnswer::NoExecution { .. } => {
                if let Some(group) = self.groups.get_mut(&place.group) {
                    group.answered_none_open(question);
                }
            }
            // There was one, perhaps without a notice; there may be more.
            ReserveAnswer::Granted { .. } => self.changed([place.group]),
            ReserveAnswer::NoServer { .. } => {}
        }
        let Some(woken_by) = woken_by else { return };
        let unused = |mut tried: Vec<GroupId>| {
            tried.push(place.group);
            tried
        };
        match (woken_by, answer) {
            (WakeUp::Opened { required, tried }, ReserveAnswer::Granted { required: got, .. }) => {
                // It got another one: this one may still be there.
                if !got.contains(&required) {
                    self.wake_for_execution(place.plan, required, tried);
                }
            }
            (WakeUp::Opened { required, tried }, ReserveAnswer::NoServer { .. }) => {
                self.wake_for_execution(place.plan, required, unused(tried));
            }
            (WakeUp::FreeServer { tried }, ReserveAnswer::Granted { has_server, .. }) => {
                if !has_server {
                    self.wake_for_server(tried);
                }
            }
            (
                WakeUp::FreeServer { tried },
                ReserveAnswer::NoExecution { .. } | ReserveAnswer::NoServer { .. },
            ) => {
                self.wake_for_server(unused(tried));
            }
            (WakeUp::Look, ReserveAnswer::Granted { .. }) => {
                for _ in 0..LOOK_FURTHER {
                    self.wake_in_group(place.group);
                }
            }
            // Another worker took the execution, or there was nothing to see.
            (WakeUp::Opened { .. }, ReserveAnswer::NoExecution { .. })
            | (WakeUp::Look | WakeUp::NothingLeft, _) => {}
        }
    }

    /// Removes a worker; `woken_by` is what it was woken for and did not ask about to the end.
    pub(in crate::service) fn leave(&mut self, place: &Place, woken_by: Option<WakeUp>) {
        let Some(group) = self.groups.get_mut(&place.group) else {
            return;
        };
        let member = group.members.remove(&place.ticket);
        group.free.remove(&place.ticket);
        for wake_up in [woken_by, member.and_then(|member| member.wake_up)] {
            match wake_up {
                Some(WakeUp::Opened { required, tried }) => {
                    self.wake_for_execution(place.plan, required, tried);
                }
                Some(WakeUp::FreeServer { tried }) => {
                    self.wake_for_server(tried);
                }
                Some(WakeUp::Look) => self.wake_in_group(place.group),
                Some(WakeUp::NothingLeft) | None => {}
            }
        }
        self.remove_if_empty(place.group);
    }

    /// Wakes those whom a commit could serve.
    pub(in crate::service) fn apply(&mut self, changes: &Changes) {
        self.label_case = changes.label_case;
        for (plan, of_plan) in &changes.plans {
            if !self.plans.contains_key(plan) {
                continue;
            }
            for opened in &of_plan.opened {
                self.changed(self.covering(*plan, &opened.required));
                for _ in 0..opened.count {
                    let required = Arc::clone(&opened.required);
                    if !self.wake_for_execution(*plan, required, Vec::new()) {
                        break;
                    }
                }
            }
            for drained in &of_plan.drained {
                let covering = self.covering(*plan, drained);
                self.changed(covering.iter().copied());
                for group in covering {
                    self.wake_in_group(group);
                }
            }
        }
        for _ in 0..changes.free_servers {
            if !self.wake_for_server(Vec::new()) {
                break;
            }
        }
    }

    /// Has one worker of each group of a plan look again, because the plan is due or a Squish server has cooled down.
    pub(in crate::service) fn look_everywhere(&mut self, plan: PlanId) {
        let groups = self.plans.get(&plan).cloned().unwrap_or_default();
        self.changed(groups.iter().copied());
        for group in groups {
            self.wake_in_group(group);
        }
    }

    /// Has one worker of a few groups of a plan look again, of other groups each time.
    pub(in crate::service) fn look_around(&mut self, plan: PlanId) {
        let Some(groups) = self.plans.get(&plan) else {
            return;
        };
        let all = groups.clone();
        let after = self.looked.get(&plan).copied().unwrap_or_default();
        let in_turn: Vec<GroupId> = groups
            .range(after + 1..)
            .chain(groups.range(..=after))
            .take(GROUPS_PER_LOOK)
            .copied()
            .collect();
        if let Some(last) = in_turn.last() {
            self.looked.insert(plan, *last);
        }
        // A notice could be missing: no answer counts for longer than the time between two looks.
        self.changed(all);
        for group in in_turn {
            self.wake_in_group(group);
        }
    }

    /// Takes the wake-up of a worker if it says that nothing is left.
    pub(in crate::service) fn take_nothing_left(&mut self, place: &Place) -> bool {
        let group = self.groups.get_mut(&place.group);
        let member = group.and_then(|group| group.members.get_mut(&place.ticket));
        member.is_some_and(|it| {
            it.wake_up
                .take_if(|it| *it == WakeUp::NothingLeft)
                .is_some()
        })
    }

    /// Whether a worker of a plan waits.
    pub(in crate::service) fn has_waiting(&self, plan: PlanId) -> bool {
        self.plans.contains_key(&plan)
    }

    /// Whether a worker of a plan waits for a Squish server.
    pub(in crate::service) fn lacks_server(&self, plan: PlanId) -> bool {
        let groups = self.plans.get(&plan);
        groups.is_some_and(|groups| !groups.is_disjoint(&self.lacking_servers))
    }

    /// The newest count of pending executions for a worker that asked last with `question`, if another one asked later.
    pub(in crate::service) fn newer_pending(&self, place: &Place, question: Ticket) -> Option<u64> {
        let (asked, pending) = self.groups.get(&place.group)?.pending;
        (asked > question).then_some(pending)
    }

    fn changed(&mut self, groups: impl IntoIterator<Item = GroupId>) {
        let now = self.next();
        for id in groups {
            if let Some(group) = self.groups.get_mut(&id) {
                group.changed(now);
            }
        }
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn add_group(&mut self, key: GroupKey) -> GroupId {
        let id = self.next();
        self.ids.insert(key.clone(), id);
        self.plans.entry(key.plan).or_default().insert(id);
        self.groups.insert(id, Group::new(key));
        id
    }

    fn remove_if_empty(&mut self, id: GroupId) {
        if self.groups.get(&id).is_none_or(|it| !it.members.is_empty()) {
            return;
        }
        if let Some(group) = self.groups.remove(&id) {
            self.ids.remove(&group.key);
            self.lacking_servers.remove(&id);
            if let Some(groups) = self.plans.get_mut(&group.key.plan) {
                groups.remove(&id);
                if groups.is_empty() {
                    self.plans.remove(&group.key.plan);
                    self.looked.remove(&group.key.plan);
                }
            }
        }
    }

    fn set_lacks_server(&mut self, id: GroupId, lacks: bool) {
        if lacks {
            self.lacking_servers.insert(id);
        } else {
            self.lacking_servers.remove(&id);
        }
    }

    fn covering(&self, plan: PlanId, required: &Capabilities) -> Vec<GroupId> {
        let groups = self.plans.get(&plan).into_iter().flatten();
        let covering = groups.filter(|id| {
            let group = self.groups.get(id);
            group.is_some_and(|it| it.key.offered.covers(required, self.label_case))
        });
        covering.copied().collect()
    }

    /// Wakes the worker that has waited longest for such an execution; `false` if no worker is left to wake.
    fn wake_for_execution(
        &mut self,
        plan: PlanId,
        required: Arc<Capabilities>,
        tried: Vec<GroupId>,
    ) -> bool {
        let groups = self.plans.get(&plan).into_iter().flatten();
        let first = self.longest_waiting(groups.filter(|id| !tried.contains(id)), |group| {
            group.key.offered.covers(&required, self.label_case)
        });
        self.wake(first, WakeUp::Opened { required, tried })
    }

    /// Wakes the worker that has waited longest for a Squish server, of any plan: they share the servers.
    fn wake_for_server(&mut self, tried: Vec<GroupId>) -> bool {
        let groups = self.lacking_servers.iter();
        let first = self.longest_waiting(groups.filter(|id| !tried.contains(id)), |_| true);
        self.wake(first, WakeUp::FreeServer { tried })
    }

    fn wake_in_group(&mut self, id: GroupId) {
        let first = self.longest_waiting([id].iter(), |_| true);
        self.wake(first, WakeUp::Look);
    }

    fn longest_waiting<'a>(
        &self,
        groups: impl Iterator<Item = &'a GroupId>,
        fits: impl Fn(&Group) -> bool,
    ) -> Option<(Ticket, GroupId)> {
        groups
            .filter_map(|id| {
                let group = self.groups.get(id)?;
                let first = *group.free.first()?;
                fits(group).then_some((first, *id))
            })
            .min()
    }

    fn wake(&mut self, who: Option<(Ticket, GroupId)>, wake_up: WakeUp) -> bool {
        let Some((ticket, id)) = who else {
            return false;
        };
        if let Some(group) = self.groups.get_mut(&id) {
            group.wake(ticket, wake_up);
        }
        true
    }
}

#[cfg(test)]
mod tests;
