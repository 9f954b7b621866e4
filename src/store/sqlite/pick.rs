//! Finding the execution to hand out: a look at the head of each fitting label set, never a walk through the plan.

use std::sync::Arc;

use rusqlite::params;

use super::{
    counts::Move,
    desk::{Desk, PlanFacts},
    rows::exactly_one,
};
use crate::{
    model::{Capabilities, ExecutionId},
    store::{
        StoreError,
        protocol::{
            EventKind,
            order::{self, Candidate, Lost},
            payload::cut,
        },
    },
};

/// How many executions of one label set are looked at for one that this worker did not just lose.
const DEPTH: usize = 16;
/// Most bytes kept of the names of workers that an execution was lost on.
const MAX_LOST_ON: usize = 1_024;

/// The executions of a label set in order. Read from the index in that order: only the rows looked at cost anything.
const HEADS: &str = "SELECT id, expected_ms, state, epoch, test, timeout_ms, expiries, skips, worker, lost_on, principal
    FROM executions INDEXED BY executions_available
    WHERE plan = ?1 AND label_set = ?2 AND state < 2 ORDER BY expected_ms DESC, id";

/// A candidate with what the statement that takes it needs.
pub(super) struct Head {
    pub(super) candidate: Candidate,
    pub(super) label_set: i64,
    pub(super) required: Arc<Capabilities>,
    pub(super) test: i64,
    pub(super) state: i64,
    pub(super) epoch: u32,
    pub(super) lost_on: String,
    pub(super) lost_by: String,
}

/// The execution to hand out, with those passed over for it. Poisonous ones in its way are given up.
pub(super) fn next(
    desk: &mut Desk,
    plan: &PlanFacts,
    fitting: &[(i64, Arc<Capabilities>)],
    worker: Option<&str>,
) -> Result<Option<(Head, Vec<ExecutionId>)>, StoreError> {
    loop {
        let mut heads: Vec<Head> = Vec::new();
        // Most labels first: once something suits, sets with fewer labels need no look.
        for group in fitting.chunk_by(|a, b| a.1.len() == b.1.len()) {
            for (set, required) in group {
                look(desk, plan, *set, required, worker, &mut heads)?;
            }
            if heads.iter().any(|h| !h.candidate.deferred_for(worker)) {
                break;
            }
        }
        let mut candidates: Vec<Candidate> = heads.iter().map(|h| h.candidate.clone()).collect();
        let Some(chosen) = order::choose(&mut candidates, worker) else {
            return Ok(None);
        };
        let id = candidates[chosen].id;
        let passed_over = candidates[..chosen].iter().map(|c| c.id).collect();
        let Some(index) = heads.iter().position(|h| h.candidate.id == id) else {
            return Ok(None);
        };
        let head = heads.swap_remove(index);
        if !head.candidate.is_poison(desk.rules.max_expiries) {
            return Ok(Some((head, passed_over)));
        }
        abandon(desk, plan, &head)?;
    }
}

/// Collects the first of a label set in order, down to one that is not deferred.
fn look(
    desk: &Desk,
    plan: &PlanFacts,
    set: i64,
    required: &Arc<Capabilities>,
    worker: Option<&str>,
    heads: &mut Vec<Head>,
) -> Result<(), StoreError> {
    let mut statement = desk.db.prepare_cached(HEADS)?;
    let mut rows = statement.query(params![plan.id.0, set])?;
    for _ in 0..DEPTH {
        let Some(row) = rows.next()? else { break };
        let state: i64 = row.get(2)?;
        let held_by: Option<String> = row.get(8)?;
        let lost = if state == 1 {
            Some(Lost {
                worker: held_by.clone(),
                timeout_ms: row.get(5)?,
                expiries: row.get(6)?,
                skips: row.get(7)?,
            })
        } else {
            None
        };
        let candidate = Candidate {
            id: ExecutionId(row.get(0)?),
            labels: required.len(),
            expected_ms: row.get(1)?,
            lost,
        };
        let suits = !candidate.deferred_for(worker);
        heads.push(Head {
            candidate,
            label_set: set,
            required: Arc::clone(required),
            test: row.get(4)?,
            state,
            epoch: row.get(3)?,
            lost_on: row.get(9)?,
            lost_by: match held_by {
                Some(worker) => worker,
                None => row.get(10)?,
            },
        });
        if suits {
            break;
        }
    }
    Ok(())
}

impl Head {
    /// How many leases have ended on it, and on whom, with the last one.
    pub(super) fn losses(&self) -> (u32, String) {
        let Some(lost) = &self.candidate.lost else {
            return (0, String::new());
        };
        if !lost.counts() {
            return (lost.expiries, self.lost_on.clone());
        }
        let names = if self.lost_on.is_empty() {
            self.lost_by.clone()
        } else {
            format!("{}, {}", self.lost_on, self.lost_by)
        };
        (lost.expiries(), cut(&names, MAX_LOST_ON))
    }
}

/// Gives an execution up that was lost too often: whoever takes it next would be lost as well.
fn abandon(desk: &mut Desk, plan: &PlanFacts, head: &Head) -> Result<(), StoreError> {
    let (expiries, lost_on) = head.losses();
    let message = order::abandoned(expiries, &lost_on);
    let id = head.candidate.id;
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE executions SET state = 3, error = ?3, details = '', expiries = ?4, lost_on = ?5,
               lease_hash = NULL, nonce = NULL, digest = NULL
             WHERE id = ?1 AND state = 1 AND epoch = ?2",
        )?
        .execute(params![id.0, head.epoch, message, expiries, lost_on])?;
    exactly_one(rows, "a poisonous execution")?;
    let step = Move {
        open: -1,
        done: 1,
        ..Move::default()
    };
    step.write(&desk.db, plan.id, head.label_set)?;
    let who = (id, head.epoch);
    desk.event(plan.id, who, EventKind::Abandoned, "", &message)?;
    desk.note_change();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Rules, sqlite::connection};

    #[test]
    fn the_head_is_found_without_sorting_or_scanning() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("store.db");
        let db = connection::writer(&path, crate::store::sqlite::Durability::Normal).unwrap();
        let (desk, _) = Desk::open(db, Rules::default(), crate::model::Timestamp(1)).unwrap();
        let mut explain = desk
            .db
            .prepare(&format!("EXPLAIN QUERY PLAN {HEADS}"))
            .unwrap();
        let steps: Vec<String> = explain
            .query_map([1, 1], |row| row.get("detail"))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let expected =
            "SEARCH executions USING INDEX executions_available (plan=? AND label_set=?)";
        assert_eq!(steps, [expected], "one step: no sorting beside it");
    }
}
