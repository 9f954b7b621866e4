//! Reads that need no writer: status, lists, and when to look again.

use rusqlite::{Connection, Row, params};

use super::{
    counts, executions, plans,
    rows::{from_json, number},
};
use crate::{
    model::{
        Capabilities, Execution, ExecutionId, ExecutionState, LabelCase, Outcome, PlanId,
        PlanStatus, Test, TestId, Timestamp,
    },
    store::{Event, Page, StoreError, protocol::limits::MAX_PAGE},
};

/// Counts by kept counters: the cost is that of the plan's label sets, not of its executions.
pub(super) fn status(
    db: &Connection,
    plan: PlanId,
    filter: &Capabilities,
    case: LabelCase,
    now: Timestamp,
) -> Result<PlanStatus, StoreError> {
    plans::started(db, plan)?;
    let counts = counts::by_label_set(db, plan, now)?;
    if filter.is_empty() {
        return Ok(counts.into_iter().map(|(_, status)| status).sum());
    }
    let mut labels = db.prepare_cached("SELECT labels FROM label_sets WHERE id = ?1")?;
    let mut matching = Vec::new();
    for (set, status) in counts {
        let text: String = labels.query_row([set], |row| row.get(0))?;
        if from_json::<Capabilities>(&text)?.covers(filter, case) {
            matching.push(status);
        }
    }
    Ok(matching.into_iter().sum())
}

/// A page of a plan's executions; states as of `now`.
pub(super) fn executions(
    db: &Connection,
    plan: PlanId,
    state: Option<ExecutionState>,
    (after, limit): (i64, u32),
    now: Timestamp,
) -> Result<Page<Execution>, StoreError> {
    plans::started(db, plan)?;
    let wanted = state.map(|state| match state {
        ExecutionState::Open => 0,
        ExecutionState::Reserved => 2,
        ExecutionState::Done => 3,
    });
    let limit = limit.clamp(1, MAX_PAGE);
    // The executions of a plan have numbers in one piece, so this is a walk along the table from `after` on.
    let rows: Vec<(Execution, String)> = db
        .prepare_cached(
            "SELECT e.id, t.suite, t.testcase, e.test, l.labels,
               CASE WHEN e.state = 1 OR (e.state = 2 AND e.deadline <= ?5) THEN 0 ELSE e.state END AS shown,
               e.epoch, e.generation, e.verdict, e.duration_ms, e.flaky, e.error, e.details
             FROM plans p CROSS JOIN executions e JOIN tests t ON t.id = e.test
               JOIN label_sets l ON l.id = e.label_set
             WHERE p.id = ?1 AND e.id > max(?2, p.first_execution - 1) AND e.id < p.first_execution + p.size
               AND (?3 IS NULL OR shown = ?3)
             ORDER BY e.id LIMIT ?4",
        )?
        .query_map(params![plan.0, after, wanted, limit + 1, now.0], execution)?
        .collect::<Result<_, _>>()?;
    let mut items = Vec::with_capacity(rows.len());
    for (mut execution, labels) in rows {
        execution.required = from_json(&labels)?;
        items.push(execution);
    }
    Ok(page(items, limit, |execution| execution.id.0))
}

fn execution(row: &Row<'_>) -> rusqlite::Result<(Execution, String)> {
    let state = match row.get(5)? {
        0 => ExecutionState::Open,
        2 => ExecutionState::Reserved,
        _ => ExecutionState::Done,
    };
    let outcome = (state == ExecutionState::Done)
        .then(|| executions::outcome(row, 8))
        .transpose()?;
    let duration_ms = match &outcome {
        Some(Outcome::Completed { result }) => result.map(|r| r.duration_ms),
        _ => row.get::<_, Option<i64>>(9)?.map(number),
    };
    let execution = Execution {
        id: ExecutionId(row.get(0)?),
        test: Test {
            suite: row.get(1)?,
            testcase: row.get(2)?,
        },
        test_id: TestId(row.get(3)?),
        required: Capabilities::default(),
        state,
        attempts: row.get(6)?,
        generation: row.get(7)?,
        outcome,
        duration_ms,
    };
    Ok((execution, row.get(4)?))
}

/// A page of a plan's history.
pub(super) fn events(
    db: &Connection,
    plan: PlanId,
    after: i64,
    limit: u32,
) -> Result<Page<Event>, StoreError> {
    plans::started(db, plan)?;
    let limit = limit.clamp(1, MAX_PAGE);
    let items: Vec<Event> = db
        .prepare_cached(
            "SELECT id, exec, epoch, kind, at, principal, detail FROM events
             WHERE plan = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        )?
        .query_map(params![plan.0, after, limit + 1], |row| {
            Ok(Event {
                id: row.get(0)?,
                execution: ExecutionId(row.get(1)?),
                attempt: row.get(2)?,
                kind: row.get(3)?,
                at: Timestamp(row.get(4)?),
                principal: row.get(5)?,
                detail: row.get(6)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(page(items, limit, |event| event.id))
}

/// Cuts what was read, one more than asked for, to a page.
pub(super) fn page<T>(mut items: Vec<T>, limit: u32, number: impl Fn(&T) -> i64) -> Page<T> {
    let limit = limit as usize;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(number);
    Page { items, next }
}

/// When a lease of the plan ends, the plan becomes due, or a Squish server has rested: whichever is first.
pub(super) fn next_deadline(
    db: &Connection,
    plan: PlanId,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    plans::started(db, plan)?;
    let next: Option<i64> = db
        .prepare_cached(
            "SELECT min(at) FROM (
               SELECT min(deadline) AS at FROM executions INDEXED BY executions_leased
                 WHERE state = 2 AND deadline > ?2 AND plan = ?1
               UNION ALL SELECT planned FROM plans WHERE id = ?1 AND planned > ?2
               UNION ALL SELECT min(free_from) FROM squish_servers WHERE free_from > ?2
               UNION ALL SELECT min(rests_until) FROM squish_servers WHERE rests_until > ?2)",
        )?
        .query_row([plan.0, now.0], |row| row.get(0))?;
    Ok(next.map(Timestamp))
}
