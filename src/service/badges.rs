//! `GET /badge/{project}/{template}`: how the last plan of a template ended, as a picture.

use axum::response::{IntoResponse as _, Response};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};

use super::{
    http_error::HttpError, page_request::PageRequest, plan_reader::selection,
    service_state::ServiceState, to_page,
};
use crate::{
    model::{PlanId, PlanKind},
    pages::{Badge, PlanState},
    store::{PlanQuery, PlanRunQuery},
};

/// Plans that are looked at for one that ended.
const LOOKED_AT: u32 = 20;
/// Seconds that a picture may be kept: those who show badges ask for each reader.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// The badge of a template: of its last plan that ended, of the branch in the address if there is one.
pub(super) async fn badge(
    shared: &ServiceState,
    request: &PageRequest,
) -> Result<Response, HttpError> {
    let part = |place: usize| request.ids.get(place).cloned().unwrap_or_default();
    let title = part(1);
    let title = title.strip_suffix(".svg").unwrap_or(&title).to_owned();
    let query = PlanQuery {
        project: part(0),
        title: title.clone(),
        kind: PlanKind::Template,
    };
    let template = shared
        .ask_for_waiting(move |store, now| store.find_plan(query, now))
        .await?
        .id;
    let branch = request.head.query("branch")?;
    let state = last_state(shared, template, branch.filter(|it| !it.is_empty())).await?;
    let picture = Badge { name: title, state }.svg();
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
        (CACHE_CONTROL, KEEP),
    ];
    Ok((headers, picture).into_response())
}

/// How the last plan of all tests that ended did, and how many tests that word counts.
async fn last_state(
    shared: &ServiceState,
    template: PlanId,
    branch: Option<String>,
) -> Result<Option<(PlanState, u64)>, HttpError> {
    let query = PlanRunQuery {
        template,
        branch,
        before: None,
    };
    let found = shared
        .ask_for_waiting(move |store, _| store.plan_runs(query, LOOKED_AT))
        .await?;
    let mut last = None;
    for run in found {
        // A plan of some tests says nothing about the others.
        if run.is_over && run.size > 0 && selection(shared, run.id).await?.is_none() {
            last = Some(run);
            break;
        }
    }
    let Some(run) = last else {
        return Ok(None);
    };
    let detail = shared
        .ask_for_waiting(move |store, now| store.plan_detail(run.id, now))
        .await?;
    let summary = to_page::summary(detail.overview, shared.clock.now());
    let counts = &summary.counts;
    let count = match summary.state {
        PlanState::Failed => counts.failed,
        PlanState::CouldNotRun => counts.could_not_run,
        _ => counts.passed,
    };
    Ok(Some((summary.state, count)))
}
