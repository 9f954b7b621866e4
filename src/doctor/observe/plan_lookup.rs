//! Looks a template or a plan up at the service, and near titles of one that is not found.

use std::time::Duration;

use crate::{
    client::{Client, ClientError, ErrorKind},
    clock,
    model::{Plan, PlanId, PlanKind, Timestamp},
};

/// Most spellings that are tried for a title that is not found.
const MOST_TRIED: usize = 4;

/// A plan and when it was fetched.
#[derive(Clone, Debug)]
pub(crate) struct FetchedPlan {
    pub(crate) plan: Plan,
    /// Our clock when the request was sent.
    pub(crate) sent: Timestamp,
    pub(crate) took: Duration,
}

#[derive(Debug)]
pub(crate) enum PlanLookup {
    Found(FetchedPlan),
    Missing {
        message: String,
        /// What exists instead.
        instead: Vec<String>,
    },
    Unanswered(ClientError),
}

impl PlanLookup {
    pub(crate) fn found(&self) -> Option<&FetchedPlan> {
        match self {
            Self::Found(fetched) => Some(fetched),
            Self::Missing { .. } | Self::Unanswered(_) => None,
        }
    }
}

pub(super) async fn by_title(client: &Client, project: &str, title: &str) -> PlanLookup {
    let found = timed(client.find_plan(project, title, PlanKind::Template)).await;
    match found {
        Ok(fetched) => PlanLookup::Found(fetched),
        Err(error) => match error.kind {
            ErrorKind::NotFound { message } => PlanLookup::Missing {
                instead: near_titles(client, project, title).await,
                message,
            },
            _ => PlanLookup::Unanswered(error),
        },
    }
}

pub(super) async fn by_number(client: &Client, plan: PlanId) -> PlanLookup {
    match timed(client.plan(plan)).await {
        Ok(fetched) => PlanLookup::Found(fetched),
        Err(error) => match error.kind {
            ErrorKind::Refused {
                status: 400 | 404,
                message,
                ..
            } => PlanLookup::Missing {
                message,
                instead: Vec::new(),
            },
            _ => PlanLookup::Unanswered(error),
        },
    }
}

async fn timed(
    fetch: impl Future<Output = Result<Plan, ClientError>>,
) -> Result<FetchedPlan, ClientError> {
    let (sent, began) = (clock::wall(), clock::monotonic());
    let plan = fetch.await?;
    let took = clock::monotonic().saturating_duration_since(began);
    Ok(FetchedPlan { plan, sent, took })
}

/// What Test Center, which lists no titles, has under other spellings. Our service names the nearest titles itself.
async fn near_titles(client: &Client, project: &str, title: &str) -> Vec<String> {
    if client.is_testplan() {
        return Vec::new();
    }
    let spellings = spellings(title);
    let asked = spellings.iter().map(async |title| {
        let found = client.find_plan(project, title, PlanKind::Template).await;
        found.ok().map(|plan| format!("template {:?}", plan.title))
    });
    let (templates, started) = futures_util::future::join(
        futures_util::future::join_all(asked),
        client.find_plan(project, title, PlanKind::Instance),
    )
    .await;
    let started = started.map(|plan| format!("plan {}, which is already started", plan.id));
    let mut found: Vec<String> = templates.into_iter().flatten().chain(started).collect();
    found.dedup();
    found
}

/// Spellings of a title by people and in URLs.
fn spellings(title: &str) -> Vec<String> {
    let plain = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut spellings = Vec::new();
    for other in [
        plain.clone(),
        plain.replace(' ', "-"),
        plain.replace(['-', '_'], " "),
        plain.replace([' ', '-'], "_"),
    ] {
        if other != title && !other.is_empty() && !spellings.contains(&other) {
            spellings.push(other);
        }
    }
    spellings.truncate(MOST_TRIED);
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_replace_blanks_and_dashes() {
        for (title, expected) in [
            (
                "CI-Tests-master",
                &["CI Tests master", "CI_Tests_master"][..],
            ),
            (" CI  Tests", &["CI Tests", "CI-Tests", "CI_Tests"]),
            ("nightly", &[]),
        ] {
            assert_eq!(spellings(title), expected, "{title}");
        }
    }
}
