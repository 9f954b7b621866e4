//! Statements about plans.

use crate::{
    model::{Capabilities, Plan, PlanId, PlanKind, TestListDigest, Timestamp},
    store::{
        PlanQuery, StoreError,
        postgres::client::{Client, get, int, text},
        rows::PlanReads,
        values::{from_json, kind, number},
    },
};

impl PlanReads for Client {
    fn plan_as_started(&mut self, id: PlanId) -> Result<Option<Plan>, StoreError> {
        self.read_if(
            "SELECT id, kind, project, title, description, batch, tags, repositories, planned, size,
               created_at FROM plans WHERE id = $1",
            &[int(&id.0)],
            |row| {
                Ok(Plan {
                    id: PlanId(get(row, 0)?),
                    kind: kind(get(row, 1)?),
                    project: get(row, 2)?,
                    title: get(row, 3)?,
                    description: get(row, 4)?,
                    batch: get(row, 5)?,
                    tags: from_json(get(row, 6)?)?,
                    repositories: from_json(get(row, 7)?)?,
                    planned: get::<Option<i64>>(row, 8)?.map(Timestamp),
                    server_time: Timestamp(get(row, 10)?),
                    passes: 0,
                    failed: 0,
                    skipped: 0,
                    count: number(get(row, 9)?),
                    page_url: None,
                })
            },
        )
    }

    fn plan_totals(&mut self, id: PlanId) -> Result<[u64; 3], StoreError> {
        self.read_one(
            "SELECT coalesce(sum(passed), 0)::bigint, coalesce(sum(failed), 0)::bigint,
               coalesce(sum(skipped), 0)::bigint FROM counts WHERE plan = $1",
            &[int(&id.0)],
            |row| Ok([get(row, 0)?, get(row, 1)?, get(row, 2)?].map(number)),
        )
    }

    fn plan_kind(&mut self, id: PlanId) -> Result<Option<PlanKind>, StoreError> {
        self.read_if(
            "SELECT kind FROM plans WHERE id = $1",
            &[int(&id.0)],
            |row| Ok(kind(get(row, 0)?)),
        )
    }

    fn newest_plan(&mut self, query: &PlanQuery) -> Result<Option<PlanId>, StoreError> {
        let id: Option<i64> = self.read_one(
            "SELECT max(id) FROM plans WHERE kind = $1 AND project = $2 AND title = $3 AND NOT hidden",
            &[
                int(&kind_number(query.kind)),
                text(&query.project),
                text(&query.title),
            ],
            |row| get(row, 0),
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
            "SELECT DISTINCT title COLLATE \"C\" FROM plans WHERE kind = $1 AND project = $2 AND NOT hidden
             ORDER BY 1 LIMIT $3",
            &[
                int(&kind_number(kind)),
                text(&project),
                int(&i64::from(limit)),
            ],
            |row| get(row, 0),
        )
    }

    fn projects(&mut self, limit: u32) -> Result<Vec<String>, StoreError> {
        self.read_all(
            "SELECT DISTINCT project COLLATE \"C\" FROM plans WHERE NOT hidden ORDER BY 1 LIMIT $1",
            &[int(&i64::from(limit))],
            |row| get(row, 0),
        )
    }

    fn requested_tests(
        &mut self,
        id: PlanId,
    ) -> Result<(Option<TestListDigest>, Option<String>), StoreError> {
        let (digest, discovery): (Option<Vec<u8>>, Option<String>) = self.read_one(
            "SELECT tests_digest, discovery FROM plans WHERE id = $1",
            &[int(&id.0)],
            |row| Ok((get(row, 0)?, get(row, 1)?)),
        )?;
        let digest = digest
            .map(|bytes| TestListDigest::from_bytes(&bytes))
            .transpose()
            .map_err(|error| StoreError::Broken(format!("plan {id}: {error}")))?;
        Ok((digest, discovery))
    }

    fn cancelling_plans(&mut self) -> Result<Vec<PlanId>, StoreError> {
        self.read_all(
            "SELECT id FROM plans WHERE cancelling <> 0 ORDER BY id",
            &[],
            |row| Ok(PlanId(get(row, 0)?)),
        )
    }

    fn planned_time(&mut self, id: PlanId) -> Result<Option<Timestamp>, StoreError> {
        self.read_one(
            "SELECT planned FROM plans WHERE id = $1",
            &[int(&id.0)],
            |row| Ok(get::<Option<i64>>(row, 0)?.map(Timestamp)),
        )
    }

    fn label_set(&mut self, set: i64) -> Result<Capabilities, StoreError> {
        self.read_one(
            "SELECT labels FROM label_sets WHERE id = $1",
            &[int(&set)],
            |row| from_json(get(row, 0)?),
        )
    }
}

fn kind_number(kind: PlanKind) -> i64 {
    i64::from(kind == PlanKind::Instance)
}
