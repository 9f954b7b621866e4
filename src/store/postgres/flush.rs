//! Writing what a transaction changed in memory: one statement for all tables, in one round trip with the commit if it is the end
//! of the transaction.
//!
//! The statement checks itself how many rows it changed, and fails otherwise: a commit that was sent behind it commits nothing.

use std::{collections::HashSet, sync::LazyLock};

use tokio_postgres::types::Type;

use super::{
    client::{Client, Statement, Value, typed},
    joined::{JoinedChanges, rows_of_arrays},
    working_set::WorkingSet,
};
use crate::store::StoreError;

/// The guard is the state and the epoch that the row had: nobody else can have changed it while its plan is locked.
static EXECUTIONS: LazyLock<String> = LazyLock::new(|| {
    let columns = "state bigint, epoch bigint, generation bigint, reset_epoch bigint, expiries bigint, skips bigint, \
        late_results bigint, deadline bigint, timeout_ms bigint, compensated_ms bigint, squish_server bigint, \
        troubled_server bigint, verdict bigint, duration_ms bigint, flaky boolean, nonce bytea, lease_hash bytea, digest bytea, \
        principal text, worker text, lost_on text, error text, details text, import_mark bigint, alone boolean, \
        start_failures text, reserved_at bigint, earlier_failures bigint";
    let names = columns.split(", ").filter_map(|it| it.split(' ').next());
    let set: Vec<_> = names.map(|name| format!("{name} = n.{name}")).collect();
    let rows = rows_of_arrays(&format!(
        "id bigint, state_before bigint, epoch_before bigint, {columns}"
    ));
    format!(
        "UPDATE executions e SET {} FROM {rows}
         WHERE e.id = n.id AND e.state = n.state_before AND e.epoch = n.epoch_before",
        set.join(", ")
    )
});
static COUNTS: LazyLock<String> = LazyLock::new(|| {
    let rows = rows_of_arrays(
        "plan bigint, label_set bigint, open bigint, reserved bigint, done bigint, passed bigint, failed bigint, skipped bigint",
    );
    format!(
        "UPDATE counts c SET open = c.open + n.open, reserved = c.reserved + n.reserved, done = c.done + n.done,
           passed = c.passed + n.passed, failed = c.failed + n.failed, skipped = c.skipped + n.skipped
         FROM {rows} WHERE c.plan = n.plan AND c.label_set = n.label_set"
    )
});
static EVENTS: LazyLock<String> = LazyLock::new(|| {
    let rows = rows_of_arrays(
        "plan bigint, id bigint, exec bigint, epoch bigint, kind text, at bigint, principal text, detail text",
    );
    format!(
        "INSERT INTO events (plan, id, exec, epoch, kind, at, principal, detail) SELECT n.* FROM {rows}"
    )
});
/// In the order of their digests: two replicas never wait for each other.
static KEYS: LazyLock<String> = LazyLock::new(|| {
    let rows = rows_of_arrays(
        "hash bytea, digest bytea, subject bigint, epoch bigint, expires_at bigint, more text",
    );
    format!(
        "INSERT INTO keys (hash, digest, subject, epoch, expires_at, more) SELECT n.* FROM {rows}
         ON CONFLICT (hash) DO UPDATE SET digest = excluded.digest, subject = excluded.subject, epoch = excluded.epoch,
           expires_at = excluded.expires_at, more = excluded.more"
    )
});
/// In the order of the key: plans of different replicas have tests in common.
static HISTORY: LazyLock<String> = LazyLock::new(|| {
    let rows = rows_of_arrays("test bigint, label_set bigint, ms bigint");
    format!(
        "INSERT INTO history AS h (test, label_set, runs, mean_ms) SELECT n.test, n.label_set, 1, n.ms FROM {rows}
         ORDER BY n.test, n.label_set
         ON CONFLICT (test, label_set) DO UPDATE SET runs = least(h.runs + 1, 5),
           mean_ms = h.mean_ms + (excluded.mean_ms - h.mean_ms) / least(h.runs + 1, 5)"
    )
});

