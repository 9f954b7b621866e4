//! What `servers apply` did or would do, for people and for programs.

use std::{fmt::Write as _, path::Path};

use serde_json::{Value, json};

use super::{
    super::{
        difference::Change,
        list::{as_json, cell},
    },
    Action, Applied, Progress, Step,
};
use crate::model::{Capabilities, SquishServer};

impl Applied {
    /// A line per server that is not as declared, and a sum.
    pub(super) fn text(&self, dry_run: bool) -> String {
        let mut text = String::new();
        for step in &self.steps {
            let (sign, place, what) = step.action.words();
            let progress = match &step.progress {
                Progress::Planned | Progress::Done => String::new(),
                Progress::Failed(why) => format!("  FAILED: {}", cell(why)),
                Progress::NotTried => "  not tried".to_owned(),
            };
            let _ = writeln!(text, "{sign} {}  {what}{progress}", cell(&place));
        }
        for server in &self.undeclared {
            let place = cell(&server.address());
            let _ = writeln!(
                text,
                "? {place}  not in the file (Squish server {}); --prune would remove it",
                server.id
            );
        }
        for (double, first) in &self.twice {
            let place = cell(&double.address());
            let _ = writeln!(
                text,
                "? {place}  registered twice, as Squish servers {} and {}; --prune would remove {}",
                first.id, double.id, double.id
            );
        }
        text + &self.sum(dry_run) + "\n"
    }

    fn sum(&self, dry_run: bool) -> String {
        let unchanged = self.unchanged.len();
        if self.steps.is_empty() {
            return format!("nothing to do: {unchanged} unchanged");
        }
        let count = |kind: fn(&Action) -> bool| {
            self.count(|step| {
                kind(&step.action) && matches!(step.progress, Progress::Planned | Progress::Done)
            })
        };
        let added = count(|action| matches!(action, Action::Add(_)));
        let changed = count(|action| matches!(action, Action::Change(_)));
        let removed = count(|action| matches!(action, Action::Remove(_)));
        if dry_run {
            return format!(
                "{added} to add, {changed} to change, {removed} to remove, {unchanged} unchanged; nothing was changed (--dry-run)"
            );
        }
        let failed = self.count(|step| matches!(step.progress, Progress::Failed(_)));
        let untried = self.count(|step| step.progress == Progress::NotTried);
        let mut sum =
            format!("{added} added, {changed} changed, {removed} removed, {unchanged} unchanged");
        if failed > 0 {
            let _ = write!(sum, ", {failed} failed");
        }
        if untried > 0 {
            let _ = write!(sum, ", {untried} not tried");
        }
        sum
    }

    /// The same as one document.
    pub(super) fn json(&self, file: &Path, dry_run: bool, prune: bool) -> Value {
        let of = |kind: fn(&Action) -> bool| -> Vec<Value> {
            let steps = self.steps.iter().filter(|step| kind(&step.action));
            steps.map(Step::json).collect()
        };
        json!({
            "schema": 1, "file": file, "dry_run": dry_run, "prune": prune,
            "add": of(|action| matches!(action, Action::Add(_))),
            "change": of(|action| matches!(action, Action::Change(_))),
            "remove": of(|action| matches!(action, Action::Remove(_))),
            "unchanged": self.unchanged.iter().map(as_json).collect::<Vec<_>>(),
            "not_in_file": self.undeclared.iter().map(as_json).collect::<Vec<_>>(),
            "registered_twice": self.twice.iter().map(|(double, first)| json!({
                "host": first.host, "port": first.port, "ids": [first.id, double.id],
            })).collect::<Vec<_>>(),
        })
    }
}

impl Step {
    fn json(&self) -> Value {
        let mut value = match &self.action {
            Action::Add(entry) => json!({
                "host": entry.host, "port": entry.port,
                "enabled": entry.enabled, "labels": entry.labels,
            }),
            Action::Remove(server) => as_json(server),
            Action::Change(change) => {
                let (server, wanted) = (&change.server, &change.wanted);
                let mut value = json!({
                    "id": server.id, "host": server.host, "port": server.port,
                    "execution_id": server.busy_with,
                });
                if change.labels() {
                    value["labels"] = json!({ "from": server.labels, "to": wanted.labels });
                }
                if change.enabled() {
                    value["enabled"] = json!({ "from": server.enabled, "to": wanted.enabled });
                }
                value
            }
        };
        let (status, error) = match &self.progress {
            Progress::Planned => ("planned", None),
            Progress::Done => ("done", None),
            Progress::Failed(why) => ("failed", Some(why)),
            Progress::NotTried => ("not-tried", None),
        };
        value["status"] = status.into();
        if let Some(error) = error {
            value["error"] = error.as_str().into();
        }
        value
    }
}

impl Action {
    /// Its sign, its place, and what it does.
    fn words(&self) -> (char, String, String) {
        match self {
            Self::Add(entry) => {
                let disabled = if entry.enabled { "" } else { ", disabled" };
                let place = format!("{}:{}", entry.host, entry.port);
                ('+', place, format!("{}{disabled}", labels(&entry.labels)))
            }
            Self::Change(change) => ('~', change.server.address(), change.words()),
            Self::Remove(server) => {
                let what = format!("{}{}", labels(&server.labels), busy(server, "runs on"));
                ('-', server.address(), what)
            }
        }
    }
}

impl Change {
    fn words(&self) -> String {
        let mut words = Vec::new();
        if self.labels() {
            let (from, to) = (labels(&self.server.labels), labels(&self.wanted.labels));
            words.push(format!("{from} -> {to}"));
        }
        if self.enabled() {
            let word = |enabled| if enabled { "enabled" } else { "disabled" };
            let (from, to) = (word(self.server.enabled), word(self.wanted.enabled));
            words.push(format!("{from} -> {to}"));
        }
        words.join(", ")
            + &busy(
                &self.server,
                "keeps it; the change holds from the next one on",
            )
    }
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
