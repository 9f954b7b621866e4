//! How a Squish server becomes free after it gave trouble.

use super::write_context::WriteContext;
use crate::{
    model::{PlanId, ServerTrouble},
    store::{
        StoreError,
        protocol::{EventKind, server_cool_down},
        rows::ServerBinding,
    },
};

/// Frees a server that gave trouble and starts its cool-down. Does nothing if another lease took the server since:
/// the trouble is older than that lease.
pub(in crate::store) fn free_troubled(
    context: &mut WriteContext<'_>,
    binding: ServerBinding,
    trouble: ServerTrouble,
    (plan, principal): (PlanId, &str),
) -> Result<(), StoreError> {
    let Some((address, before)) = context.rows.bound_server(binding)? else {
        return Ok(());
    };
    let in_a_row = before.saturating_add(1);
    let cool_down = server_cool_down::cool_down(context.rules().trouble_rest, in_a_row);
    let rests_until = context.now().plus(cool_down);
    context
        .rows
        .rest_server(binding, (trouble, in_a_row), rests_until)?;
    let attempt = (binding.execution, binding.epoch);
    context
        .rows
        .note_troubled_server(attempt, binding.squish_server)?;
    let detail = server_cool_down::history_text(&address, trouble, cool_down);
    context.record_event(plan, attempt, EventKind::ServerTrouble, principal, &detail)
}
