//! How long tests take in a plan that runs: what earlier plans say of them, corrected by the newest results.

use std::{collections::HashMap, time::Duration};

use crate::model::Timestamp;

/// A result of the plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanResult<'a> {
    pub(crate) worker: &'a str,
    /// When it arrived.
    pub(crate) at: Timestamp,
    pub(crate) duration: Option<Duration>,
    /// How long the test takes by earlier plans.
    pub(crate) expected: Option<Duration>,
}

/// How long tests take here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TestPace {
    /// Duration here for a second by earlier plans.
    ratio: f64,
    /// A test that earlier plans do not know; `None` as long as nothing is known of any.
    unknown: Option<Duration>,
    /// What passes between two tests of a worker.
    between: Duration,
}

/// As many tests as in earlier plans are mixed into the ratio, so that a few results do not change it much.
const PRIOR: f64 = 3.0;
/// So many results of unknown tests stand for the others.
const ENOUGH: usize = 3;
/// A longer pause was a wait for something, such as a worker that was away.
const LONGEST_BETWEEN: Duration = Duration::from_secs(60);

impl TestPace {
    /// By the newest results in any order. `workers` says how many there are of a name, and `mean` how long the open tests
    /// take by earlier plans, if they are known.
    pub(crate) fn of(
        results: &[PlanResult<'_>],
        workers: impl Fn(&str) -> u32,
        mean: Option<Duration>,
    ) -> Self {
        let compared: Vec<(f64, f64)> = results
            .iter()
            .filter_map(|it| Some((it.duration?.as_secs_f64(), it.expected?.as_secs_f64())))
            .collect();
        Self {
            ratio: ratio(&compared),
            unknown: unknown(results, mean),
            between: between(results, workers),
        }
    }

    /// The time that a worker needs for a test.
    pub(crate) fn time_of(&self, expected: Option<Duration>) -> Option<Duration> {
        let itself = match expected {
            Some(expected) => expected.mul_f64(self.ratio),
            None => self.unknown?,
        };
        Some(itself.saturating_add(self.between))
    }

    /// The time that a worker needs for several tests that take so long together by earlier plans.
    pub(crate) fn time_of_all(&self, known: u64, expected: Duration) -> Duration {
        let known = u32::try_from(known).unwrap_or(u32::MAX);
        expected
            .mul_f64(self.ratio)
            .saturating_add(self.between.saturating_mul(known))
    }
}

fn ratio(compared: &[(f64, f64)]) -> f64 {
    let here: f64 = compared.iter().map(|(here, _)| here).sum();
    let before: f64 = compared.iter().map(|(_, before)| before).sum();
    if before <= 0.0 {
        return 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "hundreds of results")]
    let prior = PRIOR * before / compared.len() as f64;
    ((here + prior) / (before + prior)).clamp(0.05, 20.0)
}

/// The mean of the unknown tests that ended, or of all tests if these are few.
fn unknown(results: &[PlanResult<'_>], mean: Option<Duration>) -> Option<Duration> {
    let of = |only_unknown: bool| {
        let wanted = results
            .iter()
            .filter(|it| !only_unknown || it.expected.is_none());
        let ended: Vec<Duration> = wanted.filter_map(|it| it.duration).collect();
        let many = u32::try_from(ended.len()).ok().filter(|many| *many > 0)?;
        Some((ended.iter().sum::<Duration>() / many, ended.len()))
    };
    match of(true) {
        Some((unknown, many)) if many >= ENOUGH => Some(unknown),
        found => mean.or_else(|| of(false).or(found).map(|(all, _)| all)),
    }
}

/// From the first to the last result of each worker, without the tests: what is left for each of them.
fn between(results: &[PlanResult<'_>], workers: impl Fn(&str) -> u32) -> Duration {
    let mut by_worker: HashMap<&str, Vec<&PlanResult<'_>>> = HashMap::new();
    for result in results {
        by_worker.entry(result.worker).or_default().push(result);
    }
    let (mut pauses, mut tests) = (Duration::ZERO, 0_u32);
    for (worker, mut ended) in by_worker {
        ended.sort_by_key(|it| it.at);
        let [first, others @ ..] = ended.as_slice() else {
            continue;
        };
        let (Some(last), Ok(many)) = (others.last(), u32::try_from(others.len())) else {
            continue;
        };
        let spent = last
            .at
            .since(first.at)
            .saturating_mul(workers(worker).max(1));
        let ran: Duration = others.iter().filter_map(|it| it.duration).sum();
        let most = LONGEST_BETWEEN.saturating_mul(many);
        pauses = pauses.saturating_add(spent.saturating_sub(ran).min(most));
        tests = tests.saturating_add(many);
    }
    pauses.checked_div(tests).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn result(worker: &str, at: i64, seconds: u64, expected: u64) -> PlanResult<'_> {
        PlanResult {
            worker,
            at: Timestamp(at * 1_000),
            duration: Some(Duration::from_secs(seconds)),
            expected: (expected > 0).then(|| Duration::from_secs(expected)),
        }
    }

    fn pace(results: &[PlanResult<'_>], mean: u64) -> TestPace {
        let mean = (mean > 0).then(|| Duration::from_secs(mean));
        TestPace::of(results, |_| 1, mean)
    }

    #[test]
    fn slower_machines_take_longer_for_each_test() {
        let results: Vec<_> = (0..300).map(|n| result("a", 20 * n, 20, 10)).collect();
        let pace = pace(&results, 10);
        let time = pace.time_of(Some(SECOND * 10)).unwrap().as_secs_f64();
        assert!((19.8..=20.0).contains(&time), "{time}");
        assert_eq!(pace.between, Duration::ZERO);
        let all = pace.time_of_all(100, SECOND * 1_000).as_secs_f64();
        assert!((1_980.0..=2_000.0).contains(&all), "{all}");
    }

    #[test]
    fn pauses_between_tests_count_for_each() {
        let results: Vec<_> = (0..5).map(|n| result("a", 3 * n, 2, 2)).collect();
        assert_eq!(
            pace(&results, 2).time_of(Some(SECOND * 4)),
            Some(SECOND * 5)
        );
        let two = TestPace::of(&results, |_| 2, None);
        assert_eq!(two.between, SECOND * 4, "two workers with one name");
        let away = [result("a", 0, 1, 1), result("a", 9_000, 1, 1)];
        assert_eq!(pace(&away, 1).between, LONGEST_BETWEEN);
    }

    #[test]
    fn unknown_tests_take_as_long_as_unknown_ones_did() {
        let some = [
            result("a", 0, 8, 0),
            result("a", 8, 10, 0),
            result("b", 1, 1, 1),
        ];
        assert_eq!(
            pace(&some, 3).time_of(None),
            Some(SECOND * 3),
            "by the known"
        );
        let enough = [&some[..], &[result("c", 1, 12, 0)]].concat();
        assert_eq!(pace(&enough, 3).time_of(None), Some(SECOND * 10));
        assert_eq!(pace(&some[..2], 0).time_of(None), Some(SECOND * 9));
        assert_eq!(pace(&[], 0).time_of(None), None);
    }
}
