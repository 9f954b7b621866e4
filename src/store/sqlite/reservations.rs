//! Reserving executions.

use std::sync::Arc;

use rusqlite::params;

use super::{
    batch_limit,
    batch_pick::following,
    column_values::{ms, random, span},
    execution_rows,
    idempotency_keys::{IdempotencyKey, KeyPurpose, KeyRecord},
    near_pick::{self, NearSearch},
    pick::{QueueHead, next},
    plan_counters::{self, Counter, CounterChange},
    replay::replay,
    server_binding::{ServerBinding, server_to_avoid},
    server_rows,
    statements::Statements as _,
    write_context::{CachedPlan, WriteContext},
};
use crate::{
    model::{Capabilities, SquishServer, TestId},
    store::{
        BatchRequest, Granted, Reservation, Reserve, StoreError,
        protocol::{
            EventKind, LeaseHash, StoredDigest,
            payload::cut,
            request_limits::{self, LONGEST_LEASE, MAX_CHARS, SHORTEST_RESERVATION},
            token_derivation,
        },
    },
};

pub(super) fn reserve(
    context: &mut WriteContext,
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
        .filter(|(_, required)| request.offered.covers(required, context.rules.label_case))
        .cloned()
        .collect();
    let wall = context.lead.wall_time(context.now);
    if plan.planned.is_some_and(|due| wall < due) {
        let all = plan_counters::of_sets(&context.db, plan.id, &fitting, context.now)?;
        return Ok(Reservation::NoExecution {
            pending: all.open + all.reserved,
        });
    }
    let Some((head, skipped)) = next(context, &plan, &fitting, request.worker.as_deref())? else {
        let all = plan_counters::of_sets(&context.db, plan.id, &fitting, context.now)?;
        return Ok(Reservation::NoExecution {
            pending: all.reserved,
        });
    };
    let squish_server = if request.allocate_server {
        let avoided = server_to_avoid(context, head.candidate.id)?;
        let Some(free) = server_rows::free(context, &request.offered, avoided)? else {
            let all = plan_counters::of_sets(&context.db, plan.id, &fitting, context.now)?;
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
        context.db.change_one(
            "a skipped execution",
            "UPDATE executions SET skips = skips + 1 WHERE id = ?1 AND state IN (0, 1)",
            [execution.0],
        )?;
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

/// Keeps the leases of an answer under the key of the request.
fn store_key(
    context: &WriteContext,
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
    context: &mut WriteContext,
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
    context: &mut WriteContext,
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
    let token = token_derivation::token(&context.lease_key, &nonce, id, epoch);
    let worker = request.worker.as_deref().map(|name| cut(name, MAX_CHARS));
    let (expiries, holders) = head.candidate.losses();
    // A released execution keeps its earlier losses: only a reset clears them.
    let keep_losses = head.candidate.lost.is_none();
    context.db.change_one(
        "a reservation",
        "UPDATE executions SET state = 2, epoch = epoch + 1, deadline = ?4, timeout_ms = ?5, compensated_ms = 0, nonce = ?6,
           lease_hash = ?7, principal = ?8, worker = ?9, squish_server = ?10, skips = 0, digest = NULL,
           import_mark = (SELECT coalesce(max(id), 0) FROM imports),
           expiries = iif(?11, expiries, ?12), lost_on = iif(?11, lost_on, ?13)
         WHERE id = ?1 AND state = ?2 AND epoch = ?3",
        params![
            id.0,
            head.state,
            head.epoch,
            deadline.0,
            ms(timeout),
            nonce,
            LeaseHash::of(&token).0,
            request.principal,
            worker,
            squish_server.as_ref().map(|s| s.id.0),
            keep_losses,
            expiries,
            holders
        ],
    )?;
    if let Some(squish_server) = &squish_server {
        ServerBinding::bind(context, squish_server.id, id, epoch)?;
    }
    CounterChange::of_move(Counter::Open, Counter::Reserved).write(
        &context.db,
        plan.id,
        head.label_set,
    )?;
    context.record_event(
        plan.id,
        (id, epoch),
        EventKind::Reserved,
        &request.principal,
        worker.as_deref().unwrap_or_default(),
    )?;
    context.earliest_end = context.earliest_end.min(deadline);
    Ok(Granted {
        execution: id,
        project: plan.project.clone(),
        batch: plan.batch.clone(),
        test: execution_rows::test(&context.db, head.test)?,
        test_id: TestId(head.test),
        required: Capabilities::clone(&head.required),
        attempt: epoch,
        lease: token,
        deadline,
        expires: context.lead.wall_time(deadline),
        timeout,
        server: squish_server,
        expected: (!head.is_estimated).then(|| span(head.candidate.expected_ms)),
        more: Vec::new(),
    })
}
