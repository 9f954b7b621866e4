//! The database that is moved elsewhere: locked, compared with its high-water mark, and read in one snapshot.

use std::{fs::File, path::Path};

use rusqlite::{Connection, Row, types::ValueRef};

use super::{
    connection,
    database_failure::{folder_of, located},
    loss_check::{self, LossPolicy},
    opening::refuse_losses,
    statements::Statements as _,
};
use crate::{
    model::{PlanId, Timestamp},
    store::{
        StoreError,
        transfer::{
            batch::{Batch, Values},
            proof::{PlanProof, VERDICT_COLUMNS, VERDICT_WIDTH, VerdictDigest},
            tables::{KEYS, SERVERS, Table},
        },
    },
};

/// The plans with leases.
const RUNNING: &str = "(SELECT plan FROM executions WHERE state = 2)";
const OF_RUNNING: &str =
    "(SELECT id FROM executions WHERE plan IN (SELECT plan FROM executions WHERE state = 2))";

/// A plan that workers hold leases of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningPlan {
    /// Its number.
    pub id: PlanId,
    /// The title of its template.
    pub title: String,
    /// How many of its executions are reserved.
    pub reserved: i64,
}

/// A database of `testplan serve` that no service has open, in one snapshot.
pub(in crate::store) struct MoveSource<'a> {
    path: &'a Path,
    db: Connection,
    /// No service can open it before this is dropped.
    _lock: File,
    now: Timestamp,
    leaves_running: bool,
}

impl<'a> MoveSource<'a> {
    /// Opens it. Of keys those stay behind that have no use at `now`.
    pub(in crate::store) fn open(path: &'a Path, now: Timestamp) -> Result<Self, StoreError> {
        if !path.is_file() {
            return Err(connection::broken(path, "there is no database"));
        }
        let lock = connection::lock(path)?;
        refuse_losses(path, LossPolicy::Refuse)?;
        let at_source = |error: rusqlite::Error| located(error.into(), folder_of(path));
        let db = connection::reader(path).map_err(at_source)?;
        db.execute_batch("BEGIN").map_err(at_source)?;
        let version = loss_check::version(&db).map_err(at_source)?;
        let missing = connection::missing_scripts(version as usize)
            .map_err(|what| connection::broken(path, &what))?;
        if !missing.is_empty() {
            let what = format!(
                "an earlier version wrote it (schema {version}). Start `testplan serve` of this version on it once"
            );
            return Err(connection::broken(path, &what));
        }
        Ok(Self {
            path,
            db,
            _lock: lock,
            now,
            leaves_running: false,
        })
    }

    /// The plans with leases.
    pub(in crate::store) fn running(&self) -> Result<Vec<RunningPlan>, StoreError> {
        self.at_source(self.db.read_all(
            "SELECT p.id, p.title, count(*) FROM executions e JOIN plans p ON p.id = e.plan
             WHERE e.state = 2 GROUP BY p.id ORDER BY p.id",
            [],
            |row| {
                Ok(RunningPlan {
                    id: PlanId(row.get(0)?),
                    title: row.get(1)?,
                    reserved: row.get(2)?,
                })
            },
        ))
    }

    /// Leaves the plans with leases out from now on.
    pub(in crate::store) fn leave_running(&mut self) {
        self.leaves_running = true;
    }

    /// The secret that lease tokens are derived from.
    pub(in crate::store) fn lease_key(&self) -> Result<Vec<u8>, StoreError> {
        self.number_or("SELECT lease_key FROM service", |row| row.get(0))
    }

    /// The first number that no row of the table ever had.
    pub(in crate::store) fn next_number(&self, table: &Table) -> Result<i64, StoreError> {
        let name = table.name;
        self.number_or(
            &format!(
                "SELECT max(coalesce((SELECT max(id) FROM {name}), 0),
                   coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{name}'), 0)) + 1"
            ),
            |row| row.get(0),
        )
    }

