//! What people do to plans, leases and Squish servers: for the calls of the API and for the forms of pages.

use super::{http_error::HttpError, service_state::ServiceState};
use crate::{
    model::{
        ExecutionId, ExecutionState, PlanId, SquishServer, SquishServerChange, SquishServerId,
    },
    store::{CancelPlan, CancelledPlan, ExecutionFilter, NewAction, RefusalCode, Reset, Revoke},
};

/// Most executions that one transaction opens again.
const MAX_RESETS: u32 = 500;

/// What a retry did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Retried {
    /// Executions that are open again.
    pub(super) reset: u64,
    /// Executions that changed meanwhile.
    pub(super) refused: u64,
}

/// Cancels a plan.
pub(super) async fn cancel(
    shared: &ServiceState,
    request: CancelPlan,
) -> Result<CancelledPlan, HttpError> {
    let (plan, principal) = (request.plan, request.principal.clone());
    let stopped = request.stop_running;
    let done = shared
        .ask(move |store, now| store.cancel(request, now))
        .await?;
    let CancelledPlan { open, running, .. } = done;
    tracing::info!(%plan, principal, open, running, stopped, "cancelled a plan");
    shared.live_pages.workers_changed(plan);
    Ok(done)
}

/// Ends a lease in place of its holder.
pub(super) async fn release(shared: &ServiceState, request: Revoke) -> Result<(), HttpError> {
    let (plan, execution) = (request.plan, request.execution);
    let principal = request.principal.clone();
    shared
        .ask(move |store, now| store.revoke(request, now))
        .await?;
    tracing::info!(%plan, %execution, principal, "released a lease");
    shared.live_pages.workers_changed(plan);
    Ok(())
}

/// Opens all executions of a plan again that failed or could not run.
pub(super) async fn retry(
    shared: &ServiceState,
    plan: PlanId,
    principal: &str,
) -> Result<Retried, HttpError> {
    let mut done = Retried::default();
    for filter in [ExecutionFilter::Failed, ExecutionFilter::CouldNotRun] {
        let mut after = 0;
        loop {
            let page = shared
                .ask_for_waiting(move |store, now| {
                    store.filtered_executions(plan, filter, after, MAX_RESETS, now)
                })
                .await?;
            let ended = page.items.iter();
            let ended = ended.filter(|it| it.state == ExecutionState::Done);
            let entries: Vec<Reset> = ended
                .map(|it| Reset {
                    execution: it.id,
                    generation: Some(it.generation),
                    principal: principal.to_owned(),
                })
                .collect();
            if !entries.is_empty() {
                let answers = shared
                    .ask(move |store, now| store.reset_many(plan, entries, now))
                    .await?;
                let reset = answers.iter().filter(|answer| answer.is_ok()).count();
                done.reset += reset as u64;
                done.refused += (answers.len() - reset) as u64;
            }
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
    }
    if done.reset > 0 {
        let action = NewAction {
            principal: principal.to_owned(),
            action: "retry".to_owned(),
            subject: format!("plan {plan}"),
            detail: format!("{} executions are open again", done.reset),
        };
        note(shared, action).await?;
    }
    let Retried { reset, refused } = done;
    tracing::info!(%plan, principal, reset, refused, "reset what failed");
    Ok(done)
}

/// Changes a Squish server.
pub(super) async fn change_server(
    shared: &ServiceState,
    id: SquishServerId,
    change: SquishServerChange,
) -> Result<SquishServer, HttpError> {
    let (principal, enabled) = (change.by.clone(), change.enabled);
    let is_more = change.host.is_some() || change.port.is_some() || change.labels.is_some();
    let server = shared
        .ask(move |store, now| store.change_squish_server(id, change, now))
        .await?;
    let address = server.address();
    tracing::info!(squish_server = %address, principal, ?enabled, "changed a Squish server");
    if is_more {
        note_server(shared, "change", &address, &principal).await?;
    }
    Ok(server)
}

/// Adds a change of the registry to the list of what people did.
pub(super) async fn note_server(
    shared: &ServiceState,
    action: &str,
    address: &str,
    principal: &str,
) -> Result<(), HttpError> {
    let action = NewAction {
        principal: principal.to_owned(),
        action: action.to_owned(),
        subject: format!("Squish server {address}"),
        detail: String::new(),
    };
    note(shared, action).await
}

async fn note(shared: &ServiceState, action: NewAction) -> Result<(), HttpError> {
    shared
        .ask(move |store, now| store.record_action(action, now))
        .await
}

/// The registered Squish server of a number.
pub(super) async fn server(
    shared: &ServiceState,
    id: SquishServerId,
) -> Result<SquishServer, HttpError> {
    let servers = shared
        .ask_for_waiting(|store, now| store.squish_servers(now))
        .await?;
    let found = servers.into_iter().find(|server| server.id == id);
    found.ok_or_else(|| {
        let message = format!("there is no Squish server {id}. Open the list of servers.");
        HttpError::from(crate::store::protocol::refuse(
            RefusalCode::Unknown,
            message,
        ))
    })
}

/// An execution of a plan as it is now.
pub(super) async fn execution(
    shared: &ServiceState,
    plan: PlanId,
    execution: ExecutionId,
) -> Result<crate::model::Execution, HttpError> {
    let found = shared
        .ask_for_waiting(move |store, now| store.execution_history(plan, execution, 1, now))
        .await?;
    Ok(found.execution)
}
