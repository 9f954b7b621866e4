//! A connection to PostgreSQL for a thread that may block: statements without names, several at a time in one round trip.
//!
//! The connection runs on a runtime of its own, inside the calls: between two calls nothing of it runs. Statements have no
//! names, so a pooler may give each transaction another connection to the database.

use std::{future::Future, time::Duration};

use futures_util::future::try_join_all;
use tokio::runtime::Runtime;
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{
    connection::Target,
    failure::{in_words, unreadable},
};
use crate::store::{StoreError, rows::exactly_one};

/// How long one round trip may take. The database ends a statement before; this is for a network that swallows everything,
/// and for a commit that waits for a standby.
const ROUND_TRIP: Duration = Duration::from_secs(8);

/// A value of a statement and its type.
pub(super) type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// A statement with its values.
pub(super) struct Statement<'a> {
    pub(super) sql: &'a str,
    pub(super) values: Vec<Value<'a>>,
}

/// A connection.
pub(super) struct Client {
    /// Absent only while it is dropped.
    runtime: Option<Runtime>,
    server: tokio_postgres::Client,
    /// The server and the database, for messages.
    place: String,
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Not by waiting for it: the last owner may be an asynchronous task.
            runtime.shutdown_background();
        }
    }
}

impl Client {
    /// Connects.
    pub(super) fn connect(target: &Target) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Broken(format!("no runtime: {error}")))?;
        let client = runtime.block_on(target.connect())?;
        Ok(Self {
            runtime: Some(runtime),
            server: client,
            place: target.to_string(),
        })
    }

    /// The server and the database, for messages.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether the connection is lost.
    pub(super) fn is_closed(&self) -> bool {
        self.server.is_closed()
    }

    /// Runs statements without values, in one round trip.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        self.wait(async |client| client.batch_execute(sql).await)
    }

    /// Reads all rows of a statement.
    pub(super) fn rows(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        self.wait(async |client| client.query_typed(sql, values).await)
    }

    /// Reads the rows of several statements, in one round trip. The first failure is the answer.
    pub(super) fn rows_of_all(
        &mut self,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        self.wait(async |client| {
            // Polled in this order the first time, which is the order in which they are sent.
            try_join_all(
                statements
                    .iter()
                    .map(|it| client.query_typed(it.sql, &it.values)),
            )
            .await
        })
    }

    /// Reads all rows and maps each.
    pub(super) fn read_all<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.rows(sql, values)?;
        rows.iter().map(read).collect()
    }

    /// Reads a row that may not exist.
    pub(super) fn read_if<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let rows = self.rows(sql, values)?;
        rows.first().map(read).transpose()
    }

    /// Reads a row that must exist.
    pub(super) fn read_one<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let found = self.read_if(sql, values, read)?;
        found.ok_or_else(|| StoreError::Broken("BUG: a row that must exist is missing".to_owned()))
    }

    /// Runs a statement and returns how many rows it changed.
    pub(super) fn change(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.wait(async |client| client.execute_typed(sql, values).await)
    }

    /// Runs a guarded statement that must change exactly one row; `what` names the change in the error of a bug.
    pub(super) fn change_one(
        &mut self,
        what: &str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<(), StoreError> {
        let rows = self.change(sql, values)?;
        exactly_one(usize::try_from(rows).unwrap_or(usize::MAX), what)
    }

    /// Runs a guarded statement: `true` if it changed its one row, `false` if its guard refused.
    pub(super) fn change_if(
        &mut self,
        what: &str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<bool, StoreError> {
        let rows = self.change(sql, values)?;
        if rows == 0 {
            return Ok(false);
        }
        exactly_one(usize::try_from(rows).unwrap_or(usize::MAX), what).map(|()| true)
    }

    fn wait<'a, T, F>(
        &'a self,
        call: impl FnOnce(&'a tokio_postgres::Client) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        let Some(runtime) = &self.runtime else {
            return Err(StoreError::Busy);
        };
        runtime.block_on(async {
            match tokio::time::timeout(ROUND_TRIP, call(&self.server)).await {
                Ok(answer) => answer.map_err(|error| in_words(&error, &self.place)),
                Err(_elapsed) => Err(StoreError::Broken(format!(
                    "{} did not answer within {} s; check its load and the network",
                    self.place,
                    ROUND_TRIP.as_secs()
                ))),
            }
        })
    }
}

/// A column of a row.
pub(super) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: usize,
) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| unreadable(&error))
}

/// A column that holds a whole number below 2^32.
pub(super) fn get_u32(row: &Row, column: usize) -> Result<u32, StoreError> {
    let number: i64 = get(row, column)?;
    u32::try_from(number)
        .map_err(|_| StoreError::Broken(format!("BUG: the database holds {number} as a count")))
}

/// A whole number.
pub(super) fn int(value: &i64) -> Value<'_> {
    (value, Type::INT8)
}

/// A text.
pub(super) fn text<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::TEXT)
}

/// Bytes.
pub(super) fn bytes<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::BYTEA)
}

/// A value of another type.
pub(super) fn typed<T: ToSql + Sync>(value: &T, kind: Type) -> Value<'_> {
    (value, kind)
}
