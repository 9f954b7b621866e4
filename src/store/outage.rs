//! Why a database that others run cannot be used at the moment.

use std::fmt;

/// Why the database cannot be used now. Waiting helps, or what an operator does; the service goes on by itself then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What cannot be done.
    pub kind: OutageKind,
    /// Why, for clients: without names of hosts, users and files.
    pub reason: String,
    /// Where and why, and one thing to do: for the log.
    pub text: String,
}

/// What cannot be done in an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutageKind {
    /// Anything: there is no connection.
    Connection,
    /// Changes.
    Changes,
    /// One transaction, which the database ended. Another one may succeed at once.
    Transaction,
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
