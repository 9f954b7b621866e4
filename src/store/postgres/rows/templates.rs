//! Statements about templates.

use super::PostgresRows;
use crate::{
    model::{PlanId, Timestamp},
    store::{
        StoreError, TemplateDefinition,
        postgres::client::{Client, bytes, get, int, text},
        protocol::StoredDigest,
        rows::{TemplateDigests, TemplateReads, TemplateRow, TemplateRows, TestKey},
        values::to_json,
    },
};

impl TemplateReads for Client {
    fn template(
        &mut self,
        template: &TemplateDefinition,
    ) -> Result<Option<TemplateRow>, StoreError> {
        self.read_if(
            "SELECT id, definition, file_definition, hidden, tests_digest IS NOT NULL FROM plans
             WHERE kind = 0 AND project = $1 AND title = $2",
            &[text(&template.project), text(&template.title)],
            |row| {
                let digest = |bytes: Option<&[u8]>| bytes.and_then(StoredDigest::from_bytes);
                Ok(TemplateRow {
                    id: PlanId(get(row, 0)?),
                    definition: digest(get(row, 1)?),
                    file_definition: digest(get(row, 2)?),
                    is_hidden: get(row, 3)?,
                    has_digest: get(row, 4)?,
                })
            },
        )
    }

    fn published_tests(&mut self, template: PlanId) -> Result<Vec<TestKey>, StoreError> {
        self.read_all(
            "SELECT t.suite, t.testcase, l.labels FROM template_tests p
               JOIN tests t ON t.id = p.test JOIN label_sets l ON l.id = p.label_set
             WHERE p.template = $1 ORDER BY p.position",
            &[int(&template.0)],
            |row| Ok((get(row, 0)?, get(row, 1)?, get(row, 2)?)),
        )
    }
}

impl TemplateRows for PostgresRows {
    fn shown_templates(&mut self, project: &str) -> Result<Vec<PlanId>, StoreError> {
        self.client.read_all(
            "SELECT id FROM plans
             WHERE kind = 0 AND project = $1 AND NOT hidden AND file_definition IS NOT NULL",
            &[text(&project)],
            |row| Ok(PlanId(get(row, 0)?)),
        )
    }

    fn hide_template(&mut self, id: PlanId) -> Result<(), StoreError> {
        self.client.change_one(
            "hiding a template",
            "UPDATE plans SET hidden = TRUE WHERE id = $1 AND NOT hidden",
            &[int(&id.0)],
        )
    }

    fn insert_template(
        &mut self,
        project: &str,
        title: &str,
        now: Timestamp,
    ) -> Result<PlanId, StoreError> {
        self.client.read_one(
            "INSERT INTO plans (kind, project, title, description, batch, tags, repositories, created_at,
               size, first_execution) VALUES (0, $1, $2, '', '', '[]', '[]', $3, 0, 0) RETURNING id",
            &[text(&project), text(&title), int(&now.0)],
            |row| Ok(PlanId(get(row, 0)?)),
        )
    }

    fn update_template(
        &mut self,
        id: PlanId,
        template: &TemplateDefinition,
        digests: &TemplateDigests,
    ) -> Result<(), StoreError> {
        let size = i64::try_from(template.executions.len()).unwrap_or(i64::MAX);
        let file_definition = digests.file_definition.as_ref().map(StoredDigest::bytes);
        self.client.change_one(
            "publishing a template",
            "UPDATE plans SET description = $2, tags = $3, size = $4, hidden = FALSE, definition = $5,
               file_definition = $6, tests_digest = $7
             WHERE id = $1 AND kind = 0",
            &[
                int(&id.0),
                text(&template.description),
                text(&to_json(&template.tags)?),
                int(&size),
                bytes(&digests.definition.bytes()),
                bytes(&file_definition),
                bytes(&digests.tests.bytes()),
            ],
        )?;
        self.client.change(
            "DELETE FROM template_tests WHERE template = $1",
            &[int(&id.0)],
        )?;
        Ok(())
    }
}
