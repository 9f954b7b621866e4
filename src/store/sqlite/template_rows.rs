//! Publishing templates: a template keeps its number, by project and title.
//!
//! Templates come from files when a service starts, and from requests while it runs. The latest change wins: a file that
//! did not change since the last start does not undo what a request published.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, params};

use super::{
    column_values::{from_json, to_json},
    statements::Statements as _,
    test_list_rows::{self, TestSource},
    write_context::WriteContext,
};
use crate::{
    model::{Capabilities, PlanId, PlannedTest, Test, TestListDigest},
    store::{
        MAX_DIFFERENCES, RefusalCode, StoreError, TemplateDefinition, TemplateDifference,
        protocol::{StoredDigest, refuse, request_limits},
    },
};

/// Who publishes a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TemplatePublisher {
    File,
    Request,
}

/// The row of a template.
struct TemplateRow {
    id: i64,
    definition: Option<StoredDigest>,
    file_definition: Option<StoredDigest>,
    is_hidden: bool,
    /// Whether its tests have a digest: rows of older versions have none.
    has_digest: bool,
}

/// Publishes the templates of some projects; others of the same projects that came from files are hidden.
pub(super) fn publish(
    context: &mut WriteContext,
    templates: &[TemplateDefinition],
) -> Result<Vec<PlanId>, StoreError> {
    check(templates)?;
    let mut ids = Vec::with_capacity(templates.len());
    for template in templates {
        ids.push(publish_one(context, template, TemplatePublisher::File)?);
    }
    let projects: BTreeSet<&str> = templates.iter().map(|t| t.project.as_str()).collect();
    for project in projects {
        hide_others(context, project, &ids)?;
    }
    Ok(ids)
}

/// Publishes templates and leaves all others as they are.
pub(super) fn publish_on_request(
    context: &mut WriteContext,
    templates: &[TemplateDefinition],
) -> Result<Vec<TemplateDifference>, StoreError> {
    let mut differences = differences(&context.db, templates)?;
    for (template, difference) in templates.iter().zip(&mut differences) {
        difference.id = Some(publish_one(context, template, TemplatePublisher::Request)?);
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
        request_limits::tests(&template.executions)?;
    }
    templates.iter().map(|it| difference(db, it)).collect()
}

/// Hides the templates of a project that are no longer in its file. Those that never were in a file stay.
fn hide_others(context: &WriteContext, project: &str, kept: &[PlanId]) -> Result<(), StoreError> {
    let shown: Vec<i64> = context.db.read_all(
        "SELECT id FROM plans
         WHERE kind = 0 AND project = ?1 AND hidden = 0 AND file_definition IS NOT NULL",
        [project],
        |row| row.get(0),
    )?;
    for id in shown.into_iter().filter(|id| !kept.contains(&PlanId(*id))) {
        context.db.change_one(
            "hiding a template",
            "UPDATE plans SET hidden = 1 WHERE id = ?1 AND hidden = 0",
            [id],
        )?;
    }
    Ok(())
}

fn check(templates: &[TemplateDefinition]) -> Result<(), StoreError> {
    let mut seen = BTreeSet::new();
    for template in templates {
        request_limits::name("the project", &template.project)?;
        request_limits::name("the title", &template.title)?;
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
            request_limits::labels(&execution.required)?;
        }
    }
    Ok(())
}

fn find(db: &Connection, template: &TemplateDefinition) -> Result<Option<TemplateRow>, StoreError> {
    db.read_if(
        "SELECT id, definition, file_definition, hidden, tests_digest IS NOT NULL FROM plans
             WHERE kind = 0 AND project = ?1 AND title = ?2",
        params![template.project, template.title],
        |row| {
            Ok(TemplateRow {
                id: row.get(0)?,
                definition: row.get(1)?,
                file_definition: row.get(2)?,
                is_hidden: row.get(3)?,
                has_digest: row.get(4)?,
            })
        },
    )
}

fn publish_one(
    context: &mut WriteContext,
    template: &TemplateDefinition,
    publisher: TemplatePublisher,
) -> Result<PlanId, StoreError> {
    let known = find(&context.db, template)?;
    let shown = known.as_ref().filter(|known| !known.is_hidden);
    if let Some(shown) = shown.filter(|shown| shown.has_digest) {
        let published = match publisher {
            TemplatePublisher::File => shown.file_definition,
            TemplatePublisher::Request => shown.definition,
        };
        if published.is_some_and(|stored| stored.matches(template)) {
            return Ok(PlanId(shown.id));
        }
    }
    let definition = StoredDigest::of(template);
    let file_definition = match publisher {
        TemplatePublisher::File => Some(definition),
        // A hidden template no longer belongs to the file.
        TemplatePublisher::Request => shown.and_then(|shown| shown.file_definition),
    };
    let id = match &known {
        Some(known) => known.id,
        None => context.db.insert(
                "INSERT INTO plans (kind, project, title, description, batch, tags, repositories, created_at,
                   size, first_execution) VALUES (0, ?1, ?2, '', '', '[]', '[]', ?3, 0, 0)",
            params![template.project, template.title, context.now.0])?,
    };
    context.db.change_one(
        "publishing a template",
        "UPDATE plans SET description = ?2, tags = ?3, size = ?4, hidden = 0, definition = ?5,
               file_definition = ?6, tests_digest = ?7
             WHERE id = ?1 AND kind = 0",
        params![
            id,
            template.description,
            to_json(&template.tags)?,
            i64::try_from(template.executions.len()).unwrap_or(i64::MAX),
            definition,
            file_definition,
            TestListDigest::of(&template.executions).bytes(),
        ],
    )?;
    context
        .db
        .prepare_cached("DELETE FROM template_tests WHERE template = ?1")?
        .execute([id])?;
    let source = TestSource::Template(PlanId(id));
    test_list_rows::insert(context, source, &template.project, &template.executions)?;
    Ok(PlanId(id))
}

/// Suite, test case and labels as JSON: what makes two planned tests the same.
type TestKey = (String, String, String);

fn difference(
    db: &Connection,
    template: &TemplateDefinition,
) -> Result<TemplateDifference, StoreError> {
    let known = find(db, template)?;
    let shown = known.as_ref().filter(|known| !known.is_hidden);
    let is_changed = !shown
        .and_then(|known| known.definition)
        .is_some_and(|stored| stored.matches(template));
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
    db.read_all(
        "SELECT t.suite, t.testcase, l.labels FROM template_tests p
           JOIN tests t ON t.id = p.test JOIN label_sets l ON l.id = p.label_set
         WHERE p.template = ?1 ORDER BY p.position",
        [template],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

/// How many of `list` are not in `other`, and the first of them. Every repetition of a test counts.
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
