//! Statements that start plans, and about how long their tests take.

use std::{collections::HashMap, ops::Range};

use tokio_postgres::types::Type;

use super::PostgresRows;
use crate::{
    model::{Capabilities, PlanId, PlannedTest, Test, TestListDigest, Timestamp},
    store::{
        StoreError,
        postgres::client::{bytes, get, int, text, typed},
        rows::{NewPlanRow, PlanFacts, PlanRows, TestSource},
        values::{kind, to_json},
    },
};

/// Most tests of one statement.
const CHUNK: usize = 10_000;

impl PlanRows for PostgresRows {
    fn plan_facts(&mut self, id: PlanId) -> Result<Option<PlanFacts>, StoreError> {
        let found = self.client.read_if(
            "SELECT kind, project, batch, planned, first_execution, size, template FROM plans WHERE id = $1",
            &[int(&id.0)],
            |row| {
                let (first, size): (i64, i64) = (get(row, 4)?, get(row, 5)?);
                Ok(PlanFacts {
                    kind: kind(get(row, 0)?),
                    project: get(row, 1)?,
                    batch: get(row, 2)?,
                    planned: get::<Option<i64>>(row, 3)?.map(Timestamp),
                    template: get(row, 6)?,
                    executions: first..first.saturating_add(size),
                    label_sets: Vec::new(),
                })
            },
        )?;
        let Some(mut facts) = found else {
            return Ok(None);
        };
        facts.label_sets = self.client.read_all(
            "SELECT label_set FROM counts WHERE plan = $1",
            &[int(&id.0)],
            |row| get(row, 0),
        )?;
        Ok(Some(facts))
    }

    fn is_hidden_template(&mut self, id: PlanId) -> Result<Option<bool>, StoreError> {
        self.client.read_if(
            "SELECT hidden FROM plans WHERE id = $1 AND kind = 0",
            &[int(&id.0)],
            |row| get(row, 0),
        )
    }

