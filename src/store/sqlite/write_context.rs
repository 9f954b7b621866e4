//! What a request works with inside the write transaction: connection, time, rules, and a cache of the database.
//!
//! Everything cached can be read again, and is dropped whenever a transaction was rolled back.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, params};

use super::{
    change_notes::ChangeNotes,
    column_values::{from_json, kind, signed, to_json},
    high_water_mark::StoreId,
    statements::Statements as _,
};
use crate::{
    clock::ClockLead,
    model::{Capabilities, ExecutionId, PlanId, PlanKind, Timestamp},
    store::{
        Changes, Rules, StoreError,
        protocol::{
            EventKind,
            not_found::{is_template, unknown_plan},
        },
    },
};

/// Most plans in the cache; past it all are dropped.
const MAX_PLANS: usize = 256;
/// How old the stored time may be after a transaction that changed nothing.
const CLOCK_PERIOD: Duration = Duration::from_millis(500);

pub(super) struct WriteContext {
    pub(super) db: Connection,
    pub(super) rules: Rules,
    /// The time of the current request. Never goes back.
    pub(super) now: Timestamp,
    /// For times that people planned, or are shown.
    pub(super) lead: ClockLead,
    /// The secret that lease tokens are derived from.
    pub(super) lease_key: [u8; 32],
    /// No lease ends before this.
    pub(super) earliest_end: Timestamp,
    /// When old idempotency keys are deleted next.
    pub(super) prune_at: Timestamp,
    /// What a test without a prediction counts in a plan, and how many executions of the plan were done when that was read.
    pub(super) unknown_durations: HashMap<PlanId, (i64, i64)>,
    /// Plans whose suites have numbers.
    pub(super) numbered_plans: HashSet<PlanId>,
    /// The random name of the store.
    pub(super) store_id: StoreId,
    /// How many changes were acknowledged, or will be after the commit.
    pub(super) acknowledged: u64,
    /// How many of them the database counts, or will after the commit.
    pub(super) counted: u64,
    alive_at: Timestamp,
    changes: ChangeNotes,
    plans: HashMap<PlanId, Arc<CachedPlan>>,
    label_sets: HashMap<i64, Arc<Capabilities>>,
}

/// The part of a plan that never changes.
#[derive(Debug)]
pub(super) struct CachedPlan {
    pub(super) id: PlanId,
    pub(super) kind: PlanKind,
    pub(super) project: String,
    pub(super) batch: String,
    pub(super) planned: Option<Timestamp>,
    /// Its template, if it was started since plans keep it.
    pub(super) template: Option<i64>,
    /// The numbers of its executions: without a gap.
    pub(super) executions: Range<i64>,
    /// The label sets of its executions, those with most labels first.
    pub(super) label_sets: Vec<(i64, Arc<Capabilities>)>,
}

