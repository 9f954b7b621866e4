//! Answering a repeated request to reserve with the same lease, because the first answer may have been lost.

use super::{
    idempotency_keys::{IdempotencyKey, KeyPurpose},
    servers,
    write_context::WriteContext,
};
use crate::{
    model::{Capabilities, ExecutionId, TestId},
    store::{Granted, Reserve, StoreError, protocol::token_derivation, values::span},
};

/// The leases that the same request got before, while it is valid.
pub(in crate::store) fn replay(
    context: &mut WriteContext<'_>,
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
    context: &mut WriteContext<'_>,
    request: &Reserve,
    (execution, epoch): (ExecutionId, u32),
) -> Result<Option<Granted>, StoreError> {
    let Some(valid) = context
        .rows
        .valid_lease(execution, epoch, context.memory.now)?
    else {
        return Ok(None);
    };
    let plan = context.plan(valid.plan)?;
    Ok(Some(Granted {
        execution,
        project: plan.project.clone(),
        batch: plan.batch.clone(),
        test: context.rows.test(valid.test)?,
        test_id: TestId(valid.test),
        required: Capabilities::clone(&*context.labels(valid.label_set)?),
        attempt: epoch,
        lease: token_derivation::token(&context.memory.lease_key, &valid.nonce, execution, epoch),
        deadline: valid.length.deadline,
        expires: context.memory.lead.wall_time(valid.length.deadline),
        timeout: span(valid.length.timeout_ms),
        server: match valid.squish_server {
            Some(id) => servers::any(context, id)?,
            None => None,
        },
        expected: valid.expected.filter(|_| request.batch.is_some()),
        more: Vec::new(),
    }))
}
