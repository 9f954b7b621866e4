//! Selects the plan to report on, and the record files and records that are about it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{
        PlanId, Timestamp,
        record::{Record, RecordEvent},
    },
    report::RecordFile,
};

/// Identifies a plan. Its number alone does not, because two services may use the same number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlanIdentity {
    id: PlanId,
    title: String,
    batch: String,
}

impl PlanIdentity {
    /// The plan that a worker began with; `None` for any other record.
    pub(super) fn of(record: &Record) -> Option<Self> {
        match &record.event {
            RecordEvent::Began {
                plan, title, batch, ..
            } => Some(Self {
                id: *plan,
                title: title.clone(),
                batch: batch.clone(),
            }),
            _ => None,
        }
    }
}

/// How far the service's clock is ahead, where a record states it.
pub(super) fn clock_ahead_ms(record: &Record) -> Option<i64> {
    match record.event {
        RecordEvent::Began { clock_ahead_ms, .. } => Some(clock_ahead_ms.unwrap_or_default()),
        _ => None,
    }
}

/// The plan to report on and the numbers of the others. It is the one that began last, of those with the wanted number.
pub(super) fn choose_plan(
    files: &[RecordFile],
    wanted: Option<PlanId>,
) -> (Option<PlanIdentity>, BTreeSet<PlanId>) {
    let mut began: BTreeMap<PlanIdentity, Timestamp> = BTreeMap::new();
    for record in files.iter().flat_map(|file| &file.records) {
        if let Some(plan) = PlanIdentity::of(record) {
            let ahead = clock_ahead_ms(record).unwrap_or_default();
            let at = Timestamp(record.at.0.saturating_add(ahead));
            let last = began.entry(plan).or_insert(at);
            *last = at.max(*last);
        }
    }
    let chosen = began
        .iter()
        .filter(|(plan, _)| wanted.is_none_or(|wanted| plan.id == wanted))
        .max_by_key(|(plan, last)| (**last, plan.id))
        .map(|(plan, _)| plan.clone());
    // If two services use one number, it is among the others as well.
    let others = began
        .into_keys()
        .filter(|plan| Some(plan) != chosen.as_ref())
        .map(|plan| plan.id)
        .collect();
    (chosen, others)
}

/// The files with records of a plan, by name and without copies. Adds a warning for each file that is left out.
pub(super) fn files_of(
    plan: Option<&PlanIdentity>,
    files: Vec<RecordFile>,
    warnings: &mut Vec<String>,
) -> Vec<RecordFile> {
    let mut selected = Vec::new();
    for file in files {
        let mut plans = file.records.iter().filter_map(PlanIdentity::of).peekable();
        if plans.peek().is_none() {
            warnings.extend(file.warnings);
            if !file.records.is_empty() {
                warnings.push(format!(
                    "{}: no record says which plan it is of; left out",
                    file.name
                ));
            }
        } else if plans.any(|it| Some(&it) == plan) {
            selected.push(file);
        }
    }
    without_copies(selected, warnings)
}

/// Leaves out a file if another one has all its records: an artifact downloaded twice, or a copy made earlier.
fn without_copies(mut files: Vec<RecordFile>, warnings: &mut Vec<String>) -> Vec<RecordFile> {
    files.sort_by(|a, b| (b.records.len(), &a.name).cmp(&(a.records.len(), &b.name)));
    let mut kept: Vec<RecordFile> = Vec::new();
    let mut by_first_record: BTreeMap<(Timestamp, String), Vec<usize>> = BTreeMap::new();
    for file in files {
        if let Some(first) = file.records.first() {
            let same = by_first_record
                .entry((first.at, first.worker.clone()))
                .or_default();
            if let Some(other) = same.iter().map(|index| &kept[*index]).find(|other| {
                other.records.starts_with(&file.records) && other.cases.starts_with(&file.cases)
            }) {
                warnings.push(format!(
                    "{} is a copy of {}; left out",
                    file.name, other.name
                ));
                continue;
            }
            same.push(kept.len());
        }
        kept.push(file);
    }
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    kept
}
