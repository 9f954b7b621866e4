//! How many executions one reservation hands out.

#[cfg(test)]
mod simulation;

use std::time::Duration;

use crate::store::BatchRequest;

/// Most executions of a batch while no duration is known.
const MOST_FIRST: usize = 16;

/// What a reservation may hand out at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchLimit {
    /// Most executions.
    pub(crate) max: usize,
    /// Most predicted work in milliseconds; one execution alone may be longer.
    pub(crate) work_ms: Option<i64>,
    /// What a test without a prediction counts.
    pub(crate) unknown_ms: i64,
}

/// The executions chosen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BatchFill {
    count: usize,
    work_ms: i64,
}

/// Everything that is open and fits, as far as it is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "durations carry their unit, as everywhere"
)]
pub(crate) struct Workload {
    /// Predicted milliseconds of the open executions.
    pub(crate) remaining_ms: i64,
    /// What a test without a prediction counts.
    pub(crate) unknown_ms: i64,
    /// What a call of the tool costs beyond its tests.
    pub(crate) start_ms: i64,
}

impl Workload {
    /// Adds executions that take `predicted_ms` together, and `unknown` ones without a prediction.
    pub(crate) fn add(&mut self, predicted_ms: i64, unknown: i64) {
        let unknown_ms = unknown.saturating_mul(cost(self.unknown_ms));
        self.remaining_ms = self
            .remaining_ms
            .saturating_add(predicted_ms)
            .saturating_add(unknown_ms);
    }
}

impl BatchLimit {
    /// The limit that a request sets itself, whatever else is open.
    pub(crate) fn requested(batch: &BatchRequest, unknown_ms: i64) -> Self {
        Self {
            max: batch.max as usize,
            work_ms: batch.work.map(milliseconds),
            unknown_ms,
        }
    }

    /// The limit while no duration of the plan is known: a count, so that the first results come soon and the next batch
    /// has a prediction.
    pub(crate) fn first(batch: &BatchRequest, open: u64) -> Self {
        let share = open / batch.live_workers.max(1).saturating_mul(4);
        let share = usize::try_from(share).unwrap_or(MOST_FIRST);
        let most = share.clamp(1, MOST_FIRST);
        Self {
            max: most.min(batch.max as usize),
            ..Self::requested(batch, 0)
        }
    }

    /// The limit if the request leaves it to the service: a share of what remains, so that the batches become smaller towards
    /// the end, but at least the work of two starts of the tool.
    pub(crate) fn decided(batch: &BatchRequest, workload: Workload) -> Self {
        let workers = i64::try_from(batch.live_workers.max(1)).unwrap_or(i64::MAX);
        // 1.3 times the workers: of the sizes tried in simulations it came closest to the lower bound.
        let share = workload.remaining_ms.saturating_mul(10) / workers.saturating_mul(13);
        Self {
            work_ms: Some(share.max(workload.start_ms.saturating_mul(2))),
            ..Self::requested(batch, workload.unknown_ms)
        }
        .with_rest(workload)
    }

    /// Takes all that remains if this limit would leave so little that another start of the tool costs more.
    pub(crate) fn with_rest(self, workload: Workload) -> Self {
        let is_rest = |most: i64| workload.remaining_ms.saturating_sub(most) <= workload.start_ms;
        Self {
            work_ms: self.work_ms.map(|most| {
                if is_rest(most) {
                    most.max(workload.remaining_ms)
                } else {
                    most
                }
            }),
            ..self
        }
    }

    /// What an execution counts.
    pub(crate) fn predicted(&self, expected_ms: i64) -> i64 {
        if expected_ms > 0 {
            expected_ms
        } else {
            self.unknown_ms
        }
    }

    /// Whether an execution of `predicted_ms` still fits.
    pub(crate) fn admits(&self, fill: BatchFill, predicted_ms: i64) -> bool {
        fill.count < self.max
            && (fill.count == 0
                || self
                    .work_ms
                    .is_none_or(|most| fill.work_ms.saturating_add(cost(predicted_ms)) <= most))
    }
}

impl BatchFill {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn add(&mut self, predicted_ms: i64) {
        self.count += 1;
        self.work_ms = self.work_ms.saturating_add(cost(predicted_ms));
    }
}

