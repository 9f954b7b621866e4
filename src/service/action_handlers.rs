//! Cancelling plans, releasing leases of others, and the list of what people did.

use std::sync::Arc;

use super::{
    actions,
    http_error::HttpError,
    listings::limit,
    request_parts::{EmptyBody, Object, OptionalObject, RequestHead},
    service_state::ServiceState,
    to_wire,
};
use crate::{
    api::{
        actions::{ActionResponse, CancelRequest, CancelResponse, ReleaseRequest},
        execution_list::PageResponse,
        reservation::Done,
    },
    store::{CancelPlan, Revoke},
};

/// `POST plans/{id}/cancel`
pub(super) async fn cancel(
    shared: Arc<ServiceState>,
    call: RequestHead,
    OptionalObject(body): OptionalObject<CancelRequest>,
) -> Result<CancelResponse, HttpError> {
    let request = CancelPlan {
        plan: call.id()?,
        reason: body.reason,
        stop_running: body.stop_running,
        principal: call.principal,
    };
    let plan = request.plan;
    let done = actions::cancel(&shared, request).await?;
    Ok(CancelResponse {
        plan_id: plan,
        open: done.open,
        running: done.running,
        stopped: body.stop_running,
    })
}

/// `POST plans/{id}/release`
pub(super) async fn release(
    shared: Arc<ServiceState>,
    call: RequestHead,
    Object(body): Object<ReleaseRequest>,
) -> Result<Done, HttpError> {
    let request = Revoke {
        plan: call.id()?,
        execution: body.execution_id,
        reason: body.reason,
        principal: call.principal,
    };
    actions::release(&shared, request).await?;
    Ok(Done {
        status: "Lease released".to_owned(),
    })
}

/// `GET audit`
pub(super) async fn audit(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<PageResponse<ActionResponse>, HttpError> {
    let before = call.parsed_query("before", "the number of an action")?;
    let limit = limit(&call)?;
    let page = shared
        .ask_for_waiting(move |store, now| store.actions(before, limit, now))
        .await?;
    Ok(to_wire::page(page, to_wire::action))
}
