//! What a request works with inside its transaction: the rows of the database, the time, the rules, and a memory of what
//! was read.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use super::change_notes::ChangeNotes;
use crate::{
    clock::ClockLead,
    model::{Capabilities, ExecutionId, PlanId, PlanKind, Timestamp},
    store::{
        Changes, RefusalCode, Rules, StoreError,
        protocol::{
            EventKind,
            not_found::{is_template, unknown_plan},
            refuse,
        },
        rows::{ExecutionRow, NewEvent, Rows},
    },
};

/// Most plans in the memory; past it all are dropped.
const MAX_PLANS: usize = 256;

/// The rows of a transaction, and what its writer remembers.
pub(in crate::store) struct WriteContext<'a> {
    pub(in crate::store) rows: &'a mut dyn Rows,
    pub(in crate::store) memory: &'a mut Memory,
}

/// What a writer keeps between transactions. Everything in it can be read again, and is dropped whenever a transaction was
/// rolled back.
#[derive(Debug)]
pub(in crate::store) struct Memory {
    pub(in crate::store) rules: Rules,
    /// The time of the current request. Never goes back.
    pub(in crate::store) now: Timestamp,
    /// For times that people planned, or are shown.
    pub(in crate::store) lead: ClockLead,
    /// The secret that lease tokens are derived from.
    pub(in crate::store) lease_key: [u8; 32],
    /// No lease ends before this.
    pub(in crate::store) earliest_end: Timestamp,
    /// When old idempotency keys are deleted next.
    pub(in crate::store) prune_at: Timestamp,
    /// What a test without a prediction counts in a plan, and how many executions of the plan were done when that was read.
    pub(in crate::store) unknown_durations: HashMap<PlanId, (i64, i64)>,
    /// Plans whose suites have numbers.
    pub(in crate::store) numbered_plans: HashSet<PlanId>,
    changes: ChangeNotes,
    plans: HashMap<PlanId, Arc<CachedPlan>>,
    label_sets: HashMap<i64, Arc<Capabilities>>,
}

/// The part of a plan that never changes, with the labels of its executions.
#[derive(Debug)]
pub(in crate::store) struct CachedPlan {
    pub(in crate::store) id: PlanId,
    pub(in crate::store) kind: PlanKind,
    pub(in crate::store) project: String,
    pub(in crate::store) batch: String,
    pub(in crate::store) planned: Option<Timestamp>,
    /// Its template, if it was started since plans keep it.
    pub(in crate::store) template: Option<i64>,
    /// The numbers of its executions: without a gap.
    pub(in crate::store) executions: Range<i64>,
    /// The label sets of its executions, those with most labels first.
    pub(in crate::store) label_sets: Vec<(i64, Arc<Capabilities>)>,
}

impl Memory {
    /// An empty memory.
    pub(in crate::store) fn new(rules: Rules, lease_key: [u8; 32], now: Timestamp) -> Self {
        Self {
            rules,
            now,
            lead: ClockLead::default(),
            lease_key,
            earliest_end: Timestamp(i64::MIN),
            prune_at: now,
            unknown_durations: HashMap::new(),
            numbered_plans: HashSet::new(),
            changes: ChangeNotes::default(),
            plans: HashMap::new(),
            label_sets: HashMap::new(),
        }
    }

    /// The memory of another writer, which has read nothing yet.
    pub(in crate::store) fn fresh(&self) -> Self {
        Self {
            lead: self.lead.clone(),
            ..Self::new(self.rules, self.lease_key, self.now)
        }
    }

    /// Sets the time of the current request. Requests get their time before they queue, so one may be slightly older
    /// than the one before it; it then runs at the later time.
    pub(in crate::store) fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// What the requests since the last call changed for waiting clients.
    pub(in crate::store) fn take_changes(&mut self) -> Changes {
        self.changes.take(self.rules.label_case)
    }

    /// Whether a plan or template is remembered.
    pub(in crate::store) fn knows(&self, plan: PlanId) -> bool {
        self.plans.contains_key(&plan)
    }

    /// Forgets what was read, because some of it may have been rolled back.
    pub(in crate::store) fn forget(&mut self) {
        self.plans.clear();
        self.label_sets.clear();
        self.unknown_durations.clear();
        self.numbered_plans.clear();
        self.earliest_end = Timestamp(i64::MIN);
    }
}

