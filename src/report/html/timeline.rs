//! Which bars the timeline has: a lane per worker, workers of one capability set together, what is too short to be seen
//! put together with its neighbours.

use std::collections::BTreeMap;

use crate::{
    model::Capabilities,
    report::{AttemptReport, PlanReport, ReportEntry},
};

use super::{
    kind::{self, BACK, ERROR, FAILED, LOST, Look, MISSING, PASSED, SKIPPED},
    since,
};

/// Most lanes drawn.
const MAX_LANES: usize = 100;
/// Most bars that all lanes may come to, twice: this many spans of time are told apart.
const MAX_SLOTS: u64 = 6_000;
/// Spans of time told apart in one lane at most: wider screens are rare.
const LANE_SLOTS: u64 = 1_200;
/// Most bars drawn, whatever records say of overlapping attempts.
const MAX_BARS: usize = 12_000;

/// All lanes.
#[derive(Debug, Default)]
pub(super) struct Timeline<'a> {
    /// In order of capabilities, then name.
    pub(super) lanes: Vec<Lane<'a>>,
    /// How many there are beside those.
    pub(super) more: usize,
    /// From the first record to the last, in milliseconds, at least 1.
    pub(super) length: u64,
}

/// A worker.
#[derive(Debug)]
pub(super) struct Lane<'a> {
    pub(super) worker: &'a str,
    /// What it offers.
    pub(super) offers: &'a Capabilities,
    /// From and to when it was there, in milliseconds; several where one name was used again.
    pub(super) there: Vec<(u64, u64)>,
    /// Whether the record of the last one has no end.
    pub(super) killed: bool,
    pub(super) busy_ms: u64,
    pub(super) attempts: u64,
    /// In order of time.
    pub(super) bars: Vec<Bar<'a>>,
}

/// One attempt, or several that are too short to be seen apart.
#[derive(Clone, Debug)]
pub(super) struct Bar<'a> {
    pub(super) from: u64,
    pub(super) to: u64,
    /// That of the worst in it.
    pub(super) look: Look,
    /// The first of the worst in it.
    pub(super) entry: &'a ReportEntry,
    /// How many are in it.
    pub(super) attempts: u64,
}

/// Lays the lanes out.
pub(super) fn timeline(report: &PlanReport) -> Timeline<'_> {
    let Some((zero, end)) = report.span else {
        return Timeline::default();
    };
    let length = since(end, zero).max(1);
    let mut by_name: BTreeMap<&str, Lane<'_>> = BTreeMap::new();
    for worker in &report.workers {
        let lane = by_name
            .entry(&worker.name)
            .or_insert_with(|| Lane::new(&worker.name, &worker.capabilities));
        lane.there
            .push((since(worker.began, zero), since(worker.ended, zero)));
        lane.killed = worker.left.is_none();
        lane.busy_ms += worker.busy_ms;
        lane.attempts += worker.attempts;
    }
    for (entry, attempt) in report.attempts() {
        let from = since(attempt.reserved, zero);
        let lane = by_name
            .entry(&attempt.worker)
            .or_insert_with(|| Lane::new(&attempt.worker, &attempt.capabilities));
        let to = end_of(attempt, zero).unwrap_or_else(|| lane.last_seen(from).unwrap_or(length));
        lane.bars.push(Bar {
            from,
            to: to.clamp(from, length.max(from)),
            look: kind::attempt(attempt),
            entry,
            attempts: 1,
        });
    }
    let mut lanes: Vec<Lane<'_>> = by_name.into_values().collect();
    lanes.sort_by(|a, b| (a.offers, a.worker).cmp(&(b.offers, b.worker)));
    let more = lanes.len().saturating_sub(MAX_LANES);
    lanes.truncate(MAX_LANES);
    let slots = (MAX_SLOTS / (lanes.len() as u64).max(1)).min(LANE_SLOTS);
    let mut left = MAX_BARS;
    for lane in &mut lanes {
        lane.bars
            .sort_by_key(|bar| (bar.from, bar.to, bar.entry.execution));
        lane.bars = together(&lane.bars, length / slots);
        lane.bars.truncate(left);
        left -= lane.bars.len();
    }
    Timeline {
        lanes,
        more,
        length,
    }
}

impl<'a> Lane<'a> {
    fn new(worker: &'a str, offers: &'a Capabilities) -> Self {
        Self {
            worker,
            offers,
            there: Vec::new(),
            killed: false,
            busy_ms: 0,
            attempts: 0,
            bars: Vec::new(),
        }
    }

    /// When the session that was there at `from` was heard of last.
    fn last_seen(&self, from: u64) -> Option<u64> {
        self.there
            .iter()
            .find(|(began, ended)| (*began..=*ended).contains(&from))
            .map(|(_, ended)| *ended)
    }
}

fn end_of(attempt: &AttemptReport, zero: crate::model::Timestamp) -> Option<u64> {
    attempt.finished().map(|time| since(time, zero))
}

/// Joins neighbours that together take no more than `slot`.
fn together<'a>(bars: &[Bar<'a>], slot: u64) -> Vec<Bar<'a>> {
    let mut joined: Vec<Bar<'a>> = Vec::new();
    for bar in bars {
        match joined.last_mut() {
            Some(last) if bar.to.max(last.to) - last.from <= slot => {
                last.to = last.to.max(bar.to);
                last.attempts += 1;
                if rank(bar.look) < rank(last.look) {
                    (last.look, last.entry) = (bar.look, bar.entry);
                }
            }
            _ => joined.push(bar.clone()),
        }
    }
    joined
}

/// Worst first.
fn rank(look: Look) -> usize {
    const ORDER: [Look; 7] = [FAILED, ERROR, LOST, MISSING, BACK, SKIPPED, PASSED];
    ORDER
        .iter()
        .position(|other| other.class == look.class)
        .unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ExecutionId, Test},
        report::EntryStatus,
    };

    fn entry() -> ReportEntry {
        ReportEntry {
            execution: ExecutionId(1),
            test: Test {
                suite: String::new(),
                testcase: String::new(),
            },
            required: None,
            attempts: Vec::new(),
            status: EntryStatus::Passed,
            service_only: None,
            flaky: false,
            recovered: false,
            explanations: Vec::new(),
        }
    }

    #[test]
    fn short_neighbours_are_one_bar_of_the_worst() {
        let entry = entry();
        let bar = |from, to, look| Bar {
            from,
            to,
            look,
            entry: &entry,
            attempts: 1,
        };
        let bars = [
            bar(0, 4, PASSED),
            bar(4, 9, FAILED),
            bar(9, 10, PASSED),
            bar(10, 12, PASSED),
            bar(40, 90, PASSED),
        ];
        let joined: Vec<_> = together(&bars, 10)
            .iter()
            .map(|it| (it.from, it.to, it.look.class, it.attempts))
            .collect();
        assert_eq!(
            joined,
            [
                (0, 10, "failed", 3),
                (10, 12, "passed", 1),
                (40, 90, "passed", 1)
            ]
        );
        assert_eq!(together(&bars, 0).len(), bars.len());
    }
}
