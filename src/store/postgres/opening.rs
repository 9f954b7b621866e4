//! The first round trip of a group: begins the transaction, locks the plans, and then reads the clock and every row that the
//! requests of the group name or may get, with one statement. Its rows are of different kinds: the number of the part, and a row
//! with the columns of that part.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use tokio_postgres::types::Type;

use super::{
    client::{Statement, get, int, typed},
    execution::{COLUMNS, Execution},
    joined::Joined,
    record::Record,
    rows::{COUNTERS, KEYS, NEXT_EVENTS, PostgresRows, QUEUES, QueueReads},
};
use crate::{model::Timestamp, store::StoreError};

/// The clock of the database in milliseconds: when this statement arrived, so after the locks were granted. It does not change while
/// the statement runs, so an index condition can use it.
const NOW: &str = "floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint";

static TIME: LazyLock<String> =
    LazyLock::new(|| format!("SELECT 1, ROW({NOW}, (SELECT coalesce(max(id), 0) FROM imports))"));

static EXECUTIONS: LazyLock<String> =
    LazyLock::new(|| format!("SELECT 5, ROW({COLUMNS}) FROM executions e WHERE e.id = ANY($1)"));

/// Leases of the plans `$1` that ended after `$2`, one time for each, and until now.
fn over(now: &str) -> String {
    format!(
        "SELECT 4, ROW({COLUMNS}) FROM unnest($1::bigint[], $2::bigint[]) AS p(plan, since)
         JOIN executions e ON e.plan = p.plan AND e.state = 2 AND e.deadline > p.since AND e.deadline <= {now}"
    )
}

static OVER: LazyLock<String> = LazyLock::new(|| over(NOW));
static OVER_AT: LazyLock<String> = LazyLock::new(|| over("$3"));

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
        let mut queues = QueueReads::default();
        for (key, wanted) in &self.queues {
            queues.add(*key, rows.known.place(key.0, key.1), *wanted);
        }
        let mut parts = Joined::default();
        parts.add(&TIME, []);
        if !plans.is_empty() {
            let all = || typed(&plans, Type::INT8_ARRAY);
            let since = typed(&expired, Type::INT8_ARRAY);
            parts.add(NEXT_EVENTS, [all()]);
            parts.add(COUNTERS, [all()]);
            match &asked {
                None => parts.add(&OVER, [all(), since]),
                Some(now) => parts.add(&OVER_AT, [all(), since, int(&now.0)]),
            }
        }
        if !self.executions.is_empty() {
            parts.add(&EXECUTIONS, [typed(&self.executions, Type::INT8_ARRAY)]);
        }
        if !self.keys.is_empty() {
            parts.add(KEYS, [typed(&self.keys, Type::BYTEA_ARRAY)]);
        }
        if !queues.is_empty() {
            parts.add(&QUEUES, queues.values());
        }
        let (sql, values) = parts.rows();
        let found = rows.lock_plans(&self.plans, &[Statement { sql: &sql, values }])?;
        rows.ask_keys(&self.keys);
        let mut now = asked;
        let mut queued = Vec::new();
        for row in found.iter().flatten() {
            let part: i32 = get(row, 0)?;
            let record: Record<'_> = get(row, 1)?;
            match part {
                1 => {
                    now = now.or(Some(Timestamp(get(&record, 0)?)));
                    rows.set.last_import = Some(get(&record, 1)?);
                }
                2 => rows.add_next_event(&record)?,
                3 => rows.add_counters(&record)?,
                4 => {
                    let execution = Execution::read(&record)?;
                    rows.set.over.push(execution.id);
                    rows.set.add(execution);
                }
                5 => rows.set.add(Execution::read(&record)?),
                6 => rows.add_key(&record)?,
                // After the numbers of the next events, which decide whether places still hold.
                _ => queued.push(record),
            }
        }
        rows.add_queues(&queues, &queued)?;
        now.ok_or_else(|| StoreError::Broken("BUG: the database told no time".to_owned()))
    }
}
