//! What a request works at: the connection, the time, and what the writer remembers of the database.
//!
//! Everything remembered can be read again, and is forgotten whenever something was rolled back.

use std::{collections::HashMap, sync::Arc, time::Duration};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    Opened, lapse,
    rows::{exactly_one, from_json, kind, random, to_json},
};
use crate::{
    model::{Capabilities, ExecutionId, PlanId, PlanKind, Timestamp},
    store::{
        Rules, StoreError,
        protocol::{
            EventKind,
            not_found::{is_template, unknown_plan},
        },
    },
};

/// Most plans remembered; past it all are forgotten.
const MOST_PLANS: usize = 256;
/// A lease that the service was away for gets at most this on top, for its worker to come back.
const GRACE: Duration = Duration::from_secs(10);

pub(super) struct Desk {
    pub(super) db: Connection,
    pub(super) rules: Rules,
    /// The time of the request at hand; never before that of one worked on earlier.
    pub(super) now: Timestamp,
    /// Leases are derived from it.
    pub(super) lease_key: [u8; 32],
    /// No lease ends before this.
    pub(super) earliest_end: Timestamp,
    /// When keys are looked through for old ones next.
    pub(super) prune_at: Timestamp,
    alive_at: Timestamp,
    changed: bool,
    plans: HashMap<PlanId, Arc<PlanFacts>>,
    label_sets: HashMap<i64, Arc<Capabilities>>,
}

/// What never changes of a plan.
#[derive(Debug)]
pub(super) struct PlanFacts {
    pub(super) id: PlanId,
    pub(super) kind: PlanKind,
    pub(super) project: String,
    pub(super) batch: String,
    pub(super) planned: Option<Timestamp>,
    /// The label sets of its executions, those with most labels first.
    pub(super) label_sets: Vec<(i64, Arc<Capabilities>)>,
}

