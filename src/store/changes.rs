//! What a commit changed that clients may wait for: enough to wake only those that the change could serve.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, Weak},
};

use crate::{
    model::{Capabilities, LabelCase, PlanId},
    sync::ignore_poison,
};

/// The changes of one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// How offered and required capabilities are compared.
    pub label_case: LabelCase,
    /// The plans whose counts changed.
    pub plans: HashMap<PlanId, PlanChanges>,
    /// How many Squish servers may have become free.
    pub free_servers: usize,
}

/// The changes of one plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanChanges {
    /// The executions that opened, by what they require.
    pub opened: Vec<OpenedExecutions>,
    /// The sets of requirements of which no execution is open or reserved any more.
    pub drained: Vec<Arc<Capabilities>>,
}

impl PlanChanges {
    fn merge(&mut self, later: &Self) {
        for opened in &later.opened {
            let same = |it: &&mut OpenedExecutions| it.required == opened.required;
            match self.opened.iter_mut().find(same) {
                Some(it) => it.count += opened.count,
                None => self.opened.push(opened.clone()),
            }
        }
        for drained in &later.drained {
            if !self.drained.contains(drained) {
                self.drained.push(Arc::clone(drained));
            }
        }
    }
}

/// Executions with the same requirements that opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedExecutions {
    /// What they require.
    pub required: Arc<Capabilities>,
    /// How many they are.
    pub count: usize,
}

impl Changes {
    /// Adds the changes of a later commit.
    pub(crate) fn merge(&mut self, later: &Self) {
        self.label_case = later.label_case;
        self.free_servers += later.free_servers;
        for (plan, changes) in &later.plans {
            self.plans.entry(*plan).or_default().merge(changes);
        }
    }

    /// Whether no client waits for any of it.
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty() && self.free_servers == 0
    }
}

/// Hears of the changes of a store.
pub trait ChangeListener: fmt::Debug + Send + Sync {
    /// Called after each commit that changed something, before the requests of that commit are answered. It runs on the
    /// thread that writes, so it must be quick.
    fn changed(&self, changes: &Changes);
}

/// The listeners of a store. A listener that was dropped is removed.
#[derive(Debug, Default)]
pub(crate) struct ChangeListeners(Mutex<Vec<Weak<dyn ChangeListener>>>);

impl ChangeListeners {
    pub(crate) fn add(&self, listener: Weak<dyn ChangeListener>) {
        ignore_poison(self.0.lock()).push(listener);
    }

    pub(crate) fn notify(&self, changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        let mut live = Vec::new();
        ignore_poison(self.0.lock()).retain(|listener| match listener.upgrade() {
            Some(listener) => {
                live.push(listener);
                true
            }
            None => false,
        });
        for listener in live {
            listener.changed(changes);
        }
    }
}
