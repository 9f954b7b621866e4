//! Statements of reads of tests over time.

use tokio_postgres::{Row, types::Type};

use crate::{
    model::{ExecutionId, PlanId, PlanOrigin, Test, TestId, Timestamp},
    store::{
        KnownTest, PlanRun, PlanRunQuery, RunCell, StoreError, TestRun,
        postgres::client::{Client, get, get_u32, int, text, typed},
        rows::{EndColumns, LONGEST_MESSAGE, RunReads},
        values::{from_json, number},
    },
};

const RUNS: &str = "SELECT e.id, e.plan, l.labels, e.state, e.verdict, e.flaky, e.error IS NOT NULL, e.earlier_failures, e.duration_ms,
      left(coalesce(e.error, CASE WHEN e.verdict = 1 THEN e.details END, ''), $4::int), coalesce(e.worker, ''),
      p.title, p.created_at, p.branch, p.commit_id, p.author, p.run_url,
      (SELECT coalesce(sum(done), 0)::bigint FROM counts c WHERE c.plan = e.plan),
      (SELECT coalesce(sum(passed + skipped), 0)::bigint FROM counts c WHERE c.plan = e.plan)
    FROM (SELECT * FROM executions WHERE test = $1 AND id < $2 ORDER BY id DESC LIMIT $3) e
      JOIN plans p ON p.id = e.plan JOIN label_sets l ON l.id = e.label_set
    ORDER BY e.id DESC";

const CELLS: &str = "SELECT e.id, e.test, e.label_set, e.state, e.verdict, e.flaky, e.error IS NOT NULL, e.earlier_failures,
      e.duration_ms
    FROM plans p JOIN executions e ON e.id >= p.first_execution AND e.id < p.first_execution + p.size
    WHERE p.id = $1 ORDER BY e.id LIMIT $2";

const PLAN: &str = "SELECT p.id, p.template, p.project, p.title, p.created_at, p.branch, p.commit_id, p.author, p.run_url, p.size,
      NOT EXISTS (SELECT 1 FROM counts c WHERE c.plan = p.id AND c.open + c.reserved > 0)
    FROM plans p";

const OF_TEMPLATE: &str =
    "WHERE p.kind = 1 AND p.template = $1 AND p.id < $2 ORDER BY p.id DESC LIMIT $3";

const OF_BRANCH: &str = "WHERE p.kind = 1 AND p.template = $1 AND p.branch = $4 AND p.id < $2 ORDER BY p.id DESC LIMIT $3";

const OF_BRANCHES: &str = "WHERE p.id IN (SELECT max(n.id) FROM plans n WHERE n.kind = 1 AND n.template = $1 GROUP BY n.branch)
    ORDER BY p.id DESC LIMIT $2";

impl RunReads for Client {
    fn runs_of_test(
        &mut self,
        test: TestId,
        (before, limit): (ExecutionId, u32),
        _now: Timestamp,
    ) -> Result<Vec<TestRun>, StoreError> {
        let limit = i64::from(limit);
        let values = [
            int(&test.0),
            int(&before.0),
            int(&limit),
            int(&LONGEST_MESSAGE),
        ];
        self.read_all(RUNS, &values, |row| {
            let columns = end(row, 3)?;
            Ok(TestRun {
                execution: ExecutionId(get(row, 0)?),
                plan: PlanId(get(row, 1)?),
                required: from_json(get(row, 2)?)?,
                end: columns.end(),
                duration_ms: get::<Option<i64>>(row, 8)?.map(number),
                message: get(row, 9)?,
                earlier_failures: columns.earlier_failures,
                worker: get(row, 10)?,
                plan_title: get(row, 11)?,
                started: Timestamp(get(row, 12)?),
                origin: origin(row, 13)?,
                plan_ended: (number(get(row, 17)?), number(get(row, 18)?)),
            })
        })
    }

    fn tests_by_id(&mut self, ids: &[i64]) -> Result<Vec<KnownTest>, StoreError> {
        self.read_all(
            "SELECT id, project, suite, testcase FROM tests WHERE id = ANY($1)",
            &[typed(&ids, Type::INT8_ARRAY)],
            |row| {
                Ok(KnownTest {
                    id: TestId(get(row, 0)?),
                    project: get(row, 1)?,
                    test: Test {
                        suite: get(row, 2)?,
                        testcase: get(row, 3)?,
                    },
                })
            },
        )
    }

