//! Statements that find open executions. Each reads an index in the order that is asked for, so only the rows read cost
//! anything.

use std::ops::Range;

use rusqlite::{Connection, Params, Row, params};

use crate::{
    model::{ExecutionId, PlanId, Timestamp},
    store::{
        StoreError,
        rows::{QueueRow, QueueRows, SuiteOrder, SuiteWork, Visit},
        sqlite::statements::Statements as _,
    },
};

/// The executions of a label set in order.
const QUEUE: &str = "SELECT id, label_set, expected_ms, state, epoch, test, timeout_ms, expiries, skips, worker, lost_on, principal,
      is_estimated, alone, start_failures
    FROM executions INDEXED BY executions_available
    WHERE plan = ?1 AND label_set = ?2 AND state < 2 ORDER BY expected_ms DESC, id";
/// The executions of a suite in the order of the plan, and from its end.
const FORWARD: &str = "SELECT id, label_set, expected_ms, state, epoch, test, timeout_ms, expiries, skips, worker, lost_on, principal,
      is_estimated, alone, start_failures
    FROM executions INDEXED BY executions_by_suite
    WHERE plan = ?1 AND suite = ?2 AND state < 2 ORDER BY id";
const BACKWARD: &str = "SELECT id, label_set, expected_ms, state, epoch, test, timeout_ms, expiries, skips, worker, lost_on, principal,
      is_estimated, alone, start_failures
    FROM executions INDEXED BY executions_by_suite
    WHERE plan = ?1 AND suite = ?2 AND state < 2 ORDER BY id DESC";
/// All executions in the order of the plan, from the first open one on.
const IN_ORDER: &str = "SELECT id, label_set, expected_ms, state, epoch, test, timeout_ms, expiries, skips, worker, lost_on, principal,
      is_estimated, alone, start_failures
    FROM executions
    WHERE id >= (SELECT min(id) FROM executions INDEXED BY executions_by_suite
        WHERE plan = ?1 AND suite IS NOT NULL AND state < 2)
      AND id < ?2 AND state < 2 ORDER BY id";
/// The open work of each suite, by an index alone. Even the shortest test counts.
const SUITES: &str = "SELECT suite, label_set, sum(max(expected_ms, 1))
    FROM executions INDEXED BY executions_by_suite
    WHERE plan = ?1 AND suite IS NOT NULL AND state < 2 GROUP BY suite, label_set";
/// The open work of a label set, by an index alone: predicted milliseconds, and how many are without a prediction.
const OPEN_WORK: &str = "SELECT coalesce(sum(expected_ms), 0), coalesce(sum(expected_ms = 0), 0)
    FROM executions INDEXED BY executions_available
    WHERE plan = ?1 AND label_set = ?2 AND state < 2";

impl QueueRows for Connection {
    fn visit_queue(
        &mut self,
        plan: PlanId,
        label_set: i64,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self::visit(self, QUEUE, params![plan.0, label_set], visit)
    }

    fn visit_suites(
        &mut self,
        plan: PlanId,
        order: &SuiteOrder,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let (sql, argument) = match order {
            SuiteOrder::Suite(suite) => (FORWARD, *suite),
            SuiteOrder::SuiteFromEnd(suite) => (BACKWARD, *suite),
            SuiteOrder::WholePlan(executions) => (IN_ORDER, executions.end),
        };
        self::visit(self, sql, params![plan.0, argument], visit)
    }