impl WriteContext<'_> {
    /// The time of the current request.
    pub(in crate::store) fn now(&self) -> Timestamp {
        self.memory.now
    }

    /// The settings of the protocol.
    pub(in crate::store) fn rules(&self) -> Rules {
        self.memory.rules
    }

    /// When a lease of this length that begins now ends. The current time has lost a part of a millisecond, which the lease must
    /// not lose.
    pub(in crate::store) fn lease_end(&self, timeout: Duration) -> Timestamp {
        self.now().plus(timeout + self.memory.lead.rounding())
    }

    /// Notes that a lease ends at this time.
    pub(in crate::store) fn note_end(&mut self, deadline: Timestamp) {
        self.memory.earliest_end = self.memory.earliest_end.min(deadline);
    }

    /// Notes for waiting clients that an execution opened.
    pub(in crate::store) fn note_opened(
        &mut self,
        plan: PlanId,
        label_set: i64,
    ) -> Result<(), StoreError> {
        let required = self.labels(label_set)?;
        self.memory.changes.opened(plan, label_set, required);
        Ok(())
    }

    /// Notes for waiting clients that an execution ended; `left` of its label set are open or reserved.
    pub(in crate::store) fn note_ended(
        &mut self,
        plan: PlanId,
        label_set: i64,
        left: i64,
    ) -> Result<(), StoreError> {
        let required = self.labels(label_set)?;
        self.memory
            .changes
            .ended(plan, label_set, required, left == 0);
        Ok(())
    }

    /// Notes for waiting clients that a Squish server may have become free.
    pub(in crate::store) fn note_free_server(&mut self) {
        self.memory.changes.freed_server();
    }

    /// A plan or template.
    pub(in crate::store) fn plan(&mut self, id: PlanId) -> Result<Arc<CachedPlan>, StoreError> {
        if let Some(plan) = self.memory.plans.get(&id) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(self.read_plan(id)?);
        if self.memory.plans.len() >= MAX_PLANS {
            self.memory.plans.clear();
            self.memory.unknown_durations.clear();
            self.memory.numbered_plans.clear();
        }
        self.memory.plans.insert(id, Arc::clone(&plan));
        Ok(plan)
    }

    fn read_plan(&mut self, id: PlanId) -> Result<CachedPlan, StoreError> {
        let facts = self.rows.plan_facts(id)?.ok_or_else(|| unknown_plan(id))?;
        let mut label_sets = Vec::with_capacity(facts.label_sets.len());
        for set in facts.label_sets {
            label_sets.push((set, self.labels(set)?));
        }
        label_sets.sort_by_key(|(id, labels)| (std::cmp::Reverse(labels.len()), *id));
        Ok(CachedPlan {
            id,
            kind: facts.kind,
            project: facts.project,
            batch: facts.batch,
            planned: facts.planned,
            template: facts.template,
            executions: facts.executions,
            label_sets,
        })
    }

    /// A started plan; a template is refused.
    pub(in crate::store) fn started_plan(
        &mut self,
        id: PlanId,
    ) -> Result<Arc<CachedPlan>, StoreError> {
        let plan = self.plan(id)?;
        match plan.kind {
            PlanKind::Instance => Ok(plan),
            PlanKind::Template => Err(is_template(id)),
        }
    }

    /// The labels of a set.
    pub(in crate::store) fn labels(&mut self, set: i64) -> Result<Arc<Capabilities>, StoreError> {
        if let Some(labels) = self.memory.label_sets.get(&set) {
            return Ok(Arc::clone(labels));
        }
        let labels = Arc::new(self.rows.label_set(set)?);
        self.memory.label_sets.insert(set, Arc::clone(&labels));
        Ok(labels)
    }

    /// An execution; an unknown number is refused.
    pub(in crate::store) fn execution(
        &mut self,
        id: ExecutionId,
    ) -> Result<ExecutionRow, StoreError> {
        self.rows.execution(id)?.ok_or_else(|| {
            refuse(
                RefusalCode::Unknown,
                format!("there is no execution {id}. Use the number from a reservation or a list."),
            )
        })
    }

    /// Appends to the history of an execution.
    pub(in crate::store) fn record_event(
        &mut self,
        plan: PlanId,
        (execution, epoch): (ExecutionId, u32),
        kind: EventKind,
        principal: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        let at = self.now();
        self.rows.add_event(&NewEvent {
            plan,
            execution,
            epoch,
            kind,
            at,
            principal,
            detail,
        })
    }
}
