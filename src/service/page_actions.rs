//! What people do on pages: a question with what will happen, and the action itself.
//!
//! The page that asks shows the counts at the time of asking. The action works on the state at the time of confirming, and the page
//! after it shows what was done, from the list of actions.

use axum::response::Response;
use http::StatusCode;

use super::{
    actions,
    http_error::HttpError,
    page_forms::{Pairs, value},
    page_response,
    page_sessions::Session,
    service_state::ServiceState,
};
use crate::{
    model::{
        ExecutionId, ExecutionState, PlanId, SquishServer, SquishServerChange, SquishServerId,
    },
    pages::{ConfirmForm, ConfirmPage, MessagePage, Site},
    store::{CancelPlan, PlanOverview, Revoke},
};

/// What can be done on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageAction {
    Cancel,
    Retry,
    Release,
    Disable,
    Enable,
}

/// An action of a person with a login.
#[derive(Clone, Copy, Debug)]
pub(super) struct ActionRequest<'a> {
    pub(super) action: PageAction,
    /// The ids in the path.
    pub(super) ids: &'a [String],
    pub(super) session: &'a Session<'a>,
    pub(super) site: &'a Site,
}

/// How many newest actions are looked through for the one just done.
const NEWEST: u32 = 20;

type Answer = Result<Response, HttpError>;

impl ActionRequest<'_> {
    fn id<T: std::str::FromStr>(&self, place: usize) -> Result<T, HttpError> {
        let text = self.ids.get(place).map_or("", String::as_str);
        text.parse().map_err(|_| {
            HttpError::NoPath("there is no such page; open the list of plans".to_owned())
        })
    }

    fn form(&self, path: String, button: &'static str) -> ConfirmForm {
        ConfirmForm {
            path,
            token: self.session.form_token(),
            button,
            who: self.session.who(),
            asks_reason: true,
            may_stop: None,
        }
    }
}

/// The question before an action.
pub(super) async fn confirm(shared: &ServiceState, request: &ActionRequest<'_>) -> Answer {
    let now = shared.clock.now().0;
    let page = match request.action {
        PageAction::Cancel => {
            let overview = overview(shared, request.id(0)?).await?;
            cancel_question(&overview, request, now)
        }
        PageAction::Retry => {
            let overview = overview(shared, request.id(0)?).await?;
            retry_question(&overview, request, now)
        }
        PageAction::Release => release_question(shared, request, now).await?,
        PageAction::Disable | PageAction::Enable => {
            let server = actions::server(shared, request.id(0)?).await?;
            server_question(&server, request, now)
        }
    };
    Ok(page_response::html(StatusCode::OK, page.html(request.site)))
}

/// Does what the question was about.
pub(super) async fn perform(
    shared: &ServiceState,
    request: &ActionRequest<'_>,
    form: &Pairs,
) -> Answer {
    let who = request.session.who();
    let reason = value(form, "reason").unwrap_or("").to_owned();
    match request.action {
        PageAction::Cancel => {
            let plan: PlanId = request.id(0)?;
            let cancel = CancelPlan {
                plan,
                reason,
                stop_running: value(form, "running") == Some("stop"),
                principal: who.clone(),
            };
            let done = actions::cancel(shared, cancel).await?;
            let path = format!("/plans/{plan}");
            if done.open + done.running == 0 {
                let why =
                    "All tests of the plan have ended meanwhile: there was nothing to cancel.";
                return Ok(nothing(request, why, path));
            }
            done_at(shared, request, &path, &format!("plan {plan}")).await
        }
        PageAction::Retry => {
            let plan: PlanId = request.id(0)?;
            let done = actions::retry(shared, plan, &who).await?;
            let path = format!("/plans/{plan}");
            if done.reset == 0 {
                let why = "No test of the plan is failed or without a result now: nothing was opened again.";
                return Ok(nothing(request, why, path));
            }
            done_at(shared, request, &path, &format!("plan {plan}")).await
        }
        PageAction::Release => {
            let (plan, execution): (PlanId, ExecutionId) = (request.id(0)?, request.id(1)?);
            let revoke = Revoke {
                plan,
                execution,
                reason,
                principal: who.clone(),
            };
            actions::release(shared, revoke).await?;
            let path = format!("/plans/{plan}/executions/{execution}");
            let subject = format!("execution {execution} of plan {plan}");
            done_at(shared, request, &path, &subject).await
        }
        PageAction::Disable | PageAction::Enable => {
            let id: SquishServerId = request.id(0)?;
            let before = actions::server(shared, id).await?;
            let enabled = request.action == PageAction::Enable;
            if before.enabled == enabled {
                let why = if enabled {
                    "The server is enabled already."
                } else {
                    "The server is disabled already."
                };
                return Ok(nothing(request, why, "/servers".to_owned()));
            }
            let change = SquishServerChange {
                enabled: Some(enabled),
                reason,
                by: who.clone(),
                ..SquishServerChange::default()
            };
            let server = actions::change_server(shared, id, change).await?;
            let subject = format!("Squish server {}", server.address());
            done_at(shared, request, "/servers", &subject).await
        }
    }
}

/// Leads to a page that says what was done.
async fn done_at(
    shared: &ServiceState,
    request: &ActionRequest<'_>,
    path: &str,
    subject: &str,
) -> Answer {
    let newest = shared
        .ask_for_waiting(|store, now| store.actions(None, NEWEST, now))
        .await?;
    let who = request.session.who();
    let mut newest = newest.items.iter();
    let own = newest.find(|it| it.action.subject == subject && it.action.principal == who);
    let path = request.site.path(path);
    Ok(page_response::redirect(&match own {
        Some(own) => format!("{path}?done={}", own.id),
        None => path,
    }))
}

