//! Finding executions to hand out.

use std::ops::{ControlFlow, Range};

use tokio_postgres::Row;

use super::PostgresRows;
use crate::{
    model::{PlanId, Test, Timestamp},
    store::{
        StoreError,
        postgres::{
            client::{Value, get, int, text},
            execution::{COLUMN_COUNT, COLUMNS, Execution},
            working_set::{BEGINNING, OpenWork, Place, Queue, place},
        },
        rows::{QueueRows, SuiteOrder, SuiteWork, Visit},
    },
};

/// How many executions are read at a time where nothing says how many are needed.
const CHUNK: i64 = 32;

/// Reads available executions of the plan `$1` and label set `$2` in order, with the names of their tests. `$3` and `$4` are
/// the place after which it begins, `$5` is how many. Two parts, because only such conditions begin within the index: what was
/// handed out before the place stays in there as long as somebody holds a transaction open.
pub(in crate::store::postgres) fn queue_sql() -> String {
    format!(
        "SELECT {COLUMNS}, t.suite, t.testcase
         FROM (
             SELECT * FROM (
                 (SELECT * FROM executions WHERE plan = $1 AND label_set = $2 AND state < 2 AND expected_ms = $3
                    AND id > $4 ORDER BY id LIMIT $5)
                 UNION ALL
                 (SELECT * FROM executions WHERE plan = $1 AND label_set = $2 AND state < 2 AND expected_ms < $3
                    ORDER BY expected_ms DESC, id LIMIT $5)
             ) AS both_parts ORDER BY expected_ms DESC, id LIMIT $5
         ) AS e
         JOIN tests t ON t.id = e.test ORDER BY e.expected_ms DESC, e.id"
    )
}

/// The values of [`queue_sql`].
pub(in crate::store::postgres) fn queue_of(values: [&i64; 5]) -> Vec<Value<'_>> {
    values.map(int).to_vec()
}

impl PostgresRows {
    /// Keeps rows that were read, with the names of their tests; returns their numbers in order.
    fn add_named(&mut self, rows: &[Row]) -> Result<Vec<i64>, StoreError> {
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            let execution = Execution::read(row)?;
            let test = Test {
                suite: get(row, COLUMN_COUNT)?,
                testcase: get(row, COLUMN_COUNT + 1)?,
            };
            self.keep_test(execution.test, test);
            ids.push(execution.id);
            self.set.add(execution);
        }
        Ok(ids)
    }

    /// Keeps the next rows of a queue after a place, of which `asked` were asked for.
    pub(in crate::store::postgres) fn add_queue(
        &mut self,
        key: (i64, i64),
        rows: &[Row],
        (after, asked): (Place, i64),
    ) -> Result<(), StoreError> {
        let ids = self.add_named(rows)?;
        let queue = self.set.queues.entry(key).or_insert(Queue {
            ids: Vec::new(),
            is_complete: false,
            after,
        });
        queue.is_complete = i64::try_from(ids.len()).is_ok_and(|count| count < asked);
        queue.ids.extend(ids);
        Ok(())
    }

    /// Whether nobody else changed a locked plan since this replica's last transaction about it.
    pub(in crate::store::postgres) fn is_unchanged(&self, plan: i64) -> bool {
        let next = self.set.first_events.get(&plan);
        next.is_some_and(|next| self.known.is_unchanged(plan, *next))
    }

    /// Reads all that is open, with what this transaction changed.
    fn read_open_work(&mut self, plan: PlanId, label_set: i64) -> Result<OpenWork, StoreError> {
        self.written()?.read_one(
            "SELECT coalesce(sum(expected_ms), 0)::bigint, count(*) FILTER (WHERE expected_ms = 0)
             FROM executions WHERE plan = $1 AND label_set = $2 AND state < 2",
            &[int(&plan.0), int(&label_set)],
            |row| {
                Ok(OpenWork {
                    predicted_ms: get(row, 0)?,
                    unknown: get(row, 1)?,
                })
            },
        )
    }

    fn read_queue(&mut self, (plan, label_set): (i64, i64)) -> Result<(), StoreError> {
        let queue = self.set.queues.get(&(plan, label_set));
        let after = match queue {
            Some(queue) => {
                let last = queue.ids.last().and_then(|id| self.set.execution(*id));
                last.map_or(queue.after, |row| (row.expected_ms, row.id))
            }
            None if self.is_unchanged(plan) => self.known.place(plan, label_set),
            None => BEGINNING,
        };
        let sql = queue_sql();
        let values = [&plan, &label_set, &after.0, &after.1, &CHUNK];
        let found = self.client.rows(&sql, &queue_of(values))?;
        self.add_queue((plan, label_set), &found, (after, CHUNK))
    }
}

impl QueueRows for PostgresRows {
    fn visit_queue(
        &mut self,
        plan: PlanId,
        label_set: i64,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let key = (plan.0, label_set);
        if !self.set.queues.contains_key(&key) {
            self.read_queue(key)?;
        }
        let mut last = None;
        loop {
            for row in self.set.available(plan.0, label_set) {
                if last.is_some_and(|last| place(row) <= last) {
                    continue;
                }
                last = Some(place(row));
                if visit(row.queue_row()?).is_break() {
                    return Ok(());
                }
            }
            if self.set.queues.get(&key).is_none_or(|it| it.is_complete) {
                return Ok(());
            }
            self.read_queue(key)?;
        }
    }

