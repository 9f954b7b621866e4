//! Reads that need no writer: status, lists, and when to look again.

use rusqlite::{Connection, Row, params};

use super::{
    column_values::{from_json, number},
    execution_rows, plan_counters, plan_rows,
    statements::Statements as _,
};
use crate::{
    clock::ClockLead,
    model::{
        Capabilities, Execution, ExecutionId, ExecutionState, LabelCase, Outcome, PlanId,
        PlanStatus, Test, TestId, Timestamp,
    },
    store::{Deadline, Event, Page, StoreError, protocol::request_limits::MAX_PAGE},
};

/// Adds up the counters of a plan. Reads one row per label set, not per execution.
pub(super) fn status(
    db: &Connection,
    plan: PlanId,
    filter: &Capabilities,
    case: LabelCase,
    now: Timestamp,
) -> Result<PlanStatus, StoreError> {
    plan_rows::check_started(db, plan)?;
    let counts = plan_counters::by_label_set(db, plan, now)?;
    if filter.is_empty() {
        return Ok(counts.into_iter().map(|(_, status)| status).sum());
    }
    let mut matching = Vec::new();
    for (set, status) in counts {
        if labels(db, set)?.covers(filter, case) {
            matching.push(status);
        }
    }
    Ok(matching.into_iter().sum())
}

/// The labels of a set.
pub(super) fn labels(db: &Connection, set: i64) -> Result<Capabilities, StoreError> {
    let text: String = db.read_one(
        "SELECT labels FROM label_sets WHERE id = ?1",
        [set],
        |row| row.get(0),
    )?;
    from_json(&text)
}

/// A page of a plan's executions; states as of `now`.
pub(super) fn executions(
    db: &Connection,
    plan: PlanId,
    state: Option<ExecutionState>,
    (after, limit): (i64, u32),
    now: Timestamp,
) -> Result<Page<Execution>, StoreError> {
    plan_rows::check_started(db, plan)?;
    let state_number = state.map(|state| match state {
        ExecutionState::Open => 0,
        ExecutionState::Reserved => 2,
        ExecutionState::Done => 3,
    });
    let limit = limit.clamp(1, MAX_PAGE);
    // The executions of a plan have consecutive numbers, so this reads the table in order from `after` on.
    let rows: Vec<(Execution, String)> = db.read_all(
            "SELECT e.id, t.suite, t.testcase, e.test, l.labels,
               CASE WHEN e.state = 1 OR (e.state = 2 AND e.deadline <= ?5) THEN 0 ELSE e.state END AS shown,
               e.epoch, e.generation, e.verdict, e.duration_ms, e.flaky, e.error, e.details,
               CASE WHEN e.is_estimated THEN NULL ELSE e.expected_ms END
             FROM plans p CROSS JOIN executions e JOIN tests t ON t.id = e.test
               JOIN label_sets l ON l.id = e.label_set
             WHERE p.id = ?1 AND e.id > max(?2, p.first_execution - 1) AND e.id < p.first_execution + p.size
               AND (?3 IS NULL OR shown = ?3)
             ORDER BY e.id LIMIT ?4",
        params![plan.0, after, state_number, limit + 1, now.0], execution)?;
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
        .then(|| execution_rows::outcome(row, 8))
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
        expected_ms: row.get::<_, Option<i64>>(13)?.map(number),
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
    plan_rows::check_started(db, plan)?;
    let limit = limit.clamp(1, MAX_PAGE);
    let items: Vec<Event> = db.read_all(
        "SELECT id, exec, epoch, kind, at, principal, detail FROM events
             WHERE plan = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        params![plan.0, after, limit + 1],
        |row| {
            Ok(Event {
                id: row.get(0)?,
                execution: ExecutionId(row.get(1)?),
                attempt: row.get(2)?,
                kind: row.get(3)?,
                at: Timestamp(row.get(4)?),
                principal: row.get(5)?,
                detail: row.get(6)?,
            })
        },
    )?;
    Ok(page(items, limit, |event| event.id))
}

/// Makes a page of rows that were read with one more than `limit`.
pub(super) fn page<T>(mut items: Vec<T>, limit: u32, number: impl Fn(&T) -> i64) -> Page<T> {
    let limit = limit as usize;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(number);
    Page { items, next }
}

/// The earliest time at which a lease of the plan ends, the plan becomes due, or the cool-down of a Squish server ends.
pub(super) fn next_deadline(
    db: &Connection,
    plan: PlanId,
    now: Timestamp,
    lead: &ClockLead,
) -> Result<Option<Deadline>, StoreError> {
    plan_rows::check_started(db, plan)?;
    let ahead = lead.service_time(Timestamp(0));
    // Of several at the same time the one that is no lease: its end has to be looked for.
    db.read_if(
        "SELECT at, ends_lease FROM (
               SELECT min(deadline) AS at, 1 AS ends_lease FROM executions INDEXED BY executions_leased
                 WHERE state = 2 AND deadline > ?2 AND plan = ?1
               UNION ALL SELECT planned + ?3, 0 FROM plans WHERE id = ?1 AND planned + ?3 > ?2
               UNION ALL SELECT min(free_from), 0 FROM squish_servers WHERE free_from > ?2
               UNION ALL SELECT min(rests_until), 0 FROM squish_servers WHERE rests_until > ?2)
             WHERE at IS NOT NULL ORDER BY at, ends_lease LIMIT 1",
        [plan.0, now.0, ahead.0],
        |row| {
            Ok(Deadline {
                at: Timestamp(row.get(0)?),
                ends_lease: row.get(1)?,
            })
        },
    )
}