/// The plan changed since the question.
fn nothing(request: &ActionRequest<'_>, why: &str, back: String) -> Response {
    let page = MessagePage {
        title: "Nothing was done",
        message: why.to_owned(),
        back: Some((back, "Back".to_owned())),
    };
    page_response::html(StatusCode::CONFLICT, page.html(request.site))
}

async fn overview(shared: &ServiceState, plan: PlanId) -> Result<PlanOverview, HttpError> {
    let detail = shared
        .ask_for_waiting(move |store, now| store.plan_detail(plan, now))
        .await?;
    Ok(detail.overview)
}

/// `340 tests wait`, with a verb for one and for several.
fn tests(count: u64, one: &str, several: &str) -> String {
    if count == 1 {
        format!("1 test {one}")
    } else {
        format!("{count} tests {several}")
    }
}

fn cancel_question(overview: &PlanOverview, request: &ActionRequest<'_>, now: i64) -> ConfirmPage {
    let plan = overview.plan.id;
    let (open, running) = (overview.counts.open, overview.counts.reserved);
    let mut sentences = Vec::new();
    if open + running == 0 {
        sentences.push("All tests of the plan have ended: there is nothing to cancel.".to_owned());
    } else {
        sentences.push(format!(
            "{}, {}.",
            tests(open, "waits", "wait"),
            match running {
                0 => "none runs now".to_owned(),
                1 => "1 runs now".to_owned(),
                running => format!("{running} run now"),
            }
        ));
        sentences.push(
            "The waiting ones end as “could not run”, with your name and the reason; workers leave."
                .to_owned(),
        );
        sentences.push("“Run failed tests again” opens them later, if you want.".to_owned());
    }
    let form = (open + running > 0).then(|| ConfirmForm {
        may_stop: (running > 0).then_some(running),
        ..request.form(format!("/plans/{plan}/cancel"), "Cancel plan")
    });
    question(
        format!("Cancel plan {plan}?"),
        overview,
        sentences,
        form,
        now,
    )
}

fn retry_question(overview: &PlanOverview, request: &ActionRequest<'_>, now: i64) -> ConfirmPage {
    let plan = overview.plan.id;
    let (failed, broken) = (overview.plan.failed, overview.could_not_run());
    let mut sentences = Vec::new();
    if failed + broken == 0 {
        sentences
            .push("No test failed or could not run: there is nothing to run again.".to_owned());
    } else {
        sentences.push(format!(
            "{}, {broken} could not run: they open again.",
            tests(failed, "failed", "failed")
        ));
        sentences.push("Workers that are there take them; if none is, start one.".to_owned());
    }
    let form = (failed + broken > 0).then(|| ConfirmForm {
        asks_reason: false,
        ..request.form(format!("/plans/{plan}/retry"), "Run again")
    });
    let text = format!("Run failed tests of plan {plan} again?");
    question(text, overview, sentences, form, now)
}

fn question(
    question: String,
    overview: &PlanOverview,
    sentences: Vec<String>,
    form: Option<ConfirmForm>,
    now: i64,
) -> ConfirmPage {
    ConfirmPage {
        question,
        subject: overview.plan.title.clone(),
        sentences,
        form,
        back: format!("/plans/{}", overview.plan.id),
        back_to: format!("Plan {}", overview.plan.id),
        of_servers: false,
        now,
    }
}

async fn release_question(
    shared: &ServiceState,
    request: &ActionRequest<'_>,
    now: i64,
) -> Result<ConfirmPage, HttpError> {
    let (plan, id): (PlanId, ExecutionId) = (request.id(0)?, request.id(1)?);
    let execution = actions::execution(shared, plan, id).await?;
    let is_held = execution.state == ExecutionState::Reserved;
    let path = format!("/plans/{plan}/executions/{id}");
    let sentences = if is_held {
        vec![
            "A worker runs this test now. It is stopped at its next heartbeat, and its result does not count.".to_owned(),
            "The test opens again for any worker. This is not counted as a lost lease.".to_owned(),
        ]
    } else {
        vec!["No worker holds this test now: there is no lease to release.".to_owned()]
    };
    Ok(ConfirmPage {
        question: format!("Release the lease of execution {id}?"),
        subject: execution.test.to_string(),
        sentences,
        form: is_held.then(|| request.form(format!("{path}/release"), "Release lease")),
        back: path,
        back_to: format!("Execution {id}"),
        of_servers: false,
        now,
    })
}

fn server_question(server: &SquishServer, request: &ActionRequest<'_>, now: i64) -> ConfirmPage {
    let enables = request.action == PageAction::Enable;
    let (word, button, path) = if enables {
        ("Enable", "Enable server", "enable")
    } else {
        ("Disable", "Disable server", "disable")
    };
    let is_done = server.enabled == enables;
    let sentence = match (is_done, enables) {
        (true, true) => "It is enabled already.",
        (true, false) => "It is disabled already.",
        (false, true) => "Reservations get it again. A cool-down ends.",
        (false, false) if server.busy_with.is_some() => {
            "No further test gets it. The test that runs on it now ends as usual."
        }
        (false, false) => "No further test gets it.",
    };
    ConfirmPage {
        question: format!("{word} Squish server {}?", server.address()),
        subject: server.labels.to_string(),
        sentences: vec![sentence.to_owned()],
        form: (!is_done).then(|| request.form(format!("/servers/{}/{path}", server.id), button)),
        back: "/servers".to_owned(),
        back_to: "Squish servers".to_owned(),
        of_servers: true,
        now,
    }
}
