//! Errors of PostgreSQL in words for people: no SQL and no names of tables, which only the log of level debug has.

use std::time::Duration;

use tokio_postgres::{Error, error::SqlState};

use crate::store::{Outage, OutageKind, StoreError};

/// What a fault means for the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// No server answered, or what answered could not be understood.
    Unreachable,
    /// The server answered and cannot serve now: it starts, stops, or has no connection left.
    NotNow,
    /// The server answers and takes no changes.
    NoChanges,
    /// The server ended one transaction, and another one may succeed at once.
    Transaction,
    /// The server refuses, and would refuse again.
    Refused,
    /// A mistake of this program.
    Bug,
}

/// Why PostgreSQL failed, and one thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) why: String,
    pub(super) advice: String,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            kind,
            why: why.into(),
            advice: advice.into(),
        }
    }

    /// What kind of outage it is, if waiting may help.
    fn outage_kind(&self) -> Option<OutageKind> {
        match self.kind {
            FaultKind::Unreachable | FaultKind::NotNow => Some(OutageKind::Connection),
            FaultKind::NoChanges => Some(OutageKind::Changes),
            FaultKind::Transaction => Some(OutageKind::Transaction),
            FaultKind::Refused | FaultKind::Bug => None,
        }
    }

    /// The reason for clients: no names of users, databases and files, which a refused login has.
    pub(super) fn reason(&self) -> String {
        match self.kind {
            FaultKind::Refused => "it refuses the connection of the service".to_owned(),
            _ => self.why.clone(),
        }
    }
}

/// An error of a statement as the store reports it. `place` names the server and the database.
pub(super) fn in_words(error: &Error, place: &str) -> StoreError {
    tracing::debug!(?error, "PostgreSQL failed");
    match error.as_db_error() {
        Some(database) => of_server(database.code(), database.message(), place),
        None => lost(&cause_of(error), place),
    }
}

/// What the server said instead of an answer.
fn of_server(state: &SqlState, message: &str, place: &str) -> StoreError {
    let fault = fault_of(state, message);
    let text = format!(
        "{place}: {} (SQLSTATE {}); {}",
        fault.why,
        state.code(),
        fault.advice
    );
    match fault.outage_kind() {
        Some(kind) => StoreError::Away(Outage {
            kind,
            reason: fault.why,
            text,
        }),
        None => StoreError::Broken(text),
    }
}

/// A connection that ended instead of an answer. Whether a commit took place is unknown then.
fn lost(cause: &str, place: &str) -> StoreError {
    StoreError::Away(Outage {
        kind: OutageKind::Connection,
        reason: "the connection to it is lost".to_owned(),
        text: format!(
            "the connection to {place} is lost: {cause}; testplan connects again with the next request"
        ),
    })
}

/// A server that did not answer within `limit`.
pub(super) fn silent(limit: Duration, place: &str) -> StoreError {
    let reason = format!("it did not answer within {} s", limit.as_secs());
    StoreError::Away(Outage {
        kind: OutageKind::Connection,
        text: format!("{place}: {reason}; check its load and the network"),
        reason,
    })
}

/// A column whose value is not of the expected type.
pub(super) fn unreadable(error: &Error) -> StoreError {
    StoreError::Broken(format!(
        "BUG: the database holds a value of another type: {}",
        cause_of(error)
    ))
}

