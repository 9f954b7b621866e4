//! The registered Squish servers: which one a reservation gets, and changes of the registry.

use super::write_context::WriteContext;
use crate::{
    model::{Capabilities, NewSquishServer, SquishServer, SquishServerChange, SquishServerId},
    store::{
        NewAction, RefusalCode, StoreError,
        protocol::{
            cancellation,
            payload::cut,
            refuse,
            request_limits::{self, MAX_REASON},
        },
        rows::{FreeServer, NewServerRow},
    },
};

/// A server by number, removed or not.
pub(in crate::store) fn any(
    context: &mut WriteContext<'_>,
    id: i64,
) -> Result<Option<SquishServer>, StoreError> {
    let (cool_down, now) = (context.rules().cool_down, context.now());
    let found = context.rows.server(id, cool_down, now)?;
    Ok(found.map(|(server, _)| server))
}

fn registered(
    context: &mut WriteContext<'_>,
    id: SquishServerId,
) -> Result<SquishServer, StoreError> {
    let (cool_down, now) = (context.rules().cool_down, context.now());
    match context.rows.server(id.0, cool_down, now)? {
        Some((server, false)) => Ok(server),
        Some((_, true)) | None => Err(unknown(id)),
    }
}

/// A free server that fits a request: of several the one with the fewest labels, so that servers with rare labels stay
/// free; `avoided` only if there is no other.
pub(in crate::store) fn free(
    context: &mut WriteContext<'_>,
    offered: &Capabilities,
    avoided: Option<i64>,
) -> Result<Option<SquishServer>, StoreError> {
    let now = context.now();
    let candidates = context.rows.free_servers(now)?;
    let mut best: Option<(bool, usize, i64)> = None;
    for FreeServer { id, label_set } in candidates {
        let labels = context.labels(label_set)?;
        let rank = (avoided == Some(id), labels.len(), id);
        let is_better = best.is_none_or(|best| rank < best);
        if is_better && labels.covers(offered, context.rules().label_case) {
            best = Some(rank);
        }
    }
    match best {
        Some((.., id)) => any(context, id),
        None => Ok(None),
    }
}

/// Registers a server. Host and port name the machine: a registered one is changed instead, and one that was removed
/// while a lease still uses it comes back with that lease. So a repeated request does no harm, and no machine is listed
/// twice. Registering it again also ends a cool-down after trouble.
pub(in crate::store) fn add(
    context: &mut WriteContext<'_>,
    new: &NewSquishServer,
) -> Result<SquishServer, StoreError> {
    request_limits::squish_server(new)?;
    let set = context.rows.intern_labels(&new.labels)?;
    let id = context.rows.register_server(new, set)?;
    context.note_free_server();
    registered(context, id)
}

/// Registers the servers that are new, and updates the labels of the others.
pub(in crate::store) fn register(
    context: &mut WriteContext<'_>,
    list: &[NewSquishServer],
) -> Result<(), StoreError> {
    for new in list {
        request_limits::squish_server(new)?;
    }
    for new in list {
        let set = context.rows.intern_labels(&new.labels)?;
        let is_known = context.rows.relabel_server(new, set)?;
        if is_known {
            context.note_free_server();
        } else {
            add(context, new)?;
        }
    }
    Ok(())
}

/// Changes a server. A lease on it keeps it. Enabling it or moving it to another address ends a cool-down after trouble.
pub(in crate::store) fn change(
    context: &mut WriteContext<'_>,
    id: SquishServerId,
    change: &SquishServerChange,
) -> Result<SquishServer, StoreError> {
    request_limits::squish_server_change(change)?;
    let before = registered(context, id)?;
    let host = change.host.as_ref().unwrap_or(&before.host);
    let port = change
        .port
        .map_or_else(|| before.port.clone(), |port| port.to_string());
    let other = context.rows.server_with_address(host, &port, id)?;
    if let Some((other, deleted)) = other {
        let hint = if deleted {
            "which was removed. Register it again instead"
        } else {
            "which is registered too. Remove one of them"
        };
        return Err(refuse(
            RefusalCode::Malformed,
            format!("{host}:{port} is Squish server {other}, {hint}."),
        ));
    }
    let set = context
        .rows
        .intern_labels(change.labels.as_ref().unwrap_or(&before.labels))?;
    let is_moved = (host, &port) != (&before.host, &before.port);
    let ends_cool_down = is_moved || change.enabled == Some(true);
    let enabled = change.enabled.filter(|enabled| *enabled != before.enabled);
    let note = enabled.map(|_| note(change));
    context.rows.update_server(&NewServerRow {
        id,
        host,
        port: &port,
        enabled: change.enabled.unwrap_or(before.enabled),
        label_set: set,
        note: note.as_deref(),
        ends_cool_down,
    })?;
    if let Some(enabled) = enabled {
        let action = NewAction {
            principal: change.by.clone(),
            action: if enabled { "enable" } else { "disable" }.to_owned(),
            subject: format!("Squish server {host}:{port}"),
            detail: reason(change),
        };
        let now = context.now();
        context.rows.add_action(&action, now)?;
    }
    context.note_free_server();
    registered(context, id)
}

/// Why a server is enabled or disabled, in one line.
fn reason(change: &SquishServerChange) -> String {
    cancellation::in_one_line(&cut(&change.reason, MAX_REASON))
}

/// Who enables or disables a server, and why.
fn note(change: &SquishServerChange) -> String {
    match (change.by.as_str(), reason(change).as_str()) {
        ("", reason) => reason.to_owned(),
        (by, "") => format!("by {by}"),
        (by, reason) => format!("by {by}: {reason}"),
    }
}

/// Removes a server. A lease on it stays valid.
pub(in crate::store) fn remove(
    context: &mut WriteContext<'_>,
    id: SquishServerId,
) -> Result<(), StoreError> {
    if context.rows.remove_server(id)? {
        Ok(())
    } else {
        Err(unknown(id))
    }
}

fn unknown(id: SquishServerId) -> StoreError {
    refuse(
        RefusalCode::Unknown,
        format!("there is no Squish server {id}. List them to see their numbers."),
    )
}
