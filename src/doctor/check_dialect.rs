//! Shows which dialect of the API the service speaks, and what follows from that.

use super::{
    finding::{Finding, not_checked, ok, problem},
    observe::Observations,
};
use crate::client::{DoneField, ServiceKind};

/// Whether it is testplan's own service; `None` before a valid answer.
fn is_testplan(observations: &Observations<'_>) -> Option<bool> {
    match observations.answers.service {
        ServiceKind::Unknown => None,
        kind => Some(kind == ServiceKind::Testplan),
    }
}

pub(super) fn service(observations: &Observations<'_>) -> Option<Finding> {
    if observations.request.service.is_embedded() {
        return None;
    }
    Some(match is_testplan(observations) {
        None => not_checked("no valid answer yet"),
        Some(true) => ok("testplan's own service, with long polls and lists of executions"),
        Some(false) => ok("taken for Test Center: only the vendor's API is used"),
    })
}

pub(super) fn leases(observations: &Observations<'_>) -> Option<Finding> {
    Some(ok(if is_testplan(observations)? {
        "each reservation has its own token: a worker that lost a lease cannot finish it"
    } else {
        "without tokens: heartbeats keep a lease, and it is lost when they stop"
    }))
}

pub(super) fn status(observations: &Observations<'_>) -> Option<Finding> {
    let is_testplan = is_testplan(observations)?;
    Some(match &observations.answers.status {
        None if is_testplan => ok("counts say `done` and `finished`"),
        None => not_checked("only a plan shows whether counts say `done` or `finished`")
            .cured("name a plan that was started with --plan-id; both words are understood"),
        Some(Ok(DoneField::Neither)) => problem(
            "counts say neither `done` nor `finished`, so that no command could tell when a plan is drained",
            "check that the URL is Test Center's own, and update it",
        ),
        Some(Ok(word)) => ok(format!("counts say {word}")),
        Some(Err(error)) if observations.plan().is_some() => {
            problem(error.to_string(), error.help())
        }
        Some(Err(_)) => not_checked("there is no such plan"),
    })
}

pub(super) fn managed(observations: &Observations<'_>) -> Option<Finding> {
    if is_testplan(observations)? {
        return Some(ok(
            "not here: workers run the tests (`testplan work` or `run`)",
        ));
    }
    let Some(template) = observations.template() else {
        let text = "only the template shows whether Test Center can run it";
        return Some(not_checked(text));
    };
    let repositories = template.plan.repositories.iter();
    let linked: Vec<String> = repositories
        .map(|repository| format!("{} ({})", repository.id, repository.branch))
        .collect();
    Some(ok(if linked.is_empty() {
        "the template names no repository: Test Center can run the tests only with --linked-repo"
            .to_owned()
    } else {
        format!(
            "Test Center can run the tests itself: the template links repository {}",
            linked.join(", ")
        )
    }))
}
