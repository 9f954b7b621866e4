//! Statements about uploads and their results.

use rusqlite::{Connection, Row, params};

use crate::{
    model::{Capabilities, ExecutionId, PlanId, Test, TestResult, Timestamp},
    store::{
        Import, StoreError,
        rows::{
            ImportReads, ImportRows, ImportedResult, NewImportRow, OutcomeColumns, Unjudged,
            verdict,
        },
        sqlite::statements::Statements as _,
        values::{from_json, number},
    },
};

const COLUMNS: &str = "SELECT id, project, batch, labels, folder, files, cases, at FROM imports";

impl ImportReads for Connection {
    fn import(&mut self, id: i64) -> Result<Option<Import>, StoreError> {
        let found = self.read_if(&format!("{COLUMNS} WHERE id = ?1"), [id], columns)?;
        found.map(import).transpose()
    }

    fn imports(
        &mut self,
        project: Option<&str>,
        batch: Option<&str>,
        (after, limit): (i64, u32),
    ) -> Result<Vec<Import>, StoreError> {
        // An index exists for both together.
        let condition = if project.is_some() && batch.is_some() {
            "project = ?1 AND batch = ?2"
        } else {
            "(?1 IS NULL OR project = ?1) AND (?2 IS NULL OR batch = ?2)"
        };
        let found = self.read_all(
            &format!("{COLUMNS} WHERE {condition} AND id > ?3 ORDER BY id LIMIT ?4"),
            params![project, batch, after, limit],
            columns,
        )?;
        found.into_iter().map(import).collect()
    }
}

fn columns(row: &Row<'_>) -> rusqlite::Result<(Import, String, String)> {
    let import = Import {
        id: row.get(0)?,
        project: row.get(1)?,
        batch: row.get(2)?,
        labels: Capabilities::default(),
        folder: row.get(4)?,
        files: Vec::new(),
        cases: number(row.get(6)?),
        at: Timestamp(row.get(7)?),
    };
    Ok((import, row.get(3)?, row.get(5)?))
}

fn import((mut import, labels, files): (Import, String, String)) -> Result<Import, StoreError> {
    import.labels = from_json(&labels)?;
    import.files = from_json(&files)?;
    Ok(import)
}

impl ImportRows for Connection {
    fn insert_import(&mut self, row: &NewImportRow<'_>) -> Result<i64, StoreError> {
        self.insert(
            "INSERT INTO imports (project, batch, labels, folder, files, cases, principal, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                row.import.project,
                row.import.batch,
                row.labels,
                row.import.folder,
                row.files,
                i64::try_from(row.import.cases).unwrap_or(i64::MAX),
                row.import.principal,
                row.at.0,
            ],
        )
    }

    fn plans_of_batch(&mut self, project: &str, batch: &str) -> Result<Vec<PlanId>, StoreError> {
        self.read_all(
            "SELECT id FROM plans WHERE kind = 1 AND project = ?1 AND batch = ?2",
            [project, batch],
            |row| row.get(0).map(PlanId),
        )
    }

    fn known_test(&mut self, project: &str, test: &Test) -> Result<Option<i64>, StoreError> {
        self.read_if(
            "SELECT id FROM tests WHERE project = ?1 AND suite = ?2 AND testcase = ?3",
            [project, &test.suite, &test.testcase],
            |row| row.get(0),
        )
    }

    fn insert_imported_test(
        &mut self,
        test: i64,
        import: i64,
        columns: &OutcomeColumns<'_>,
    ) -> Result<(), StoreError> {
        self.change_one(
            "an imported test",
            "INSERT INTO imported_tests (test, import, verdict, duration_ms, flaky) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                test,
                import,
                columns.verdict,
                columns.duration_ms,
                columns.flaky
            ],
        )
    }

    fn unjudged(
        &mut self,
        plan: PlanId,
        test: i64,
        import: i64,
    ) -> Result<Vec<Unjudged>, StoreError> {
        self.read_all(
            "SELECT id, label_set, epoch FROM executions INDEXED BY executions_unjudged
             WHERE plan = ?1 AND test = ?2 AND state = 3 AND verdict IS NULL AND error IS NULL AND import_mark < ?3",
            [plan.0, test, import],
            |row| {
                Ok(Unjudged {
                    execution: ExecutionId(row.get(0)?),
                    plan,
                    test,
                    label_set: row.get(1)?,
                    epoch: row.get(2)?,
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
        let found: Vec<(i64, String, TestResult)> = self.read_all(
            "SELECT i.id, i.labels, t.verdict, t.duration_ms, t.flaky
             FROM executions e CROSS JOIN imported_tests t ON t.test = e.test AND t.import > e.import_mark
               CROSS JOIN imports i ON i.id = t.import
             WHERE e.id = ?1 AND i.project = ?2 AND i.batch = ?3 ORDER BY i.id",
            params![execution.0, project, batch],
            |row| {
                let result = TestResult {
                    verdict: verdict(row.get(2)?),
                    duration_ms: number(row.get(3)?),
                    flaky: row.get(4)?,
                };
                Ok((row.get(0)?, row.get(1)?, result))
            },
        )?;
        let results = found.into_iter().map(|(import, labels, result)| {
            Ok(ImportedResult {
                import,
                labels: from_json(&labels)?,
                result,
            })
        });
        results.collect()
    }

    fn judge(
        &mut self,
        execution: ExecutionId,
        columns: &OutcomeColumns<'_>,
        import: i64,
    ) -> Result<(), StoreError> {
        self.change_one(
            "an imported verdict",
            "UPDATE executions SET verdict = ?2, duration_ms = ?3, flaky = ?4
             WHERE id = ?1 AND state = 3 AND verdict IS NULL AND error IS NULL AND import_mark < ?5",
            params![
                execution.0,
                columns.verdict,
                columns.duration_ms,
                columns.flaky,
                import
            ],
        )
    }
}