    fn visit_suites(
        &mut self,
        plan: PlanId,
        order: &SuiteOrder,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let (condition, argument, direction) = match order {
            SuiteOrder::Suite(suite) => ("plan = $1 AND suite = $2 AND id > $3", *suite, "ASC"),
            SuiteOrder::SuiteFromEnd(suite) => {
                ("plan = $1 AND suite = $2 AND id < $3", *suite, "DESC")
            }
            SuiteOrder::WholePlan(executions) => {
                ("plan = $1 AND id < $2 AND id > $3", executions.end, "ASC")
            }
        };
        let sql = format!(
            "SELECT {COLUMNS}, t.suite, t.testcase
             FROM (SELECT * FROM executions WHERE {condition} AND suite IS NOT NULL AND state < 2
                 ORDER BY id {direction} LIMIT $4) AS e
             JOIN tests t ON t.id = e.test ORDER BY e.id {direction}"
        );
        let mut from = match order {
            SuiteOrder::SuiteFromEnd(_) => i64::MAX,
            SuiteOrder::Suite(_) => i64::MIN,
            SuiteOrder::WholePlan(executions) => executions.start - 1,
        };
        self.written()?;
        loop {
            let values = [int(&plan.0), int(&argument), int(&from), int(&CHUNK)];
            let rows = self.client.rows(&sql, &values)?;
            for id in self.add_named(&rows)? {
                from = id;
                let Some(row) = self.set.execution(id) else {
                    continue;
                };
                if visit(row.queue_row()?) == ControlFlow::Break(()) {
                    return Ok(());
                }
            }
            if i64::try_from(rows.len()).is_ok_and(|count| count < CHUNK) {
                return Ok(());
            }
        }
    }

    fn open_work(&mut self, plan: PlanId, label_set: i64) -> Result<(i64, i64), StoreError> {
        let key = (plan.0, label_set);
        let known = self.set.work.get(&key).copied();
        let unchanged = || {
            self.known
                .work(plan.0, label_set)
                .filter(|_| self.is_unchanged(plan.0))
        };
        let changes = self.set.work_changes.get(&key).copied().unwrap_or_default();
        let before = if let Some(before) = known.or_else(unchanged) {
            before
        } else {
            let mut read = self.read_open_work(plan, label_set)?;
            read.add(changes, -1);
            read
        };
        self.set.work.insert(key, before);
        let mut work = before;
        work.add(changes, 1);
        Ok((work.predicted_ms, work.unknown))
    }

    fn suites(&mut self, plan: PlanId) -> Result<Vec<SuiteWork>, StoreError> {
        self.written()?.read_all(
            "SELECT suite, label_set, sum(greatest(expected_ms, 1))::bigint FROM executions
             WHERE plan = $1 AND suite IS NOT NULL AND state < 2 GROUP BY suite, label_set
             ORDER BY suite, label_set",
            &[int(&plan.0)],
            |row| {
                Ok(SuiteWork {
                    suite: get(row, 0)?,
                    label_set: get(row, 1)?,
                    remaining_ms: get(row, 2)?,
                })
            },
        )
    }

    fn suite(&mut self, plan: PlanId, name: &str) -> Result<Option<i64>, StoreError> {
        self.client.read_if(
            "SELECT suite FROM plan_suites WHERE plan = $1 AND md5(name) = md5($2) AND name = $2",
            &[int(&plan.0), text(&name)],
            |row| get(row, 0),
        )
    }

    fn suites_elsewhere(
        &mut self,
        plan: PlanId,
        worker: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError> {
        self.written()?.read_all(
            "SELECT DISTINCT suite FROM executions
             WHERE state = 2 AND deadline > $2 AND plan = $1 AND suite IS NOT NULL
               AND ($3::text IS NULL OR worker IS DISTINCT FROM $3)",
            &[int(&plan.0), int(&now.0), text(&worker)],
            |row| get(row, 0),
        )
    }

    fn number_suites(&mut self, plan: PlanId, executions: Range<i64>) -> Result<(), StoreError> {
        let client = self.written()?;
        let is_numbered: bool = client.read_one(
            "SELECT EXISTS (SELECT 1 FROM plan_suites WHERE plan = $1)",
            &[int(&plan.0)],
            |row| get(row, 0),
        )?;
        if is_numbered {
            return Ok(());
        }
        let values = [int(&plan.0), int(&executions.start), int(&executions.end)];
        client.change(
            "INSERT INTO plan_suites (plan, name, suite)
             SELECT $1, t.suite, min(e.id) FROM executions e JOIN tests t ON t.id = e.test
             WHERE e.id >= $2 AND e.id < $3 GROUP BY t.suite",
            &values,
        )?;
        client.change(
            "UPDATE executions e SET suite = s.suite FROM tests t, plan_suites s
             WHERE e.id >= $2 AND e.id < $3 AND t.id = e.test AND s.plan = $1 AND s.name = t.suite",
            &values,
        )?;
        Ok(())
    }
}