    /// The first number that no execution ever had.
    pub(in crate::store) fn next_execution(&self) -> Result<i64, StoreError> {
        self.number_or(
            "SELECT max(coalesce((SELECT max(id) FROM executions), 0),
               coalesce((SELECT max(first_execution + size - 1) FROM plans WHERE kind = 1), 0)) + 1",
            |row| row.get(0),
        )
    }

    /// How many rows of a table are to be moved.
    pub(in crate::store) fn count(&self, table: &Table) -> Result<i64, StoreError> {
        let condition = self.condition(table);
        let sql = format!("SELECT count(*) FROM {} WHERE {condition}", table.name);
        self.number_or(&sql, |row| row.get(0))
    }

    /// Templates and plans that are to be moved.
    pub(in crate::store) fn templates_and_plans(&self) -> Result<[i64; 2], StoreError> {
        let of = |kind| {
            let left = if self.leaves_running { RUNNING } else { "()" };
            let sql =
                format!("SELECT count(*) FROM plans WHERE kind = {kind} AND id NOT IN {left}");
            self.number_or(&sql, |row| row.get(0))
        };
        Ok([of(0)?, of(1)?])
    }

    /// Reads the rows of a table that are to be moved, in batches.
    pub(in crate::store) fn read(
        &self,
        table: &Table,
        mut send: impl FnMut(&Batch) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|(name, _)| self.expression(table, name))
            .collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {}",
            columns.join(", "),
            table.name,
            self.condition(table),
            table.order
        );
        let mut batch = Batch::new(table);
        let mut statement = self.at_source(self.db.prepare(&sql).map_err(StoreError::from))?;
        let mut rows = self.at_source(statement.query([]).map_err(StoreError::from))?;
        while let Some(row) = self.at_source(rows.next().map_err(StoreError::from))? {
            let bytes = self.at_source(add_row(&mut batch, row))?;
            batch.end_row(bytes);
            if batch.is_full() {
                send(&batch)?;
                batch.clear();
            }
        }
        if batch.rows > 0 {
            send(&batch)?;
        }
        Ok(())
    }

    /// The plans that are to be moved, with the range of their executions.
    pub(in crate::store) fn plans(&self) -> Result<Vec<(PlanId, i64, i64)>, StoreError> {
        let left = if self.leaves_running { RUNNING } else { "()" };
        self.at_source(self.db.read_all(
            &format!(
                "SELECT id, first_execution, first_execution + size FROM plans
                 WHERE kind = 1 AND id NOT IN {left} ORDER BY id"
            ),
            [],
            |row| Ok((PlanId(row.get(0)?), row.get(1)?, row.get(2)?)),
        ))
    }

    /// What of a plan must be the same in the copy.
    pub(in crate::store) fn proof(
        &self,
        plan: PlanId,
        (first, end): (i64, i64),
    ) -> Result<PlanProof, StoreError> {
        let (events, last_event) = self.at_source(self.db.read_one(
            "SELECT count(*), coalesce(max(id), 0) FROM events WHERE plan = ?1",
            [plan.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        ))?;
        let counts = self.at_source(self.db.read_one(
            "SELECT coalesce(sum(open), 0), coalesce(sum(reserved), 0), coalesce(sum(done), 0),
               coalesce(sum(passed), 0), coalesce(sum(failed), 0), coalesce(sum(skipped), 0)
             FROM counts WHERE plan = ?1",
            [plan.0],
            |row| {
                let mut counts = [0; 6];
                for (place, count) in counts.iter_mut().enumerate() {
                    *count = row.get(place)?;
                }
                Ok(counts)
            },
        ))?;
        let (executions, verdicts) = self.at_source(self.verdicts(plan, (first, end)))?;
        Ok(PlanProof {
            executions,
            events,
            last_event,
            counts,
            verdicts,
        })
    }

    /// How many executions a plan has, and the digest of their verdicts.
    fn verdicts(
        &self,
        plan: PlanId,
        (first, end): (i64, i64),
    ) -> Result<(i64, Vec<u8>), StoreError> {
        let (mut digest, mut executions) = (VerdictDigest::default(), 0);
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT {VERDICT_COLUMNS}, flaky FROM executions WHERE id >= ?1 AND id < ?2 AND plan = ?3 ORDER BY id"
        ))?;
        let mut rows = statement.query([first, end, plan.0])?;
        while let Some(row) = rows.next()? {
            let mut values = [None; VERDICT_WIDTH];
            for (place, value) in values.iter_mut().enumerate() {
                *value = row.get(place)?;
            }
            digest.add(values);
            executions += 1;
        }
        Ok((executions, digest.finish()))
    }

    fn number_or<T>(
        &self,
        sql: &str,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.at_source(self.db.read_one(sql, [], read))
    }

    /// Which rows of a table are to be moved.
    fn condition(&self, table: &Table) -> String {
        match (table.name, table.plan) {
            (KEYS, _) => {
                let left = if self.leaves_running {
                    OF_RUNNING
                } else {
                    "()"
                };
                // What a service would delete stays behind.
                format!(
                    "(expires_at >= {} OR EXISTS
                       (SELECT 1 FROM executions e WHERE e.id = keys.subject AND e.epoch = keys.epoch AND e.state IN (1, 2))
                     OR (more IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(more) j
                       JOIN executions e ON e.id = j.value ->> 0 AND e.epoch = j.value ->> 1 AND e.state IN (1, 2))))
                     AND (epoch IS NULL OR subject NOT IN {left})",
                    self.now.0
                )
            }
            (_, Some(column)) if self.leaves_running => format!("{column} NOT IN {RUNNING}"),
            _ => "1".to_owned(),
        }
    }

    /// A column as it is moved: a Squish server is not bound to a lease that stays behind.
    fn expression(&self, table: &Table, column: &str) -> String {
        let binds = table.name == SERVERS && ["exec", "epoch", "free_from"].contains(&column);
        if binds && self.leaves_running {
            return format!("CASE WHEN exec IN {OF_RUNNING} THEN NULL ELSE {column} END");
        }
        column.to_owned()
    }

    fn at_source<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.map_err(|error| located(error, folder_of(self.path)))
    }
}

