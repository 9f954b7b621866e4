//! Answering a repeated request to reserve with the same lease, because the first answer may have been lost.

use std::time::Duration;

use rusqlite::params;

use super::{
    column_values::span,
    execution_rows,
    idempotency_keys::{IdempotencyKey, KeyPurpose},
    server_rows,
    statements::Statements as _,
    write_context::WriteContext,
};
use crate::{
    model::{Capabilities, ExecutionId, PlanId, TestId, Timestamp},
    store::{Granted, Reserve, StoreError, protocol::token_derivation},
};

/// The columns of a valid lease.
struct ValidLease {
    plan: PlanId,
    test: i64,
    label_set: i64,
    deadline: Timestamp,
    timeout_ms: i64,
    nonce: [u8; 16],
    squish_server: Option<i64>,
    expected: Option<Duration>,
}

/// The leases that the same request got before, while it is valid.
pub(super) fn replay(
    context: &mut WriteContext,
    request: &Reserve,
) -> Result<Option<Granted>, StoreError> {
    let Some(key) = &request.key else {
        return Ok(None);
    };
    let key = IdempotencyKey::new(KeyPurpose::Reserve, &request.principal, key);
    let Some(known) = key.find(context)? else {
        return Ok(None);
    };
    let first = (ExecutionId(known.subject), known.epoch.unwrap_or(0));
    let mut answer: Option<Granted> = None;
    for lease in std::iter::once(&first).chain(&known.more) {
        let Some(granted) = again(context, request, *lease)? else {
            continue;
        };
        match &mut answer {
            Some(answer) => answer.more.push(granted),
            None => answer = Some(granted),
        }
    }
    if answer.is_some() {
        known.check_same(request)?;
    }
    Ok(answer)
}

/// A lease of the answer, while it is valid.
fn again(
    context: &mut WriteContext,
    request: &Reserve,
    (execution, epoch): (ExecutionId, u32),
) -> Result<Option<Granted>, StoreError> {
    let Some(valid) = valid_lease(context, execution, epoch)? else {
        return Ok(None);
    };
    let plan = context.plan(valid.plan)?;
    Ok(Some(Granted {
        execution,
        project: plan.project.clone(),
        batch: plan.batch.clone(),
        test: execution_rows::test(&context.db, valid.test)?,
        test_id: TestId(valid.test),
        required: Capabilities::clone(&*context.labels(valid.label_set)?),
        attempt: epoch,
        lease: token_derivation::token(&context.lease_key, &valid.nonce, execution, epoch),
        deadline: valid.deadline,
        expires: context.lead.wall_time(valid.deadline),
        timeout: span(valid.timeout_ms),
        server: match valid.squish_server {
            Some(id) => server_rows::any(context, id)?,
            None => None,
        },
        expected: valid.expected.filter(|_| request.batch.is_some()),
        more: Vec::new(),
    }))
}

fn valid_lease(
    context: &WriteContext,
    execution: ExecutionId,
    epoch: u32,
) -> Result<Option<ValidLease>, StoreError> {
    context.db.read_if(
        "SELECT plan, test, label_set, deadline, timeout_ms, nonce, squish_server,
           iif(is_estimated, NULL, expected_ms) FROM executions
         WHERE id = ?1 AND epoch = ?2 AND state = 2",
        params![execution.0, epoch],
        |row| {
            Ok(ValidLease {
                plan: PlanId(row.get(0)?),
                test: row.get(1)?,
                label_set: row.get(2)?,
                deadline: Timestamp(row.get(3)?),
                timeout_ms: row.get(4)?,
                nonce: row.get(5)?,
                squish_server: row.get(6)?,
                expected: row.get::<_, Option<i64>>(7)?.map(span),
            })
        },
    )
}