impl Desk {
    /// Takes the database over from whoever had it last.
    pub(super) fn open(
        db: Connection,
        rules: Rules,
        wall: Timestamp,
    ) -> Result<(Self, Opened), StoreError> {
        let known: Option<([u8; 32], i64)> = db
            .query_row("SELECT lease_key, alive_at FROM service", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let (lease_key, alive_at) = match known {
            Some((key, at)) => (key, Timestamp(at)),
            None => (random()?, wall),
        };
        let now = wall.max(alive_at);
        let away = now.since(alive_at);
        let mut desk = Self {
            db,
            rules,
            now,
            lease_key,
            earliest_end: Timestamp(i64::MIN),
            prune_at: now,
            alive_at,
            changed: false,
            plans: HashMap::new(),
            label_sets: HashMap::new(),
        };
        desk.db.execute_batch("BEGIN IMMEDIATE")?;
        let extended = lapse::extend(&mut desk, alive_at, |timeout| away + timeout.min(GRACE))?;
        desk.db.execute(
            "INSERT INTO service (id, lease_key, alive_at) VALUES (1, ?1, ?2)
             ON CONFLICT (id) DO UPDATE SET alive_at = excluded.alive_at",
            params![lease_key, now.0],
        )?;
        desk.db.execute_batch("COMMIT")?;
        desk.alive_at = now;
        let opened = Opened {
            high_water: now,
            away,
            extended,
        };
        Ok((desk, opened))
    }

    /// Sets the time for a request and ends every lease that is over by then, before anything else happens.
    pub(super) fn at(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.advance(now);
        lapse::notice(self)
    }

    /// Sets the time for a request. Requests are stamped before they queue, so one may be a little older than the
    /// last; it is then taken as of now.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Notes that something happened which others may wait for.
    pub(super) fn note_change(&mut self) {
        self.changed = true;
    }

    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Writes down that the service lives. Once per transaction, unless the clock did not move.
    pub(super) fn write_clock(&mut self) -> Result<(), StoreError> {
        if self.now > self.alive_at {
            let rows = self
                .db
                .prepare_cached("UPDATE service SET alive_at = ?1")?
                .execute([self.now.0])?;
            exactly_one(rows, "the clock")?;
            self.alive_at = self.now;
        }
        Ok(())
    }

    /// Forgets all that was remembered, because some of it may have been rolled back.
    pub(super) fn forget(&mut self) {
        self.plans.clear();
        self.label_sets.clear();
        self.earliest_end = Timestamp(i64::MIN);
        self.alive_at = Timestamp(i64::MIN);
    }

    /// Leaves nothing in the side files.
    pub(super) fn close(self) {
        // Nobody can be told any more. If it fails, the log stays beside the file and is read by the next to open it.
        let _ = self
            .db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let _ = self.db.close();
    }

    /// What is known of a plan or template.
    pub(super) fn facts(&mut self, id: PlanId) -> Result<Arc<PlanFacts>, StoreError> {
        if let Some(facts) = self.plans.get(&id) {
            return Ok(Arc::clone(facts));
        }
        let facts = Arc::new(self.load_facts(id)?);
        if self.plans.len() >= MOST_PLANS {
            self.plans.clear();
        }
        self.plans.insert(id, Arc::clone(&facts));
        Ok(facts)
    }

    fn load_facts(&mut self, id: PlanId) -> Result<PlanFacts, StoreError> {
        let mut facts = self
            .db
            .prepare_cached("SELECT kind, project, batch, planned FROM plans WHERE id = ?1")?
            .query_row([id.0], |row| {
                Ok(PlanFacts {
                    id,
                    kind: kind(row.get(0)?),
                    project: row.get(1)?,
                    batch: row.get(2)?,
                    planned: row.get::<_, Option<i64>>(3)?.map(Timestamp),
                    label_sets: Vec::new(),
                })
            })
            .optional()?
            .ok_or_else(|| unknown_plan(id))?;
        let sets: Vec<i64> = self
            .db
            .prepare_cached("SELECT label_set FROM counts WHERE plan = ?1")?
            .query_map([id.0], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for set in sets {
            facts.label_sets.push((set, self.label_set(set)?));
        }
        facts
            .label_sets
            .sort_by_key(|(id, labels)| (std::cmp::Reverse(labels.len()), *id));
        Ok(facts)
    }

    /// What is known of a started plan; a template is refused.
    pub(super) fn started(&mut self, id: PlanId) -> Result<Arc<PlanFacts>, StoreError> {
        let facts = self.facts(id)?;
        match facts.kind {
            PlanKind::Instance => Ok(facts),
            PlanKind::Template => Err(is_template(id)),
        }
    }

    /// The labels of a set.
    pub(super) fn label_set(&mut self, id: i64) -> Result<Arc<Capabilities>, StoreError> {
        if let Some(labels) = self.label_sets.get(&id) {
            return Ok(Arc::clone(labels));
        }
        let text: String = self
            .db
            .prepare_cached("SELECT labels FROM label_sets WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        let labels: Arc<Capabilities> = Arc::new(from_json(&text)?);
        self.label_sets.insert(id, Arc::clone(&labels));
        Ok(labels)
    }

    /// The number of a set of labels, made if it is new.
    pub(super) fn intern(&self, labels: &Capabilities) -> Result<i64, StoreError> {
        let text = to_json(labels)?;
        let known = self
            .db
            .prepare_cached("SELECT id FROM label_sets WHERE labels = ?1")?
            .query_row([&text], |row| row.get(0))
            .optional()?;
        match known {
            Some(id) => Ok(id),
            None => Ok(self
                .db
                .prepare_cached("INSERT INTO label_sets (labels) VALUES (?1)")?
                .insert([&text])?),
        }
    }

    /// Appends to the history of an execution.
    pub(super) fn event(
        &self,
        plan: PlanId,
        (execution, epoch): (ExecutionId, u32),
        kind: EventKind,
        principal: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "INSERT INTO events (plan, id, exec, epoch, kind, at, principal, detail)
                 VALUES (?1, (SELECT coalesce(max(id), 0) + 1 FROM events WHERE plan = ?1), ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                plan.0,
                execution.0,
                epoch,
                kind.as_str(),
                self.now.0,
                principal,
                detail
            ])?;
        Ok(())
    }
}
