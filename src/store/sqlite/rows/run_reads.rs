//! Statements of reads of tests over time.

use rusqlite::{Connection, Row, params};

use crate::{
    model::{ExecutionId, PlanId, PlanOrigin, Test, TestId, Timestamp},
    store::{
        KnownTest, PlanRun, PlanRunQuery, RunCell, StoreError, TestRun,
        rows::{EndColumns, LONGEST_MESSAGE, RunReads},
        sqlite::statements::Statements as _,
        values::{from_json, number, to_json},
    },
};

/// `CROSS JOIN` keeps the order of the tables, `+` keeps the order of the index.
const RUNS: &str = "SELECT e.id, e.plan, l.labels, e.state, e.verdict, e.flaky, e.error IS NOT NULL, e.earlier_failures, e.duration_ms,
      substr(coalesce(e.error, CASE WHEN e.verdict = 1 THEN e.details END, ''), 1, ?4), coalesce(e.worker, ''),
      p.title, p.created_at, p.branch, p.commit_id, p.author, p.run_url,
      (SELECT coalesce(sum(done), 0) FROM counts c WHERE c.plan = e.plan),
      (SELECT coalesce(sum(passed + skipped), 0) FROM counts c WHERE c.plan = e.plan)
    FROM executions e INDEXED BY executions_by_test CROSS JOIN plans p ON p.id = e.plan
      CROSS JOIN label_sets l ON l.id = e.label_set
    WHERE e.test = ?1 AND e.id < ?2 ORDER BY e.id DESC LIMIT ?3";

const CELLS: &str = "SELECT e.id, e.test, e.label_set, e.state, e.verdict, e.flaky, e.error IS NOT NULL, e.earlier_failures,
      e.duration_ms
    FROM plans p CROSS JOIN executions e
    WHERE p.id = ?1 AND e.id >= p.first_execution AND e.id < p.first_execution + p.size ORDER BY e.id LIMIT ?2";

const PLAN: &str = "SELECT p.id, p.template, p.project, p.title, p.created_at, p.branch, p.commit_id, p.author, p.run_url, p.size,
      NOT EXISTS (SELECT 1 FROM counts c WHERE c.plan = p.id AND c.open + c.reserved > 0)
    FROM plans p";

const OF_TEMPLATE: &str = "INDEXED BY plans_by_template WHERE p.kind = 1 AND p.template = ?1 AND p.id < ?2 ORDER BY p.id DESC LIMIT ?3";

const OF_BRANCH: &str = "INDEXED BY plans_by_branch WHERE p.kind = 1 AND p.template = ?1 AND p.branch = ?4 AND p.id < ?2
    ORDER BY p.id DESC LIMIT ?3";

/// The index has the newest plan of each branch at its end.
const OF_BRANCHES: &str = "WHERE p.id IN (SELECT max(n.id) FROM plans n INDEXED BY plans_by_branch
      WHERE n.kind = 1 AND n.template = ?1 GROUP BY n.branch) ORDER BY p.id DESC LIMIT ?2";

impl RunReads for Connection {
    fn runs_of_test(
        &mut self,
        test: TestId,
        (before, limit): (ExecutionId, u32),
        _now: Timestamp,
    ) -> Result<Vec<TestRun>, StoreError> {
        let rows: Vec<(TestRunRow, String)> = self.read_all(
            RUNS,
            params![test.0, before.0, limit, LONGEST_MESSAGE],
            |row| Ok((TestRunRow::read(row)?, row.get(2)?)),
        )?;
        let rows = rows.into_iter();
        rows.map(|(row, labels)| Ok(row.with(from_json(&labels)?)))
            .collect()
    }

    fn tests_by_id(&mut self, ids: &[i64]) -> Result<Vec<KnownTest>, StoreError> {
        self.read_all(
            "SELECT t.id, t.project, t.suite, t.testcase FROM json_each(?1) ids CROSS JOIN tests t ON t.id = ids.value",
            [to_json(&ids)?],
            |row| {
                Ok(KnownTest {
                    id: TestId(row.get(0)?),
                    project: row.get(1)?,
                    test: Test {
                        suite: row.get(2)?,
                        testcase: row.get(3)?,
                    },
                })
            },
        )
    }

    fn plan_run(&mut self, plan: PlanId) -> Result<Option<PlanRun>, StoreError> {
        self.read_if(
            &format!("{PLAN} WHERE p.id = ?1 AND p.kind = 1"),
            [plan.0],
            plan_run,
        )
    }

    fn plan_runs(&mut self, query: &PlanRunQuery, limit: u32) -> Result<Vec<PlanRun>, StoreError> {
        let (template, before) = (query.template.0, before(query));
        match &query.branch {
            None => self.read_all(
                &format!("{PLAN} {OF_TEMPLATE}"),
                params![template, before, limit],
                plan_run,
            ),
            Some(branch) => self.read_all(
                &format!("{PLAN} {OF_BRANCH}"),
                params![template, before, limit, branch],
                plan_run,
            ),
        }
    }

