//! Statements of reads for pages.

use tokio_postgres::{Row, types::Type};

use super::{pages::execution, run_reads::origin};
use crate::{
    model::{Capabilities, Execution, ExecutionId, Plan, PlanId, PlanKind, PlanStatus, Timestamp},
    store::{
        CapabilityCounts, Event, ExecutionFilter, NewestResult, PlanOverview, RunningExecution,
        StoreError, WorkerResults,
        postgres::client::{Client, get, get_u32, int, typed},
        rows::{PageReads, filter_condition},
        values::{from_json, number, span},
    },
};

/// The columns of an execution `e`. `$1` is the time.
macro_rules! execution_columns {
    () => {
        "e.id, t.suite, t.testcase, e.test, l.labels,
           CASE WHEN e.state = 1 OR (e.state = 2 AND e.deadline <= $1) THEN 0 ELSE e.state END,
           e.epoch, e.generation, e.verdict, e.duration_ms, e.flaky, e.error, CASE WHEN e.verdict = 1 THEN e.details ELSE '' END,
           CASE WHEN e.is_estimated THEN NULL ELSE e.expected_ms END"
    };
}

/// What an execution `e` is joined with.
macro_rules! named {
    () => {
        " JOIN tests t ON t.id = e.test JOIN label_sets l ON l.id = e.label_set "
    };
}

/// The plans of the page come first, so that the rest is read for them alone; `+ 0` keeps indexes of other orders out.
const PLANS: &str = "SELECT p.id, p.project, p.title, p.description, p.batch, p.tags, p.repositories, p.planned,
      p.size, p.created_at, p.started_by, c.open, c.reserved, c.done, c.passed, c.failed, c.skipped,
      (SELECT count(*) FROM executions e WHERE e.plan = p.id AND e.state = 2 AND e.deadline <= $1), v.id, v.at,
      p.template, p.branch, p.commit_id, p.author, p.run_url,
      CASE WHEN p.cancelled IS NOT NULL AND (p.cancelling <> 0 OR EXISTS (SELECT 1 FROM executions e
        WHERE e.plan = p.id AND e.state = 3 AND (e.verdict IS NULL OR e.verdict <> 0 OR e.flaky) AND e.error = p.cancelled))
        THEN p.cancelled END
    FROM (SELECT * FROM plans WHERE kind + 0 = 1 AND id < $2 ORDER BY id DESC LIMIT $3) p
      CROSS JOIN LATERAL (SELECT coalesce(sum(open), 0)::bigint AS open, coalesce(sum(reserved), 0)::bigint AS reserved,
        coalesce(sum(done), 0)::bigint AS done, coalesce(sum(passed), 0)::bigint AS passed,
        coalesce(sum(failed), 0)::bigint AS failed, coalesce(sum(skipped), 0)::bigint AS skipped
        FROM counts WHERE plan = p.id) c
      LEFT JOIN LATERAL (SELECT id, at FROM events WHERE plan = p.id ORDER BY id DESC LIMIT 1) v ON TRUE
    ORDER BY p.id DESC";

const RUNNING: &str = concat!(
    "SELECT ",
    execution_columns!(),
    ", coalesce(e.worker, e.principal) COLLATE \"C\", s.host, s.port, e.deadline,
       coalesce(e.reserved_at, 0)
     FROM executions e",
    named!(),
    "LEFT JOIN squish_servers s ON s.id = e.squish_server
     WHERE e.plan = $2 AND e.state = 2 AND e.deadline > $1
     ORDER BY 15, e.id LIMIT $3"
);

const RESERVED: &str = concat!(
    "SELECT ",
    execution_columns!(),
    " FROM executions e",
    named!(),
    "WHERE e.plan = $2 AND e.state = 2 AND e.deadline > $1 AND e.id > $3 ORDER BY e.id LIMIT $4"
);

const PASSED: &str = concat!(
    "SELECT ",
    execution_columns!(),
    " FROM plans p JOIN executions e ON e.id >= p.first_execution AND e.id < p.first_execution + p.size",
    named!(),
    "WHERE p.id = $2 AND e.id > $3 AND e.state = 3 AND e.verdict = 0 ORDER BY e.id LIMIT $4"
);

const BY_ID: &str = concat!(
    "SELECT ",
    execution_columns!(),
    " FROM executions e",
    named!(),
    "WHERE e.plan = $2 AND e.id = ANY($3) ORDER BY e.id"
);

/// The ends that are no plain pass and fit a filter.
fn notable(filter: ExecutionFilter) -> String {
    format!(
        concat!(
            "SELECT ",
            execution_columns!(),
            " FROM executions e",
            named!(),
            "WHERE e.plan = $2 AND e.state = 3 AND (e.verdict IS NULL OR e.verdict <> 0 OR e.flaky)",
            " AND {} AND e.id > $3 ORDER BY e.id LIMIT $4"
        ),
        filter_condition(filter)
    )
}

