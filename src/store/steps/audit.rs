//! The list of what people did.

use crate::store::{
    Action, NewAction, Page, StoreError, protocol::request_limits::MAX_PAGE, rows::AuditReads,
};

use super::write_context::WriteContext;

/// Adds an action.
pub(in crate::store) fn record(
    context: &mut WriteContext<'_>,
    action: &NewAction,
) -> Result<(), StoreError> {
    let now = context.now();
    context.rows.add_action(action, now)
}

/// Actions with numbers below `before`, newest first; `next` is the `before` of the next page.
pub(in crate::store) fn actions<R: AuditReads + ?Sized>(
    rows: &mut R,
    before: Option<i64>,
    limit: u32,
) -> Result<Page<Action>, StoreError> {
    let limit = limit.clamp(1, MAX_PAGE);
    let mut items = rows.actions(before.unwrap_or(i64::MAX), limit + 1)?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|last| last.id);
    Ok(Page { items, next })
}
