//! Looks plans up and counts their executions. These calls only read, so they are repeated freely.

use std::time::Duration;

use http::Method;

use super::{
    Client, ClientError, ErrorKind, answer, call::Call, retry_budget::RetryBudget,
    retry_rule::Repeat,
};
use crate::{
    api::plan::{PlanResponse, StatusResponse},
    model::{Capabilities, Plan, PlanId, PlanKind, PlanStatus, Timestamp, plan::LinkedRepository},
};

impl Client {
    /// Looks a template or plan up by project and exact title. [`ErrorKind::NotFound`] if the service knows of none;
    /// if there are several, returns the newest.
    pub async fn find_plan(
        &self,
        project: &str,
        title: &str,
        kind: PlanKind,
    ) -> Result<Plan, ClientError> {
        let mut budget = RetryBudget::new(self.patience().service, self.patience().request);
        self.find_plan_within(&mut budget, project, title, kind)
            .await
    }

    pub(super) async fn find_plan_within(
        &self,
        budget: &mut RetryBudget,
        project: &str,
        title: &str,
        kind: PlanKind,
    ) -> Result<Plan, ClientError> {
        let word = kind_word(kind);
        let call = Call::new(Method::GET, "testplans")
            .query("project", project)
            .query("title", title)
            .query("type", word);
        let looked_for = format!("no {word} {title:?} in project {project:?}");
        let not_found = |words: &str, tries| {
            // Our own service begins with the same words.
            let kind = ErrorKind::NotFound {
                message: if words.starts_with(&looked_for) {
                    words.to_owned()
                } else if words.is_empty() {
                    looked_for.clone()
                } else {
                    format!("{looked_for}: {words}")
                },
            };
            call.error(kind, tries, false)
        };
        let rule = self.service_rule(Repeat::Always);
        let found = Box::pin(self.persist_within(budget, &call, rule, newest)).await;
        match found {
            Ok(got) => match got.value {
                None => Err(not_found("", got.tries)),
                Some(plan) if plan.kind != kind => {
                    let shape = ErrorKind::NotUnderstood {
                        status: 200,
                        expected: format!("a plan of type {word:?}"),
                        snippet: format!("type {:?}", kind_word(plan.kind)),
                        json: true,
                    };
                    Err(call.error(shape, got.tries, false))
                }
                Some(plan) => Ok(plan),
            },
            Err(error) => match &error.kind {
                ErrorKind::Refused {
                    status: 404,
                    message,
                    ..
                } => Err(not_found(message, error.tries)),
                _ => Err(error),
            },
        }
    }

    /// A template or plan by number.
    pub async fn plan(&self, plan: PlanId) -> Result<Plan, ClientError> {
        let call = Call::new(Method::GET, &format!("testplans/{plan}"));
        self.ask(&call, one_plan).await
    }

    /// The address of a plan's page for people: as the service says, or else at the URL that it is called by. None where the
    /// service has no such page, or is in this process.
    pub fn page_of(&self, plan: &Plan) -> Option<String> {
        if !self.is_testplan() || self.shared.transport.is_in_process() {
            return None;
        }
        let said = plan.page_url.clone();
        Some(said.unwrap_or_else(|| format!("{}/plans/{}", self.endpoint(), plan.id)))
    }

    /// Counts the executions of a plan that require every capability of `filter`; all of them for an empty one.
    pub async fn status(
        &self,
        plan: PlanId,
        filter: &Capabilities,
    ) -> Result<PlanStatus, ClientError> {
        let call = filter.iter().fold(status_call(plan), |call, wanted| {
            call.query(&wanted.key, &wanted.value)
        });
        self.ask_status(&call).await
    }

    /// Counts all executions of a plan. `testplan serve` answers when the counts change, or after `wait`; Test Center
    /// answers at once, and the caller pauses.
    pub(crate) async fn wait_status(
        &self,
        plan: PlanId,
        wait: Duration,
    ) -> Result<PlanStatus, ClientError> {
        self.ask_status(&self.waiting(status_call(plan), wait))
            .await
    }

    async fn ask_status(&self, call: &Call) -> Result<PlanStatus, ClientError> {
        self.ask(call, counts).await
    }

    /// The call with a request to `testplan serve` to hold its answer back for up to `wait`.
    pub(super) fn waiting(&self, call: Call, wait: Duration) -> Call {
        if wait.as_secs() == 0 || !self.is_testplan() {
            return call;
        }
        let limit = self.limit_of(&call) + wait;
        call.header("prefer", &format!("wait={}", wait.as_secs()))
            .limit(limit)
            .waits(wait)
    }
}

fn status_call(plan: PlanId) -> Call {
    Call::new(Method::GET, &format!("status/{plan}"))
}

fn kind_word(kind: PlanKind) -> &'static str {
    match kind {
        PlanKind::Template => "template",
        PlanKind::Instance => "instance",
    }
}

pub(super) fn one_plan(body: &[u8]) -> Result<Plan, String> {
    answer::json("a plan")(body).map(plan)
}

/// Reads one plan or an array of them: the page shows an object, and does not say what becomes of equal titles.
fn newest(body: &[u8]) -> Result<Option<Plan>, String> {
    if !body.trim_ascii_start().starts_with(b"[") {
        return one_plan(body).map(Some);
    }
    let plans: Vec<PlanResponse> = answer::json("plans")(body)?;
    Ok(plans.into_iter().max_by_key(|plan| plan.id).map(plan))
}

/// Reads counts. The page's table calls the last one `finished`, its example `done`.
fn counts(body: &[u8]) -> Result<PlanStatus, String> {
    let counts: StatusResponse = answer::json("counts of executions")(body)?;
    let done = counts
        .done
        .or(counts.finished)
        .ok_or("a count `done` or `finished`")?;
    Ok(PlanStatus {
        open: counts.open,
        reserved: counts.reserved,
        done,
    })
}

pub(super) fn plan(wire: PlanResponse) -> Plan {
    Plan {
        id: wire.id,
        kind: wire.kind,
        project: wire.project,
        title: wire.title,
        description: wire.description,
        batch: wire.batch_name,
        tags: wire.tags,
        repositories: wire
            .repository_information
            .into_iter()
            .filter_map(|repository| {
                Some(LinkedRepository {
                    id: repository.id.parse().ok()?,
                    branch: repository.branch,
                })
            })
            .collect(),
        planned: wire.planned_dt.map(Timestamp),
        server_time: Timestamp(wire.server_dt),
        passes: wire.passes,
        failed: wire.failed,
        skipped: wire.skipped,
        count: wire.count,
        page_url: wire.page_url,
    }
}
