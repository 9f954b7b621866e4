//! How SQLite runs a statement on an empty database of ours, for tests that hold its indexes.

use rusqlite::params_from_iter;

use super::{
    connection::{self, Durability},
    recovery,
    statements::Statements as _,
};
use crate::{model::Timestamp, store::Rules};

/// The steps of a statement with `count` parameters.
pub(super) fn query_plan(sql: &str, count: usize) -> Vec<String> {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let db = connection::writer(&path, Durability::Normal).unwrap();
    let (database, _) = recovery::open(db, Rules::default(), Timestamp(1)).unwrap();
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    let values = params_from_iter(vec![1; count]);
    database
        .db
        .read_all(&sql, values, |row| row.get("detail"))
        .unwrap()
}
