//! Statements that start plans, and about how long their tests take.

use std::{
    collections::{HashMap, hash_map::Entry},
    ops::Range,
};

use rusqlite::{Connection, params};

use crate::{
    model::{Capabilities, PlanId, PlannedTest, Test, TestListDigest, Timestamp},
    store::{
        StoreError,
        rows::{NewPlanRow, PlanFacts, PlanRows, TestSource},
        sqlite::statements::Statements as _,
        values::{kind, to_json},
    },
};

/// How many runs or calls an average remembers.
const REMEMBERED: i64 = 5;

impl PlanRows for Connection {
    fn plan_facts(&mut self, id: PlanId) -> Result<Option<PlanFacts>, StoreError> {
        let found = self.read_if(
            "SELECT kind, project, batch, planned, first_execution, size, template FROM plans WHERE id = ?1",
            [id.0],
            |row| {
                let first: i64 = row.get(4)?;
                Ok(PlanFacts {
                    kind: kind(row.get(0)?),
                    project: row.get(1)?,
                    batch: row.get(2)?,
                    planned: row.get::<_, Option<i64>>(3)?.map(Timestamp),
                    template: row.get(6)?,
                    executions: first..first.saturating_add(row.get(5)?),
                    label_sets: Vec::new(),
                })
            },
        )?;
        let Some(mut facts) = found else {
            return Ok(None);
        };
        facts.label_sets = self.read_all(
            "SELECT label_set FROM counts WHERE plan = ?1",
            [id.0],
            |row| row.get(0),
        )?;
        Ok(Some(facts))
    }

    fn is_hidden_template(&mut self, id: PlanId) -> Result<Option<bool>, StoreError> {
        self.read_if(
            "SELECT hidden FROM plans WHERE id = ?1 AND kind = 0",
            [id.0],
            |row| row.get(0),
        )
    }

