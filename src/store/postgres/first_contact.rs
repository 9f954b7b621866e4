//! What a store does with a database before its writers begin: the schema, warnings about its settings, the key of leases.

use std::time::Duration;

use super::{
    client::{Client, Statement, bytes, get},
    connection::Target,
    durability, schema,
};
use crate::{
    clock::SharedClock,
    store::{StoreError, values::random},
};

/// What opening the database found.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The clock of the database.
    pub clock: SharedClock,
    /// How long no replica was there; zero for a new database.
    pub away: Duration,
}

/// Brings the schema up to this version; returns the secret that lease tokens are derived from.
pub(super) fn prepare(client: &mut Client, target: &Target) -> Result<[u8; 32], StoreError> {
    if client.is_pooled() {
        tracing::warn!(
            "a pooler stands before {target} and shares its connections: changes of other replicas do not reach waiting \
             clients at once, but within seconds; connect to the server itself, or to the pooler in session mode"
        );
    }
    durability::log(client, target)?;
    schema::migrate(client)?;
    let found = client.transact(&[
        Statement {
            sql: "INSERT INTO service (id, lease_key) VALUES (1, $1) ON CONFLICT (id) DO NOTHING",
            values: vec![bytes(&&random::<32>()?[..])],
        },
        Statement {
            sql: "SELECT lease_key FROM service",
            values: vec![],
        },
    ])?;
    let key: Vec<u8> = match found.last().and_then(|rows| rows.first()) {
        Some(row) => get(row, 0)?,
        None => Vec::new(),
    };
    key.try_into()
        .map_err(|_| StoreError::Broken("the lease key in the database is damaged".to_owned()))
}
