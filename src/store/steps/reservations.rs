//! Reserving executions.

use std::sync::Arc;

use super::{
    batch_limit,
    batch_pick::following,
    idempotency_keys::{IdempotencyKey, KeyPurpose},
    near_pick::{self, NearSearch},
    pick::{QueueHead, next},
    replay::replay,
    servers, totals,
    write_context::{CachedPlan, WriteContext},
};
use crate::{
    model::{Capabilities, PlanStatus, SquishServer, TestId},
    store::{
        BatchRequest, Granted, Reservation, Reserve, StoreError,
        protocol::{
            EventKind, LeaseHash, StoredDigest,
            payload::cut,
            request_limits::{self, LONGEST_LEASE, MAX_CHARS, SHORTEST_RESERVATION},
            token_derivation,
        },
        rows::{Counter, CounterChange, KeyRecord, LeaseLength, NewLease, ServerBinding},
        values::{ms, random, span},
    },
};

pub(in crate::store) fn reserve(
    context: &mut WriteContext<'_>,
    request: &Reserve,
) -> Result<Reservation, StoreError> {
    request_limits::reserve(request)?;
    let plan = context.started_plan(request.plan)?;
    if let Some(granted) = replay(context, request)? {
        return Ok(Reservation::Granted(Box::new(granted)));
    }
    let fitting: Vec<(i64, Arc<Capabilities>)> = plan
        .label_sets
        .iter()
        .filter(|(_, required)| request.offered.covers(required, context.rules().label_case))
        .cloned()
        .collect();
    if context.rows.cancelling(plan.id)?.is_some() {
        // What is open ends within moments.
        let all = all_of(context, &plan, &fitting)?;
        return Ok(Reservation::NoExecution {
            pending: all.reserved,
        });
    }
    let wall = context.memory.lead.wall_time(context.now());
    if plan.planned.is_some_and(|due| wall < due) {
        let all = all_of(context, &plan, &fitting)?;
        return Ok(Reservation::NoExecution {
            pending: all.open + all.reserved,
        });
    }
    let Some((head, skipped)) = next(context, &plan, &fitting, request.worker.as_deref())? else {
        let all = all_of(context, &plan, &fitting)?;
        return Ok(Reservation::NoExecution {
            pending: all.reserved,
        });
    };
    let squish_server = if request.allocate_server {
        let avoided = context.rows.troubled_server(head.candidate.id)?;
        let Some(free) = servers::free(context, &request.offered, avoided)? else {
            let all = all_of(context, &plan, &fitting)?;
            return Ok(Reservation::NoServer {
                pending: all.open + all.reserved,
            });
        };
        Some(free)
    } else {
        None
    };
    let heads = match &request.batch {
        Some(batch) if squish_server.is_none() => {
            several(context, &plan, &fitting, request, batch, head)?
        }
        _ => vec![head],
    };
    // After the batch is chosen: what this reservation skips for the last time is not in its batch either.
    for execution in skipped {
        // No event: this only keeps the order, no lease changes.
        context.rows.skip(execution)?;
    }
    let Some((first, others)) = heads.split_first() else {
        return Err(StoreError::Broken("BUG: an empty batch".to_owned()));
    };
    let mut granted = grant(context, request, &plan, first, squish_server)?;
    for head in others {
        granted
            .more
            .push(grant(context, request, &plan, head, None)?);
    }
    store_key(context, request, &granted)?;
    Ok(Reservation::Granted(Box::new(granted)))
}

/// The counters of the label sets that fit.
fn all_of(
    context: &mut WriteContext<'_>,
    plan: &CachedPlan,
    fitting: &[(i64, Arc<Capabilities>)],
) -> Result<PlanStatus, StoreError> {
    let now = context.now();
    totals::of_sets(context.rows, plan.id, fitting, now)
}