/// Writes everything that is not written yet, and commits if `commits`.
pub(super) fn flush(
    client: &mut Client,
    set: &mut WorkingSet,
    commits: bool,
) -> Result<(), StoreError> {
    let executions = ExecutionColumns::of(set);
    let counts = CountColumns::of(set);
    let events = EventColumns::of(set);
    let keys = KeyColumns::of(set);
    let histories = history_rounds(&set.durations);
    let [execution_rows, count_rows, event_rows, key_rows] = [
        executions.id.len(),
        counts.plan.len(),
        events.plan.len(),
        keys.hash.len(),
    ]
    .map(row_count);
    let history_rows: Vec<i64> = histories.iter().map(|it| row_count(it.0.len())).collect();
    let mut changes = JoinedChanges::default();
    if execution_rows > 0 {
        changes.add(&EXECUTIONS, executions.values(), &execution_rows);
    }
    if count_rows > 0 {
        changes.add(&COUNTS, counts.values(), &count_rows);
    }
    if event_rows > 0 {
        changes.add(&EVENTS, events.values(), &event_rows);
    }
    if key_rows > 0 {
        changes.add(&KEYS, keys.values(), &key_rows);
    }
    // A statement cannot change a row twice.
    let mut rounds = vec![changes];
    for (number, (round, rows)) in histories.iter().zip(&history_rows).enumerate() {
        if number > 0 {
            rounds.push(JoinedChanges::default());
        }
        let columns = [&round.0, &round.1, &round.2];
        let values = columns.map(|column| typed(column, Type::INT8_ARRAY));
        rounds[number].add(&HISTORY, values.to_vec(), rows);
    }
    let joined: Vec<_> = rounds.iter().filter_map(JoinedChanges::statement).collect();
    let statements: Vec<_> = joined
        .iter()
        .map(|(sql, values)| Statement {
            sql,
            values: values.clone(),
        })
        .collect();
    if commits {
        client.commit_with(&statements)?;
    } else {
        client.rows_of_all(&statements)?;
    }
    drop(statements);
    drop((joined, rounds));
    set.written();
    Ok(())
}

fn row_count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Columns of changed executions.
#[derive(Default)]
struct ExecutionColumns<'a> {
    id: Vec<i64>,
    state_before: Vec<i64>,
    epoch_before: Vec<i64>,
    state: Vec<i64>,
    epoch: Vec<i64>,
    generation: Vec<i64>,
    reset_epoch: Vec<i64>,
    expiries: Vec<i64>,
    skips: Vec<i64>,
    late_results: Vec<i64>,
    deadline: Vec<Option<i64>>,
    timeout_ms: Vec<Option<i64>>,
    compensated_ms: Vec<i64>,
    squish_server: Vec<Option<i64>>,
    troubled_server: Vec<Option<i64>>,
    verdict: Vec<Option<i64>>,
    duration_ms: Vec<Option<i64>>,
    flaky: Vec<Option<bool>>,
    nonce: Vec<Option<&'a [u8]>>,
    lease_hash: Vec<Option<&'a [u8]>>,
    digest: Vec<Option<&'a [u8]>>,
    principal: Vec<&'a str>,
    worker: Vec<Option<&'a str>>,
    lost_on: Vec<&'a str>,
    error: Vec<Option<&'a str>>,
    details: Vec<Option<&'a str>>,
    import_mark: Vec<i64>,
    alone: Vec<bool>,
    start_failures: Vec<&'a str>,
    reserved_at: Vec<Option<i64>>,
    earlier_failures: Vec<i64>,
}