impl PageReads for Client {
    fn plans_before(
        &mut self,
        (before, limit): (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<PlanOverview>, StoreError> {
        self.read_all(
            PLANS,
            &[int(&now.0), int(&before), int(&i64::from(limit))],
            |row| overview(row, now),
        )
    }

    fn unjudged(&mut self, plan: PlanId) -> Result<Vec<(Capabilities, u64)>, StoreError> {
        self.read_all(
            "SELECT l.labels, n.many FROM label_sets l JOIN
               (SELECT label_set, count(*) AS many FROM executions
                WHERE plan = $1 AND state = 3 AND verdict IS NULL AND error IS NULL GROUP BY label_set) n
             ON l.id = n.label_set",
            &[int(&plan.0)],
            |row| Ok((from_json(get(row, 0)?)?, number(get(row, 1)?))),
        )
    }

    fn capability_counts(
        &mut self,
        plan: PlanId,
        now: Timestamp,
    ) -> Result<Vec<CapabilityCounts>, StoreError> {
        self.read_all(
            "SELECT l.labels, c.open, c.reserved, c.done, c.passed, c.failed, c.skipped, coalesce(x.expired, 0)
             FROM counts c JOIN label_sets l ON l.id = c.label_set
               LEFT JOIN (SELECT label_set, count(*) AS expired FROM executions
                 WHERE plan = $2 AND state = 2 AND deadline <= $1 GROUP BY label_set) x ON x.label_set = c.label_set
             WHERE c.plan = $2",
            &[int(&now.0), int(&plan.0)],
            |row| {
                let mut numbers = [0; 7];
                for (index, number) in numbers.iter_mut().enumerate() {
                    *number = get(row, index + 1)?;
                }
                Ok(CapabilityCounts::of_row(from_json(get(row, 0)?)?, numbers.map(number)))
            },
        )
    }

    fn running(
        &mut self,
        plan: PlanId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<RunningExecution>, StoreError> {
        self.read_all(
            RUNNING,
            &[int(&now.0), int(&plan.0), int(&i64::from(limit))],
            |row| {
                let host: Option<&str> = get(row, 15)?;
                let port: Option<&str> = get(row, 16)?;
                Ok(RunningExecution {
                    execution: execution(row)?,
                    worker: get(row, 14)?,
                    squish_server: host.zip(port).map(|(host, port)| format!("{host}:{port}")),
                    deadline: Timestamp(get(row, 17)?),
                    since: Timestamp(get(row, 18)?),
                })
            },
        )
    }

    fn reserved_executions(
        &mut self,
        plan: PlanId,
        page: (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError> {
        read(self, RESERVED, plan, page, now)
    }

    fn notable_executions(
        &mut self,
        plan: PlanId,
        filter: ExecutionFilter,
        page: (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError> {
        read(self, &notable(filter), plan, page, now)
    }

    fn passed_executions(
        &mut self,
        plan: PlanId,
        page: (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError> {
        read(self, PASSED, plan, page, now)
    }

    fn executions_by_id(
        &mut self,
        plan: PlanId,
        ids: &[i64],
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError> {
        let values = [int(&now.0), int(&plan.0), typed(&ids, Type::INT8_ARRAY)];
        self.read_all(BY_ID, &values, execution)
    }

    fn events_of_execution(
        &mut self,
        plan: PlanId,
        execution: ExecutionId,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.read_all(
            "SELECT id, exec, epoch, kind, at, principal, detail FROM events
             WHERE plan = $1 AND exec = $2 ORDER BY id DESC LIMIT $3",
            &[int(&plan.0), int(&execution.0), int(&i64::from(limit))],
            event,
        )
    }

    fn notable_events(&mut self, plan: PlanId, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.read_all(
            "SELECT id, exec, epoch, kind, at, principal, detail FROM events
             WHERE plan = $1 AND kind NOT IN ('reserved', 'finished', 'heartbeat', 'cancelled') ORDER BY id DESC LIMIT $2",
            &[int(&plan.0), int(&i64::from(limit))],
            event,
        )
    }

    fn changed_since(
        &mut self,
        plan: PlanId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError> {
        self.read_all(
            "SELECT exec FROM events WHERE plan = $1 AND id > $2 ORDER BY id LIMIT $3",
            &[int(&plan.0), int(&after), int(&i64::from(limit))],
            |row| get(row, 0),
        )
    }

    fn longest_open(
        &mut self,
        plan: PlanId,
        label_set: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError> {
        self.read_all(
            "SELECT expected_ms FROM executions
             WHERE plan = $1 AND label_set = $2 AND state < 2 AND NOT is_estimated ORDER BY expected_ms DESC, id LIMIT $3",
            &[int(&plan.0), int(&label_set), int(&i64::from(limit))],
            |row| get(row, 0),
        )
    }

    fn known_open(&mut self, plan: PlanId, label_set: i64) -> Result<(i64, i64), StoreError> {
        self.read_one(
            "SELECT count(*), coalesce(sum(expected_ms), 0)::bigint FROM executions
             WHERE plan = $1 AND label_set = $2 AND state < 2 AND NOT is_estimated",
            &[int(&plan.0), int(&label_set)],
            |row| Ok((get(row, 0)?, get(row, 1)?)),
        )
    }

    fn worker_results(
        &mut self,
        plan: PlanId,
        limit: u32,
    ) -> Result<Vec<WorkerResults>, StoreError> {
        self.read_all(
            "SELECT coalesce(e.worker, e.principal), count(*) FILTER (WHERE e.verdict = 0),
               count(*) FILTER (WHERE e.verdict = 1), count(*) FILTER (WHERE e.verdict = 2), count(e.error),
               count(*) FILTER (WHERE e.verdict IS NULL AND e.error IS NULL), coalesce(sum(e.duration_ms), 0)::bigint
             FROM plans p JOIN executions e ON e.id >= p.first_execution AND e.id < p.first_execution + p.size
             WHERE p.id = $1 AND e.state = 3 AND coalesce(e.worker, e.principal) IS NOT NULL
             GROUP BY 1 ORDER BY 1 LIMIT $2",
            &[int(&plan.0), int(&i64::from(limit))],
            |row| {
                let count = |index| get(row, index).map(number);
                Ok(WorkerResults {
                    worker: get(row, 0)?,
                    passed: count(1)?,
                    failed: count(2)?,
                    skipped: count(3)?,
                    could_not_run: count(4)?,
                    unjudged: count(5)?,
                    test_time: span(get(row, 6)?),
                })
            },
        )
    }

    fn newest_results(
        &mut self,
        plan: PlanId,
        limit: u32,
    ) -> Result<Vec<NewestResult>, StoreError> {
        self.read_all(
            "SELECT coalesce(e.worker, e.principal, ''), v.at, e.duration_ms, CASE WHEN e.is_estimated THEN NULL ELSE e.expected_ms END
             FROM events v JOIN executions e ON e.id = v.exec
             WHERE v.plan = $1 AND v.kind = 'finished' ORDER BY v.id DESC LIMIT $2",
            &[int(&plan.0), int(&i64::from(limit))],
            |row| {
                let duration = |ms: Option<i64>| ms.map(span);
                Ok(NewestResult {
                    worker: get(row, 0)?,
                    at: Timestamp(get(row, 1)?),
                    duration: duration(get(row, 2)?),
                    expected: duration(get(row, 3)?),
                })
            },
        )
    }
}

fn read(
    client: &mut Client,
    sql: &str,
    plan: PlanId,
    (after, limit): (i64, u32),
    now: Timestamp,
) -> Result<Vec<Execution>, StoreError> {
    let limit = i64::from(limit);
    let values = [int(&now.0), int(&plan.0), int(&after), int(&limit)];
    client.read_all(sql, &values, execution)
}

fn event(row: &Row) -> Result<Event, StoreError> {
    Ok(Event {
        id: get(row, 0)?,
        execution: ExecutionId(get(row, 1)?),
        attempt: get_u32(row, 2)?,
        kind: get(row, 3)?,
        at: Timestamp(get(row, 4)?),
        principal: get(row, 5)?,
        detail: get(row, 6)?,
    })
}

fn overview(row: &Row, now: Timestamp) -> Result<PlanOverview, StoreError> {
    let count = |column| get::<i64>(row, column).map(number);
    let expired = count(17)?;
    let last: Option<i64> = get(row, 18)?;
    let last_at: Option<i64> = get(row, 19)?;
    Ok(PlanOverview {
        plan: Plan {
            id: PlanId(get(row, 0)?),
            kind: PlanKind::Instance,
            project: get(row, 1)?,
            title: get(row, 2)?,
            description: get(row, 3)?,
            batch: get(row, 4)?,
            tags: from_json(get(row, 5)?)?,
            repositories: from_json(get(row, 6)?)?,
            planned: get::<Option<i64>>(row, 7)?.map(Timestamp),
            server_time: now,
            passes: count(14)?,
            failed: count(15)?,
            skipped: count(16)?,
            count: count(8)?,
            page_url: None,
        },
        started_by: get(row, 10)?,
        template: get::<Option<i64>>(row, 20)?.map(PlanId),
        origin: origin(row, 21)?,
        created: Timestamp(get(row, 9)?),
        counts: PlanStatus {
            open: count(11)? + expired,
            reserved: count(12)?.saturating_sub(expired),
            done: count(13)?,
        },
        unjudged: 0,
        last_event: last.zip(last_at.map(Timestamp)),
        cancelled: get(row, 25)?,
    })
}
