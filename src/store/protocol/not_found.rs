//! What to say when a look-up finds nothing: the nearest names, so that the next try finds it.

use super::{
    super::{PlanQuery, RefusalCode, StoreError},
    refuse,
};
use crate::model::{PlanId, PlanKind};

/// How like a name must be to be suggested, from 0 to 1.
const NEAR: f64 = 0.6;
/// Most names told.
const MOST: usize = 3;

/// The refusal of a look-up, given the titles of the project and all projects.
pub fn plan(query: &PlanQuery, titles: &[String], projects: &[String]) -> StoreError {
    let kind = match query.kind {
        PlanKind::Template => "template",
        PlanKind::Instance => "plan",
    };
    let PlanQuery { project, title, .. } = query;
    let hint = if titles.is_empty() && !projects.contains(project) {
        match projects {
            [] => "this service has no projects yet".to_owned(),
            _ => format!(
                "the project is unknown; {}",
                told(project, projects, "projects")
            ),
        }
    } else if titles.is_empty() {
        format!("the project has no {kind} yet")
    } else {
        told(title, titles, "titles")
    };
    refuse(
        RefusalCode::Unknown,
        format!("no {kind} {title:?} in project {project:?}: {hint}. Names compare exactly."),
    )
}

/// The refusal of a number that no plan has.
pub fn unknown_plan(id: PlanId) -> StoreError {
    refuse(
        RefusalCode::Unknown,
        format!("there is no plan {id}. Look it up by project and title."),
    )
}

/// The refusal of a template where a started plan is meant.
pub fn is_template(id: PlanId) -> StoreError {
    refuse(
        RefusalCode::Malformed,
        format!("{id} is a template: start a plan from it and use the number of that."),
    )
}

fn told(wanted: &str, known: &[String], what: &str) -> String {
    let near = nearest(wanted, known);
    if !near.is_empty() {
        return format!("the nearest {what} are {}", quoted(&near));
    }
    let first: Vec<_> = known.iter().take(MOST).map(String::as_str).collect();
    let more = if known.len() > MOST { ", …" } else { "" };
    format!("known {what}: {}{more}", quoted(&first))
}

fn nearest<'a>(wanted: &str, known: &'a [String]) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .iter()
        .map(|name| {
            (
                strsim::jaro_winkler(&wanted, &name.to_lowercase()),
                name.as_str(),
            )
        })
        .filter(|(score, _)| *score >= NEAR)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored
        .into_iter()
        .take(MOST)
        .map(|(_, name)| name)
        .collect()
}

fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("{name:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}