/// The text of the outer error says little: "db error", "error connecting to server".
pub(super) fn cause_of(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// What an error of the server means, at any time. The text of the server may be in another language: it only refines.
pub(super) fn fault_of(state: &SqlState, message: &str) -> Fault {
    use FaultKind::{Bug, NoChanges, NotNow, Refused, Transaction};
    let (kind, why, advice) = match *state {
        SqlState::DISK_FULL => (NoChanges, "its disk is full", "free some space there"),
        SqlState::IO_ERROR => (
            NoChanges,
            "its disk cannot be read or written",
            "check the disk of the server",
        ),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
            (NoChanges, "its files are damaged", "restore a backup")
        }
        SqlState::OUT_OF_MEMORY => (
            NotNow,
            "it has no memory left",
            "lower shared_buffers or work_mem, or give the server more memory",
        ),
        SqlState::READ_ONLY_SQL_TRANSACTION => (
            NoChanges,
            "it takes no changes: it is a standby, or set to read-only",
            "name the primary server, or all servers with host=a,b",
        ),
        SqlState::TOO_MANY_CONNECTIONS => (
            NotNow,
            "it has no connection left",
            "raise max_connections there, max_client_conn of a pooler, or the limit of the user, or run fewer replicas",
        ),
        SqlState::INSUFFICIENT_PRIVILEGE if message.contains("for database") => (
            Refused,
            "the user may not connect to the database",
            "make the user the owner of the database",
        ),
        SqlState::INSUFFICIENT_PRIVILEGE => (
            Refused,
            "the user may not create or use tables there",
            "make the user the owner of the database, for example by `createdb --owner=USER DATABASE`",
        ),
        SqlState::INVALID_SCHEMA_NAME => (
            Refused,
            "no schema of its search path exists",
            "create the schema, or correct search_path in the options of the connection",
        ),
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => (
            NotNow,
            "it shuts down, or an administrator ended the connection",
            "start the server; testplan connects again with the next request",
        ),
        SqlState::CANNOT_CONNECT_NOW => (
            NotNow,
            "it is starting up, recovering or shutting down",
            "wait until it accepts connections; its log has the progress",
        ),
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN => (
            Refused,
            "the tables of testplan are missing or were changed",
            "restore a backup, or start the service again if another version changed them",
        ),
        SqlState::DATABASE_DROPPED => (Refused, "the database was dropped", "restore a backup"),
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => (
            Transaction,
            "it ended a transaction because this replica stood still",
            "give the machine of the replica more CPU if this repeats",
        ),
        SqlState::QUERY_CANCELED => (
            Transaction,
            "a statement took too long, or was cancelled",
            "check the load of the server",
        ),
        SqlState::LOCK_NOT_AVAILABLE => (
            Transaction,
            "another replica or session keeps a plan locked",
            "look for sessions that are idle in a transaction",
        ),
        // How a statement that changed another number of rows than it must ends itself.
        SqlState::DIVISION_BY_ZERO => (
            Bug,
            "BUG: a change met another number of rows than it must",
            "report it to testplan with the log of level debug",
        ),
        SqlState::T_R_DEADLOCK_DETECTED => (
            Bug,
            "BUG: two replicas wait for each other",
            "report it to testplan",
        ),
        _ => (
            Bug,
            "BUG: it refused a request",
            "report it to testplan with the log of level debug",
        ),
    };
    Fault::new(kind, why, advice)
}

/// Whether the same request can be tried again alone: the error may belong to another request of its group.
pub(super) fn may_be_of_another(error: &StoreError) -> bool {
    matches!(error, StoreError::Broken(text) if text.contains("BUG"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_their_kinds() {
        for (code, kind) in [
            ("53100", FaultKind::NoChanges),
            ("58030", FaultKind::NoChanges),
            ("XX001", FaultKind::NoChanges),
            ("25006", FaultKind::NoChanges),
            ("53300", FaultKind::NotNow),
            ("57P01", FaultKind::NotNow),
            ("57P03", FaultKind::NotNow),
            ("57P04", FaultKind::Refused),
            ("25P03", FaultKind::Transaction),
            ("55P03", FaultKind::Transaction),
            ("57014", FaultKind::Transaction),
            ("42501", FaultKind::Refused),
            ("42P01", FaultKind::Refused),
            ("3F000", FaultKind::Refused),
            ("40P01", FaultKind::Bug),
            ("22012", FaultKind::Bug),
            ("42601", FaultKind::Bug),
        ] {
            let fault = fault_of(&SqlState::from_code(code), "");
            assert_eq!(fault.kind, kind, "{code}");
            let bug = StoreError::Broken(fault.why.clone());
            assert_eq!(may_be_of_another(&bug), kind == FaultKind::Bug, "{code}");
        }
    }

    #[test]
    fn faults_that_pass_are_outages_and_others_are_not() {
        let place = "PostgreSQL at db:5432, database \"testplan\"";
        let of = |code| of_server(&SqlState::from_code(code), "SELECT secret", place);
        for (code, kind) in [
            ("57P01", OutageKind::Connection),
            ("57P03", OutageKind::Connection),
            ("53300", OutageKind::Connection),
            ("25006", OutageKind::Changes),
            ("53100", OutageKind::Changes),
            ("55P03", OutageKind::Transaction),
        ] {
            let StoreError::Away(outage) = of(code) else {
                panic!("{code}: {}", of(code));
            };
            assert_eq!(outage.kind, kind, "{code}");
            assert!(outage.text.starts_with(place), "{code}: {}", outage.text);
            assert!(outage.text.contains(code), "{code}: {}", outage.text);
            for name in ["db:5432", "SELECT", "secret"] {
                assert!(!outage.reason.contains(name), "{code}: {}", outage.reason);
            }
        }
        for code in ["42P01", "42501", "40P01", "42601"] {
            assert!(matches!(of(code), StoreError::Broken(_)), "{code}");
        }
        for error in [
            lost("reset by peer", place),
            silent(Duration::from_secs(8), place),
        ] {
            let StoreError::Away(outage) = error else {
                panic!("{error}");
            };
            assert_eq!(outage.kind, OutageKind::Connection);
            assert!(outage.text.contains(place), "{}", outage.text);
            assert!(!outage.reason.contains("db"), "{}", outage.reason);
        }
    }
}