    fn newest_of_branches(
        &mut self,
        template: PlanId,
        limit: u32,
    ) -> Result<Vec<PlanRun>, StoreError> {
        self.read_all(
            &format!("{PLAN} {OF_BRANCHES}"),
            params![template.0, limit],
            plan_run,
        )
    }

    fn visible_templates(&mut self, limit: u32) -> Result<Vec<PlanId>, StoreError> {
        self.read_all(
            "SELECT id FROM plans WHERE kind = 0 AND hidden = 0 ORDER BY project, title LIMIT ?1",
            [limit],
            |row| Ok(PlanId(row.get(0)?)),
        )
    }

    fn worker_jobs(
        &mut self,
        plan: PlanId,
        limit: u32,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.read_all(
            "SELECT worker, url FROM worker_jobs WHERE plan = ?1 ORDER BY worker LIMIT ?2",
            params![plan.0, limit],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    fn run_cells(
        &mut self,
        plan: PlanId,
        limit: u32,
        _now: Timestamp,
    ) -> Result<Vec<RunCell>, StoreError> {
        self.read_all(CELLS, params![plan.0, limit], |row| {
            Ok(RunCell {
                execution: ExecutionId(row.get(0)?),
                test: TestId(row.get(1)?),
                label_set: row.get(2)?,
                end: end(row, 3)?.end(),
                duration_ms: row.get::<_, Option<i64>>(8)?.map(number),
            })
        })
    }
}

/// The number below which plans are wanted.
fn before(query: &PlanRunQuery) -> i64 {
    query.before.map_or(i64::MAX, |plan| plan.0)
}

/// How an execution ended, from five columns on.
fn end(row: &Row<'_>, first: usize) -> rusqlite::Result<EndColumns> {
    Ok(EndColumns {
        state: row.get(first)?,
        verdict: row.get(first + 1)?,
        flaky: row.get(first + 2)?,
        has_error: row.get(first + 3)?,
        earlier_failures: row.get(first + 4)?,
    })
}

/// What a plan tests, from four columns on.
pub(super) fn origin(row: &Row<'_>, first: usize) -> rusqlite::Result<PlanOrigin> {
    Ok(PlanOrigin {
        branch: row.get(first)?,
        commit: row.get(first + 1)?,
        author: row.get(first + 2)?,
        run_url: row.get(first + 3)?,
    })
}

fn plan_run(row: &Row<'_>) -> rusqlite::Result<PlanRun> {
    Ok(PlanRun {
        id: PlanId(row.get(0)?),
        template: row.get::<_, Option<i64>>(1)?.map(PlanId),
        project: row.get(2)?,
        title: row.get(3)?,
        started: Timestamp(row.get(4)?),
        origin: origin(row, 5)?,
        size: number(row.get(9)?),
        is_over: row.get(10)?,
    })
}

/// A run whose labels are still text.
struct TestRunRow(TestRun);

impl TestRunRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let columns = end(row, 3)?;
        Ok(Self(TestRun {
            execution: ExecutionId(row.get(0)?),
            plan: PlanId(row.get(1)?),
            required: crate::model::Capabilities::default(),
            end: columns.end(),
            duration_ms: row.get::<_, Option<i64>>(8)?.map(number),
            message: row.get(9)?,
            earlier_failures: columns.earlier_failures,
            worker: row.get(10)?,
            plan_title: row.get(11)?,
            started: Timestamp(row.get(12)?),
            origin: origin(row, 13)?,
            plan_ended: (number(row.get(17)?), number(row.get(18)?)),
        }))
    }

    fn with(self, required: crate::model::Capabilities) -> TestRun {
        TestRun { required, ..self.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn statements_about_runs_use_their_indexes() {
        let plan = |rest| format!("{PLAN} {rest}");
        let table = [
            (
                RUNS.to_owned(),
                4,
                "SEARCH e USING INDEX executions_by_test (test=? AND id<?)",
            ),
            (
                CELLS.to_owned(),
                2,
                "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
            ),
            (
                plan(OF_TEMPLATE),
                3,
                "SEARCH p USING INDEX plans_by_template (template=? AND id<?)",
            ),
            (
                plan(OF_BRANCH),
                4,
                "SEARCH p USING INDEX plans_by_branch (template=? AND branch=? AND id<?)",
            ),
            (
                plan(OF_BRANCHES),
                2,
                "SEARCH n USING COVERING INDEX plans_by_branch (template=?)",
            ),
        ];
        for (sql, count, step) in table {
            let steps = query_plan(&sql, count);
            assert!(
                steps.iter().any(|found| found.starts_with(step)),
                "{step}: {steps:#?}"
            );
        }
    }
}
