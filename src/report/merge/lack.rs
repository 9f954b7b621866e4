//! Finds why executions that nobody took could not be taken by any worker of the records.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{Capabilities, Execution, ExecutionId, LabelCase},
    report::{EntryStatus, Explanation, PlanReport, ReportEntry, UnmetCapabilities},
};

/// A worker that left because no Squish server could come to it.
#[derive(Clone, Debug)]
pub(super) struct Serverless {
    /// What it offered, which the Squish server had to have.
    pub(super) wanted: Capabilities,
    /// Why there was none.
    pub(super) why: String,
}

/// Puts the reason in the place of "no worker took it", where the records have one.
pub(super) fn explain(
    report: &mut PlanReport,
    serverless: &[Serverless],
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
    let mut reasons: BTreeMap<Capabilities, Vec<Explanation>> = BTreeMap::new();
    let untaken = |entry: &&mut ReportEntry| {
        entry.status == EntryStatus::Missing && entry.explanations == [Explanation::NeverTaken]
    };
    for entry in report.entries.iter_mut().filter(untaken) {
        let Some(required) = &entry.required else {
            continue;
        };
        let reasons = reasons
            .entry(required.clone())
            .or_insert_with(|| reasons_of(required, &offers, serverless));
        let attempts = listed.and_then(|list| list.get(&entry.execution));
        let never = attempts.is_some_and(|execution| execution.attempts == 0);
        if let [Explanation::UnmetCapabilities { .. } | Explanation::NoSquishServer { .. }] =
            reasons.as_slice()
            && never
        {
            entry.explanations.clone_from(reasons);
        } else {
            entry.explanations.extend(reasons.iter().cloned());
        }
    }
}

/// The same where nobody knows which executions are missing, each reason once.
pub(super) fn nameless(serverless: &[Serverless]) -> BTreeSet<String> {
    let told = |it: &Serverless| {
        format!(
            "workers that offer {} gave up waiting for a Squish server: {}",
            it.wanted, it.why
        )
    };
    serverless.iter().map(told).collect()
}

fn reasons_of(
    required: &Capabilities,
    offers: &BTreeSet<&Capabilities>,
    serverless: &[Serverless],
) -> Vec<Explanation> {
    if let Some(unmet) = UnmetCapabilities::of(required, offers.iter().copied(), LabelCase::Folded)
    {
        return vec![Explanation::UnmetCapabilities { unmet }];
    }
    let fits = |it: &&Serverless| it.wanted.covers(required, LabelCase::Folded);
    if let Some(it) = serverless.iter().find(fits) {
        return vec![Explanation::NoSquishServer {
            wanted: it.wanted.clone(),
            why: it.why.clone(),
        }];
    }
    // A worker had it all but for the case of a letter, which only a strict service minds.
    let strict = UnmetCapabilities::of(required, offers.iter().copied(), LabelCase::Strict);
    let spelling = strict.and_then(|it| it.near);
    spelling
        .map(|(wanted, offered)| Explanation::OtherSpelling { wanted, offered })
        .into_iter()
        .collect()
}
