//! Statements about uploads and their results.

use tokio_postgres::{Row, types::Type};

use super::PostgresRows;
use crate::{
    model::{ExecutionId, PlanId, Test, TestResult, Timestamp},
    store::{
        Import, StoreError,
        postgres::client::{Client, get, get_u32, int, text, typed},
        rows::{
            ImportReads, ImportRows, ImportedResult, NewImportRow, OutcomeColumns, Unjudged,
            verdict,
        },
        values::{from_json, number},
    },
};

const COLUMNS: &str = "SELECT id, project, batch, labels, folder, files, cases, at FROM imports";

impl ImportReads for Client {
    fn import(&mut self, id: i64) -> Result<Option<Import>, StoreError> {
        self.read_if(&format!("{COLUMNS} WHERE id = $1"), &[int(&id)], import)
    }

    fn imports(
        &mut self,
        project: Option<&str>,
        batch: Option<&str>,
        (after, limit): (i64, u32),
    ) -> Result<Vec<Import>, StoreError> {
        self.read_all(
            &format!(
                "{COLUMNS} WHERE ($1::text IS NULL OR project = $1) AND ($2::text IS NULL OR batch = $2)
                 AND id > $3 ORDER BY id LIMIT $4"
            ),
            &[
                text(&project),
                text(&batch),
                int(&after),
                int(&i64::from(limit)),
            ],
            import,
        )
    }
}

fn import(row: &Row) -> Result<Import, StoreError> {
    Ok(Import {
        id: get(row, 0)?,
        project: get(row, 1)?,
        batch: get(row, 2)?,
        labels: from_json(get(row, 3)?)?,
        folder: get(row, 4)?,
        files: from_json(get(row, 5)?)?,
        cases: number(get(row, 6)?),
        at: Timestamp(get(row, 7)?),
    })
}

impl ImportRows for PostgresRows {
    fn insert_import(&mut self, row: &NewImportRow<'_>) -> Result<i64, StoreError> {
        let cases = i64::try_from(row.import.cases).unwrap_or(i64::MAX);
        let id = self.client.read_one(
            "INSERT INTO imports (project, batch, labels, folder, files, cases, principal, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
            &[
                text(&row.import.project),
                text(&row.import.batch),
                text(&row.labels),
                text(&row.import.folder),
                text(&row.files),
                int(&cases),
                text(&row.import.principal),
                int(&row.at.0),
            ],
            |row| get(row, 0),
        )?;
        self.set.last_import = Some(id);
        Ok(id)
    }

    fn plans_of_batch(&mut self, project: &str, batch: &str) -> Result<Vec<PlanId>, StoreError> {
        self.client.read_all(
            "SELECT id FROM plans WHERE kind = 1 AND project = $1 AND batch = $2 ORDER BY id",
            &[text(&project), text(&batch)],
            |row| Ok(PlanId(get(row, 0)?)),
        )
    }

    fn known_test(&mut self, project: &str, test: &Test) -> Result<Option<i64>, StoreError> {
        self.client.read_if(
            "SELECT id FROM tests WHERE md5(project) = md5($1) AND md5(suite) = md5($2) AND md5(testcase) = md5($3)",
            &[text(&project), text(&test.suite), text(&test.testcase)],
            |row| get(row, 0),
        )
    }

    fn insert_imported_test(
        &mut self,
        test: i64,
        import: i64,
        columns: &OutcomeColumns<'_>,
    ) -> Result<(), StoreError> {
        self.client.change_one(
            "an imported test",
            "INSERT INTO imported_tests (test, import, verdict, duration_ms, flaky) VALUES ($1, $2, $3, $4, $5)",
            &[
                int(&test),
                int(&import),
                typed(&columns.verdict, Type::INT8),
                typed(&columns.duration_ms, Type::INT8),
                typed(&columns.flaky, Type::BOOL),
            ],
        )
    }

    fn unjudged(
        &mut self,
        plan: PlanId,
        test: i64,
        import: i64,
    ) -> Result<Vec<Unjudged>, StoreError> {
        self.written()?.read_all(
            "SELECT id, label_set, epoch FROM executions
             WHERE plan = $1 AND test = $2 AND state = 3 AND verdict IS NULL AND error IS NULL AND import_mark < $3
             ORDER BY id",
            &[int(&plan.0), int(&test), int(&import)],
            |row| {
                Ok(Unjudged {
                    execution: ExecutionId(get(row, 0)?),
                    plan,
                    test,
                    label_set: get(row, 1)?,
                    epoch: get_u32(row, 2)?,
                })
            },
        )
    }

    fn imported_since(
        &mut self,
        execution: ExecutionId,
        project: &str,
        batch: &str,
    ) -> Result<Vec<ImportedResult>, StoreError> {
        let Some((test, mark)) = self
            .row(execution.0)?
            .map(|row| (row.test, row.import_mark))
        else {
            return Ok(Vec::new());
        };
        self.client.read_all(
            "SELECT i.id, i.labels, t.verdict, t.duration_ms, t.flaky
             FROM imported_tests t JOIN imports i ON i.id = t.import
             WHERE t.test = $1 AND t.import > $2 AND i.project = $3 AND i.batch = $4 ORDER BY i.id",
            &[int(&test), int(&mark), text(&project), text(&batch)],
            |row| {
                Ok(ImportedResult {
                    import: get(row, 0)?,
                    labels: from_json(get(row, 1)?)?,
                    result: TestResult {
                        verdict: verdict(get(row, 2)?),
                        duration_ms: number(get(row, 3)?),
                        flaky: get(row, 4)?,
                    },
                })
            },
        )
    }

    fn judge(
        &mut self,
        execution: ExecutionId,
        columns: &OutcomeColumns<'_>,
        import: i64,
    ) -> Result<(), StoreError> {
        self.change_one(
            "an imported verdict",
            execution.0,
            |row| {
                row.state == 3
                    && row.verdict.is_none()
                    && row.error.is_none()
                    && row.import_mark < import
            },
            |row| {
                row.verdict = columns.verdict;
                row.duration_ms = columns.duration_ms;
                row.flaky = columns.flaky;
            },
        )
    }
}
