//! Publishing templates: by project and title they keep their numbers for ever.
//!
//! Templates come from files when a service starts, and from requests while it runs. The newest statement wins: a file
//! that did not change since the last start does not take back what a request published.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    desk::Desk,
    plans,
    rows::{exactly_one, from_json, to_json},
    test_lists::{self, Source},
};
use crate::{
    model::{Capabilities, PlanId, PlannedTest, Test, TestListDigest},
    store::{
        MAX_DIFFERENCES, RefusalCode, StoreError, TemplateDefinition, TemplateDifference,
        protocol::{Digest, limits, payload::digest, refuse},
    },
};

/// Where a template comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    File,
    Request,
}

/// A template as it is known.
struct Known {
    id: i64,
    definition: Option<Digest>,
    file_definition: Option<Digest>,
    is_hidden: bool,
    /// Templates of before there were digests have none.
    has_digest: bool,
}

/// Publishes the templates of some projects; others of the same projects that came from files are hidden.
pub(super) fn publish(
    desk: &mut Desk,
    templates: &[TemplateDefinition],
) -> Result<Vec<PlanId>, StoreError> {
    check(templates)?;
    let mut ids = Vec::with_capacity(templates.len());
    for template in templates {
        ids.push(publish_one(desk, template, Origin::File)?);
    }
    let projects: BTreeSet<&str> = templates.iter().map(|t| t.project.as_str()).collect();
    for project in projects {
        plans::hide_others(desk, project, &ids)?;
    }
    Ok(ids)
}

/// Publishes templates and leaves all others as they are.
pub(super) fn publish_on_request(
    desk: &mut Desk,
    templates: &[TemplateDefinition],
) -> Result<Vec<TemplateDifference>, StoreError> {
    let mut differences = differences(&desk.db, templates)?;
    for (template, difference) in templates.iter().zip(&mut differences) {
        difference.id = Some(publish_one(desk, template, Origin::Request)?);
    }
    Ok(differences)
}

/// What publishing templates on request would change.
pub(super) fn differences(
    db: &Connection,
    templates: &[TemplateDefinition],
) -> Result<Vec<TemplateDifference>, StoreError> {
    check(templates)?;
    for template in templates {
        limits::tests(&template.executions)?;
    }
    templates.iter().map(|it| difference(db, it)).collect()
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

fn known(db: &Connection, template: &TemplateDefinition) -> Result<Option<Known>, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT id, definition, file_definition, hidden, tests_digest IS NOT NULL FROM plans
             WHERE kind = 0 AND project = ?1 AND title = ?2",
        )?
        .query_row(params![template.project, template.title], |row| {
            Ok(Known {
                id: row.get(0)?,
                definition: row.get(1)?,
                file_definition: row.get(2)?,
                is_hidden: row.get(3)?,
                has_digest: row.get(4)?,
            })
        })
        .optional()?)
}

fn publish_one(
    desk: &mut Desk,
    template: &TemplateDefinition,
    origin: Origin,
) -> Result<PlanId, StoreError> {
    let definition = fingerprint(template)?;
    let known = known(&desk.db, template)?;
    let file_definition = match (origin, &known) {
        (Origin::File, _) => Some(definition),
        // What a file had hidden is no longer the file's.
        (Origin::Request, Some(known)) if !known.is_hidden => known.file_definition,
        (Origin::Request, _) => None,
    };
    if let Some(known) = &known
        && !known.is_hidden
        && known.has_digest
    {
        let is_current = known.definition == Some(definition);
        let is_old_news = origin == Origin::File && known.file_definition == Some(definition);
        if is_old_news || (is_current && file_definition == known.file_definition) {
            return Ok(PlanId(known.id));
        }
    }
    let id = match &known {
        Some(known) => known.id,
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
            "UPDATE plans SET description = ?2, tags = ?3, size = ?4, hidden = 0, definition = ?5,
               file_definition = ?6, tests_digest = ?7
             WHERE id = ?1 AND kind = 0",
        )?
        .execute(params![
            id,
            template.description,
            to_json(&template.tags)?,
            i64::try_from(template.executions.len()).unwrap_or(i64::MAX),
            definition,
            file_definition,
            TestListDigest::of(&template.executions).bytes(),
        ])?;
    exactly_one(rows, "publishing a template")?;
    desk.db
        .prepare_cached("DELETE FROM template_tests WHERE template = ?1")?
        .execute([id])?;
    let source = Source::Template(PlanId(id));
    test_lists::insert(desk, source, &template.project, &template.executions)?;
    Ok(PlanId(id))
}

/// A test and its labels as JSON, by which two of them are the same.
type TestKey = (String, String, String);

fn difference(
    db: &Connection,
    template: &TemplateDefinition,
) -> Result<TemplateDifference, StoreError> {
    let known = known(db, template)?;
    let shown = known.as_ref().filter(|known| !known.is_hidden);
    let is_changed = match shown {
        Some(known) => known.definition != Some(fingerprint(template)?),
        None => true,
    };
    let mut difference = TemplateDifference {
        id: known.as_ref().map(|known| PlanId(known.id)),
        title: template.title.clone(),
        is_new: shown.is_none(),
        is_changed,
        before: template.executions.len() as u64,
        count: template.executions.len() as u64,
        added: 0,
        removed: 0,
        first_added: Vec::new(),
        first_removed: Vec::new(),
    };
    if !is_changed {
        return Ok(difference);
    }
    let before = match shown {
        Some(known) => published_tests(db, known.id)?,
        None => Vec::new(),
    };
    let mut now = Vec::with_capacity(template.executions.len());
    for PlannedTest { test, required } in &template.executions {
        now.push((
            test.suite.clone(),
            test.testcase.clone(),
            to_json(required)?,
        ));
    }
    difference.before = before.len() as u64;
    (difference.added, difference.first_added) = only_in(&now, &before)?;
    (difference.removed, difference.first_removed) = only_in(&before, &now)?;
    Ok(difference)
}

fn published_tests(db: &Connection, template: i64) -> Result<Vec<TestKey>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT t.suite, t.testcase, l.labels FROM template_tests p
           JOIN tests t ON t.id = p.test JOIN label_sets l ON l.id = p.label_set
         WHERE p.template = ?1 ORDER BY p.position",
    )?;
    let rows = statement.query_map([template], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many of `list` are not in `other`, and the first of them. What is in both counts as often as it is there.
fn only_in(list: &[TestKey], other: &[TestKey]) -> Result<(u64, Vec<PlannedTest>), StoreError> {
    let mut left = HashMap::<&TestKey, usize>::new();
    for key in other {
        *left.entry(key).or_default() += 1;
    }
    let (mut count, mut first) = (0, Vec::new());
    for key in list {
        if let Some(there) = left.get_mut(key).filter(|there| **there > 0) {
            *there -= 1;
            continue;
        }
        count += 1;
        if first.len() < MAX_DIFFERENCES {
            let (suite, testcase, labels) = key.clone();
            first.push(PlannedTest {
                test: Test { suite, testcase },
                required: from_json::<Capabilities>(&labels)?,
            });
        }
    }
    Ok((count, first))
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
