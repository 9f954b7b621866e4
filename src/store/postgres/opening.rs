//! The first round trip of a group: begins the transaction, locks the plans, and reads the clock and then every row that the
//! requests of the group name or may get.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Row, types::Type};

use super::{
    client::{Statement, get, int, typed},
    execution::{COLUMNS, Execution},
    rows::{
        PostgresRows, counters_of, keys_of, last_import_of, locks_of, next_events_of, queue_of,
        queue_sql,
    },
    working_set::{BEGINNING, Place},
};
use crate::{model::Timestamp, store::StoreError};

/// The clock of the database in milliseconds.
const CLOCK: &str = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// What a group needs.
#[derive(Default)]
pub(super) struct Opening {
    /// Plans that its requests may change.
    pub(super) plans: BTreeSet<i64>,
    /// Executions that they name.
    pub(super) executions: Vec<i64>,
    /// Digests of their idempotency keys.
    pub(super) keys: Vec<Vec<u8>>,
    /// How much is read of which queues, by plan and label set.
    pub(super) queues: BTreeMap<(i64, i64), i64>,
}

/// What the rows of a statement are.
enum Part {
    Locks,
    Clock,
    Counters,
    NextEvents,
    Over,
    Executions,
    Keys,
    LastImport,
    /// Plan and label set, the place after which it begins, how much was asked for.
    Queue((i64, i64), Place, i64),
}

impl Opening {
    /// Locks and reads all of it. Returns the time: that of the requests if `asked` is known, otherwise the database's.
    pub(super) fn run(
        self,
        rows: &mut PostgresRows,
        asked: Option<Timestamp>,
    ) -> Result<Timestamp, StoreError> {
        let plans: Vec<i64> = self.plans.iter().copied().collect();
        let expired: Vec<i64> = plans
            .iter()
            .map(|plan| rows.known.expired_until(*plan).0)
            .collect();
        let places: Vec<Place> = self
            .queues
            .keys()
            .map(|(plan, label_set)| rows.known.place(*plan, *label_set))
            .collect();
        let over = over_sql(asked);
        let by_id = format!("SELECT {COLUMNS} FROM executions e WHERE e.id = ANY($1)");
        let queue = queue_sql();
        let mut statements = Vec::new();
        let mut add = |part, sql, values| statements.push((part, Statement { sql, values }));
        if !plans.is_empty() {
            let all = || typed(&plans, Type::INT8_ARRAY);
            add(Part::Locks, locks_of(), vec![all()]);
        }
        // After the locks, because a lease may end while another replica holds them.
        if asked.is_none() {
            add(Part::Clock, CLOCK, vec![]);
        }
        if !plans.is_empty() {
            let all = || typed(&plans, Type::INT8_ARRAY);
            add(Part::Counters, counters_of(), vec![all()]);
            add(Part::NextEvents, next_events_of(), vec![all()]);
            let mut values = vec![all(), typed(&expired, Type::INT8_ARRAY)];
            values.extend(asked.as_ref().map(|now| int(&now.0)));
            add(Part::Over, &over, values);
        }
        if !self.executions.is_empty() {
            let ids = typed(&self.executions, Type::INT8_ARRAY);
            add(Part::Executions, &by_id, vec![ids]);
        }
        if !self.keys.is_empty() {
            let keys = typed(&self.keys, Type::BYTEA_ARRAY);
            add(Part::Keys, keys_of(), vec![keys]);
        }
        if !self.queues.is_empty() {
            add(Part::LastImport, last_import_of(), vec![]);
        }
        for ((key, count), after) in self.queues.iter().zip(&places) {
            let values = [&key.0, &key.1, &after.0, &after.1, count];
            add(Part::Queue(*key, *after, *count), &queue, queue_of(values));
        }
        let (parts, statements): (Vec<_>, Vec<_>) = statements.into_iter().unzip();
        let found = rows.open_with(&statements)?;
        drop(statements);
        rows.locked(plans);
        let mut now = asked;
        for (part, found) in parts.iter().zip(&found) {
            match part {
                Part::Locks => {}
                Part::Clock => now = found.first().map(read_time).transpose()?,
                Part::Counters => rows.add_counters(found)?,
                Part::NextEvents => rows.add_next_events(found)?,
                Part::Over => {
                    for row in found {
                        let execution = Execution::read(row)?;
                        rows.set.over.push(execution.id);
                        rows.set.add(execution);
                    }
                }
                Part::Executions => {
                    for row in found {
                        rows.set.add(Execution::read(row)?);
                    }
                }
                Part::Keys => rows.add_keys(&self.keys, found)?,
                Part::LastImport => {
                    rows.set.last_import = found.first().map(|row| get(row, 0)).transpose()?;
                }
                // Otherwise it is read from its beginning if a request asks for it.
                Part::Queue(key, after, count) => {
                    if *after == BEGINNING || rows.is_unchanged(key.0) {
                        rows.add_queue(*key, found, (*after, *count))?;
                    }
                }
            }
        }
        now.ok_or_else(|| StoreError::Broken("BUG: the database told no time".to_owned()))
    }
}

fn read_time(row: &Row) -> Result<Timestamp, StoreError> {
    Ok(Timestamp(get(row, 0)?))
}

/// Reads the leases of the plans `$1` that ended after `$2`, one time for each. The time of the statement is at or after that of
/// the clock, so it may be some more, and unlike the clock's it can be looked for in an index.
fn over_sql(asked: Option<Timestamp>) -> String {
    let now = match asked {
        Some(_) => "$3",
        None => "floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint",
    };
    format!(
        "SELECT {COLUMNS} FROM unnest($1::bigint[], $2::bigint[]) AS p(plan, since)
         JOIN executions e ON e.plan = p.plan AND e.state = 2 AND e.deadline > p.since AND e.deadline <= {now}"
    )
}
