//! Opening an execution again that failed or could not run.

use rusqlite::params;

use super::{
    counts::Move,
    desk::Desk,
    executions,
    rows::{one_or_none, to_json},
};
use crate::store::{
    Reset, StoreError,
    protocol::{EventKind, payload, reset},
};

pub(super) fn reset(desk: &mut Desk, request: &Reset) -> Result<(), StoreError> {
    let id = request.execution;
    let found = executions::find(&desk.db, id)?;
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE executions SET state = 0, generation = generation + 1, reset_epoch = epoch,
               expiries = 0, skips = 0, lost_on = '', late_results = 0, principal = '',
               deadline = NULL, timeout_ms = NULL, squish_server = NULL, worker = NULL,
               nonce = NULL, lease_hash = NULL, digest = NULL,
               verdict = NULL, duration_ms = NULL, flaky = NULL, error = NULL, details = NULL
             WHERE id = ?1 AND state = 3 AND (error IS NOT NULL OR verdict = 1)
               AND (?2 IS NULL OR generation = ?2)",
        )?
        .execute(params![id.0, request.generation])?;
    if !one_or_none(rows, "a reset")? {
        return reset::refused(&found.view, request.generation);
    }
    let step = Move {
        open: 1,
        done: -1,
        ..Move::default()
    };
    step.verdict(found.outcome.as_ref().and_then(payload::verdict), -1)
        .write(&desk.db, found.plan, found.label_set)?;
    let who = (id, found.view.epoch);
    let outcome = to_json(&found.outcome)?;
    desk.event(
        found.plan,
        who,
        EventKind::Reset,
        &request.principal,
        &outcome,
    )?;
    desk.note_change();
    Ok(())
}