/// Even the shortest test costs something: otherwise a batch of them would have no end.
fn cost(predicted_ms: i64) -> i64 {
    predicted_ms.max(1)
}

fn milliseconds(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(limit: BatchLimit, predicted: &[i64]) -> usize {
        let mut fill = BatchFill::default();
        let fitting = predicted.iter().take_while(|ms| {
            let fits = limit.admits(fill, **ms);
            fill.add(**ms);
            fits
        });
        fitting.count()
    }

    #[test]
    fn batch_ends_at_its_work_or_its_count() {
        let limit = |max, work_ms| BatchLimit {
            max,
            work_ms,
            unknown_ms: 0,
        };
        assert_eq!(taken(limit(5, None), &[900; 9]), 5);
        assert_eq!(taken(limit(5, Some(2_000)), &[900; 9]), 2);
        assert_eq!(taken(limit(5, Some(1_800)), &[900; 9]), 2);
        assert_eq!(taken(limit(5, Some(1_799)), &[900; 9]), 1);
        assert_eq!(taken(limit(5, Some(3)), &[0; 9]), 3);
        assert_eq!(taken(limit(1, None), &[0; 9]), 1);
    }

    #[test]
    fn execution_longer_than_the_wanted_work_goes_alone() {
        let limit = BatchLimit {
            max: 9,
            work_ms: Some(100),
            unknown_ms: 0,
        };
        assert_eq!(taken(limit, &[500, 0]), 1);
    }

    fn request(max: u32, live_workers: u64) -> BatchRequest {
        BatchRequest {
            max,
            live_workers,
            ..BatchRequest::of(max)
        }
    }

    #[test]
    fn size_is_a_share_of_the_remaining_work_but_two_starts_at_least() {
        for (remaining_ms, workers, start_ms, expected) in [
            (130_000, 10, 1_000, 10_000),
            (130_000, 10, 6_000, 12_000),
            (1_000, 0, 0, 769),
            (0, 4, 0, 0),
            (i64::MAX, 1, i64::MAX, i64::MAX),
        ] {
            let workload = Workload {
                remaining_ms,
                unknown_ms: 5,
                start_ms,
            };
            let limit = BatchLimit::decided(&request(50, workers), workload);
            assert_eq!(limit.work_ms, Some(expected));
            assert_eq!((limit.max, limit.predicted(0)), (50, 5));
        }
    }

    #[test]
    fn rest_that_is_not_worth_a_start_is_taken_as_well() {
        let batch = BatchRequest {
            work: Some(Duration::from_secs(20)),
            ..BatchRequest::of(1_000)
        };
        for (remaining_ms, start_ms, expected) in [
            (22_000, 2_000, 22_000),
            (22_001, 2_000, 20_000),
            (22_000, 0, 20_000),
            (5_000, 2_000, 20_000),
        ] {
            let workload = Workload {
                remaining_ms,
                unknown_ms: 5,
                start_ms,
            };
            let limit = BatchLimit::requested(&batch, 5).with_rest(workload);
            assert_eq!(limit.work_ms, Some(expected), "{remaining_ms} {start_ms}");
            let counted = BatchLimit::requested(&BatchRequest::of(9), 5).with_rest(workload);
            assert_eq!((counted.max, counted.work_ms), (9, None));
        }
    }

    #[test]
    fn unknown_tests_count_as_the_long_ones() {
        let mut workload = Workload {
            remaining_ms: 0,
            unknown_ms: 40,
            start_ms: 0,
        };
        workload.add(100, 2);
        workload.add(10, 0);
        assert_eq!(workload.remaining_ms, 190);
    }

    #[test]
    fn first_batch_is_a_small_count() {
        for (max, open, workers, expected) in [
            (1_000, 2_000, 8, 16),
            (1_000, 100, 8, 3),
            (1_000, 3, 8, 1),
            (2, 100, 8, 2),
            (1_000, 0, 0, 1),
        ] {
            let limit = BatchLimit::first(&request(max, workers), open);
            assert_eq!((limit.max, limit.work_ms), (expected, None));
        }
    }
}