impl WriteContext {
    /// A context with an empty cache. `alive_at` is the time that the database holds as its last sign of life.
    pub(super) fn new(
        db: Connection,
        rules: Rules,
        lease_key: [u8; 32],
        alive_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            db,
            rules,
            now,
            lead: ClockLead::default(),
            lease_key,
            earliest_end: Timestamp(i64::MIN),
            prune_at: now,
            unknown_durations: HashMap::new(),
            numbered_plans: HashSet::new(),
            store_id: [0; 16],
            acknowledged: 0,
            counted: 0,
            alive_at,
            changes: ChangeNotes::default(),
            plans: HashMap::new(),
            label_sets: HashMap::new(),
        }
    }

    /// Sets the time of the current request. Requests get their time before they queue, so one may be slightly older
    /// than the one before it; it then runs at the later time.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// When a lease of this length that begins now ends. The current time has lost a part of a millisecond, which the lease must
    /// not lose.
    pub(super) fn lease_end(&self, timeout: Duration) -> Timestamp {
        self.now.plus(timeout + self.lead.rounding())
    }

    /// Notes for waiting clients that an execution opened.
    pub(super) fn note_opened(&mut self, plan: PlanId, label_set: i64) -> Result<(), StoreError> {
        let required = self.labels(label_set)?;
        self.changes.opened(plan, label_set, required);
        Ok(())
    }

    /// Notes for waiting clients that an execution ended; `left` of its label set are open or reserved.
    pub(super) fn note_ended(
        &mut self,
        plan: PlanId,
        label_set: i64,
        left: i64,
    ) -> Result<(), StoreError> {
        let required = self.labels(label_set)?;
        self.changes.ended(plan, label_set, required, left == 0);
        Ok(())
    }

    /// Notes for waiting clients that a Squish server may have become free.
    pub(super) fn note_free_server(&mut self) {
        self.changes.freed_server();
    }

    /// What the requests since the last call changed for waiting clients.
    pub(super) fn take_changes(&mut self) -> Changes {
        self.changes.take(self.rules.label_case)
    }

    /// How many rows were changed since the database was opened.
    pub(super) fn rows_changed(&self) -> u64 {
        self.db.total_changes()
    }

    /// Runs a request, and counts it if it changes something and succeeds.
    pub(super) fn count<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let before = self.db.total_changes();
        let answer = work(self)?;
        if self.db.total_changes() != before {
            self.acknowledged += 1;
        }
        Ok(answer)
    }

    /// Stores that the service is alive now and how much it acknowledged, at most once per transaction and millisecond: what
    /// the millisecond still acknowledges is counted by the next one. A transaction that changed nothing else, such as a
    /// reservation for which there is no execution, stores it only now and then: without a change it costs no commit.
    pub(super) fn write_clock(&mut self, changed_rows: bool) -> Result<(), StoreError> {
        let unwritten = self.now.since(self.alive_at);
        let uncounted = self.counted < self.acknowledged;
        let is_due = changed_rows || uncounted || unwritten >= CLOCK_PERIOD;
        if self.now > self.alive_at && is_due {
            self.db.change_one(
                "the clock",
                "UPDATE service SET alive_at = ?1, acknowledged = ?2",
                [self.now.0, signed(self.acknowledged)],
            )?;
            self.counted = self.acknowledged;
            self.alive_at = self.now;
        }
        Ok(())
    }

    /// Drops the cache, because some of it may have been rolled back.
    pub(super) fn clear_cache(&mut self) {
        self.plans.clear();
        self.label_sets.clear();
        self.unknown_durations.clear();
        self.numbered_plans.clear();
        self.earliest_end = Timestamp(i64::MIN);
        self.alive_at = Timestamp(i64::MIN);
    }

    /// Notes that no service has the database open. Returns how many acknowledged changes it counts, `None` if that failed.
    pub(super) fn end_use(&self) -> Option<u64> {
        let ended = self.db.change_one(
            "the end of use",
            "UPDATE service SET in_use = 0, acknowledged = ?1",
            [signed(self.acknowledged)],
        );
        ended.ok().map(|()| self.acknowledged)
    }

    /// Moves the write-ahead log into the database file. Without success the log stays and is read at the next start.
    pub(super) fn empty_log(&self) {
        _ = self
            .db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// Closes the database.
    pub(super) fn close(self) {
        let _ = self.db.close();
    }

    /// A plan or template.
    pub(super) fn plan(&mut self, id: PlanId) -> Result<Arc<CachedPlan>, StoreError> {
        if let Some(plan) = self.plans.get(&id) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(self.load_plan(id)?);
        if self.plans.len() >= MAX_PLANS {
            self.plans.clear();
            self.unknown_durations.clear();
            self.numbered_plans.clear();
        }
        self.plans.insert(id, Arc::clone(&plan));
        Ok(plan)
    }

    fn load_plan(&mut self, id: PlanId) -> Result<CachedPlan, StoreError> {
        let mut plan = self
            .db
            .read_if(
                "SELECT kind, project, batch, planned, first_execution, size, template FROM plans WHERE id = ?1",
                [id.0],
                |row| {
                    let first: i64 = row.get(4)?;
                    Ok(CachedPlan {
                        id,
                        kind: kind(row.get(0)?),
                        project: row.get(1)?,
                        batch: row.get(2)?,
                        planned: row.get::<_, Option<i64>>(3)?.map(Timestamp),
                        template: row.get(6)?,
                        executions: first..first.saturating_add(row.get(5)?),
                        label_sets: Vec::new(),
                    })
                },
            )?
            .ok_or_else(|| unknown_plan(id))?;
        let sets: Vec<i64> = self.db.read_all(
            "SELECT label_set FROM counts WHERE plan = ?1",
            [id.0],
            |row| row.get(0),
        )?;
        for set in sets {
            plan.label_sets.push((set, self.labels(set)?));
        }
        plan.label_sets
            .sort_by_key(|(id, labels)| (std::cmp::Reverse(labels.len()), *id));
        Ok(plan)
    }

    /// A started plan; a template is refused.
    pub(super) fn started_plan(&mut self, id: PlanId) -> Result<Arc<CachedPlan>, StoreError> {
        let plan = self.plan(id)?;
        match plan.kind {
            PlanKind::Instance => Ok(plan),
            PlanKind::Template => Err(is_template(id)),
        }
    }

    /// The labels of a set.
    pub(super) fn labels(&mut self, set: i64) -> Result<Arc<Capabilities>, StoreError> {
        if let Some(labels) = self.label_sets.get(&set) {
            return Ok(Arc::clone(labels));
        }
        let text: String = self.db.read_one(
            "SELECT labels FROM label_sets WHERE id = ?1",
            [set],
            |row| row.get(0),
        )?;
        let labels: Arc<Capabilities> = Arc::new(from_json(&text)?);
        self.label_sets.insert(set, Arc::clone(&labels));
        Ok(labels)
    }

    /// The number of a label set; inserts a new set.
    pub(super) fn intern_labels(&self, labels: &Capabilities) -> Result<i64, StoreError> {
        let text = to_json(labels)?;
        let known = self.db.read_if(
            "SELECT id FROM label_sets WHERE labels = ?1",
            [&text],
            |row| row.get(0),
        )?;
        match known {
            Some(id) => Ok(id),
            None => self
                .db
                .insert("INSERT INTO label_sets (labels) VALUES (?1)", [&text]),
        }
    }

    /// Appends to the history of an execution.
    pub(super) fn record_event(
        &self,
        plan: PlanId,
        (execution, epoch): (ExecutionId, u32),
        kind: EventKind,
        principal: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        self.db.change_one("an event",
                "INSERT INTO events (plan, id, exec, epoch, kind, at, principal, detail)
                 VALUES (?1, (SELECT coalesce(max(id), 0) + 1 FROM events WHERE plan = ?1), ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                plan.0,
                execution.0,
                epoch,
                kind.as_str(),
                self.now.0,
                principal,
                detail
            ])
    }
}