/// Adds a row to a batch and returns how many bytes of text it has.
fn add_row(batch: &mut Batch, row: &Row<'_>) -> Result<usize, StoreError> {
    let mut bytes = 0;
    for (place, column) in batch.columns.iter_mut().enumerate() {
        let value = row.get_ref(place)?;
        match (column, value) {
            (Values::Numbers(list), ValueRef::Null) => list.push(None),
            (Values::Numbers(list), ValueRef::Integer(number)) => list.push(Some(number)),
            (Values::Truths(list), ValueRef::Null) => list.push(None),
            (Values::Truths(list), ValueRef::Integer(number)) => list.push(Some(number != 0)),
            (Values::Texts(list), ValueRef::Null) => list.push(None),
            (Values::Texts(list), ValueRef::Text(text)) => {
                bytes += text.len();
                list.push(Some(readable(text)));
            }
            (Values::Bytes(list), ValueRef::Null) => list.push(None),
            (Values::Bytes(list), ValueRef::Blob(blob)) => {
                bytes += blob.len();
                list.push(Some(blob.to_vec()));
            }
            _ => {
                return Err(StoreError::Broken(
                    "BUG: the database holds a value of another type".to_owned(),
                ));
            }
        }
    }
    Ok(bytes)
}

/// A text that other databases store too: early versions stored NUL, as an answer no client could read.
fn readable(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::{
        sqlite::Durability,
        transfer::tables::{Kind, TABLES},
    };

    /// A table or column that a migration adds must be moved too.
    #[test]
    fn every_table_and_column_is_moved() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("testplan.sqlite");
        let db = connection::writer(&path, Durability::Normal).unwrap();
        let tables: BTreeSet<String> = db
            .read_all(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
                [],
                |row| row.get(0),
            )
            .unwrap()
            .into_iter()
            .collect();
        let moved = TABLES.iter().map(|it| it.name.to_owned());
        assert_eq!(tables, moved.chain(["service".to_owned()]).collect());
        for table in TABLES {
            let columns: BTreeSet<(String, String)> = db
                .read_all(
                    "SELECT name, type FROM pragma_table_info(?1)",
                    [table.name],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .unwrap()
                .into_iter()
                .collect();
            let moved = table.columns.iter().map(|(name, kind)| {
                let stored = match kind {
                    Kind::Number | Kind::Truth => "INTEGER",
                    Kind::Text => "TEXT",
                    Kind::Bytes => "BLOB",
                };
                ((*name).to_owned(), stored.to_owned())
            });
            assert_eq!(columns, moved.collect(), "{}", table.name);
        }
    }
}
