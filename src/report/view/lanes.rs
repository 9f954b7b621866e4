//! When each worker held which execution: a lane per worker, a bar per attempt.

use std::collections::BTreeMap;

use crate::{
    model::Capabilities,
    report::{PlanReport, ReportEntry},
};

use super::mark::Mark;
use crate::report::time_text::millis_between;

/// A worker. Times are in milliseconds since the first record.
#[derive(Debug)]
pub(crate) struct Lane<'a> {
    pub(crate) worker: &'a str,
    pub(crate) offers: &'a Capabilities,
    /// Begin and end of its presence; several if a name was used again.
    pub(crate) presence: Vec<(u64, u64)>,
    /// Its last record has no end.
    pub(crate) killed: bool,
    pub(crate) busy_ms: u64,
    pub(crate) attempts: u64,
    pub(crate) bars: Vec<Bar<'a>>,
}

/// One attempt, or several that a surface draws as one.
#[derive(Clone, Debug)]
pub(crate) struct Bar<'a> {
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The mark of the worst attempt.
    pub(crate) mark: Mark,
    /// The execution of the first worst attempt.
    pub(crate) entry: &'a ReportEntry,
    pub(crate) attempts: u64,
}

/// All lanes in order of capabilities, then name; none without a record.
pub(super) fn lanes(report: &PlanReport) -> Vec<Lane<'_>> {
    let Some((zero, end)) = report.span else {
        return Vec::new();
    };
    let length = millis_between(zero, end).max(1);
    let mut by_name: BTreeMap<&str, Lane<'_>> = BTreeMap::new();
    for worker in &report.workers {
        let lane = by_name
            .entry(&worker.name)
            .or_insert_with(|| Lane::new(&worker.name, &worker.capabilities));
        lane.presence.push((
            millis_between(zero, worker.began),
            millis_between(zero, worker.ended),
        ));
        lane.killed = worker.left.is_none();
        lane.busy_ms += worker.busy_ms;
        lane.attempts += worker.attempts;
    }
    for (entry, attempt) in report.attempts() {
        let from = millis_between(zero, attempt.reserved);
        let lane = by_name
            .entry(&attempt.worker)
            .or_insert_with(|| Lane::new(&attempt.worker, &attempt.capabilities));
        let to = attempt.finished().map_or_else(
            || lane.last_record_of(from).unwrap_or(length),
            |time| millis_between(zero, time),
        );
        lane.bars.push(Bar {
            from,
            to: to.clamp(from, length.max(from)),
            mark: Mark::of_attempt(attempt),
            entry,
            attempts: 1,
        });
    }
    let mut lanes: Vec<Lane<'_>> = by_name.into_values().collect();
    lanes.sort_by(|a, b| (a.offers, a.worker).cmp(&(b.offers, b.worker)));
    for lane in &mut lanes {
        lane.bars
            .sort_by_key(|bar| (bar.from, bar.to, bar.entry.execution));
    }
    lanes
}

impl<'a> Lane<'a> {
    fn new(worker: &'a str, offers: &'a Capabilities) -> Self {
        Self {
            worker,
            offers,
            presence: Vec::new(),
            killed: false,
            busy_ms: 0,
            attempts: 0,
            bars: Vec::new(),
        }
    }

    /// The last record of the worker that was present at `from`.
    fn last_record_of(&self, from: u64) -> Option<u64> {
        let mut presence = self.presence.iter();
        let (_, ended) = presence.find(|(began, ended)| (*began..=*ended).contains(&from))?;
        Some(*ended)
    }
}
