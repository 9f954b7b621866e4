//! Lists of executions and events, and when to look again.

use rusqlite::{Connection, Row, params};

use super::executions::outcome;
use crate::{
    clock::ClockLead,
    model::{
        Capabilities, Execution, ExecutionId, ExecutionState, Outcome, PlanId, Test, TestId,
        TestVerdict, Timestamp,
    },
    store::{
        Deadline, Event, StoreError,
        rows::ExecutionPages,
        sqlite::statements::Statements as _,
        values::{from_json, number},
    },
};

impl ExecutionPages for Connection {
    fn executions(
        &mut self,
        plan: PlanId,
        state: Option<ExecutionState>,
        (after, limit): (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError> {
        let state_number = state.map(|state| match state {
            ExecutionState::Open => 0,
            ExecutionState::Reserved => 2,
            ExecutionState::Done => 3,
        });
        // The executions of a plan have consecutive numbers, so this reads the table in order from `after` on.
        let rows: Vec<(Execution, String)> = self.read_all(
            "SELECT e.id, t.suite, t.testcase, e.test, l.labels,
               CASE WHEN e.state = 1 OR (e.state = 2 AND e.deadline <= ?5) THEN 0 ELSE e.state END AS shown,
               e.epoch, e.generation, e.verdict, e.duration_ms, e.flaky, e.error, e.details,
               CASE WHEN e.is_estimated THEN NULL ELSE e.expected_ms END
             FROM plans p CROSS JOIN executions e JOIN tests t ON t.id = e.test
               JOIN label_sets l ON l.id = e.label_set
             WHERE p.id = ?1 AND e.id > max(?2, p.first_execution - 1) AND e.id < p.first_execution + p.size
               AND (?3 IS NULL OR shown = ?3)
             ORDER BY e.id LIMIT ?4",
            params![plan.0, after, state_number, limit, now.0],
            execution,
        )?;
        let mut items = Vec::with_capacity(rows.len());
        for (mut execution, labels) in rows {
            execution.required = from_json(&labels)?;
            items.push(execution);
        }
        Ok(items)
    }

    fn events(
        &mut self,
        plan: PlanId,
        (after, limit): (i64, u32),
    ) -> Result<Vec<Event>, StoreError> {
        self.read_all(
            "SELECT id, exec, epoch, kind, at, principal, detail FROM events
             WHERE plan = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            params![plan.0, after, limit],
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
        )
    }

    fn next_deadline(
        &mut self,
        plan: PlanId,
        now: Timestamp,
        lead: &ClockLead,
    ) -> Result<Option<Deadline>, StoreError> {
        let ahead = lead.service_time(Timestamp(0));
        // Of several at the same time the one that is no lease: its end has to be looked for.
        self.read_if(
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
}

/// An execution from the columns of these lists, its labels still as text.
pub(super) fn execution(row: &Row<'_>) -> rusqlite::Result<(Execution, String)> {
    let state = match row.get(5)? {
        0 => ExecutionState::Open,
        2 => ExecutionState::Reserved,
        _ => ExecutionState::Done,
    };
    let outcome = (state == ExecutionState::Done)
        .then(|| outcome(row, 8))
        .transpose()?;
    let is_failed = matches!(&outcome, Some(Outcome::Completed { result: Some(it) }) if it.verdict == TestVerdict::Failed);
    let failure: Option<String> = if is_failed { row.get(12)? } else { None };
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
        failure: failure.filter(|why| !why.is_empty()),
        duration_ms,
        expected_ms: row.get::<_, Option<i64>>(13)?.map(number),
    };
    Ok((execution, row.get(4)?))
}
