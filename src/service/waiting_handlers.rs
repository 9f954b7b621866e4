//! What a plan waits for: the store's counts compared with the live workers.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    http_error::HttpError,
    live_workers::KnownWorker,
    request_parts::{EmptyBody, RequestHead},
    service_state::ServiceState,
};
use crate::{
    api::waiting::WaitingResponse,
    model::{
        Capabilities, LabelCase, Lack, Need, Offer, PlanId, PlanStatus, PlanWaiting, SquishServer,
        SquishServerId, Timestamp,
    },
    store::PlanDemand,
};

/// `GET plans/{id}/waiting`
pub(super) async fn get(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<WaitingResponse, HttpError> {
    let plan: PlanId = call.id()?;
    let demand = shared
        .ask(move |store, now| store.demand(plan, now))
        .await?;
    Ok(waiting(&shared, plan, demand).into())
}

/// What a plan waits for now.
pub(super) fn waiting(shared: &ServiceState, plan: PlanId, demand: PlanDemand) -> PlanWaiting {
    let now = shared.clock.now();
    let mut waiting = weigh(demand, &shared.live_workers.of_plan(plan, now), now);
    let lacks: Vec<(Capabilities, Lack)> = waiting
        .lacking()
        .filter_map(|need| Some((need.required.clone(), need.lack?)))
        .collect();
    let since = shared.live_workers.lacking_since(plan, now, &lacks);
    let lacking = waiting.needs.iter_mut().filter(|need| need.lack.is_some());
    for (need, noticed) in lacking.zip(since) {
        let gone = need.last_seen.filter(|_| need.lack == Some(Lack::Worker));
        need.lacking_for = Some(now.since(gone.unwrap_or(noticed).min(noticed)));
    }
    waiting
}

/// Which workers could take which executions, and what is lacking.
fn weigh(demand: PlanDemand, workers: &[KnownWorker], now: Timestamp) -> PlanWaiting {
    let PlanDemand {
        due,
        needs,
        squish_servers,
        label_case: case,
    } = demand;
    let offers = offers(workers, &squish_servers, case);
    let status: PlanStatus = needs.iter().map(|(_, counts)| *counts).sum();
    let mut needs: Vec<Need> = needs
        .into_iter()
        .filter(|(_, counts)| !counts.is_drained())
        .map(|(required, counts)| {
            let fitting = || {
                offers
                    .iter()
                    .filter(|it| it.offered.covers(&required, case))
            };
            let lack = (counts.open > 0)
                .then(|| lack(fitting(), &squish_servers))
                .flatten();
            Need {
                open: counts.open,
                reserved: counts.reserved,
                workers: fitting().map(|offer| offer.workers).sum(),
                last_seen: workers
                    .iter()
                    .filter(|it| it.offered.covers(&required, case))
                    .map(|it| it.last)
                    .max(),
                squish_servers: having(&squish_servers, &required, case),
                lack,
                lacking_for: None,
                required,
            }
        })
        .collect();
    needs.sort_by(|a, b| (b.open, &a.required).cmp(&(a.open, &b.required)));
    PlanWaiting {
        at: now,
        status,
        due,
        needs,
        offers,
        squish_servers,
        partial: None,
    }
}

/// Why workers with these offers can never take an execution that they fit.
fn lack<'a>(
    mut fitting: impl Iterator<Item = &'a Offer>,
    squish_servers: &[SquishServer],
) -> Option<Lack> {
    let enabled = |id: &SquishServerId| squish_servers.iter().any(|it| it.id == *id && it.enabled);
    let mut fitting = fitting.by_ref().peekable();
    if fitting.peek().is_none() {
        return Some(Lack::Worker);
    }
    fitting
        .all(|offer| offer.allocate_server && !offer.squish_servers.iter().any(enabled))
        .then_some(Lack::SquishServer)
}

fn offers(workers: &[KnownWorker], squish_servers: &[SquishServer], case: LabelCase) -> Vec<Offer> {
    let mut offers: BTreeMap<(&Capabilities, bool), Offer> = BTreeMap::new();
    for worker in workers.iter().filter(|worker| worker.workers > 0) {
        let offer = offers
            .entry((&worker.offered, worker.allocate_server))
            .or_insert_with(|| Offer {
                offered: worker.offered.clone(),
                allocate_server: worker.allocate_server,
                workers: 0,
                last_seen: worker.last,
                squish_servers: having(squish_servers, &worker.offered, case),
            });
        offer.workers += worker.workers;
        offer.last_seen = offer.last_seen.max(worker.last);
    }
    offers.into_values().collect()
}

/// The Squish servers with all `wanted` capabilities.
fn having(
    squish_servers: &[SquishServer],
    wanted: &Capabilities,
    case: LabelCase,
) -> Vec<SquishServerId> {
    squish_servers
        .iter()
        .filter(|it| it.labels.covers(wanted, case))
        .map(|it| it.id)
        .collect()
}