    fn open_work(&mut self, plan: PlanId, label_set: i64) -> Result<(i64, i64), StoreError> {
        self.read_one(OPEN_WORK, params![plan.0, label_set], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    fn suites(&mut self, plan: PlanId) -> Result<Vec<SuiteWork>, StoreError> {
        self.read_all(SUITES, [plan.0], |row| {
            Ok(SuiteWork {
                suite: row.get(0)?,
                label_set: row.get(1)?,
                remaining_ms: row.get(2)?,
            })
        })
    }

    fn suite(&mut self, plan: PlanId, name: &str) -> Result<Option<i64>, StoreError> {
        self.read_if(
            "SELECT suite FROM plan_suites WHERE plan = ?1 AND name = ?2",
            params![plan.0, name],
            |row| row.get(0),
        )
    }

    fn suites_elsewhere(
        &mut self,
        plan: PlanId,
        worker: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError> {
        self.read_all(
            "SELECT DISTINCT suite FROM executions INDEXED BY executions_leased
             WHERE state = 2 AND deadline > ?1 AND plan = ?2 AND suite IS NOT NULL
               AND (?3 IS NULL OR worker IS NOT ?3)",
            params![now.0, plan.0, worker],
            |row| row.get(0),
        )
    }

    fn number_suites(&mut self, plan: PlanId, executions: Range<i64>) -> Result<(), StoreError> {
        let is_numbered: bool = self.read_one(
            "SELECT EXISTS (SELECT 1 FROM plan_suites WHERE plan = ?1)",
            [plan.0],
            |row| row.get(0),
        )?;
        if is_numbered {
            return Ok(());
        }
        let values = [plan.0, executions.start, executions.end];
        self.prepare_cached(
            "INSERT INTO plan_suites (plan, name, suite)
             SELECT ?1, t.suite, min(e.id) FROM executions e JOIN tests t ON t.id = e.test
             WHERE e.id >= ?2 AND e.id < ?3 GROUP BY t.suite",
        )?
        .execute(values)?;
        self.prepare_cached(
            "UPDATE executions SET suite = (SELECT s.suite FROM tests t CROSS JOIN plan_suites s
               ON s.plan = ?1 AND s.name = t.suite WHERE t.id = executions.test)
             WHERE id >= ?2 AND id < ?3",
        )?
        .execute(values)?;
        Ok(())
    }
}

fn visit(
    db: &Connection,
    sql: &str,
    values: impl Params,
    visit: Visit<'_>,
) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        if visit(queue_row(row)?).is_break() {
            break;
        }
    }
    Ok(())
}

fn queue_row(row: &Row<'_>) -> rusqlite::Result<QueueRow> {
    Ok(QueueRow {
        id: ExecutionId(row.get(0)?),
        label_set: row.get(1)?,
        expected_ms: row.get(2)?,
        state: row.get(3)?,
        epoch: row.get(4)?,
        test: row.get(5)?,
        timeout_ms: row.get(6)?,
        expiries: row.get(7)?,
        skips: row.get(8)?,
        worker: row.get(9)?,
        lost_on: row.get(10)?,
        principal: row.get(11)?,
        is_estimated: row.get(12)?,
        alone: row.get(13)?,
        start_failures: row.get(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn queue_is_read_by_its_index_without_sorting_or_scanning() {
        let expected =
            "SEARCH executions USING INDEX executions_available (plan=? AND label_set=?)";
        let steps = query_plan(QUEUE, 2);
        assert_eq!(steps, [expected], "one step: no sorting beside it");
    }

    #[test]
    fn suites_are_read_by_their_index() {
        let expected = "SEARCH executions USING INDEX executions_by_suite (plan=? AND suite=?)";
        assert_eq!(query_plan(FORWARD, 2), [expected]);
        assert_eq!(query_plan(BACKWARD, 2), [expected]);
        let in_order = query_plan(IN_ORDER, 2);
        assert!(
            in_order[0].contains("USING INTEGER PRIMARY KEY"),
            "{in_order:?}"
        );
        assert!(
            in_order[2].contains("USING COVERING INDEX executions_by_suite")
                || in_order[2].contains("USING INDEX executions_by_suite"),
            "{in_order:?}"
        );
        let overview = query_plan(SUITES, 1);
        assert!(
            overview[0].contains("USING INDEX executions_by_suite"),
            "{overview:?}"
        );
    }

    #[test]
    fn open_work_is_read_by_the_index_of_open_executions() {
        let expected =
            "SEARCH executions USING INDEX executions_available (plan=? AND label_set=?)";
        assert_eq!(query_plan(OPEN_WORK, 2), [expected]);
    }
}
