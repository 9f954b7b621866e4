//! Statements of reads for pages.

use rusqlite::{Connection, Row, params};

use super::{pages::execution, run_reads::origin};
use crate::{
    model::{Capabilities, Execution, ExecutionId, Plan, PlanId, PlanKind, PlanStatus, Timestamp},
    store::{
        CapabilityCounts, Event, ExecutionFilter, NewestResult, PlanOverview, RunningExecution,
        StoreError, WorkerResults,
        rows::{PageReads, filter_condition},
        sqlite::statements::Statements as _,
        values::{from_json, number, span},
    },
};

/// The columns of an execution `e`. `?1` is the time.
macro_rules! execution_columns {
    () => {
        "e.id, t.suite, t.testcase, e.test, l.labels,
           CASE WHEN e.state = 1 OR (e.state = 2 AND e.deadline <= ?1) THEN 0 ELSE e.state END,
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

/// The condition of the index of ends that are no plain pass.
macro_rules! notable {
    () => {
        "e.state = 3 AND (e.verdict IS NULL OR e.verdict <> 0 OR e.flaky)"
    };
}

/// `+` keeps the index of titles out, which would sort all plans.
const PLANS: &str = "SELECT p.id, p.project, p.title, p.description, p.batch, p.tags, p.repositories, p.planned,
      p.size, p.created_at, p.started_by,
      (SELECT sum(open) FROM counts c WHERE c.plan = p.id), (SELECT sum(reserved) FROM counts c WHERE c.plan = p.id),
      (SELECT sum(done) FROM counts c WHERE c.plan = p.id), (SELECT sum(passed) FROM counts c WHERE c.plan = p.id),
      (SELECT sum(failed) FROM counts c WHERE c.plan = p.id), (SELECT sum(skipped) FROM counts c WHERE c.plan = p.id),
      (SELECT count(*) FROM executions e INDEXED BY executions_leased
         WHERE e.state = 2 AND e.deadline <= ?1 AND e.plan = p.id),
      (SELECT max(id) FROM events v WHERE v.plan = p.id),
      (SELECT at FROM events v WHERE v.plan = p.id ORDER BY v.id DESC LIMIT 1),
      p.template, p.branch, p.commit_id, p.author, p.run_url,
      iif(p.cancelled IS NOT NULL AND (p.cancelling <> 0 OR EXISTS (SELECT 1 FROM executions e INDEXED BY executions_notable
        WHERE e.plan = p.id AND e.state = 3 AND (e.verdict IS NULL OR e.verdict <> 0 OR e.flaky) AND e.error = p.cancelled)),
        p.cancelled, NULL)
    FROM plans p WHERE +p.kind = 1 AND p.id < ?2 ORDER BY p.id DESC LIMIT ?3";

const RUNNING: &str = concat!(
    "SELECT ",
    execution_columns!(),
    ", coalesce(e.worker, e.principal), s.host, s.port, e.deadline,
       coalesce(e.reserved_at, 0)
     FROM executions e INDEXED BY executions_leased",
    named!(),
    "LEFT JOIN squish_servers s ON s.id = e.squish_server
     WHERE e.state = 2 AND e.deadline > ?1 AND e.plan = ?2
     ORDER BY 15, e.id LIMIT ?3"
);

const RESERVED: &str = concat!(
    "SELECT ",
    execution_columns!(),
    " FROM executions e INDEXED BY executions_leased",
    named!(),
    "WHERE e.state = 2 AND e.deadline > ?1 AND e.plan = ?2 AND e.id > ?3 ORDER BY e.id LIMIT ?4"
);

const PASSED: &str = concat!(
    "SELECT ",
    execution_columns!(),
    " FROM plans p CROSS JOIN executions e",
    named!(),
    "WHERE p.id = ?2 AND e.id > max(?3, p.first_execution - 1) AND e.id < p.first_execution + p.size
       AND e.state = 3 AND e.verdict = 0
     ORDER BY e.id LIMIT ?4"
);

const BY_ID: &str = concat!(
    "SELECT ",
    execution_columns!(),
    " FROM json_each(?3) ids CROSS JOIN executions e ON e.id = ids.value",
    named!(),
    "WHERE e.plan = ?2 ORDER BY e.id"
);

const EVENT: &str = "SELECT id, exec, epoch, kind, at, principal, detail FROM events";

const OF_EXECUTION: &str = "WHERE plan = ?1 AND exec = ?2 ORDER BY id DESC LIMIT ?3";

const NOTABLE_EVENTS: &str = "INDEXED BY events_notable
     WHERE plan = ?1 AND kind NOT IN ('reserved', 'finished', 'heartbeat', 'cancelled') ORDER BY id DESC LIMIT ?2";

const UNJUDGED: &str = "SELECT l.labels, n.many FROM label_sets l JOIN
       (SELECT e.label_set, count(*) AS many FROM executions e INDEXED BY executions_unjudged
        WHERE e.plan = ?1 AND e.state = 3 AND e.verdict IS NULL AND e.error IS NULL GROUP BY e.label_set) n
     ON l.id = n.label_set";

const LONGEST_OPEN: &str = "SELECT expected_ms FROM executions INDEXED BY executions_available
     WHERE plan = ?1 AND label_set = ?2 AND state < 2 AND NOT is_estimated ORDER BY expected_ms DESC LIMIT ?3";

const KNOWN_OPEN: &str =
    "SELECT count(*), coalesce(sum(expected_ms), 0) FROM executions INDEXED BY executions_available
     WHERE plan = ?1 AND label_set = ?2 AND state < 2 AND NOT is_estimated";

const WORKER_RESULTS: &str = "SELECT coalesce(e.worker, e.principal), count(*) FILTER (WHERE e.verdict = 0),
       count(*) FILTER (WHERE e.verdict = 1), count(*) FILTER (WHERE e.verdict = 2), count(e.error),
       count(*) FILTER (WHERE e.verdict IS NULL AND e.error IS NULL), coalesce(sum(e.duration_ms), 0)
     FROM plans p CROSS JOIN executions e
     WHERE p.id = ?1 AND e.id >= p.first_execution AND e.id < p.first_execution + p.size
       AND e.state = 3 AND coalesce(e.worker, e.principal) IS NOT NULL
     GROUP BY 1 ORDER BY 1 LIMIT ?2";

const NEWEST_RESULTS: &str = "SELECT coalesce(e.worker, e.principal, ''), v.at, e.duration_ms, iif(e.is_estimated, NULL, e.expected_ms)
     FROM events v CROSS JOIN executions e ON e.id = v.exec
     WHERE v.plan = ?1 AND v.kind = 'finished' ORDER BY v.id DESC LIMIT ?2";

/// The ends that are no plain pass and fit a filter.
fn notable(filter: ExecutionFilter) -> String {
    format!(
        concat!(
            "SELECT ",
            execution_columns!(),
            " FROM executions e INDEXED BY executions_notable",
            named!(),
            "WHERE e.plan = ?2 AND ",
            notable!(),
            " AND {} AND e.id > ?3 ORDER BY e.id LIMIT ?4"
        ),
        filter_condition(filter)
    )
}

impl PageReads for Connection {
    fn plans_before(
        &mut self,
        (before, limit): (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<PlanOverview>, StoreError> {
        let rows: Vec<(PlanOverview, String, String)> =
            self.read_all(PLANS, params![now.0, before, limit], |row| {
                Ok((overview(row, now)?, row.get(5)?, row.get(6)?))
            })?;
        let mut plans = Vec::with_capacity(rows.len());
        for (mut overview, tags, repositories) in rows {
            overview.plan.tags = from_json(&tags)?;
            overview.plan.repositories = from_json(&repositories)?;
            plans.push(overview);
        }
        Ok(plans)
    }

    fn unjudged(&mut self, plan: PlanId) -> Result<Vec<(Capabilities, u64)>, StoreError> {
        let rows: Vec<(String, i64)> =
            self.read_all(UNJUDGED, [plan.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rows = rows.into_iter();
        rows.map(|(labels, many)| Ok((from_json(&labels)?, number(many))))
            .collect()
    }

    fn capability_counts(
        &mut self,
        plan: PlanId,
        now: Timestamp,
    ) -> Result<Vec<CapabilityCounts>, StoreError> {
        let rows: Vec<(String, [i64; 7])> = self.read_all(
            "SELECT l.labels, c.open, c.reserved, c.done, c.passed, c.failed, c.skipped,
               (SELECT count(*) FROM executions e INDEXED BY executions_leased
                 WHERE e.state = 2 AND e.deadline <= ?1 AND e.plan = c.plan AND e.label_set = c.label_set)
             FROM counts c JOIN label_sets l ON l.id = c.label_set WHERE c.plan = ?2",
            params![now.0, plan.0],
            |row| {
                let mut numbers = [0; 7];
                for (index, number) in numbers.iter_mut().enumerate() {
                    *number = row.get(index + 1)?;
                }
                Ok((row.get(0)?, numbers))
            },
        )?;
        let rows = rows.into_iter();
        rows.map(|(labels, numbers)| {
            Ok(CapabilityCounts::of_row(
                from_json(&labels)?,
                numbers.map(number),
            ))
        })
        .collect()
    }

    fn running(
        &mut self,
        plan: PlanId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<RunningExecution>, StoreError> {
        let rows: Vec<(RunningExecution, String)> =
            self.read_all(RUNNING, params![now.0, plan.0, limit], |row| {
                let (execution, labels) = execution(row)?;
                let host: Option<String> = row.get(15)?;
                let port: Option<String> = row.get(16)?;
                let running = RunningExecution {
                    execution,
                    worker: row.get(14)?,
                    squish_server: host.zip(port).map(|(host, port)| format!("{host}:{port}")),
                    deadline: Timestamp(row.get(17)?),
                    since: Timestamp(row.get(18)?),
                };
                Ok((running, labels))
            })?;
        let mut all = Vec::with_capacity(rows.len());
        for (mut running, labels) in rows {
            running.execution.required = from_json(&labels)?;
            all.push(running);
        }
        Ok(all)
    }

    fn reserved_executions(
        &mut self,
        plan: PlanId,
        (after, limit): (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError> {
        read(self, RESERVED, params![now.0, plan.0, after, limit])
    }

    fn notable_executions(
        &mut self,
        plan: PlanId,
        filter: ExecutionFilter,
        (after, limit): (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError> {
        let values = params![now.0, plan.0, after, limit];
        read(self, &notable(filter), values)
    }

    fn passed_executions(
        &mut self,
        plan: PlanId,
        (after, limit): (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError> {
        read(self, PASSED, params![now.0, plan.0, after, limit])
    }

    fn executions_by_id(
        &mut self,
        plan: PlanId,
        ids: &[i64],
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError> {
        let ids = crate::store::values::to_json(&ids)?;
        read(self, BY_ID, params![now.0, plan.0, ids])
    }

    fn events_of_execution(
        &mut self,
        plan: PlanId,
        execution: ExecutionId,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.read_all(
            &format!("{EVENT} {OF_EXECUTION}"),
            params![plan.0, execution.0, limit],
            event,
        )
    }

    fn notable_events(&mut self, plan: PlanId, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.read_all(
            &format!("{EVENT} {NOTABLE_EVENTS}"),
            params![plan.0, limit],
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
            "SELECT exec FROM events WHERE plan = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            params![plan.0, after, limit],
            |row| row.get(0),
        )
    }

    fn longest_open(
        &mut self,
        plan: PlanId,
        label_set: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError> {
        self.read_all(LONGEST_OPEN, params![plan.0, label_set, limit], |row| {
            row.get(0)
        })
    }

    fn known_open(&mut self, plan: PlanId, label_set: i64) -> Result<(i64, i64), StoreError> {
        self.read_one(KNOWN_OPEN, params![plan.0, label_set], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    fn worker_results(
        &mut self,
        plan: PlanId,
        limit: u32,
    ) -> Result<Vec<WorkerResults>, StoreError> {
        self.read_all(WORKER_RESULTS, params![plan.0, limit], |row| {
            let count = |index| row.get(index).map(number);
            Ok(WorkerResults {
                worker: row.get(0)?,
                passed: count(1)?,
                failed: count(2)?,
                skipped: count(3)?,
                could_not_run: count(4)?,
                unjudged: count(5)?,
                test_time: span(row.get(6)?),
            })
        })
    }

    fn newest_results(
        &mut self,
        plan: PlanId,
        limit: u32,
    ) -> Result<Vec<NewestResult>, StoreError> {
        let duration = |ms: Option<i64>| ms.map(span);
        self.read_all(NEWEST_RESULTS, params![plan.0, limit], |row| {
            Ok(NewestResult {
                worker: row.get(0)?,
                at: Timestamp(row.get(1)?),
                duration: duration(row.get(2)?),
                expected: duration(row.get(3)?),
            })
        })
    }
}

fn read(
    db: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<Execution>, StoreError> {
    let rows = db.read_all(sql, values, execution)?;
    let rows = rows.into_iter().map(|(mut execution, labels)| {
        execution.required = from_json(&labels)?;
        Ok(execution)
    });
    rows.collect()
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: row.get(0)?,
        execution: ExecutionId(row.get(1)?),
        attempt: row.get(2)?,
        kind: row.get(3)?,
        at: Timestamp(row.get(4)?),
        principal: row.get(5)?,
        detail: row.get(6)?,
    })
}

/// A plan of the list, tags and repositories still missing.
fn overview(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<PlanOverview> {
    let count =
        |column| Ok::<_, rusqlite::Error>(number(row.get::<_, Option<i64>>(column)?.unwrap_or(0)));
    let expired = count(17)?;
    let last: Option<i64> = row.get(18)?;
    let last_at: Option<i64> = row.get(19)?;
    Ok(PlanOverview {
        plan: Plan {
            id: PlanId(row.get(0)?),
            kind: PlanKind::Instance,
            project: row.get(1)?,
            title: row.get(2)?,
            description: row.get(3)?,
            batch: row.get(4)?,
            tags: Vec::new(),
            repositories: Vec::new(),
            planned: row.get::<_, Option<i64>>(7)?.map(Timestamp),
            server_time: now,
            passes: count(14)?,
            failed: count(15)?,
            skipped: count(16)?,
            count: count(8)?,
            page_url: None,
        },
        started_by: row.get(10)?,
        template: row.get::<_, Option<i64>>(20)?.map(PlanId),
        origin: origin(row, 21)?,
        created: Timestamp(row.get(9)?),
        counts: PlanStatus {
            open: count(11)? + expired,
            reserved: count(12)?.saturating_sub(expired),
            done: count(13)?,
        },
        unjudged: 0,
        last_event: last.zip(last_at.map(Timestamp)),
        cancelled: row.get(25)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn statements_of_pages_use_their_indexes() {
        let event = |rest| format!("{EVENT} {rest}");
        let table = [
            (PLANS.to_owned(), 3, "SEARCH p USING INTEGER PRIMARY KEY"),
            (
                RUNNING.to_owned(),
                3,
                "SEARCH e USING INDEX executions_leased",
            ),
            (
                RESERVED.to_owned(),
                4,
                "SEARCH e USING INDEX executions_leased",
            ),
            (PASSED.to_owned(), 4, "SEARCH e USING INTEGER PRIMARY KEY"),
            (BY_ID.to_owned(), 3, "SEARCH e USING INTEGER PRIMARY KEY"),
            (
                notable(ExecutionFilter::Failed),
                4,
                "SEARCH e USING INDEX executions_notable (plan=? AND id>?)",
            ),
            (
                event(OF_EXECUTION),
                3,
                "SEARCH events USING PRIMARY KEY (plan=?)",
            ),
            (
                event(NOTABLE_EVENTS),
                2,
                "SEARCH events USING INDEX events_notable (plan=?)",
            ),
        ];
        for (sql, count, step) in table {
            let steps = query_plan(&sql, count);
            assert!(
                steps.iter().any(|found| found.starts_with(step)),
                "{step}: {steps:#?}"
            );
            let may_sort = sql == RUNNING || sql == RESERVED || sql == BY_ID;
            let sorts = steps.iter().any(|found| found.contains("TEMP B-TREE"));
            assert!(may_sort || !sorts, "{steps:#?}");
        }
    }
}
