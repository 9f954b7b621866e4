//! The lanes and bars that fit into the chart. Attempts too short to be visible are joined with their neighbours.

use crate::report::view::{Bar, Lane, Mark, ReportView};

/// Most lanes drawn.
const MAX_LANES: usize = 100;
/// Most time slots of all lanes together; each slot has at most two bars.
const MAX_SLOTS: u64 = 6_000;
/// Most time slots of one lane: wider screens are rare.
const LANE_SLOTS: u64 = 1_200;
/// Most bars, also for overlapping attempts.
const MAX_BARS: usize = 12_000;

/// The lanes that are drawn.
#[derive(Debug, Default)]
pub(super) struct DrawnLanes<'a> {
    /// In order of capabilities, then name.
    pub(super) lanes: Vec<Lane<'a>>,
    /// How many lanes are not drawn.
    pub(super) more: usize,
    /// Milliseconds from the first record to the last, at least 1.
    pub(super) length: u64,
}

pub(super) fn drawn_lanes<'a>(view: &ReportView<'a>) -> DrawnLanes<'a> {
    let length = view.report.duration_ms().max(1);
    let mut lanes = view.lanes();
    let more = lanes.len().saturating_sub(MAX_LANES);
    lanes.truncate(MAX_LANES);
    let slots = (MAX_SLOTS / (lanes.len() as u64).max(1)).min(LANE_SLOTS);
    let mut left = MAX_BARS;
    for lane in &mut lanes {
        lane.bars = joined(&lane.bars, length / slots);
        lane.bars.truncate(left);
        left -= lane.bars.len();
    }
    DrawnLanes {
        lanes,
        more,
        length,
    }
}

/// Joins neighbours that together take no more than `slot`.
fn joined<'a>(bars: &[Bar<'a>], slot: u64) -> Vec<Bar<'a>> {
    let mut joined: Vec<Bar<'a>> = Vec::new();
    for bar in bars {
        match joined.last_mut() {
            Some(last) if bar.to.max(last.to) - last.from <= slot => {
                last.to = last.to.max(bar.to);
                last.attempts += 1;
                if rank(bar.mark) < rank(last.mark) {
                    (last.mark, last.entry) = (bar.mark, bar.entry);
                }
            }
            _ => joined.push(bar.clone()),
        }
    }
    joined
}

/// Worst first.
fn rank(mark: Mark) -> usize {
    const ORDER: [Mark; 7] = [
        Mark::FAILED,
        Mark::COULD_NOT_RUN,
        Mark::LOST,
        Mark::MISSING,
        Mark::GIVEN_BACK,
        Mark::SKIPPED,
        Mark::PASSED,
    ];
    ORDER
        .iter()
        .position(|other| other.class == mark.class)
        .unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ExecutionId, Test},
        report::{EntryStatus, ReportEntry},
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
            ruling: crate::report::deciding::Ruling::default(),
        }
    }

    #[test]
    fn short_neighbours_are_one_bar_of_the_worst() {
        let entry = entry();
        let bar = |from, to, mark| Bar {
            from,
            to,
            mark,
            entry: &entry,
            attempts: 1,
        };
        let bars = [
            bar(0, 4, Mark::PASSED),
            bar(4, 9, Mark::FAILED),
            bar(9, 10, Mark::PASSED),
            bar(10, 12, Mark::PASSED),
            bar(40, 90, Mark::PASSED),
        ];
        let drawn: Vec<_> = joined(&bars, 10)
            .iter()
            .map(|it| (it.from, it.to, it.mark.class, it.attempts))
            .collect();
        assert_eq!(
            drawn,
            [
                (0, 10, "failed", 3),
                (10, 12, "passed", 1),
                (40, 90, "passed", 1)
            ]
        );
        assert_eq!(joined(&bars, 0).len(), bars.len());
    }
}
