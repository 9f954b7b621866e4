//! Which workers' processes start while the first one still collects.

use std::{num::NonZero, ops::Range, time::Duration};

/// After so much collecting another process is started, and after each further time twice as many: what takes so long to collect
/// is rarely a small suite, and they will be needed sooner than the number of tests is known.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// The workers whose processes did not start yet. The first worker has the process that collects.
#[derive(Debug)]
pub(super) struct EarlyWorkers {
    left: Range<u32>,
    count: usize,
}

impl EarlyWorkers {
    /// As many workers as do not take the processor of the process that collects.
    pub(super) fn new(workers: usize) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self::on(processors, workers)
    }

    fn on(processors: usize, workers: usize) -> Self {
        let most = u32::try_from(workers.min(processors)).unwrap_or(u32::MAX);
        Self {
            left: 1..most,
            count: 1,
        }
    }

    /// Those that start after one more [`INTERVAL`].
    pub(super) fn next(&mut self) -> Vec<u32> {
        let next = self.left.by_ref().take(self.count).collect();
        self.count = self.count.saturating_mul(2);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(processors: usize, workers: usize) -> Vec<Vec<u32>> {
        let mut early = EarlyWorkers::on(processors, workers);
        (0..4).map(|_| early.next()).collect()
    }

    #[test]
    fn number_doubles_up_to_the_workers_and_the_processors() {
        let all = vec![vec![1], vec![2, 3], vec![4, 5, 6], vec![]];
        assert_eq!(rounds(16, 7), all);
        assert_eq!(rounds(7, 16), all);
        assert_eq!(rounds(2, 8), [vec![1], vec![], vec![], vec![]]);
        for (processors, workers) in [(1, 8), (8, 1), (8, 0)] {
            assert_eq!(rounds(processors, workers).concat(), [0; 0]);
        }
    }
}
