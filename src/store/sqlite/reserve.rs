//! Handing executions out.

use std::{collections::HashSet, sync::Arc};

use rusqlite::params;

use super::{
    counts::{self, Move},
    desk::{Desk, PlanFacts},
    keys::{Key, Known, Use},
    pick::{Head, next},
    replay::replay,
    rows::{exactly_one, ms, random},
    squish_servers, trouble,
};
use crate::{
    model::{Capabilities, PlanStatus, SquishServer, Test, TestId},
    store::{
        Granted, Reservation, Reserve, StoreError,
        protocol::{
            EventKind, LeaseHash, lease,
            limits::{self, LONGEST_LEASE, MAX_CHARS, SHORTEST_RESERVATION},
            payload::{self, cut},
        },
    },
};

pub(super) fn reserve(desk: &mut Desk, request: &Reserve) -> Result<Reservation, StoreError> {
    limits::reserve(request)?;
    let plan = desk.started(request.plan)?;
    if let Some(granted) = replay(desk, request)? {
        return Ok(Reservation::Granted(Box::new(granted)));
    }
    let fitting: Vec<(i64, Arc<Capabilities>)> = plan
        .label_sets
        .iter()
        .filter(|(_, required)| request.offered.covers(required, desk.rules.label_case))
        .cloned()
        .collect();
    if plan.planned.is_some_and(|due| desk.now < due) {
        let all = fitting_status(desk, &plan, &fitting)?;
        return Ok(Reservation::NoExecution {
            pending: all.open + all.reserved,
        });
    }
    let Some((head, passed_over)) = next(desk, &plan, &fitting, request.worker.as_deref())? else {
        let all = fitting_status(desk, &plan, &fitting)?;
        return Ok(Reservation::NoExecution {
            pending: all.reserved,
        });
    };
    let squish_server = if request.allocate_server {
        let avoided = trouble::avoided(desk, head.candidate.id)?;
        let Some(free) = squish_servers::free(desk, &request.offered, avoided)? else {
            let all = fitting_status(desk, &plan, &fitting)?;
            return Ok(Reservation::NoServer {
                pending: all.open + all.reserved,
            });
        };
        Some(free)
    } else {
        None
    };
    for skipped in passed_over {
        // Bookkeeping of the order, not a change in what anybody holds: no event.
        let rows = desk
            .db
            .prepare_cached("UPDATE executions SET skips = skips + 1 WHERE id = ?1 AND state = 1")?
            .execute([skipped.0])?;
        exactly_one(rows, "an execution passed over")?;
    }
    let granted = grant(desk, request, &plan, &head, squish_server)?;
    Ok(Reservation::Granted(Box::new(granted)))
}

fn fitting_status(
    desk: &Desk,
    plan: &PlanFacts,
    fitting: &[(i64, Arc<Capabilities>)],
) -> Result<PlanStatus, StoreError> {
    if fitting.is_empty() {
        return Ok(PlanStatus::default());
    }
    let sets: HashSet<i64> = fitting.iter().map(|(set, _)| *set).collect();
    let counts = counts::by_label_set(&desk.db, plan.id, desk.now)?;
    let fitting = counts.into_iter().filter(|(set, _)| sets.contains(set));
    Ok(fitting.map(|(_, status)| status).sum())
}

fn grant(
    desk: &mut Desk,
    request: &Reserve,
    plan: &PlanFacts,
    head: &Head,
    squish_server: Option<SquishServer>,
) -> Result<Granted, StoreError> {
    let id = head.candidate.id;
    let epoch = head.epoch + 1;
    let timeout = request.timeout.clamp(SHORTEST_RESERVATION, LONGEST_LEASE);
    let deadline = desk.now.plus(timeout);
    let nonce: [u8; 16] = random()?;
    let token = lease::token(&desk.lease_key, &nonce, id, epoch);
    let worker = request.worker.as_deref().map(|name| cut(name, MAX_CHARS));
    let (expiries, lost_on) = match &head.candidate.lost {
        Some(_) => head.losses(),
        None => (0, String::new()),
    };
    // A given-back execution keeps what it lost before: only a reset clears that.
    let keep_losses = head.candidate.lost.is_none();
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE executions SET state = 2, epoch = epoch + 1, deadline = ?4, timeout_ms = ?5, nonce = ?6,
               lease_hash = ?7, principal = ?8, worker = ?9, squish_server = ?10, skips = 0, digest = NULL,
               import_mark = (SELECT coalesce(max(id), 0) FROM imports),
               expiries = iif(?11, expiries, ?12), lost_on = iif(?11, lost_on, ?13)
             WHERE id = ?1 AND state = ?2 AND epoch = ?3",
        )?
        .execute(params![
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
            lost_on
        ])?;
    exactly_one(rows, "a reservation")?;
    if let Some(squish_server) = &squish_server {
        squish_servers::bind(desk, squish_server.id, id, epoch)?;
    }
    let step = Move {
        open: -1,
        reserved: 1,
        ..Move::default()
    };
    step.write(&desk.db, plan.id, head.label_set)?;
    let detail = worker.as_deref().unwrap_or_default();
    desk.event(
        plan.id,
        (id, epoch),
        EventKind::Reserved,
        &request.principal,
        detail,
    )?;
    desk.earliest_end = desk.earliest_end.min(deadline);
    if let Some(key) = &request.key {
        let known = Known {
            digest: payload::of_reserve(request),
            subject: id.0,
            epoch: Some(epoch),
        };
        Key::new(Use::Reserve, &request.principal, key).remember(desk, &known, deadline)?;
    }
    Ok(Granted {
        execution: id,
        project: plan.project.clone(),
        batch: plan.batch.clone(),
        test: test(desk, head.test)?,
        test_id: TestId(head.test),
        required: Capabilities::clone(&head.required),
        attempt: epoch,
        lease: token,
        deadline,
        timeout,
        server: squish_server,
    })
}

pub(super) fn test(desk: &Desk, id: i64) -> Result<Test, StoreError> {
    Ok(desk
        .db
        .prepare_cached("SELECT suite, testcase FROM tests WHERE id = ?1")?
        .query_row([id], |row| {
            Ok(Test {
                suite: row.get(0)?,
                testcase: row.get(1)?,
            })
        })?)
}
