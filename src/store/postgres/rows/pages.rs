//! Lists of executions and events, and when to look again.

use tokio_postgres::{Row, types::Type};

use crate::{
    clock::ClockLead,
    model::{Execution, ExecutionId, ExecutionState, Outcome, PlanId, Test, TestId, Timestamp},
    store::{
        Deadline, Event, StoreError,
        postgres::client::{Client, get, get_u32, int, typed},
        rows::{ExecutionPages, OutcomeColumns, failure, outcome},
        values::{from_json, number},
    },
};

impl ExecutionPages for Client {
    fn executions(
        &mut self,
        plan: PlanId,
        state: Option<ExecutionState>,
        (after, limit): (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError> {
        let state = state.map(|state| match state {
            ExecutionState::Open => 0_i64,
            ExecutionState::Reserved => 2,
            ExecutionState::Done => 3,
        });
        // The executions of a plan have consecutive numbers, so this reads the table in order from `after` on.
        self.read_all(
            "SELECT * FROM (SELECT e.id, t.suite, t.testcase, e.test, l.labels,
                 CASE WHEN e.state = 1 OR (e.state = 2 AND e.deadline <= $5) THEN 0 ELSE e.state END AS shown,
                 e.epoch, e.generation, e.verdict, e.duration_ms, e.flaky, e.error, e.details,
                 CASE WHEN e.is_estimated THEN NULL ELSE e.expected_ms END
               FROM plans p JOIN executions e ON e.id >= p.first_execution AND e.id < p.first_execution + p.size
                 JOIN tests t ON t.id = e.test JOIN label_sets l ON l.id = e.label_set
               WHERE p.id = $1 AND e.id > $2) AS all_of_plan
             WHERE $3::bigint IS NULL OR shown = $3
             ORDER BY id LIMIT $4",
            &[
                int(&plan.0),
                int(&after),
                typed(&state, Type::INT8),
                int(&i64::from(limit)),
                int(&now.0),
            ],
            execution,
        )
    }

    fn events(
        &mut self,
        plan: PlanId,
        (after, limit): (i64, u32),
    ) -> Result<Vec<Event>, StoreError> {
        self.read_all(
            "SELECT id, exec, epoch, kind, at, principal, detail FROM events
             WHERE plan = $1 AND id > $2 ORDER BY id LIMIT $3",
            &[int(&plan.0), int(&after), int(&i64::from(limit))],
            |row| {
                Ok(Event {
                    id: get(row, 0)?,
                    execution: ExecutionId(get(row, 1)?),
                    attempt: get_u32(row, 2)?,
                    kind: get(row, 3)?,
                    at: Timestamp(get(row, 4)?),
                    principal: get(row, 5)?,
                    detail: get(row, 6)?,
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
               SELECT min(deadline) AS at, TRUE AS ends_lease FROM executions
                 WHERE state = 2 AND deadline > $2 AND plan = $1
               UNION ALL SELECT planned + $3, FALSE FROM plans WHERE id = $1 AND planned + $3 > $2
               UNION ALL SELECT min(free_from), FALSE FROM squish_servers WHERE free_from > $2
               UNION ALL SELECT min(rests_until), FALSE FROM squish_servers WHERE rests_until > $2) AS all_ends
             WHERE at IS NOT NULL ORDER BY at, ends_lease LIMIT 1",
            &[int(&plan.0), int(&now.0), int(&ahead.0)],
            |row| {
                Ok(Deadline {
                    at: Timestamp(get(row, 0)?),
                    ends_lease: get(row, 1)?,
                })
            },
        )
    }
}

/// An execution from the columns of these lists.
pub(super) fn execution(row: &Row) -> Result<Execution, StoreError> {
    let state = match get::<i64>(row, 5)? {
        0 => ExecutionState::Open,
        2 => ExecutionState::Reserved,
        _ => ExecutionState::Done,
    };
    let columns = OutcomeColumns {
        verdict: get(row, 8)?,
        duration_ms: get(row, 9)?,
        flaky: get(row, 10)?,
        error: get(row, 11)?,
        details: get(row, 12)?,
    };
    let outcome = (state == ExecutionState::Done).then(|| outcome(&columns));
    let failure = outcome.as_ref().and_then(|_| failure(&columns));
    let duration_ms = match &outcome {
        Some(Outcome::Completed { result }) => result.map(|r| r.duration_ms),
        _ => columns.duration_ms.map(number),
    };
    Ok(Execution {
        id: ExecutionId(get(row, 0)?),
        test: Test {
            suite: get(row, 1)?,
            testcase: get(row, 2)?,
        },
        test_id: TestId(get(row, 3)?),
        required: from_json(get(row, 4)?)?,
        state,
        attempts: get_u32(row, 6)?,
        generation: get_u32(row, 7)?,
        outcome,
        failure,
        duration_ms,
        expected_ms: get::<Option<i64>>(row, 13)?.map(number),
    })
}
