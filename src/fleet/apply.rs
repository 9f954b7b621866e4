//! Makes the registered Squish servers match a file.

use super::difference::{Difference, ServerChange};
use crate::{
    client::{Client, ClientError, ErrorKind},
    model::{NewSquishServer, SquishServer, SquishServerChange},
};

/// One change at the service.
#[derive(Debug)]
pub(crate) enum ServerAction {
    Add(NewSquishServer),
    Change(ServerChange),
    Remove(SquishServer),
}

/// How far an action has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ActionState {
    /// Dry run, or not performed yet.
    Planned,
    Done,
    Failed(String),
    /// The service failed at an earlier action.
    NotTried,
}

/// The actions that apply a file, with their state, and the servers they leave alone.
#[derive(Debug)]
pub(crate) struct FleetUpdate {
    pub(crate) actions: Vec<(ServerAction, ActionState)>,
    pub(crate) unchanged: Vec<SquishServer>,
    /// Registered, not in the file, and kept.
    pub(crate) undeclared: Vec<SquishServer>,
    /// Duplicate registrations that are kept, each with the registration that counts.
    pub(crate) duplicates: Vec<(SquishServer, SquishServer)>,
}

impl FleetUpdate {
    /// Changes first, then additions, and removals last, so that the fleet never shrinks before it grows.
    pub(crate) fn plan(difference: Difference, prune: bool) -> Self {
        let Difference {
            add,
            change,
            unchanged,
            mut undeclared,
            mut duplicates,
        } = difference;
        let mut removed = Vec::new();
        if prune {
            removed.append(&mut undeclared);
            removed.extend(duplicates.drain(..).map(|(double, _)| double));
        }
        let changes = change.into_iter().map(ServerAction::Change);
        let actions = changes
            .chain(add.into_iter().map(ServerAction::Add))
            .chain(removed.into_iter().map(ServerAction::Remove));
        Self {
            actions: actions.map(|it| (it, ActionState::Planned)).collect(),
            unchanged,
            undeclared,
            duplicates,
        }
    }

    /// Performs each action; a refusal of one does not stop the next, a failed service does. Returns the first error.
    pub(crate) async fn perform(&mut self, client: &Client) -> Option<ClientError> {
        let mut first = None;
        let mut service_failed = false;
        for (action, state) in &mut self.actions {
            if service_failed {
                *state = ActionState::NotTried;
                continue;
            }
            *state = match action.perform(client).await {
                Ok(()) => ActionState::Done,
                Err(error) => {
                    service_failed = !concerns_one_server(&error);
                    let failed = ActionState::Failed(error.to_string());
                    first.get_or_insert(error);
                    failed
                }
            };
        }
        first
    }

    pub(crate) fn count(&self, which: impl Fn(&ServerAction, &ActionState) -> bool) -> usize {
        let actions = self.actions.iter();
        actions
            .filter(|(action, state)| which(action, state))
            .count()
    }
}

/// Whether other servers may still be changed after this error.
fn concerns_one_server(error: &ClientError) -> bool {
    match error.kind {
        ErrorKind::Refused { .. }
        | ErrorKind::NotFound { .. }
        | ErrorKind::NotSendable { .. }
        | ErrorKind::Unclear { .. } => true,
        ErrorKind::Unreachable { .. }
        | ErrorKind::Untrusted { .. }
        | ErrorKind::Redirected { .. }
        | ErrorKind::Unauthorized { .. }
        | ErrorKind::Failed { .. }
        | ErrorKind::Stopping { .. }
        | ErrorKind::NotUnderstood { .. }
        | ErrorKind::Unreadable { .. }
        | ErrorKind::TestsIgnored { .. }
        | ErrorKind::Unsupported { .. } => false,
    }
}

impl ServerAction {
    async fn perform(&self, client: &Client) -> Result<(), ClientError> {
        match self {
            Self::Add(entry) => client.add_squish_server(entry).await.map(drop),
            Self::Change(change) => {
                let wanted = &change.wanted;
                let patch = SquishServerChange {
                    enabled: change.changes_enabled().then_some(wanted.enabled),
                    labels: change.changes_labels().then(|| wanted.labels.clone()),
                    ..SquishServerChange::default()
                };
                let id = change.server.id;
                client.change_squish_server(id, &patch).await.map(drop)
            }
            Self::Remove(server) => client.remove_squish_server(server.id).await,
        }
    }
}
