//! What the records say about one plan: its executions with their attempts, and its workers.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{
        Capabilities, DiscoveryAccount, ExecutionId, PlanId, Test, Timestamp, record::Checkout,
    },
    report::{AttemptReport, PlanFacts, WorkerReport, deciding::RecordedPolicy},
};

use super::missing_reasons::UnservedWorker;

#[derive(Debug, Default)]
pub(super) struct ExecutionHistory {
    pub(super) test: Option<Test>,
    pub(super) required: Option<Capabilities>,
    pub(super) attempts: Vec<AttemptReport>,
    pub(super) resets: Vec<Timestamp>,
}

#[derive(Debug, Default)]
pub(super) struct PlanHistory {
    pub(super) facts: Option<PlanFacts>,
    /// The highest count of executions.
    pub(super) total: u64,
    pub(super) executions: BTreeMap<ExecutionId, ExecutionHistory>,
    pub(super) workers: Vec<WorkerReport>,
    pub(super) warnings: Vec<String>,
    pub(super) span: Option<(Timestamp, Timestamp)>,
    pub(super) unserved: Vec<UnservedWorker>,
    pub(super) discovery: Option<DiscoveryAccount>,
    pub(super) policy: RecordedPolicy,
    /// Other plans that the records are of.
    pub(super) others: BTreeSet<PlanId>,
    /// Checkouts of the workers that took an execution; `None` for those without one.
    pub(super) checkouts: BTreeSet<Option<Checkout>>,
    /// By the folder of the results: when and, if not, why they were not uploaded.
    pub(super) uploads: BTreeMap<String, (Timestamp, Option<String>)>,
}

impl PlanHistory {
    pub(super) fn execution(&mut self, id: ExecutionId) -> &mut ExecutionHistory {
        self.executions.entry(id).or_default()
    }

    pub(super) fn extend_span(&mut self, at: Timestamp) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }

    /// Notes an upload, or the trouble with it. A success always counts, otherwise the latest record.
    pub(super) fn note_upload(&mut self, at: Timestamp, folder: String, trouble: Option<String>) {
        let (last, known) = self
            .uploads
            .entry(folder)
            .or_insert_with(|| (at, trouble.clone()));
        if trouble.is_none() || (known.is_some() && *last <= at) {
            (*last, *known) = (at, trouble);
        }
    }

    /// Adds the trouble with uploads to the attempts. Only at the end is it known for all.
    pub(super) fn apply_uploads(&mut self) {
        let executions = self.executions.values_mut();
        for attempt in executions.flat_map(|execution| &mut execution.attempts) {
            attempt.not_uploaded = attempt
                .results
                .as_ref()
                .and_then(|folder| self.uploads.get(folder)?.1.clone());
        }
    }
}
