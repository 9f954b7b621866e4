//! Publishing templates: a template keeps its number, by project and title.
//!
//! Templates come from files when a service starts, and from requests while it runs. The latest change wins: a file that
//! did not change since the last start does not undo what a request published.

use std::collections::{BTreeSet, HashMap};

use super::write_context::WriteContext;
use crate::{
    model::{Capabilities, PlanId, PlannedTest, Test, TestListDigest},
    store::{
        MAX_DIFFERENCES, RefusalCode, StoreError, TemplateDefinition, TemplateDifference,
        protocol::{StoredDigest, refuse, request_limits},
        rows::{Reads, TemplateDigests, TestKey, TestSource},
        values::{from_json, to_json},
    },
};

/// Who publishes a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TemplatePublisher {
    File,
    Request,
}

/// Publishes the templates of some projects; others of the same projects that came from files are hidden.
pub(in crate::store) fn publish(
    context: &mut WriteContext<'_>,
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
pub(in crate::store) fn publish_on_request(
    context: &mut WriteContext<'_>,
    templates: &[TemplateDefinition],
) -> Result<Vec<TemplateDifference>, StoreError> {
    let mut differences = differences(context.rows, templates)?;
    for (template, difference) in templates.iter().zip(&mut differences) {
        difference.id = Some(publish_one(context, template, TemplatePublisher::Request)?);
    }
    Ok(differences)
}

/// What publishing templates on request would change.
pub(in crate::store) fn differences(
    rows: &mut dyn Reads,
    templates: &[TemplateDefinition],
) -> Result<Vec<TemplateDifference>, StoreError> {
    check(templates)?;
    for template in templates {
        request_limits::tests(&template.executions)?;
    }
    let all = templates.iter().map(|it| difference(rows, it));
    all.collect()
}

/// Hides the templates of a project that are no longer in its file. Those that never were in a file stay.
fn hide_others(
    context: &mut WriteContext<'_>,
    project: &str,
    kept: &[PlanId],
) -> Result<(), StoreError> {
    let shown = context.rows.shown_templates(project)?;
    for id in shown.into_iter().filter(|id| !kept.contains(id)) {
        context.rows.hide_template(id)?;
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

fn publish_one(
    context: &mut WriteContext<'_>,
    template: &TemplateDefinition,
    publisher: TemplatePublisher,
) -> Result<PlanId, StoreError> {
    let known = context.rows.template(template)?;
    let shown = known.as_ref().filter(|known| !known.is_hidden);
    if let Some(shown) = shown.filter(|shown| shown.has_digest) {
        let published = match publisher {
            TemplatePublisher::File => shown.file_definition,
            TemplatePublisher::Request => shown.definition,
        };
        if published.is_some_and(|stored| stored.matches(template)) {
            return Ok(shown.id);
        }
    }
    let definition = StoredDigest::of(template);
    let file_definition = match publisher {
        TemplatePublisher::File => Some(definition),
        // A hidden template no longer belongs to the file.
        TemplatePublisher::Request => shown.and_then(|shown| shown.file_definition),
    };
    let id = if let Some(known) = &known {
        known.id
    } else {
        let now = context.now();
        context
            .rows
            .insert_template(&template.project, &template.title, now)?
    };
    let digests = TemplateDigests {
        definition,
        file_definition,
        tests: TestListDigest::of(&template.executions),
    };
    context.rows.update_template(id, template, &digests)?;
    let source = TestSource::Template(id);
    context
        .rows
        .insert_tests(source, &template.project, &template.executions)?;
    Ok(id)
}

fn difference(
    rows: &mut dyn Reads,
    template: &TemplateDefinition,
) -> Result<TemplateDifference, StoreError> {
    let known = rows.template(template)?;
    let shown = known.as_ref().filter(|known| !known.is_hidden);
    let is_changed = !shown
        .and_then(|known| known.definition)
        .is_some_and(|stored| stored.matches(template));
    let mut difference = TemplateDifference {
        id: known.as_ref().map(|known| known.id),
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
        Some(known) => rows.published_tests(known.id)?,
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
