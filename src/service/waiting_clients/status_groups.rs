//! Clients that wait for other counts of a plan: those with the same filter share each answer of the store.

use std::collections::HashMap;

use tokio::sync::watch;

use crate::model::{Capabilities, PlanId, PlanStatus};

/// Counts, and the number of the question that they answer.
pub(in crate::service) type Published = Option<(u64, PlanStatus)>;

/// All clients that wait for counts.
#[derive(Debug, Default)]
pub(in crate::service) struct StatusGroups(HashMap<PlanId, PlanGroups>);

#[derive(Debug, Default)]
struct PlanGroups {
    groups: HashMap<Capabilities, StatusGroup>,
    change: CountsChange,
}

/// What changed since the counts were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::service) enum CountsChange {
    #[default]
    None,
    Counts,
    /// A set of requirements has no execution left: the plan may be done.
    Drained,
}

#[derive(Debug)]
struct StatusGroup {
    members: usize,
    /// How many questions were asked for the group.
    asked: u64,
    /// A client joined since the last answer: what is known to the others may be new to it.
    has_new: bool,
    published: watch::Sender<Published>,
}

impl StatusGroups {
    /// Adds a client. It must ask the store after that; what it receives answers questions after the returned number.
    pub(in crate::service) fn join(
        &mut self,
        plan: PlanId,
        filter: &Capabilities,
    ) -> (watch::Receiver<Published>, u64) {
        let groups = &mut self.0.entry(plan).or_default().groups;
        let group = groups.entry(filter.clone()).or_insert_with(|| StatusGroup {
            members: 0,
            asked: 0,
            has_new: false,
            published: watch::Sender::new(None),
        });
        group.members += 1;
        group.has_new = true;
        (group.published.subscribe(), group.asked)
    }

    /// Removes a client.
    pub(in crate::service) fn leave(&mut self, plan: PlanId, filter: &Capabilities) {
        let Some(of_plan) = self.0.get_mut(&plan) else {
            return;
        };
        if let Some(group) = of_plan.groups.get_mut(filter) {
            group.members -= 1;
            if group.members == 0 {
                of_plan.groups.remove(filter);
            }
        }
        if of_plan.groups.is_empty() {
            self.0.remove(&plan);
        }
    }

    /// Notes a change; `false` if no client waits for it.
    pub(in crate::service) fn changed(&mut self, plan: PlanId, is_drained: bool) -> bool {
        let change = if is_drained {
            CountsChange::Drained
        } else {
            CountsChange::Counts
        };
        let of_plan = self.0.get_mut(&plan);
        of_plan
            .map(|it| it.change = it.change.max(change))
            .is_some()
    }

    /// What changed since the last questions.
    pub(in crate::service) fn change(&self, plan: PlanId) -> CountsChange {
        self.0.get(&plan).map_or(CountsChange::None, |it| it.change)
    }

    /// Begins a question for each group of a plan: its filter and number.
    pub(in crate::service) fn begin_questions(&mut self, plan: PlanId) -> Vec<(Capabilities, u64)> {
        let Some(of_plan) = self.0.get_mut(&plan) else {
            return Vec::new();
        };
        of_plan.change = CountsChange::None;
        let groups = of_plan.groups.iter_mut();
        groups
            .map(|(filter, group)| {
                group.asked += 1;
                (filter.clone(), group.asked)
            })
            .collect()
    }

    /// Passes the answer to a question to the group; counts that they know wake no client.
    pub(in crate::service) fn publish(
        &mut self,
        plan: PlanId,
        filter: &Capabilities,
        (question, counts): (u64, PlanStatus),
    ) {
        let group = self
            .0
            .get_mut(&plan)
            .and_then(|it| it.groups.get_mut(filter));
        if let Some(group) = group {
            let has_new = std::mem::take(&mut group.has_new);
            group.published.send_if_modified(|published| {
                let is_changed = published.is_none_or(|(_, before)| before != counts);
                *published = Some((question, counts));
                is_changed || has_new
            });
        }
    }

    /// How many clients wait for counts of a plan.
    pub(in crate::service) fn members(&self, plan: PlanId) -> usize {
        let groups = self.0.get(&plan).map(|it| it.groups.values());
        groups.into_iter().flatten().map(|it| it.members).sum()
    }

    /// Whether a client waits for counts of a plan.
    pub(in crate::service) fn has_waiting(&self, plan: PlanId) -> bool {
        self.0.contains_key(&plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: PlanId = PlanId(7);

    fn counts(done: u64) -> PlanStatus {
        PlanStatus {
            open: 3 - done,
            reserved: 0,
            done,
        }
    }

    #[test]
    fn clients_with_one_filter_share_one_question() {
        let mut groups = StatusGroups::default();
        let filter = Capabilities::default();
        let mut clients: Vec<_> = (0..3).map(|_| groups.join(PLAN, &filter).0).collect();
        assert_eq!(groups.change(PLAN), CountsChange::None);
        assert!(groups.changed(PLAN, true));
        groups.changed(PLAN, false);
        assert_eq!(groups.change(PLAN), CountsChange::Drained);
        let questions = groups.begin_questions(PLAN);
        assert_eq!(questions, [(filter.clone(), 1)]);
        assert_eq!(groups.change(PLAN), CountsChange::None);
        groups.publish(PLAN, &filter, (1, counts(1)));
        for client in &mut clients {
            assert!(client.has_changed().unwrap());
            assert_eq!(*client.borrow_and_update(), Some((1, counts(1))));
        }
        groups.publish(PLAN, &filter, (2, counts(1)));
        assert!(
            !clients[0].has_changed().unwrap(),
            "known counts wake no client"
        );
    }

    #[test]
    fn counts_that_others_know_reach_a_client_that_joined_since() {
        let mut groups = StatusGroups::default();
        let filter = Capabilities::default();
        let _first = groups.join(PLAN, &filter);
        groups.begin_questions(PLAN);
        groups.publish(PLAN, &filter, (1, counts(1)));
        let (second, seen) = groups.join(PLAN, &filter);
        assert_eq!(seen, 1, "the first answer is too old for it");
        groups.begin_questions(PLAN);
        groups.publish(PLAN, &filter, (2, counts(1)));
        assert!(second.has_changed().unwrap());
    }

    #[test]
    fn change_of_a_plan_without_clients_is_not_noted() {
        let mut groups = StatusGroups::default();
        let filter = Capabilities::default();
        groups.join(PLAN, &filter);
        assert!(!groups.changed(PlanId(8), false));
        assert_eq!(groups.members(PLAN), 1);
        groups.leave(PLAN, &filter);
        assert!(!groups.has_waiting(PLAN) && !groups.changed(PLAN, false));
    }
}