    fn insert_plan(&mut self, plan: &NewPlanRow<'_>) -> Result<PlanId, StoreError> {
        let id = self.insert(
            "INSERT INTO plans (kind, project, title, description, batch, tags, repositories, planned,
               created_at, size, tests_digest, discovery, template, started_by, branch, commit_id,
               author, run_url, first_execution)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               (SELECT coalesce(max(id), 0) + 1 FROM executions))",
            params![
                plan.template.project,
                plan.title,
                plan.template.description,
                plan.batch,
                to_json(&plan.template.tags)?,
                plan.repositories,
                plan.planned.map(|t| t.0),
                plan.created_at.0,
                plan.size,
                plan.tests_digest,
                plan.discovery,
                plan.template.id.0,
                plan.started_by,
                plan.origin.branch,
                plan.origin.commit,
                plan.origin.author,
                plan.origin.run_url,
            ],
        )?;
        Ok(PlanId(id))
    }

    fn insert_executions(
        &mut self,
        plan: PlanId,
        source: TestSource,
        unknown_ms: i64,
    ) -> Result<(), StoreError> {
        let (table, column, owner) = source.rows();
        self.prepare_cached(&format!(
            "INSERT INTO counts (plan, label_set, open)
             SELECT ?1, label_set, count(*) FROM {table} WHERE {column} = ?2 GROUP BY label_set"
        ))?
        .execute([plan.0, owner])?;
        self.prepare_cached(&format!(
            "INSERT INTO executions (id, plan, test, label_set, expected_ms, is_estimated)
             SELECT p.first_execution + t.position, p.id, t.test, t.label_set, coalesce(h.mean_ms, ?3),
               h.mean_ms IS NULL
             FROM plans p CROSS JOIN {table} t
               LEFT JOIN history h ON h.test = t.test AND h.label_set = t.label_set
             WHERE p.id = ?1 AND t.{column} = ?2 ORDER BY t.position"
        ))?
        .execute([plan.0, owner, unknown_ms])?;
        Ok(())
    }

    fn known_durations(&mut self, source: TestSource) -> Result<i64, StoreError> {
        let (durations, owner) = durations_of(source);
        self.read_one(&format!("SELECT count(*) {durations}"), [owner], |row| {
            row.get(0)
        })
    }

    fn known_duration(&mut self, source: TestSource, place: i64) -> Result<i64, StoreError> {
        let (durations, owner) = durations_of(source);
        self.read_one(
            &format!("SELECT h.mean_ms {durations} ORDER BY h.mean_ms LIMIT 1 OFFSET ?2"),
            [owner, place],
            |row| row.get(0),
        )
    }

    fn published_size(
        &mut self,
        template: PlanId,
        digest: &TestListDigest,
    ) -> Result<Option<i64>, StoreError> {
        self.read_if(
            "SELECT size FROM plans WHERE id = ?1 AND kind = 0 AND tests_digest = ?2",
            params![template.0, digest.bytes()],
            |row| row.get(0),
        )
    }

    fn test_list(
        &mut self,
        project: &str,
        digest: &TestListDigest,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        self.read_if(
            "SELECT id, size FROM test_lists WHERE project = ?1 AND digest = ?2",
            params![project, digest.bytes()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    fn insert_test_list(
        &mut self,
        project: &str,
        digest: &TestListDigest,
        size: i64,
    ) -> Result<i64, StoreError> {
        self.insert(
            "INSERT INTO test_lists (project, digest, size) VALUES (?1, ?2, ?3)",
            params![project, digest.bytes(), size],
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
        for (position, PlannedTest { test, required }) in (0_i64..).zip(tests) {
            let set = match sets.entry(required) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => *new.insert(self.intern_labels(required)?),
            };
            let test = intern_test(self, project, test)?;
            self.prepare_cached(&format!(
                "INSERT INTO {table} ({column}, position, test, label_set) VALUES (?1, ?2, ?3, ?4)"
            ))?
            .execute([owner, position, test, set])?;
        }
        Ok(())
    }

    fn intern_labels(&mut self, labels: &Capabilities) -> Result<i64, StoreError> {
        let text = to_json(labels)?;
        let known = self.read_if(
            "SELECT id FROM label_sets WHERE labels = ?1",
            [&text],
            |row| row.get(0),
        )?;
        match known {
            Some(id) => Ok(id),
            None => self.insert("INSERT INTO label_sets (labels) VALUES (?1)", [&text]),
        }
    }

    fn note_worker_job(&mut self, plan: PlanId, worker: &str, url: &str) -> Result<(), StoreError> {
        self.prepare_cached(
            "INSERT INTO worker_jobs (plan, worker, url) VALUES (?1, ?2, ?3)
             ON CONFLICT (plan, worker) DO UPDATE SET url = excluded.url",
        )?
        .execute(params![plan.0, worker, url])?;
        Ok(())
    }

    fn test(&mut self, id: i64) -> Result<Test, StoreError> {
        self.read_one(
            "SELECT suite, testcase FROM tests WHERE id = ?1",
            [id],
            |row| {
                Ok(Test {
                    suite: row.get(0)?,
                    testcase: row.get(1)?,
                })
            },
        )
    }

    fn learn_duration(
        &mut self,
        test: i64,
        label_set: i64,
        duration_ms: i64,
    ) -> Result<(), StoreError> {
        self.change_one(
            "the history of a test",
            "INSERT INTO history (test, label_set, runs, mean_ms) VALUES (?1, ?2, 1, ?3)
             ON CONFLICT (test, label_set) DO UPDATE SET runs = min(runs + 1, ?4),
               mean_ms = mean_ms + (excluded.mean_ms - mean_ms) / min(runs + 1, ?4)",
            params![test, label_set, duration_ms, REMEMBERED],
        )
    }

    fn durations_of_plan(&mut self, executions: Range<i64>) -> Result<Vec<i64>, StoreError> {
        self.read_all(
            "SELECT h.mean_ms FROM executions e CROSS JOIN history h
               ON h.test = e.test AND h.label_set = e.label_set
             WHERE e.id >= ?1 AND e.id < ?2 ORDER BY h.mean_ms",
            [executions.start, executions.end],
            |row| row.get(0),
        )
    }

    fn learn_start_cost(&mut self, template: i64, start_ms: i64) -> Result<(), StoreError> {
        self.change_one(
            "the start cost of a template",
            "INSERT INTO start_costs (template, runs, mean_ms) VALUES (?1, 1, ?2)
             ON CONFLICT (template) DO UPDATE SET runs = min(runs + 1, ?3),
               mean_ms = mean_ms + (excluded.mean_ms - mean_ms) / min(runs + 1, ?3)",
            params![template, start_ms, REMEMBERED],
        )
    }

    fn start_cost(&mut self, template: i64) -> Result<i64, StoreError> {
        let known = self.read_if(
            "SELECT mean_ms FROM start_costs WHERE template = ?1",
            [template],
            |row| row.get(0),
        )?;
        Ok(known.unwrap_or(0))
    }
}

/// The known durations of a source's tests, and their owner.
fn durations_of(source: TestSource) -> (String, i64) {
    let (table, column, owner) = source.rows();
    let durations = format!(
        "FROM {table} t JOIN history h ON h.test = t.test AND h.label_set = t.label_set
         WHERE t.{column} = ?1"
    );
    (durations, owner)
}

fn intern_test(db: &Connection, project: &str, test: &Test) -> Result<i64, StoreError> {
    let values = params![project, test.suite, test.testcase];
    let known = db.read_if(
        "SELECT id FROM tests WHERE project = ?1 AND suite = ?2 AND testcase = ?3",
        values,
        |row| row.get(0),
    )?;
    match known {
        Some(id) => Ok(id),
        None => db.insert(
            "INSERT INTO tests (project, suite, testcase) VALUES (?1, ?2, ?3)",
            values,
        ),
    }
}
