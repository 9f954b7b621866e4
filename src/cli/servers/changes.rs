//! The changes of `servers apply` as text and as JSON.

use std::{fmt::Write as _, path::Path};

use serde_json::{Value, json};

use super::server_list::{as_json, cell};
use crate::{
    fleet::{
        apply::{ActionState, FleetUpdate, ServerAction},
        difference::ServerChange,
    },
    model::{Capabilities, SquishServer},
};

/// A line per server that differs from the file, and the totals.
pub(super) fn text(update: &FleetUpdate, dry_run: bool) -> String {
    let mut text = String::new();
    for (action, state) in &update.actions {
        let (sign, place, what) = describe(action);
        let state = match state {
            ActionState::Planned | ActionState::Done => String::new(),
            ActionState::Failed(why) => format!("  FAILED: {}", cell(why)),
            ActionState::NotTried => "  not tried".to_owned(),
        };
        let _ = writeln!(text, "{sign} {}  {what}{state}", cell(&place));
    }
    for server in &update.undeclared {
        let place = cell(&server.address());
        let _ = writeln!(
            text,
            "? {place}  not in the file (Squish server {}); --prune would remove it",
            server.id
        );
    }
    for (double, first) in &update.duplicates {
        let place = cell(&double.address());
        let _ = writeln!(
            text,
            "? {place}  registered twice, as Squish servers {} and {}; --prune would remove {}",
            first.id, double.id, double.id
        );
    }
    text + &totals(update, dry_run) + "\n"
}

fn totals(update: &FleetUpdate, dry_run: bool) -> String {
    let unchanged = update.unchanged.len();
    if update.actions.is_empty() {
        return format!("nothing to do: {unchanged} unchanged");
    }
    let count = |kind: fn(&ServerAction) -> bool| {
        update.count(|action, state| {
            kind(action) && matches!(state, ActionState::Planned | ActionState::Done)
        })
    };
    let (added, changed, removed) = (count(is_add), count(is_change), count(is_remove));
    if dry_run {
        return format!(
            "{added} to add, {changed} to change, {removed} to remove, {unchanged} unchanged; nothing was changed (--dry-run)"
        );
    }
    let mut totals =
        format!("{added} added, {changed} changed, {removed} removed, {unchanged} unchanged");
    let failed = update.count(|_, state| matches!(state, ActionState::Failed(_)));
    let untried = update.count(|_, state| *state == ActionState::NotTried);
    for (count, what) in [(failed, "failed"), (untried, "not tried")] {
        if count > 0 {
            let _ = write!(totals, ", {count} {what}");
        }
    }
    totals
}

fn is_add(action: &ServerAction) -> bool {
    matches!(action, ServerAction::Add(_))
}

fn is_change(action: &ServerAction) -> bool {
    matches!(action, ServerAction::Change(_))
}

fn is_remove(action: &ServerAction) -> bool {
    matches!(action, ServerAction::Remove(_))
}

/// The same as one document.
pub(super) fn json(update: &FleetUpdate, file: &Path, dry_run: bool, prune: bool) -> Value {
    let of = |kind: fn(&ServerAction) -> bool| -> Vec<Value> {
        let actions = update.actions.iter().filter(|(action, _)| kind(action));
        actions
            .map(|(action, state)| entry(action, state))
            .collect()
    };
    json!({
        "schema": 1, "file": file, "dry_run": dry_run, "prune": prune,
        "add": of(is_add),
        "change": of(is_change),
        "remove": of(is_remove),
        "unchanged": update.unchanged.iter().map(as_json).collect::<Vec<_>>(),
        "not_in_file": update.undeclared.iter().map(as_json).collect::<Vec<_>>(),
        "registered_twice": update.duplicates.iter().map(|(double, first)| json!({
            "host": first.host, "port": first.port, "ids": [first.id, double.id],
        })).collect::<Vec<_>>(),
    })
}

fn entry(action: &ServerAction, state: &ActionState) -> Value {
    let mut value = match action {
        ServerAction::Add(entry) => json!({
            "host": entry.host(), "port": entry.port,
            "enabled": entry.enabled, "labels": entry.labels,
        }),
        ServerAction::Remove(server) => as_json(server),
        ServerAction::Change(change) => {
            let (server, wanted) = (&change.server, &change.wanted);
            let mut value = json!({
                "id": server.id, "host": server.host, "port": server.port,
                "execution_id": server.busy_with,
            });
            if change.changes_labels() {
                value["labels"] = json!({ "from": server.labels, "to": wanted.labels });
            }
            if change.changes_enabled() {
                value["enabled"] = json!({ "from": server.enabled, "to": wanted.enabled });
            }
            value
        }
    };
    value["status"] = match state {
        ActionState::Planned => "planned",
        ActionState::Done => "done",
        ActionState::Failed(_) => "failed",
        ActionState::NotTried => "not-tried",
    }
    .into();
    if let ActionState::Failed(why) = state {
        value["error"] = why.as_str().into();
    }
    value
}

/// Sign, address and effect of an action.
fn describe(action: &ServerAction) -> (char, String, String) {
    match action {
        ServerAction::Add(entry) => {
            let disabled = if entry.enabled { "" } else { ", disabled" };
            let place = format!("{}:{}", entry.host(), entry.port);
            ('+', place, format!("{}{disabled}", labels(&entry.labels)))
        }
        ServerAction::Change(change) => ('~', change.server.address(), describe_change(change)),
        ServerAction::Remove(server) => {
            let what = format!("{}{}", labels(&server.labels), busy(server, "runs on"));
            ('-', server.address(), what)
        }
    }
}

fn describe_change(change: &ServerChange) -> String {
    let (server, wanted) = (&change.server, &change.wanted);
    let mut words = Vec::new();
    if change.changes_labels() {
        words.push(format!(
            "{} -> {}",
            labels(&server.labels),
            labels(&wanted.labels)
        ));
    }
    if change.changes_enabled() {
        let word = |enabled| if enabled { "enabled" } else { "disabled" };
        words.push(format!(
            "{} -> {}",
            word(server.enabled),
            word(wanted.enabled)
        ));
    }
    words.join(", ") + &busy(server, "keeps it; the change applies from the next one on")
}

fn labels(labels: &Capabilities) -> String {
    if labels.is_empty() {
        "no labels".to_owned()
    } else {
        cell(&labels.to_string())
    }
}

fn busy(server: &SquishServer, then: &str) -> String {
    match server.busy_with {
        Some(execution) => format!(" (busy: execution {execution} {then})"),
        None => String::new(),
    }
}