    fn insert_plan(&mut self, plan: &NewPlanRow<'_>) -> Result<PlanId, StoreError> {
        let first: i64 = self.client.read_one(
            "UPDATE numbers SET next = next + $1 WHERE name = 'executions' RETURNING next - $1",
            &[int(&plan.size)],
            |row| get(row, 0),
        )?;
        self.client.read_one(
            "INSERT INTO plans (kind, project, title, description, batch, tags, repositories, planned,
               created_at, size, tests_digest, discovery, template, first_execution, started_by, branch,
               commit_id, author, run_url)
             VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) RETURNING id",
            &[
                text(&plan.template.project),
                text(&plan.title),
                text(&plan.template.description),
                text(&plan.batch),
                text(&to_json(&plan.template.tags)?),
                text(&plan.repositories),
                typed(&plan.planned.map(|t| t.0), Type::INT8),
                int(&plan.created_at.0),
                int(&plan.size),
                bytes(&plan.tests_digest),
                text(&plan.discovery),
                int(&plan.template.id.0),
                int(&first),
                text(&plan.started_by),
                text(&plan.origin.branch),
                text(&plan.origin.commit),
                text(&plan.origin.author),
                text(&plan.origin.run_url),
            ],
            |row| Ok(PlanId(get(row, 0)?)),
        )
    }

    fn insert_executions(
        &mut self,
        plan: PlanId,
        source: TestSource,
        unknown_ms: i64,
    ) -> Result<(), StoreError> {
        let (table, column, owner) = source.rows();
        self.client.change(
            &format!(
                "INSERT INTO counts (plan, label_set, open)
                 SELECT $1, label_set, count(*) FROM {table} WHERE {column} = $2 GROUP BY label_set"
            ),
            &[int(&plan.0), int(&owner)],
        )?;
        self.client.change(
            &format!(
                "INSERT INTO executions (id, plan, test, label_set, expected_ms, is_estimated)
                 SELECT p.first_execution + t.position, p.id, t.test, t.label_set, coalesce(h.mean_ms, $3),
                   h.mean_ms IS NULL
                 FROM plans p CROSS JOIN {table} t
                   LEFT JOIN history h ON h.test = t.test AND h.label_set = t.label_set
                 WHERE p.id = $1 AND t.{column} = $2 ORDER BY t.position"
            ),
            &[int(&plan.0), int(&owner), int(&unknown_ms)],
        )?;
        Ok(())
    }

    fn known_durations(&mut self, source: TestSource) -> Result<i64, StoreError> {
        let (durations, owner) = durations_of(source);
        self.client.read_one(
            &format!("SELECT count(*) {durations}"),
            &[int(&owner)],
            |row| get(row, 0),
        )
    }

    fn known_duration(&mut self, source: TestSource, place: i64) -> Result<i64, StoreError> {
        let (durations, owner) = durations_of(source);
        self.client.read_one(
            &format!("SELECT h.mean_ms {durations} ORDER BY h.mean_ms LIMIT 1 OFFSET $2"),
            &[int(&owner), int(&place)],
            |row| get(row, 0),
        )
    }

    fn published_size(
        &mut self,
        template: PlanId,
        digest: &TestListDigest,
    ) -> Result<Option<i64>, StoreError> {
        self.client.read_if(
            "SELECT size FROM plans WHERE id = $1 AND kind = 0 AND tests_digest = $2",
            &[int(&template.0), bytes(&digest.bytes())],
            |row| get(row, 0),
        )
    }

    fn test_list(
        &mut self,
        project: &str,
        digest: &TestListDigest,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        self.client.read_if(
            "SELECT id, size FROM test_lists WHERE md5(project) = md5($1) AND project = $1 AND digest = $2",
            &[text(&project), bytes(&digest.bytes())],
            |row| Ok((get(row, 0)?, get(row, 1)?)),
        )
    }

    fn insert_test_list(
        &mut self,
        project: &str,
        digest: &TestListDigest,
        size: i64,
    ) -> Result<i64, StoreError> {
        self.client.read_one(
            "INSERT INTO test_lists (project, digest, size) VALUES ($1, $2, $3) RETURNING id",
            &[text(&project), bytes(&digest.bytes()), int(&size)],
            |row| get(row, 0),
        )
    }

    fn insert_tests(
        &mut self,
        source: TestSource,
        project: &str,
        tests: &[PlannedTest],
    ) -> Result<(), StoreError> {
        let (table, column, owner) = source.rows();
        let mut sets = HashMap::new();
        for (start, chunk) in (0_i64..).step_by(CHUNK).zip(tests.chunks(CHUNK)) {
            let mut label_sets = Vec::with_capacity(chunk.len());
            for PlannedTest { required, .. } in chunk {
                let set = match sets.get(required) {
                    Some(set) => *set,
                    None => self.intern_labels(required)?,
                };
                sets.insert(required, set);
                label_sets.push(set);
            }
            let suites: Vec<&str> = chunk.iter().map(|it| it.test.suite.as_str()).collect();
            let cases: Vec<&str> = chunk.iter().map(|it| it.test.testcase.as_str()).collect();
            self.client.change(
                // In the order of the list, and without a number for those that are known.
                "INSERT INTO tests (project, suite, testcase)
                 SELECT $1, n.suite, n.testcase
                 FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS n(suite, testcase, place)
                 WHERE NOT EXISTS (SELECT 1 FROM tests t WHERE md5(t.project) = md5($1)
                   AND md5(t.suite) = md5(n.suite) AND md5(t.testcase) = md5(n.testcase))
                 GROUP BY n.suite, n.testcase ORDER BY min(n.place)",
                &[
                    text(&project),
                    typed(&suites, Type::TEXT_ARRAY),
                    typed(&cases, Type::TEXT_ARRAY),
                ],
            )?;
            self.client.change(
                &format!(
                    "INSERT INTO {table} ({column}, position, test, label_set)
                     SELECT $1, $2 + n.place - 1, t.id, n.label_set
                     FROM unnest($4::text[], $5::text[], $6::bigint[]) WITH ORDINALITY AS n(suite, testcase, label_set, place)
                       JOIN tests t ON md5(t.project) = md5($3) AND md5(t.suite) = md5(n.suite)
                         AND md5(t.testcase) = md5(n.testcase)"
                ),
                &[
                    int(&owner),
                    int(&start),
                    text(&project),
                    typed(&suites, Type::TEXT_ARRAY),
                    typed(&cases, Type::TEXT_ARRAY),
                    typed(&label_sets, Type::INT8_ARRAY),
                ],
            )?;
        }
        Ok(())
    }

    fn intern_labels(&mut self, labels: &Capabilities) -> Result<i64, StoreError> {
        let labels = to_json(labels)?;
        let known = self.client.read_if(
            "SELECT id FROM label_sets WHERE md5(labels) = md5($1)",
            &[text(&labels)],
            |row| get(row, 0),
        )?;
        match known {
            Some(id) => Ok(id),
            None => self.client.read_one(
                "INSERT INTO label_sets (labels) VALUES ($1) RETURNING id",
                &[text(&labels)],
                |row| get(row, 0),
            ),
        }
    }

    fn note_worker_job(&mut self, plan: PlanId, worker: &str, url: &str) -> Result<(), StoreError> {
        self.client.change(
            "INSERT INTO worker_jobs (plan, worker, url) VALUES ($1, $2, $3)
             ON CONFLICT (plan, worker) DO UPDATE SET url = excluded.url",
            &[int(&plan.0), text(&worker), text(&url)],
        )?;
        Ok(())
    }

    fn test(&mut self, id: i64) -> Result<Test, StoreError> {
        self.test_name(id)
    }

    fn learn_duration(
        &mut self,
        test: i64,
        label_set: i64,
        duration_ms: i64,
    ) -> Result<(), StoreError> {
        self.set.durations.push((test, label_set, duration_ms));
        Ok(())
    }

    fn durations_of_plan(&mut self, executions: Range<i64>) -> Result<Vec<i64>, StoreError> {
        self.written()?.read_all(
            "SELECT h.mean_ms FROM executions e JOIN history h
               ON h.test = e.test AND h.label_set = e.label_set
             WHERE e.id >= $1 AND e.id < $2 ORDER BY h.mean_ms",
            &[int(&executions.start), int(&executions.end)],
            |row| get(row, 0),
        )
    }

    fn learn_start_cost(&mut self, template: i64, start_ms: i64) -> Result<(), StoreError> {
        self.client.change_one(
            "the start cost of a template",
            "INSERT INTO start_costs AS c (template, runs, mean_ms) VALUES ($1, 1, $2)
             ON CONFLICT (template) DO UPDATE SET runs = least(c.runs + 1, 5),
               mean_ms = c.mean_ms + (excluded.mean_ms - c.mean_ms) / least(c.runs + 1, 5)",
            &[int(&template), int(&start_ms)],
        )
    }

    fn start_cost(&mut self, template: i64) -> Result<i64, StoreError> {
        let known = self.client.read_if(
            "SELECT mean_ms FROM start_costs WHERE template = $1",
            &[int(&template)],
            |row| get(row, 0),
        )?;
        Ok(known.unwrap_or(0))
    }
}

/// The known durations of a source's tests, and their owner.
fn durations_of(source: TestSource) -> (String, i64) {
    let (table, column, owner) = source.rows();
    let durations = format!(
        "FROM {table} t JOIN history h ON h.test = t.test AND h.label_set = t.label_set
         WHERE t.{column} = $1"
    );
    (durations, owner)
}
