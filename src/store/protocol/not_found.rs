//! Refusals of look-ups that find nothing, with similar names.

use super::{
    super::{PlanQuery, RefusalCode, StoreError},
    refuse,
};
use crate::model::{ExecutionId, PlanId, PlanKind};

/// Lowest similarity of a suggested name, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.6;
/// Most suggested names.
const MAX_NAMES: usize = 3;

/// The refusal of a look-up, given the titles of the project and all projects.
pub(crate) fn plan(query: &PlanQuery, titles: &[String], projects: &[String]) -> StoreError {
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
                suggestion(project, projects, "projects")
            ),
        }
    } else if titles.is_empty() {
        format!("the project has no {kind} yet")
    } else {
        suggestion(title, titles, "titles")
    };
    refuse(
        RefusalCode::Unknown,
        format!("no {kind} {title:?} in project {project:?}: {hint}. Names compare exactly."),
    )
}

/// The refusal of an unknown number of a plan.
pub(crate) fn unknown_plan(id: PlanId) -> StoreError {
    refuse(
        RefusalCode::Unknown,
        format!("there is no plan {id}. Look it up by project and title."),
    )
}

/// The refusal of a template where a started plan is expected.
pub(crate) fn is_template(id: PlanId) -> StoreError {
    refuse(
        RefusalCode::Malformed,
        format!("{id} is a template: start a plan from it and use the number of that plan."),
    )
}

/// The refusal of an entry of a list whose execution is not one of the plan in the path.
pub(crate) fn not_of_plan(execution: ExecutionId, plan: PlanId) -> StoreError {
    refuse(
        RefusalCode::Unknown,
        format!(
            "plan {plan} has no execution {execution}. Use the number from a reservation of this plan."
        ),
    )
}

fn suggestion(wanted: &str, known: &[String], what: &str) -> String {
    let near = nearest(wanted, known);
    if !near.is_empty() {
        return format!("the nearest {what} are {}", quoted(&near));
    }
    let first: Vec<_> = known.iter().take(MAX_NAMES).map(String::as_str).collect();
    let more = if known.len() > MAX_NAMES { ", …" } else { "" };
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
        .filter(|(score, _)| *score >= MIN_SIMILARITY)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored
        .into_iter()
        .take(MAX_NAMES)
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
