//! How many executions one reservation hands out.

use std::time::Duration;

use crate::store::BatchRequest;

/// What a reservation may hand out at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchLimit {
    /// Most executions.
    pub(crate) max: usize,
    /// Most predicted work in milliseconds; one execution alone may be longer.
    pub(crate) work_ms: Option<i64>,
}

/// The executions chosen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BatchFill {
    count: usize,
    work_ms: i64,
}

impl BatchLimit {
    /// The limit that a request sets itself.
    pub(crate) fn requested(batch: &BatchRequest) -> Self {
        Self {
            max: batch.max as usize,
            work_ms: batch.work.map(milliseconds),
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
        let limit = |max, work_ms| BatchLimit { max, work_ms };
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
        };
        assert_eq!(taken(limit, &[500, 0]), 1);
    }
}
