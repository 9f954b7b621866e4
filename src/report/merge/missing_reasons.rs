//! Finds out why no worker took an execution, according to the records.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{Capabilities, Execution, ExecutionId, LabelCase},
    report::{EntryStatus, Explanation, PlanReport, ReportEntry, UnmetCapabilities},
};

/// A worker that stopped because the service allocated no Squish server to it.
#[derive(Clone, Debug)]
pub(super) struct UnservedWorker {
    /// Its capabilities, which the Squish server had to have.
    pub(super) wanted: Capabilities,
    pub(super) reason: String,
}

/// Replaces "no worker took it" by the reason, or adds the reason if the service's list does not confirm it.
pub(super) fn explain_missing(
    report: &mut PlanReport,
    unserved: &[UnservedWorker],
    listed: Option<&BTreeMap<ExecutionId, Execution>>,
) {
    let offers: BTreeSet<&Capabilities> = report
        .workers
        .iter()
        .map(|worker| &worker.capabilities)
        .collect();
    if offers.is_empty() {
        return;
    }
    let mut reasons: BTreeMap<Capabilities, Option<Explanation>> = BTreeMap::new();
    let untaken = |entry: &&mut ReportEntry| {
        entry.status == EntryStatus::Missing && entry.explanations == [Explanation::NeverTaken]
    };
    for entry in report.entries.iter_mut().filter(untaken) {
        let Some(required) = &entry.required else {
            continue;
        };
        let reason = reasons
            .entry(required.clone())
            .or_insert_with(|| reason_for(required, &offers, unserved));
        let execution = listed.and_then(|list| list.get(&entry.execution));
        let was_never_tried = execution.is_some_and(|execution| execution.attempts == 0);
        let is_certain = !matches!(reason, Some(Explanation::OtherSpelling { .. }) | None);
        if is_certain && was_never_tried {
            entry.explanations.clear();
        }
        entry.explanations.extend(reason.clone());
    }
}

/// The reasons why executions without a name may be missing.
pub(super) fn reasons_for_unnamed(unserved: &[UnservedWorker]) -> BTreeSet<String> {
    let reason = |worker: &UnservedWorker| {
        format!(
            "workers that offer {} gave up waiting for a Squish server: {}",
            worker.wanted, worker.reason
        )
    };
    unserved.iter().map(reason).collect()
}

fn reason_for(
    required: &Capabilities,
    offers: &BTreeSet<&Capabilities>,
    unserved: &[UnservedWorker],
) -> Option<Explanation> {
    let unmet = |case| UnmetCapabilities::of(required, offers.iter().copied(), case);
    if let Some(unmet) = unmet(LabelCase::Folded) {
        return Some(Explanation::UnmetCapabilities { unmet });
    }
    let mut fitting = unserved
        .iter()
        .filter(|worker| worker.wanted.covers(required, LabelCase::Folded));
    if let Some(worker) = fitting.next() {
        return Some(Explanation::NoSquishServer {
            wanted: worker.wanted.clone(),
            why: worker.reason.clone(),
        });
    }
    // A worker offered all of it, but in another case, which matters only to a strict service.
    let (wanted, offered) = unmet(LabelCase::Strict)?.near?;
    Some(Explanation::OtherSpelling { wanted, offered })
}
