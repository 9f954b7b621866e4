//! Finding executions to hand out.

use std::{
    ops::{ControlFlow, Range},
    sync::LazyLock,
};

use tokio_postgres::types::Type;

use super::PostgresRows;
use crate::{
    model::{PlanId, Test, Timestamp},
    store::{
        StoreError,
        postgres::{
            client::{Columns, Value, get, int, text, typed},
            execution::{COLUMN_COUNT, COLUMNS, Execution},
            joined::rows_of_arrays,
            record::Record,
            working_set::{BEGINNING, OpenWork, Place, Queue, place},
        },
        rows::{QueueRows, SuiteOrder, SuiteWork, Visit},
    },
};

/// How many executions are read at a time where nothing says how many are needed.
const CHUNK: i64 = 32;

/// Reads available executions of queues, with the names of their tests, as part 7 of an [`opening`](super::super::opening).
/// The values are arrays with an element for each queue: its plan and label set, the place after which it begins (two), and how many are
/// wanted. The first ones are returned, in any order. It has two parts, because only conditions of these forms start in the middle of
/// the index: entries of executions before the place remain in it while an older transaction is open. The first part stops at the
/// last execution of the plan, because the planner may use the primary key, where those of other plans follow.
pub(in crate::store::postgres) static QUEUES: LazyLock<String> = LazyLock::new(|| {
    let queues =
        rows_of_arrays("plan bigint, label_set bigint, ms bigint, id bigint, wanted bigint");
    format!(
        "SELECT 7, (SELECT ROW({COLUMNS}, t.suite, t.testcase, i::bigint) FROM tests t WHERE t.id = e.test)
         FROM {queues}
         JOIN plans p ON p.id = n.plan
         CROSS JOIN LATERAL (
             SELECT * FROM (
                 (SELECT * FROM executions WHERE plan = n.plan AND label_set = n.label_set AND state < 2
                    AND expected_ms = n.ms AND id > n.id AND id < p.first_execution + p.size ORDER BY id LIMIT n.wanted)
                 UNION ALL
                 (SELECT * FROM executions WHERE plan = n.plan AND label_set = n.label_set AND state < 2
                    AND expected_ms < n.ms ORDER BY expected_ms DESC, id LIMIT n.wanted)
             ) AS both_parts ORDER BY expected_ms DESC, id LIMIT n.wanted
         ) AS e"
    )
});

/// Which part of which queues is read.
#[derive(Default)]
pub(in crate::store::postgres) struct QueueReads {
    plans: Vec<i64>,
    label_sets: Vec<i64>,
    after_ms: Vec<i64>,
    after_id: Vec<i64>,
    wanted: Vec<i64>,
}

impl QueueReads {
    pub(in crate::store::postgres) fn add(
        &mut self,
        (plan, label_set): (i64, i64),
        after: Place,
        wanted: i64,
    ) {
        self.plans.push(plan);
        self.label_sets.push(label_set);
        self.after_ms.push(after.0);
        self.after_id.push(after.1);
        self.wanted.push(wanted);
    }

    pub(in crate::store::postgres) fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    /// The values of [`QUEUES`].
    pub(in crate::store::postgres) fn values(&self) -> Vec<Value<'_>> {
        let columns = [
            &self.plans,
            &self.label_sets,
            &self.after_ms,
            &self.after_id,
            &self.wanted,
        ];
        columns
            .map(|column| typed(column, Type::INT8_ARRAY))
            .to_vec()
    }
}

impl PostgresRows {
    /// Keeps a row that was read, with the name of its test; returns its number.
    fn add_named(&mut self, row: &impl Columns) -> Result<i64, StoreError> {
        let execution = Execution::read(row)?;
        let test = Test {
            suite: get(row, COLUMN_COUNT)?,
            testcase: get(row, COLUMN_COUNT + 1)?,
        };
        let id = execution.id;
        self.keep_test(execution.test, test);
        self.set.add(execution);
        Ok(id)
    }

    /// Keeps what was read of queues. Without a place that still holds, the beginning of a queue is not known.
    pub(in crate::store::postgres) fn add_queues(
        &mut self,
        reads: &QueueReads,
        rows: &[Record<'_>],
    ) -> Result<(), StoreError> {
        let mut found = vec![Vec::new(); reads.plans.len()];
        for row in rows {
            let number: i64 = get(row, COLUMN_COUNT + 2)?;
            let id = self.add_named(row)?;
            let queue = usize::try_from(number - 1)
                .ok()
                .and_then(|index| found.get_mut(index));
            queue
                .ok_or_else(|| {
                    StoreError::Broken("BUG: a queue that was not asked for".to_owned())
                })?
                .push(id);
        }
        for (index, mut ids) in found.into_iter().enumerate() {
            let key = (reads.plans[index], reads.label_sets[index]);
            let after = (reads.after_ms[index], reads.after_id[index]);
            let goes_on = self.set.queues.contains_key(&key);
            if after != BEGINNING && !goes_on && !self.is_unchanged(key.0) {
                // It is read from its beginning if a request asks for it.
                continue;
            }
            ids.sort_unstable_by_key(|id| self.set.execution(*id).map(place));
            let queue = self.set.queues.entry(key);
            let queue = queue.or_insert(Queue {
                ids: Vec::new(),
                is_complete: false,
                after,
            });
            let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
            queue.is_complete = count < reads.wanted[index];
            queue.ids.extend(ids);
        }
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
        let mut reads = QueueReads::default();
        reads.add((plan, label_set), after, CHUNK);
        let found = self.client.rows(&QUEUES, &reads.values())?;
        let found: Result<Vec<_>, _> = found.iter().map(|row| get(row, 1)).collect();
        self.add_queues(&reads, &found?)
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
            for row in &rows {
                from = self.add_named(row)?;
                let Some(row) = self.set.execution(from) else {
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
