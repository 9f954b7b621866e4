//! Statements about templates.

use rusqlite::{Connection, params};

use crate::{
    model::{PlanId, Timestamp},
    store::{
        StoreError, TemplateDefinition,
        rows::{TemplateDigests, TemplateReads, TemplateRow, TemplateRows, TestKey},
        sqlite::statements::Statements as _,
        values::to_json,
    },
};

impl TemplateReads for Connection {
    fn template(
        &mut self,
        template: &TemplateDefinition,
    ) -> Result<Option<TemplateRow>, StoreError> {
        self.read_if(
            "SELECT id, definition, file_definition, hidden, tests_digest IS NOT NULL FROM plans
             WHERE kind = 0 AND project = ?1 AND title = ?2",
            params![template.project, template.title],
            |row| {
                Ok(TemplateRow {
                    id: PlanId(row.get(0)?),
                    definition: row.get(1)?,
                    file_definition: row.get(2)?,
                    is_hidden: row.get(3)?,
                    has_digest: row.get(4)?,
                })
            },
        )
    }

    fn published_tests(&mut self, template: PlanId) -> Result<Vec<TestKey>, StoreError> {
        self.read_all(
            "SELECT t.suite, t.testcase, l.labels FROM template_tests p
               JOIN tests t ON t.id = p.test JOIN label_sets l ON l.id = p.label_set
             WHERE p.template = ?1 ORDER BY p.position",
            [template.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
    }
}

impl TemplateRows for Connection {
    fn shown_templates(&mut self, project: &str) -> Result<Vec<PlanId>, StoreError> {
        self.read_all(
            "SELECT id FROM plans
             WHERE kind = 0 AND project = ?1 AND hidden = 0 AND file_definition IS NOT NULL",
            [project],
            |row| row.get(0).map(PlanId),
        )
    }

    fn hide_template(&mut self, id: PlanId) -> Result<(), StoreError> {
        self.change_one(
            "hiding a template",
            "UPDATE plans SET hidden = 1 WHERE id = ?1 AND hidden = 0",
            [id.0],
        )
    }

    fn insert_template(
        &mut self,
        project: &str,
        title: &str,
        now: Timestamp,
    ) -> Result<PlanId, StoreError> {
        let id = self.insert(
            "INSERT INTO plans (kind, project, title, description, batch, tags, repositories, created_at,
               size, first_execution) VALUES (0, ?1, ?2, '', '', '[]', '[]', ?3, 0, 0)",
            params![project, title, now.0],
        )?;
        Ok(PlanId(id))
    }

    fn update_template(
        &mut self,
        id: PlanId,
        template: &TemplateDefinition,
        digests: &TemplateDigests,
    ) -> Result<(), StoreError> {
        self.change_one(
            "publishing a template",
            "UPDATE plans SET description = ?2, tags = ?3, size = ?4, hidden = 0, definition = ?5,
               file_definition = ?6, tests_digest = ?7
             WHERE id = ?1 AND kind = 0",
            params![
                id.0,
                template.description,
                to_json(&template.tags)?,
                i64::try_from(template.executions.len()).unwrap_or(i64::MAX),
                digests.definition,
                digests.file_definition,
                digests.tests.bytes(),
            ],
        )?;
        self.prepare_cached("DELETE FROM template_tests WHERE template = ?1")?
            .execute([id.0])?;
        Ok(())
    }
}
