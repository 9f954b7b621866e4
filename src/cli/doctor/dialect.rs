//! What the service can do beyond what every one of them does.

use super::finding::{Finding, Group};
use crate::{
    client::{ClientError, ServiceKind, StatusWord},
    model::Plan,
};

const GROUP: Group = Group::Dialect;

/// What the service showed of itself.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub service: ServiceKind,
    /// How it calls the executions that are done; `None` without a plan to ask for.
    pub status: Option<&'a Result<StatusWord, ClientError>>,
    /// The template, if it was found.
    pub template: Option<&'a Plan>,
    /// Whether the plan that it was asked for is there.
    pub is_started: bool,
}

/// Which dialect is spoken, and what follows from that.
pub fn judge(shown: Shown<'_>) -> Vec<Finding> {
    if shown.service == ServiceKind::Unknown {
        return vec![Finding::not_checked(
            GROUP,
            "service",
            "no answer was understood yet",
        )];
    }
    let is_testplan = shown.service == ServiceKind::Testplan;
    let (service, leases) = if is_testplan {
        (
            "testplan's own service, with long polls and lists of executions",
            "each reservation has a token of its own: who lost a lease cannot finish it",
        )
    } else {
        (
            "not testplan's own: spoken to as Test Center, by the vendor's API alone",
            "without tokens: a lease is kept by heartbeats, and lost when they stop",
        )
    };
    vec![
        Finding::ok(GROUP, "service", service),
        Finding::ok(GROUP, "leases", leases),
        status(&shown, is_testplan),
        managed(&shown, is_testplan),
    ]
}

fn status(shown: &Shown<'_>, is_testplan: bool) -> Finding {
    const ID: &str = "status";
    match shown.status {
        None if is_testplan => Finding::ok(GROUP, ID, "counts say `done` and `finished`"),
        None => {
            let finding = Finding::not_checked(
                GROUP,
                ID,
                "whether counts say `done` or `finished` shows with a plan only",
            );
            finding.cured("name a plan that was started with --plan-id; both words are understood")
        }
        Some(Ok(StatusWord::Neither)) => Finding::problem(
            GROUP,
            ID,
            "counts say neither `done` nor `finished`: nobody would know when a plan is drained",
            "check that the URL is Test Center's own, and update it",
        ),
        Some(Ok(word)) => Finding::ok(GROUP, ID, format!("counts say {word}")),
        Some(Err(error)) if shown.is_started => {
            Finding::problem(GROUP, ID, error.to_string(), error.help())
        }
        Some(Err(_)) => Finding::not_checked(GROUP, ID, "there is no such plan to ask for"),
    }
}

fn managed(shown: &Shown<'_>, is_testplan: bool) -> Finding {
    const ID: &str = "managed";
    if is_testplan {
        let text = "not here: the tests are run by workers, `testplan work` or `run`";
        return Finding::ok(GROUP, ID, text);
    }
    let Some(template) = shown.template else {
        return Finding::not_checked(
            GROUP,
            ID,
            "whether Test Center can run it shows in the template",
        );
    };
    let linked: Vec<String> = template
        .repositories
        .iter()
        .map(|repository| format!("{} ({})", repository.id, repository.branch))
        .collect();
    let text = if linked.is_empty() {
        "the template names no repository: to have Test Center run the tests takes --linked-repo"
            .to_owned()
    } else {
        format!(
            "Test Center can run the tests itself: the template links repository {}",
            linked.join(", ")
        )
    };
    Finding::ok(GROUP, ID, text)
}
