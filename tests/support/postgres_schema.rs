//! A place in PostgreSQL for services of one test.

use std::sync::atomic::{AtomicU64, Ordering};

use super::skip;

/// A schema of the database that `TESTPLAN_POSTGRES` names, dropped at the end.
pub(crate) struct PostgresSchema {
    database: String,
    name: String,
}

impl PostgresSchema {
    /// Whether there is a database; says that the test is skipped if not.
    pub(crate) fn is_possible() -> bool {
        let is_named = std::env::var_os("TESTPLAN_POSTGRES").is_some();
        if !is_named {
            skip::missing(
                "TESTPLAN_POSTGRES names no database; examples/service/postgres.sh starts one",
            );
        }
        is_named
    }

    /// `None` if there is no database.
    pub(crate) fn create() -> Option<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        if !Self::is_possible() {
            return None;
        }
        let database = std::env::var("TESTPLAN_POSTGRES").ok()?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let schema = Self {
            database,
            name: format!("serve_{}_{count}", std::process::id()),
        };
        schema.run(&format!("CREATE SCHEMA {}", schema.name));
        Some(schema)
    }

    /// The server as `host:port`.
    pub(crate) fn server(&self) -> &str {
        let rest = self.database.split_once('@').map_or("", |it| it.1);
        rest.split_once('/').map_or(rest, |it| it.0)
    }

    /// What `serve --database` gets.
    pub(crate) fn url(&self) -> String {
        format!("{}?options=-c%20search_path%3D{}", self.database, self.name)
    }

    /// Runs statements in it.
    pub(crate) fn run_in(&self, sql: &str) {
        self.run(&format!("SET search_path = {}; {sql}", self.name));
    }

    /// Reads a column of texts in it.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        self.run(&format!("SET search_path = {}; {sql}", self.name))
    }

    /// Runs statements and returns the first column of their rows.
    fn run(&self, sql: &str) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let connected = tokio_postgres::connect(&self.database, tokio_postgres::NoTls).await;
            let (client, connection) = connected.unwrap();
            tokio::spawn(connection);
            let answer = client.simple_query(sql).await.unwrap();
            let rows = answer.into_iter().filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            rows.collect()
        })
    }
}

impl Drop for PostgresSchema {
    fn drop(&mut self) {
        self.run(&format!("DROP SCHEMA {} CASCADE", self.name));
    }
}
