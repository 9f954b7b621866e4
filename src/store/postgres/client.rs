//! A connection to PostgreSQL for a thread that may block: several statements at a time in one round trip.
//!
//! The connection runs on a runtime of its own, inside the calls: between two calls nothing of it runs.

use std::{
    collections::HashMap,
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::future::{try_join, try_join_all};
use tokio::runtime::Runtime;
use tokio_postgres::{
    Row,
    types::{FromSql, ToSql, Type},
};

use super::{
    connection::{Planning, Target},
    failure::{in_words, silent, unreadable},
};
use crate::store::{StoreError, rows::exactly_one};

/// PostgreSQL answers the commit of a transaction in which a statement failed by rolling it back.
const COMMIT: &str = "COMMIT";

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transaction {
    /// Requests about executions.
    Requests,
    /// What plans have in common, and everything that reads whole tables.
    Catalogue,
    /// Filling a database with what another one has.
    Move,
    /// Reads of one state of the database.
    Snapshot,
}

impl Transaction {
    fn begin(self) -> &'static str {
        match self {
            Self::Requests | Self::Catalogue | Self::Move => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Self::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Its own settings, after those of all transactions.
    fn settings(self) -> &'static str {
        match self {
            Self::Requests | Self::Snapshot => "",
            // A plan with a million tests is one statement. New rows have no statistics yet, and each way to join them but by
            // their indexes reads all rows for each piece of a long list.
            Self::Catalogue => {
                "; SET LOCAL statement_timeout = '60s'; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
            }
            // Counting a large table, or a commit that waits for a standby.
            Self::Move => {
                "; SET LOCAL statement_timeout = '600s'; SET LOCAL idle_in_transaction_session_timeout = '300s'; \
                 SET LOCAL lock_timeout = '30s'"
            }
        }
    }

    /// How long a round trip may take. The database ends a statement before; this is for a network that swallows everything.
    fn round_trip(self) -> Duration {
        Duration::from_secs(match self {
            Self::Requests | Self::Snapshot => 8,
            Self::Catalogue => 65,
            Self::Move => 605,
        })
    }
}

/// Most statements that are kept prepared: more than there are.
const MAX_PREPARED: usize = 200;

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
    /// The statements that the server has planned, if it plans them once instead of each time.
    prepared: Option<HashMap<String, tokio_postgres::Statement>>,
    /// What each transaction begins with.
    transaction_settings: String,
    /// How long a round trip of the current transaction may take.
    round_trip: Duration,
    /// The server and the database, for messages.
    place: String,
    /// It did not answer in time: what it would answer next belongs to an earlier statement, if it answers at all.
    is_overdue: AtomicBool,
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
    pub(super) fn connect(target: &Target, planning: Planning) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Broken(format!("no runtime: {error}")))?;
        let connection = runtime.block_on(target.connect(planning))?;
        let is_pooled = !connection.transaction_settings.is_empty();
        Ok(Self {
            runtime: Some(runtime),
            server: connection.client,
            // A pooler gives the next transaction another session, which has not planned them.
            prepared: (planning == Planning::Once && !is_pooled).then(HashMap::new),
            transaction_settings: connection.transaction_settings,
            round_trip: Transaction::Requests.round_trip(),
            place: target.to_string(),
            is_overdue: AtomicBool::new(false),
        })
    }

    /// Whether a pooler is in between, which may give each transaction another session.
    pub(super) fn is_pooled(&self) -> bool {
        !self.transaction_settings.is_empty()
    }

    /// The server and the database, for messages.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether the connection is lost.
    pub(super) fn is_closed(&self) -> bool {
        if let Some(runtime) = &self.runtime {
            // Only inside calls does the connection notice that the server closed it.
            runtime.block_on(async {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            });
        }
        self.server.is_closed() || self.is_overdue.load(Ordering::Relaxed)
    }

    /// Runs statements without values, in one round trip.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        self.wait(async |client| client.batch_execute(sql).await)
    }

    /// Reads all rows of a statement.
    pub(super) fn rows(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let statement = Statement {
            sql,
            values: values.to_vec(),
        };
        let found = self.rows_of_all(std::slice::from_ref(&statement))?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// Reads the rows of several statements, in one round trip. The first failure is the answer.
    pub(super) fn rows_of_all(
        &mut self,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        self.prepare(statements)?;
        self.wait(async |client| self.all(client, statements).await)
    }

    /// Begins a transaction, runs statements without values, and then reads the rows of others, all in one round trip.
    pub(super) fn begin_with(
        &mut self,
        kind: Transaction,
        first: &str,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        self.round_trip = kind.round_trip();
        let begin = format!("{}; {first}", self.begin(kind));
        self.run_with(&begin, statements)
    }

    /// Runs statements without values and then reads the rows of others, in one round trip.
    pub(super) fn run_with(
        &mut self,
        first: &str,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        self.prepare(statements)?;
        self.wait(async |client| {
            let first = client.batch_execute(first);
            Ok(try_join(first, self.all(client, statements)).await?.1)
        })
    }

    /// Reads the rows of statements and commits, in one round trip. If one of them fails, nothing is committed.
    pub(super) fn commit_with(
        &mut self,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        self.prepare(statements)?;
        self.wait(async |client| {
            let commit = client.batch_execute(COMMIT);
            Ok(try_join(self.all(client, statements), commit).await?.0)
        })
    }

    /// Reads the rows of statements in a transaction of their own, in one round trip.
    pub(super) fn transact(
        &mut self,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        self.prepare(statements)?;
        let begin = self.begin(Transaction::Requests);
        self.wait(async |client| {
            let begin = client.batch_execute(&begin);
            let rest = try_join(self.all(client, statements), client.batch_execute(COMMIT));
            Ok(try_join(begin, rest).await?.1.0)
        })
    }

    fn begin(&self, kind: Transaction) -> String {
        format!(
            "{}{}{}",
            kind.begin(),
            self.transaction_settings,
            kind.settings()
        )
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

    /// Has the server plan those statements that it did not plan yet, in one round trip.
    fn prepare(&mut self, statements: &[Statement<'_>]) -> Result<(), StoreError> {
        let Some(prepared) = &self.prepared else {
            return Ok(());
        };
        let is_new = |it: &&Statement<'_>| !prepared.contains_key(it.sql);
        let new: Vec<_> = statements.iter().filter(is_new).collect();
        if new.is_empty() || prepared.len() >= MAX_PREPARED {
            return Ok(());
        }
        let found = self.wait(async |client| {
            let each = new.iter().map(async |it| {
                let types: Vec<Type> = it.values.iter().map(|(_, kind)| kind.clone()).collect();
                client.prepare_typed(it.sql, &types).await
            });
            try_join_all(each).await
        })?;
        if let Some(prepared) = &mut self.prepared {
            let names = new.iter().map(|it| it.sql.to_owned());
            prepared.extend(names.zip(found));
        }
        Ok(())
    }

    /// Sends all statements and waits for all rows.
    async fn all(
        &self,
        client: &tokio_postgres::Client,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, tokio_postgres::Error> {
        // Polled in this order the first time, which is the order in which they are sent.
        let each = statements.iter().map(async |it| {
            let prepared = self.prepared.as_ref().and_then(|all| all.get(it.sql));
            match prepared {
                Some(prepared) => {
                    let values: Vec<_> = it.values.iter().map(|(value, _)| *value).collect();
                    client.query(prepared, &values).await
                }
                None => client.query_typed(it.sql, &it.values).await,
            }
        });
        try_join_all(each).await
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
        if self.is_overdue.load(Ordering::Relaxed) {
            return Err(silent(self.round_trip, &self.place));
        }
        runtime.block_on(async {
            match tokio::time::timeout(self.round_trip, call(&self.server)).await {
                Ok(answer) => answer.map_err(|error| in_words(&error, &self.place)),
                Err(_elapsed) => {
                    self.is_overdue.store(true, Ordering::Relaxed);
                    Err(silent(self.round_trip, &self.place))
                }
            }
        })
    }
}

/// Something with columns.
pub(super) trait Columns {
    /// The value of a column.
    fn column<'a, T: FromSql<'a>>(&'a self, index: usize) -> Result<T, StoreError>;
}

impl Columns for Row {
    fn column<'a, T: FromSql<'a>>(&'a self, index: usize) -> Result<T, StoreError> {
        self.try_get(index).map_err(|error| unreadable(&error))
    }
}

/// A column of a row.
pub(super) fn get<'a, T: FromSql<'a>>(
    row: &'a impl Columns,
    column: usize,
) -> Result<T, StoreError> {
    row.column(column)
}

/// A column that holds a whole number below 2^32.
pub(super) fn get_u32(row: &impl Columns, column: usize) -> Result<u32, StoreError> {
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
