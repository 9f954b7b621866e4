//! Statements about plans.

use rusqlite::{Connection, params};

use crate::{
    model::{Capabilities, Plan, PlanId, PlanKind, TestListDigest, Timestamp},
    store::{
        PlanQuery, StoreError,
        rows::PlanReads,
        sqlite::statements::Statements as _,
        values::{from_json, kind, number},
    },
};

impl PlanReads for Connection {
    fn plan_as_started(&mut self, id: PlanId) -> Result<Option<Plan>, StoreError> {
        let found: Option<(Plan, String, String)> = self.read_if(
            "SELECT id, kind, project, title, description, batch, tags, repositories, planned, size,
               created_at FROM plans WHERE id = ?1",
            [id.0],
            |row| {
                let plan = Plan {
                    id: PlanId(row.get(0)?),
                    kind: kind(row.get(1)?),
                    project: row.get(2)?,
                    title: row.get(3)?,
                    description: row.get(4)?,
                    batch: row.get(5)?,
                    tags: Vec::new(),
                    repositories: Vec::new(),
                    planned: row.get::<_, Option<i64>>(8)?.map(Timestamp),
                    server_time: Timestamp(row.get(10)?),
                    passes: 0,
                    failed: 0,
                    skipped: 0,
                    count: number(row.get(9)?),
                    page_url: None,
                };
                Ok((plan, row.get(6)?, row.get(7)?))
            },
        )?;
        let Some((mut plan, tags, repositories)) = found else {
            return Ok(None);
        };
        plan.tags = from_json(&tags)?;
        plan.repositories = from_json(&repositories)?;
        Ok(Some(plan))
    }

    fn plan_totals(&mut self, id: PlanId) -> Result<[u64; 3], StoreError> {
        let totals: [i64; 3] = self.read_one(
            "SELECT coalesce(sum(passed), 0), coalesce(sum(failed), 0), coalesce(sum(skipped), 0)
             FROM counts WHERE plan = ?1",
            [id.0],
            |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]),
        )?;
        Ok(totals.map(number))
    }

    fn plan_kind(&mut self, id: PlanId) -> Result<Option<PlanKind>, StoreError> {
        let found: Option<i64> =
            self.read_if("SELECT kind FROM plans WHERE id = ?1", [id.0], |row| {
                row.get(0)
            })?;
        Ok(found.map(kind))
    }

    fn newest_plan(&mut self, query: &PlanQuery) -> Result<Option<PlanId>, StoreError> {
        let id: Option<i64> = self.read_one(
            "SELECT max(id) FROM plans WHERE kind = ?1 AND project = ?2 AND title = ?3 AND hidden = 0",
            params![kind_number(query.kind), query.project, query.title],
            |row| row.get(0),
        )?;
        Ok(id.map(PlanId))
    }

    fn plan_titles(
        &mut self,
        kind: PlanKind,
        project: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        self.read_all(
            "SELECT DISTINCT title FROM plans WHERE kind = ?1 AND project = ?2 AND hidden = 0 ORDER BY title LIMIT ?3",
            params![kind_number(kind), project, limit],
            |row| row.get(0),
        )
    }

    fn projects(&mut self, limit: u32) -> Result<Vec<String>, StoreError> {
        self.read_all(
            "SELECT DISTINCT project FROM plans WHERE hidden = 0 ORDER BY project LIMIT ?1",
            [limit],
            |row| row.get(0),
        )
    }

    fn requested_tests(
        &mut self,
        id: PlanId,
    ) -> Result<(Option<TestListDigest>, Option<String>), StoreError> {
        let (digest, discovery): (Option<Vec<u8>>, Option<String>) = self.read_one(
            "SELECT tests_digest, discovery FROM plans WHERE id = ?1",
            [id.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let digest = digest
            .map(|bytes| TestListDigest::from_bytes(&bytes))
            .transpose()
            .map_err(|error| StoreError::Broken(format!("plan {id}: {error}")))?;
        Ok((digest, discovery))
    }

    fn cancelling_plans(&mut self) -> Result<Vec<PlanId>, StoreError> {
        self.read_all(
            "SELECT id FROM plans INDEXED BY plans_cancelling WHERE cancelling <> 0 ORDER BY id",
            [],
            |row| Ok(PlanId(row.get(0)?)),
        )
    }

    fn planned_time(&mut self, id: PlanId) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> =
            self.read_one("SELECT planned FROM plans WHERE id = ?1", [id.0], |row| {
                row.get(0)
            })?;
        Ok(due.map(Timestamp))
    }

    fn label_set(&mut self, set: i64) -> Result<Capabilities, StoreError> {
        let text: String = self.read_one(
            "SELECT labels FROM label_sets WHERE id = ?1",
            [set],
            |row| row.get(0),
        )?;
        from_json(&text)
    }
}

fn kind_number(kind: PlanKind) -> i64 {
    i64::from(kind == PlanKind::Instance)
}
