//! Publishing templates: by project and title they keep their numbers for ever.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use rusqlite::{OptionalExtension as _, params};

use super::{
    desk::Desk,
    plans,
    rows::{exactly_one, to_json},
};
use crate::{
    model::{PlanId, Test},
    store::{
        PlannedTest, RefusalCode, StoreError, TemplateDefinition,
        protocol::{Digest, limits, payload::digest, refuse},
    },
};

/// Publishes the templates of some projects; others of the same projects are hidden.
pub(super) fn publish(
    desk: &mut Desk,
    templates: &[TemplateDefinition],
) -> Result<Vec<PlanId>, StoreError> {
    check(templates)?;
    let mut ids = Vec::with_capacity(templates.len());
    for template in templates {
        ids.push(publish_one(desk, template)?);
    }
    let projects: BTreeSet<&str> = templates.iter().map(|t| t.project.as_str()).collect();
    for project in projects {
        plans::hide_others(desk, project, &ids)?;
    }
    Ok(ids)
}

fn check(templates: &[TemplateDefinition]) -> Result<(), StoreError> {
    let mut seen = BTreeSet::new();
    for template in templates {
        limits::name("the project", &template.project)?;
        limits::name("the title", &template.title)?;
        if !seen.insert((&template.project, &template.title)) {
            return Err(refuse(
                RefusalCode::Malformed,
                format!(
                    "template {:?} of project {:?} is defined twice: rename one of them.",
                    template.title, template.project
                ),
            ));
        }
        for execution in &template.executions {
            limits::labels(&execution.required)?;
        }
    }
    Ok(())
}

fn publish_one(desk: &mut Desk, template: &TemplateDefinition) -> Result<PlanId, StoreError> {
    let definition = fingerprint(template)?;
    let known: Option<(i64, Option<Digest>, bool)> = desk
        .db
        .prepare_cached(
            "SELECT id, definition, hidden FROM plans WHERE kind = 0 AND project = ?1 AND title = ?2",
        )?
        .query_row(params![template.project, template.title], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let id = match known {
        Some((id, Some(known), false)) if known == definition => return Ok(PlanId(id)),
        Some((id, ..)) => id,
        None => desk
            .db
            .prepare_cached(
                "INSERT INTO plans (kind, project, title, description, batch, tags, repositories, created_at,
                   size, first_execution) VALUES (0, ?1, ?2, '', '', '[]', '[]', ?3, 0, 0)",
            )?
            .insert(params![template.project, template.title, desk.now.0])?,
    };
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE plans SET description = ?2, tags = ?3, size = ?4, hidden = 0, definition = ?5
             WHERE id = ?1 AND kind = 0",
        )?
        .execute(params![
            id,
            template.description,
            to_json(&template.tags)?,
            i64::try_from(template.executions.len()).unwrap_or(i64::MAX),
            definition
        ])?;
    exactly_one(rows, "publishing a template")?;
    insert_tests(desk, id, template)?;
    Ok(PlanId(id))
}

fn insert_tests(desk: &Desk, id: i64, template: &TemplateDefinition) -> Result<(), StoreError> {
    desk.db
        .prepare_cached("DELETE FROM template_tests WHERE template = ?1")?
        .execute([id])?;
    let mut insert = desk.db.prepare_cached(
        "INSERT INTO template_tests (template, position, test, label_set) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut sets = HashMap::new();
    for (position, PlannedTest { test, required }) in (0_i64..).zip(&template.executions) {
        let set = match sets.entry(required) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(desk.intern(required)?),
        };
        insert.execute([
            id,
            position,
            intern_test(desk, &template.project, test)?,
            set,
        ])?;
    }
    Ok(())
}

fn intern_test(desk: &Desk, project: &str, test: &Test) -> Result<i64, StoreError> {
    let what = params![project, test.suite, test.testcase];
    let known = desk
        .db
        .prepare_cached("SELECT id FROM tests WHERE project = ?1 AND suite = ?2 AND testcase = ?3")?
        .query_row(what, |row| row.get(0))
        .optional()?;
    match known {
        Some(id) => Ok(id),
        None => Ok(desk
            .db
            .prepare_cached("INSERT INTO tests (project, suite, testcase) VALUES (?1, ?2, ?3)")?
            .insert(what)?),
    }
}

/// By which an unchanged template is known, so that a restart rewrites nothing.
fn fingerprint(template: &TemplateDefinition) -> Result<Digest, StoreError> {
    let tags = to_json(&template.tags)?;
    let mut labels = HashMap::new();
    let mut parts: Vec<&[u8]> = vec![template.description.as_bytes(), tags.as_bytes()];
    for PlannedTest { required, .. } in &template.executions {
        if !labels.contains_key(required) {
            labels.insert(required, to_json(required)?);
        }
    }
    for PlannedTest { test, required } in &template.executions {
        parts.push(test.suite.as_bytes());
        parts.push(test.testcase.as_bytes());
        parts.push(labels[required].as_bytes());
    }
    Ok(digest(&parts))
}
