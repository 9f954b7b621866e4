//! A and B in turns within one run, so that whatever disturbs the machine disturbs both.

use std::time::Duration;

use super::cost::Cost;

/// The costs of both, pair by pair.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    ours: Vec<Cost>,
    beside: Vec<Cost>,
}

/// How many times the one costs what the other does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Pairs {
    /// Measures `count` pairs, after one that does not count.
    pub(crate) fn measure(
        count: usize,
        mut ours: impl FnMut() -> anyhow::Result<Cost>,
        mut beside: impl FnMut() -> anyhow::Result<Cost>,
    ) -> anyhow::Result<Self> {
        let mut pairs = Self::default();
        for pair in 0..=count {
            // Each goes first as often as second: what one leaves warm or dirty behind favours none.
            let (a, b) = if pair % 2 == 0 {
                let a = ours()?;
                (a, beside()?)
            } else {
                let b = beside()?;
                (ours()?, b)
            };
            if pair > 0 {
                pairs.push(a, b);
            }
        }
        Ok(pairs)
    }

    pub(crate) fn push(&mut self, ours: Cost, beside: Cost) {
        self.ours.push(ours);
        self.beside.push(beside);
    }

    pub(crate) fn ours(&self, what: fn(&Cost) -> Duration) -> Duration {
        median_time(&self.ours, what)
    }

    pub(crate) fn beside(&self, what: fn(&Cost) -> Duration) -> Duration {
        median_time(&self.beside, what)
    }

    /// Ours by the other's.
    pub(crate) fn ratio(&self, what: fn(&Cost) -> Duration) -> Ratio {
        let pairs = self.ours.iter().zip(&self.beside);
        Ratio::of(pairs.map(|(a, b)| what(a).as_secs_f64() / what(b).as_secs_f64().max(1e-9)))
    }
}

impl Ratio {
    fn of(each: impl Iterator<Item = f64>) -> Self {
        let mut each: Vec<f64> = each.collect();
        each.sort_by(f64::total_cmp);
        Self {
            median: median(&each),
            least: each.first().copied().unwrap_or(f64::NAN),
            most: each.last().copied().unwrap_or(f64::NAN),
        }
    }

    /// The other's by ours.
    pub(crate) fn inverse(self) -> Self {
        Self {
            median: 1.0 / self.median,
            least: 1.0 / self.most,
            most: 1.0 / self.least,
        }
    }
}

fn median_time(costs: &[Cost], what: fn(&Cost) -> Duration) -> Duration {
    let mut times: Vec<f64> = costs.iter().map(|cost| what(cost).as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    Duration::from_secs_f64(median(&times))
}

/// Of sorted numbers.
fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => sorted[length / 2],
        length => f64::midpoint(sorted[length / 2 - 1], sorted[length / 2]),
    }
}
