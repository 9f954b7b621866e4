//! Where a PostgreSQL database is, and how it is connected to.

use std::{str::FromStr as _, time::Duration};

use tokio_postgres::{Config, NoTls};

use super::failure::in_words;
use crate::store::StoreError;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Ends what a replica left open: a transaction whose owner does not go on, a wait for a lock, a statement.
const SETTINGS: &str = "-c idle_in_transaction_session_timeout=2s -c lock_timeout=2s -c statement_timeout=5s -c default_transaction_isolation=read\\ committed -c synchronous_commit=on";

/// A database to connect to.
#[derive(Clone, Debug)]
pub struct Target {
    config: Config,
}

impl Target {
    /// Reads a URL (`postgres://user@host:5432/database`) or libpq's `key=value` pairs.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut config = Config::from_str(text).map_err(|error| {
            format!("cannot read the address of the PostgreSQL database: {error}")
        })?;
        config.application_name("testplan");
        config.connect_timeout(CONNECT);
        config.keepalives_idle(Duration::from_secs(10));
        config.tcp_user_timeout(Duration::from_secs(10));
        let options = match config.get_options() {
            Some(own) => format!("{SETTINGS} {own}"),
            None => SETTINGS.to_owned(),
        };
        config.options(options);
        Ok(Self { config })
    }

    /// Connects; the connection runs on the current runtime.
    pub(super) async fn connect(&self) -> Result<tokio_postgres::Client, StoreError> {
        let connecting = self.config.connect(NoTls);
        let connected = tokio::time::timeout(CONNECT * 2, connecting).await;
        let (client, connection) = connected
            .map_err(|_elapsed| {
                StoreError::Broken("PostgreSQL did not accept a connection in time".to_owned())
            })?
            .map_err(|error| in_words(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to PostgreSQL ended");
            }
        });
        Ok(client)
    }
}