impl<'a> ExecutionColumns<'a> {
    fn of(set: &'a WorkingSet) -> Self {
        let mut columns = Self::default();
        for (row, (state, epoch)) in set.changed() {
            columns.id.push(row.id);
            columns.state_before.push(state);
            columns.epoch_before.push(epoch.into());
            columns.state.push(row.state);
            columns.epoch.push(row.epoch.into());
            columns.generation.push(row.generation.into());
            columns.reset_epoch.push(row.reset_epoch.into());
            columns.expiries.push(row.expiries.into());
            columns.skips.push(row.skips.into());
            columns.late_results.push(row.late_results);
            columns.deadline.push(row.deadline);
            columns.timeout_ms.push(row.timeout_ms);
            columns.compensated_ms.push(row.compensated_ms);
            columns.squish_server.push(row.squish_server);
            columns.troubled_server.push(row.troubled_server);
            columns.verdict.push(row.verdict);
            columns.duration_ms.push(row.duration_ms);
            columns.flaky.push(row.flaky);
            columns.nonce.push(row.nonce.as_deref());
            columns.lease_hash.push(row.lease_hash.as_deref());
            columns.digest.push(row.digest.as_deref());
            columns.principal.push(&row.principal);
            columns.worker.push(row.worker.as_deref());
            columns.lost_on.push(&row.lost_on);
            columns.error.push(row.error.as_deref());
            columns.details.push(row.details.as_deref());
            columns.import_mark.push(row.import_mark);
            columns.alone.push(row.alone);
            columns.start_failures.push(&row.start_failures);
            columns.reserved_at.push(row.reserved_at);
            columns.earlier_failures.push(row.earlier_failures.into());
        }
        columns
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            typed(&self.id, Type::INT8_ARRAY),
            typed(&self.state_before, Type::INT8_ARRAY),
            typed(&self.epoch_before, Type::INT8_ARRAY),
            typed(&self.state, Type::INT8_ARRAY),
            typed(&self.epoch, Type::INT8_ARRAY),
            typed(&self.generation, Type::INT8_ARRAY),
            typed(&self.reset_epoch, Type::INT8_ARRAY),
            typed(&self.expiries, Type::INT8_ARRAY),
            typed(&self.skips, Type::INT8_ARRAY),
            typed(&self.late_results, Type::INT8_ARRAY),
            typed(&self.deadline, Type::INT8_ARRAY),
            typed(&self.timeout_ms, Type::INT8_ARRAY),
            typed(&self.compensated_ms, Type::INT8_ARRAY),
            typed(&self.squish_server, Type::INT8_ARRAY),
            typed(&self.troubled_server, Type::INT8_ARRAY),
            typed(&self.verdict, Type::INT8_ARRAY),
            typed(&self.duration_ms, Type::INT8_ARRAY),
            typed(&self.flaky, Type::BOOL_ARRAY),
            typed(&self.nonce, Type::BYTEA_ARRAY),
            typed(&self.lease_hash, Type::BYTEA_ARRAY),
            typed(&self.digest, Type::BYTEA_ARRAY),
            typed(&self.principal, Type::TEXT_ARRAY),
            typed(&self.worker, Type::TEXT_ARRAY),
            typed(&self.lost_on, Type::TEXT_ARRAY),
            typed(&self.error, Type::TEXT_ARRAY),
            typed(&self.details, Type::TEXT_ARRAY),
            typed(&self.import_mark, Type::INT8_ARRAY),
            typed(&self.alone, Type::BOOL_ARRAY),
            typed(&self.start_failures, Type::TEXT_ARRAY),
            typed(&self.reserved_at, Type::INT8_ARRAY),
            typed(&self.earlier_failures, Type::INT8_ARRAY),
        ]
    }
}

/// Columns of changed counters.
#[derive(Default)]
struct CountColumns {
    plan: Vec<i64>,
    label_set: Vec<i64>,
    changes: [Vec<i64>; 6],
}

impl CountColumns {
    fn of(set: &WorkingSet) -> Self {
        let mut columns = Self::default();
        for ((plan, label_set), counters) in &set.counters {
            let change = counters.unwritten;
            let all = change.states.iter().chain(&change.verdicts);
            if all.clone().all(|by| *by == 0) {
                continue;
            }
            columns.plan.push(*plan);
            columns.label_set.push(*label_set);
            for (column, by) in columns.changes.iter_mut().zip(all) {
                column.push(*by);
            }
        }
        columns
    }

