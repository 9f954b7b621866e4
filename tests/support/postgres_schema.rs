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
        schema.run_in(&format!("CREATE SCHEMA {}", schema.name));
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
        self.connect().run(sql);
    }

    /// Reads a column of texts in it.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        let session = self.connect();
        let answer = session.runtime.block_on(session.client.simple_query(sql));
        let rows = answer.unwrap().into_iter();
        rows.filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect()
    }

    /// Reads a number in it.
    pub(crate) fn read(&self, sql: &str) -> i64 {
        let session = self.connect();
        let read = session.runtime.block_on(session.client.query_one(sql, &[]));
        read.unwrap().get(0)
    }

    fn connect(&self) -> Session {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(async {
            let connected = tokio_postgres::connect(&self.database, tokio_postgres::NoTls).await;
            let (client, connection) = connected.unwrap();
            tokio::spawn(connection);
            client
        });
        let session = Session { client, runtime };
        session.run(&format!("SET search_path = {}", self.name));
        session
    }
}

/// A connection.
struct Session {
    client: tokio_postgres::Client,
    runtime: tokio::runtime::Runtime,
}

impl Session {
    fn run(&self, sql: &str) {
        let ran = self.runtime.block_on(self.client.batch_execute(sql));
        ran.unwrap();
    }
}

impl Drop for PostgresSchema {
    fn drop(&mut self) {
        self.run_in(&format!("DROP SCHEMA {} CASCADE", self.name));
    }
}