    fn plan_run(&mut self, plan: PlanId) -> Result<Option<PlanRun>, StoreError> {
        self.read_if(
            &format!("{PLAN} WHERE p.id = $1 AND p.kind = 1"),
            &[int(&plan.0)],
            plan_run,
        )
    }

    fn plan_runs(&mut self, query: &PlanRunQuery, limit: u32) -> Result<Vec<PlanRun>, StoreError> {
        let before = query.before.map_or(i64::MAX, |plan| plan.0);
        let limit = i64::from(limit);
        let mut values = vec![int(&query.template.0), int(&before), int(&limit)];
        match &query.branch {
            None => self.read_all(&format!("{PLAN} {OF_TEMPLATE}"), &values, plan_run),
            Some(branch) => {
                values.push(text(branch));
                self.read_all(&format!("{PLAN} {OF_BRANCH}"), &values, plan_run)
            }
        }
    }

    fn newest_of_branches(
        &mut self,
        template: PlanId,
        limit: u32,
    ) -> Result<Vec<PlanRun>, StoreError> {
        self.read_all(
            &format!("{PLAN} {OF_BRANCHES}"),
            &[int(&template.0), int(&i64::from(limit))],
            plan_run,
        )
    }

    fn visible_templates(&mut self, limit: u32) -> Result<Vec<PlanId>, StoreError> {
        self.read_all(
            "SELECT id FROM plans WHERE kind = 0 AND NOT hidden ORDER BY project COLLATE \"C\", title COLLATE \"C\" LIMIT $1",
            &[int(&i64::from(limit))],
            |row| Ok(PlanId(get(row, 0)?)),
        )
    }

    fn worker_jobs(
        &mut self,
        plan: PlanId,
        limit: u32,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.read_all(
            "SELECT worker, url FROM worker_jobs WHERE plan = $1 ORDER BY worker COLLATE \"C\" LIMIT $2",
            &[int(&plan.0), int(&i64::from(limit))],
            |row| Ok((get(row, 0)?, get(row, 1)?)),
        )
    }

    fn run_cells(
        &mut self,
        plan: PlanId,
        limit: u32,
        _now: Timestamp,
    ) -> Result<Vec<RunCell>, StoreError> {
        let limit = i64::from(limit);
        let values = [int(&plan.0), int(&limit)];
        self.read_all(CELLS, &values, |row| {
            Ok(RunCell {
                execution: ExecutionId(get(row, 0)?),
                test: TestId(get(row, 1)?),
                label_set: get(row, 2)?,
                end: end(row, 3)?.end(),
                duration_ms: get::<Option<i64>>(row, 8)?.map(number),
            })
        })
    }
}

/// How an execution ended, from five columns on.
fn end(row: &Row, first: usize) -> Result<EndColumns, StoreError> {
    Ok(EndColumns {
        state: get(row, first)?,
        verdict: get(row, first + 1)?,
        flaky: get(row, first + 2)?,
        has_error: get(row, first + 3)?,
        earlier_failures: get_u32(row, first + 4)?,
    })
}

/// What a plan tests, from four columns on.
pub(super) fn origin(row: &Row, first: usize) -> Result<PlanOrigin, StoreError> {
    Ok(PlanOrigin {
        branch: get(row, first)?,
        commit: get(row, first + 1)?,
        author: get(row, first + 2)?,
        run_url: get(row, first + 3)?,
    })
}

fn plan_run(row: &Row) -> Result<PlanRun, StoreError> {
    Ok(PlanRun {
        id: PlanId(get(row, 0)?),
        template: get::<Option<i64>>(row, 1)?.map(PlanId),
        project: get(row, 2)?,
        title: get(row, 3)?,
        started: Timestamp(get(row, 4)?),
        origin: origin(row, 5)?,
        size: number(get(row, 9)?),
        is_over: get(row, 10)?,
    })
}
