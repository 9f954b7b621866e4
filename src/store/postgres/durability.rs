//! What an answered request survives, by the settings of the server and of its connections.

use super::{
    client::{Client, Statement, get},
    connection::Target,
};
use crate::store::StoreError;

/// Logs what an answered request survives.
pub(super) fn log(client: &mut Client, target: &Target) -> Result<(), StoreError> {
    let settings = CommitSettings::read(client, target)?;
    for line in settings.lines(client.place()) {
        match line {
            Line::Info(text) => tracing::info!("{text}"),
            Line::Warning(text) => tracing::warn!("{text}"),
        }
    }
    Ok(())
}

/// What the server does with a commit before the request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CommitSettings {
    /// Whether it waits for its disk at all.
    fsync: bool,
    /// `synchronous_commit` of the transactions.
    synchronous_commit: String,
    /// A weaker one that somebody asked for.
    refused_commit: Option<String>,
    /// `synchronous_standby_names`.
    standbys: String,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Info(String),
    Warning(String),
}

impl CommitSettings {
    fn read(client: &mut Client, target: &Target) -> Result<Self, StoreError> {
        let sql = "SELECT current_setting('fsync'), current_setting('synchronous_commit'), \
             current_setting('synchronous_standby_names')";
        // In a transaction, because behind a pooler each transaction has its own settings.
        let found = client.transact(&[Statement {
            sql,
            values: vec![],
        }])?;
        let row = found.first().and_then(|rows| rows.first());
        let row = row.ok_or_else(|| StoreError::Broken("BUG: no settings".to_owned()))?;
        Ok(Self {
            fsync: get::<&str>(row, 0)? != "off",
            synchronous_commit: get(row, 1)?,
            refused_commit: target.refused_commit(),
            standbys: get(row, 2)?,
        })
    }

    /// The lines about it, for the log of a replica that starts.
    fn lines(&self, place: &str) -> Vec<Line> {
        let mut lines = Vec::new();
        if !self.fsync {
            lines.push(Line::Warning(format!(
                "{place}: fsync=off: if the machine of the server loses power or crashes, answered results are lost and the \
                 database may be damaged; set fsync=on there"
            )));
        }
        if let Some(refused) = &self.refused_commit {
            lines.push(Line::Warning(format!(
                "{place}: synchronous_commit={refused} is not used: an answered result could be lost; remove it from the options of \
                 the connection"
            )));
        }
        let failover = if self.standbys.is_empty() {
            "a failover to a standby loses what the standby lacks, because synchronous_standby_names is empty".to_owned()
        } else if self.synchronous_commit == "remote_write" {
            format!(
                "and a failover to a synchronous standby ({}) whose machine did not crash too",
                self.standbys
            )
        } else {
            format!(
                "and a failover to a synchronous standby ({})",
                self.standbys
            )
        };
        let joint = if self.standbys.is_empty() { "; " } else { " " };
        let crash = if self.fsync {
            "a crash of the server and a loss of power"
        } else {
            "a crash of the server, but no loss of power"
        };
        lines.push(Line::Info(format!(
            "{place}: an answered result survives {crash}{joint}{failover}"
        )));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(fsync: bool, commit: &str, standbys: &str) -> CommitSettings {
        CommitSettings {
            fsync,
            synchronous_commit: commit.to_owned(),
            refused_commit: None,
            standbys: standbys.to_owned(),
        }
    }

    fn lines(fsync: bool, commit: &str, standbys: &str) -> Vec<Line> {
        settings(fsync, commit, standbys).lines("PostgreSQL at db:5432")
    }

    fn info(line: &Line) -> &str {
        match line {
            Line::Info(text) => text,
            Line::Warning(text) => panic!("{text}"),
        }
    }

    #[test]
    fn log_has_one_line_about_a_server_that_keeps_what_was_answered() {
        let [line] = &lines(true, "on", "")[..] else {
            panic!()
        };
        assert!(
            info(line).contains("survives a crash of the server and a loss of power; a failover")
        );
        assert!(info(line).contains("synchronous_standby_names is empty"));
        let [line] = &lines(true, "on", "ANY 1 (s1, s2)")[..] else {
            panic!()
        };
        let ends = "a loss of power and a failover to a synchronous standby (ANY 1 (s1, s2))";
        assert!(info(line).ends_with(ends), "{line:?}");
        let [line] = &lines(true, "remote_write", "*")[..] else {
            panic!()
        };
        assert!(
            info(line).ends_with("whose machine did not crash too"),
            "{line:?}"
        );
    }

    #[test]
    fn settings_that_lose_answered_results_are_warned_of() {
        let [Line::Warning(warning), line] = &lines(false, "on", "")[..] else {
            panic!()
        };
        assert!(warning.contains("fsync=off") && warning.contains("set fsync=on"));
        assert!(info(line).contains("but no loss of power"), "{line:?}");
        let asked = CommitSettings {
            refused_commit: Some("off".to_owned()),
            ..settings(true, "on", "")
        };
        let [Line::Warning(warning), _] = &asked.lines("PostgreSQL at db:5432")[..] else {
            panic!()
        };
        assert!(
            warning.contains("synchronous_commit=off is not used"),
            "{warning}"
        );
    }
}