    fn values(&self) -> Vec<Value<'_>> {
        let mut values = vec![
            typed(&self.plan, Type::INT8_ARRAY),
            typed(&self.label_set, Type::INT8_ARRAY),
        ];
        let changes = self.changes.iter();
        values.extend(changes.map(|column| typed(column, Type::INT8_ARRAY)));
        values
    }
}

/// Columns of new events.
#[derive(Default)]
struct EventColumns<'a> {
    plan: Vec<i64>,
    id: Vec<i64>,
    execution: Vec<i64>,
    epoch: Vec<i64>,
    kind: Vec<&'a str>,
    at: Vec<i64>,
    principal: Vec<&'a str>,
    detail: Vec<&'a str>,
}

impl<'a> EventColumns<'a> {
    fn of(set: &'a WorkingSet) -> Self {
        let mut columns = Self::default();
        for event in &set.events {
            columns.plan.push(event.plan);
            columns.id.push(event.id);
            columns.execution.push(event.execution);
            columns.epoch.push(event.epoch);
            columns.kind.push(event.kind);
            columns.at.push(event.at);
            columns.principal.push(&event.principal);
            columns.detail.push(&event.detail);
        }
        columns
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            typed(&self.plan, Type::INT8_ARRAY),
            typed(&self.id, Type::INT8_ARRAY),
            typed(&self.execution, Type::INT8_ARRAY),
            typed(&self.epoch, Type::INT8_ARRAY),
            typed(&self.kind, Type::TEXT_ARRAY),
            typed(&self.at, Type::INT8_ARRAY),
            typed(&self.principal, Type::TEXT_ARRAY),
            typed(&self.detail, Type::TEXT_ARRAY),
        ]
    }
}

/// Columns of changed keys.
#[derive(Default)]
struct KeyColumns<'a> {
    hash: Vec<&'a [u8]>,
    digest: Vec<&'a [u8]>,
    subject: Vec<i64>,
    epoch: Vec<Option<i64>>,
    expires_at: Vec<i64>,
    more: Vec<Option<&'a str>>,
}

impl<'a> KeyColumns<'a> {
    fn of(set: &'a WorkingSet) -> Self {
        let mut columns = Self::default();
        for (hash, key) in &set.changed_keys {
            columns.hash.push(hash);
            columns.digest.push(&key.digest);
            columns.subject.push(key.subject);
            columns.epoch.push(key.epoch);
            columns.expires_at.push(key.expires_at);
            columns.more.push(key.more.as_deref());
        }
        columns
    }

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            typed(&self.hash, Type::BYTEA_ARRAY),
            typed(&self.digest, Type::BYTEA_ARRAY),
            typed(&self.subject, Type::INT8_ARRAY),
            typed(&self.epoch, Type::INT8_ARRAY),
            typed(&self.expires_at, Type::INT8_ARRAY),
            typed(&self.more, Type::TEXT_ARRAY),
        ]
    }
}

type HistoryRound = (Vec<i64>, Vec<i64>, Vec<i64>);

/// A statement can change a row once, so a test that ended twice is in two rounds.
fn history_rounds(durations: &[(i64, i64, i64)]) -> Vec<HistoryRound> {
    let mut rounds = Vec::new();
    let mut left = durations.to_vec();
    while !left.is_empty() {
        let mut seen = HashSet::new();
        let mut round = HistoryRound::default();
        left.retain(|(test, label_set, ms)| {
            if !seen.insert((*test, *label_set)) {
                return true;
            }
            round.0.push(*test);
            round.1.push(*label_set);
            round.2.push(*ms);
            false
        });
        rounds.push(round);
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_that_ended_twice_is_learned_twice() {
        let rounds = history_rounds(&[(1, 1, 10), (2, 1, 20), (1, 1, 30)]);
        assert_eq!(rounds.len(), 2);
        assert_eq!(rounds[0], (vec![1, 2], vec![1, 1], vec![10, 20]));
        assert_eq!(rounds[1], (vec![1], vec![1], vec![30]));
    }
}
