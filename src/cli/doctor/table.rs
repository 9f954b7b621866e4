//! What executions need × who offers it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::page::folded;
use crate::{
    model::{Capabilities, LabelCase, SquishServer, SquishServerId},
    report::sanitise::console_line,
};

/// Most rows that people are shown; programs get all.
const MOST_ROWS: usize = 40;
/// Column of what is needed.
const NEEDS: usize = 44;
/// Most bytes of a set of capabilities.
const LONGEST: usize = 1000;

/// A set of capabilities that executions need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The set; empty is any worker.
    pub required: Capabilities,
    /// How many executions need it.
    pub executions: u64,
    /// Whether there are more, which a listing command has to find first.
    pub and_more: bool,
}

/// What may be asked of a Squish server now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is handed out to the next who asks.
    Free,
    /// An execution uses it.
    Busy,
    /// It gave trouble and is not handed out for a while.
    Resting,
    /// It is not handed out.
    Disabled,
}

impl Standing {
    /// Of a Squish server.
    pub fn of(server: &SquishServer) -> Self {
        match (server.enabled, server.busy_with, server.cooling) {
            (false, _, _) => Self::Disabled,
            (true, Some(_), _) => Self::Busy,
            (true, None, Some(_)) => Self::Resting,
            (true, None, None) => Self::Free,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Busy => "busy",
            Self::Resting => "resting",
            Self::Disabled => "disabled",
        }
    }
}

/// A need and who fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is needed.
    pub need: Need,
    /// Whether this worker offers all of it.
    pub worker: bool,
    /// Squish servers that do; `None` where the service was not asked.
    pub servers: Option<Vec<(SquishServerId, Standing)>>,
    /// What neither this worker nor any Squish server offers.
    pub nobody: Capabilities,
}

impl Row {
    /// For programs.
    pub fn json(&self) -> Value {
        let servers = self.servers.as_ref().map(|servers| {
            let servers = servers.iter();
            servers
                .map(|(id, standing)| json!({ "id": id, "state": standing.word() }))
                .collect::<Vec<_>>()
        });
        json!({
            "needs": self.need.required,
            "executions": self.need.executions,
            "and_more": self.need.and_more,
            "worker": self.worker,
            "servers": servers,
            "nobody": self.nobody,
        })
    }

    /// How many Squish servers that fit are handed out, if not now.
    pub fn handed_out(&self) -> usize {
        let servers = self.servers.iter().flatten();
        servers
            .filter(|(_, other)| *other != Standing::Disabled)
            .count()
    }

    /// How many Squish servers that fit stand so.
    pub fn count(&self, standing: Standing) -> usize {
        let servers = self.servers.iter().flatten();
        servers.filter(|(_, other)| *other == standing).count()
    }
}

/// Puts needs and offers side by side; what fits nobody comes first.
pub fn rows(
    needs: Vec<Need>,
    offered: &Capabilities,
    servers: Option<&[SquishServer]>,
) -> Vec<Row> {
    // Without case: a service that compares strictly has the last word.
    let case = LabelCase::Folded;
    let mut rows: Vec<Row> = needs
        .into_iter()
        .map(|need| {
            let required = &need.required;
            let nobody = offered.missing(required, case);
            let nobody = servers
                .unwrap_or_default()
                .iter()
                .fold(nobody, |left, server| server.labels.missing(&left, case));
            let fits = |servers: &[SquishServer]| {
                let fitting = servers.iter().filter(|it| it.labels.covers(required, case));
                fitting.map(|it| (it.id, Standing::of(it))).collect()
            };
            Row {
                worker: offered.covers(required, case),
                servers: servers.map(fits),
                nobody,
                need,
            }
        })
        .collect();
    rows.sort_by_key(|row| (row.nobody.is_empty(), row.worker, row.need.required.clone()));
    rows
}

/// For people, in lines of so many columns.
pub fn text(rows: &[Row], width: usize) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "  {:>10}  {:<6}  {:<20}  NEEDS\n",
        "EXECUTIONS", "WORKER", "SQUISH SERVERS"
    );
    debug_assert!(width > NEEDS, "there is room for what is needed");
    for row in rows.iter().take(MOST_ROWS) {
        let needs = console_line(&row.need.required.to_string(), LONGEST);
        let more = if row.need.and_more { "+" } else { "" };
        let _ = writeln!(
            text,
            "  {:>10}  {:<6}  {:<20}  {}",
            format!("{}{more}", row.need.executions),
            if row.worker { "yes" } else { "no" },
            servers(row),
            folded(&needs, NEEDS, NEEDS)
        );
    }
    if rows.len() > MOST_ROWS {
        let hidden = rows.len() - MOST_ROWS;
        let _ = writeln!(text, "  and {hidden} more sets: see --format json");
    }
    text
}

fn servers(row: &Row) -> String {
    if row.servers.is_none() {
        return "not known".to_owned();
    }
    let standings = [
        Standing::Free,
        Standing::Busy,
        Standing::Resting,
        Standing::Disabled,
    ];
    let counts = standings.map(|standing| (row.count(standing), standing));
    let said: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, standing)| format!("{count} {}", standing.word()))
        .collect();
    if said.is_empty() {
        "none".to_owned()
    } else {
        said.join(", ")
    }
}
