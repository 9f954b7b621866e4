//! Running prepared statements: every change goes through a check of how many rows it changed.

use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use crate::store::{StoreError, rows::exactly_one};

/// Statements of a connection, prepared once.
pub(super) trait Statements {
    /// Runs a guarded statement that must change exactly one row; `what` names the change in the error of a bug.
    fn change_one(&self, what: &str, sql: &str, values: impl Params) -> Result<(), StoreError>;

    /// Runs a guarded statement: `true` if it changed its one row, `false` if its guard refused.
    fn change_if(&self, what: &str, sql: &str, values: impl Params) -> Result<bool, StoreError>;

    /// Inserts a row and returns its number.
    fn insert(&self, sql: &str, values: impl Params) -> Result<i64, StoreError>;

    /// Reads a row that must exist.
    fn read_one<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError>;

    /// Reads a row that may not exist.
    fn read_if<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError>;

    /// Reads all rows.
    fn read_all<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError>;
}

impl Statements for Connection {
    fn change_one(&self, what: &str, sql: &str, values: impl Params) -> Result<(), StoreError> {
        let rows = self.prepare_cached(sql)?.execute(values)?;
        exactly_one(rows, what)
    }

    fn change_if(&self, what: &str, sql: &str, values: impl Params) -> Result<bool, StoreError> {
        let rows = self.prepare_cached(sql)?.execute(values)?;
        if rows == 0 {
            return Ok(false);
        }
        exactly_one(rows, what).map(|()| true)
    }

    fn insert(&self, sql: &str, values: impl Params) -> Result<i64, StoreError> {
        Ok(self.prepare_cached(sql)?.insert(values)?)
    }

    fn read_one<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        Ok(self.prepare_cached(sql)?.query_row(values, read)?)
    }

    fn read_if<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        Ok(statement.query_row(values, read).optional()?)
    }

    fn read_all<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        let rows = statement.query_map(values, read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