/// Keeps the leases of an answer under the key of the request.
fn store_key(
    context: &mut WriteContext<'_>,
    request: &Reserve,
    granted: &Granted,
) -> Result<(), StoreError> {
    let Some(key) = &request.key else {
        return Ok(());
    };
    let more = granted.more.iter();
    let record = KeyRecord {
        digest: StoredDigest::of(request),
        subject: granted.execution.0,
        epoch: Some(granted.attempt),
        more: more.map(|it| (it.execution, it.attempt)).collect(),
    };
    IdempotencyKey::new(KeyPurpose::Reserve, &request.principal, key).store(
        context,
        &record,
        granted.deadline,
    )
}

/// The executions of a batch, given the one that comes first in the order of single reservations.
fn several(
    context: &mut WriteContext<'_>,
    plan: &CachedPlan,
    fitting: &[(i64, Arc<Capabilities>)],
    request: &Reserve,
    batch: &BatchRequest,
    first: QueueHead,
) -> Result<Vec<QueueHead>, StoreError> {
    let worker = request.worker.as_deref();
    let limit = batch_limit::limit(context, plan, fitting, batch)?;
    let is_last_resort = first.candidate.deferred_for(worker);
    if let Some(near) = batch.near.as_ref().filter(|_| !is_last_resort) {
        let labels = first.required.len();
        let mut groups = fitting.chunk_by(|a, b| a.1.len() == b.1.len());
        let search = NearSearch {
            group: groups
                .find(|group| group[0].1.len() == labels)
                .unwrap_or_default(),
            worker,
            near,
            limit,
            has_plan_to_itself: batch.live_workers <= 1,
        };
        let heads = near_pick::choose(context, plan, &search)?;
        if !heads.is_empty() {
            return Ok(heads);
        }
    }
    let following = following(context, plan, fitting, worker, &first, limit)?;
    Ok(std::iter::once(first).chain(following).collect())
}

fn grant(
    context: &mut WriteContext<'_>,
    request: &Reserve,
    plan: &CachedPlan,
    head: &QueueHead,
    squish_server: Option<SquishServer>,
) -> Result<Granted, StoreError> {
    let id = head.candidate.id;
    let epoch = head.epoch + 1;
    let timeout = request.timeout.clamp(SHORTEST_RESERVATION, LONGEST_LEASE);
    let deadline = context.lease_end(timeout);
    let nonce: [u8; 16] = random()?;
    let token = token_derivation::token(&context.memory.lease_key, &nonce, id, epoch);
    let worker = request.worker.as_deref().map(|name| cut(name, MAX_CHARS));
    context.rows.grant(&NewLease {
        execution: id,
        state: head.state,
        epoch: head.epoch,
        length: LeaseLength {
            deadline,
            timeout_ms: ms(timeout),
        },
        nonce,
        hash: LeaseHash::of(&token),
        principal: &request.principal,
        worker: worker.as_deref(),
        squish_server: squish_server.as_ref().map(|server| server.id),
        // A released execution keeps its earlier losses: only a reset clears them.
        losses: head
            .candidate
            .lost
            .is_some()
            .then(|| head.candidate.losses()),
    })?;
    if let Some(squish_server) = &squish_server {
        let binding = ServerBinding {
            squish_server: squish_server.id.0,
            execution: id,
            epoch,
        };
        context.rows.bind_server(binding, context.memory.now)?;
    }
    context.rows.count(
        plan.id,
        head.label_set,
        CounterChange::of_move(Counter::Open, Counter::Reserved),
    )?;
    context.record_event(
        plan.id,
        (id, epoch),
        EventKind::Reserved,
        &request.principal,
        worker.as_deref().unwrap_or_default(),
    )?;
    context.note_end(deadline);
    Ok(Granted {
        execution: id,
        project: plan.project.clone(),
        batch: plan.batch.clone(),
        test: context.rows.test(head.test)?,
        test_id: TestId(head.test),
        required: Capabilities::clone(&head.required),
        attempt: epoch,
        lease: token,
        deadline,
        expires: context.memory.lead.wall_time(deadline),
        timeout,
        server: squish_server,
        expected: (!head.is_estimated).then(|| span(head.candidate.expected_ms)),
        more: Vec::new(),
    })
}
