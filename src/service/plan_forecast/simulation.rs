//! Plans in simulated time: how far the predicted end is off when half of the time is over.
//!
//! Durations are lognormal. Earlier plans ran on other machines and know most tests, or none at all; each worker has a speed of
//! its own, and something passes between two tests. The predicted longest go first.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::*;
use crate::{
    model::{Capabilities, ExecutionId, PlanStatus},
    random::SplitMix,
    store::NewestResult,
};

const PLANS: u64 = 200;
/// At half time, of the time that is left.
const MEDIAN_ERROR: f64 = 0.15;

/// Lognormal with the median 1.
fn factor(random: &mut SplitMix, spread: f64) -> f64 {
    (spread * random.normal()).exp()
}

/// Evenly on a logarithmic scale.
fn between(random: &mut SplitMix, least: f64, most: f64) -> f64 {
    least * (most / least).powf(random.uniform())
}

fn one_of(random: &mut SplitMix, values: &[f64]) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    #[expect(clippy::cast_precision_loss, reason = "a few values")]
    let index = (random.uniform() * values.len() as f64) as usize;
    values[index.min(values.len() - 1)]
}

/// A test as it ran, in milliseconds since the start.
#[derive(Clone, Copy)]
struct Ran {
    expected: Option<i64>,
    duration: i64,
    worker: usize,
    began: i64,
    ended: i64,
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds")]
#[expect(clippy::cast_sign_loss, reason = "counts")]
fn simulate(seed: u64) -> (Vec<Ran>, usize) {
    let mut random = SplitMix(seed);
    let tests = between(&mut random, 30.0, 4_000.0) as usize;
    let workers = (between(&mut random, 2.0, 40.0) as usize).min(tests / 5 + 1);
    let mean_ms = between(&mut random, 200.0, 60_000.0);
    let unknown = one_of(&mut random, &[0.0, 0.02, 0.1, 0.3]);
    let has_history = random.uniform() > 0.15;
    let machine = factor(&mut random, 0.25);
    let pause_ms = one_of(&mut random, &[20.0, 200.0, 1_000.0, 3_000.0]) as i64;
    let speeds: Vec<f64> = (0..workers).map(|_| factor(&mut random, 0.1)).collect();
    let mut queue: Vec<(Option<i64>, f64)> = (0..tests)
        .map(|_| {
            let before = mean_ms * factor(&mut random, 1.0);
            let is_known = has_history && random.uniform() >= unknown;
            let expected = is_known.then_some(before as i64);
            (expected, before * machine * factor(&mut random, 0.3))
        })
        .collect();
    // Unknown ones count as the 95th percentile.
    let mut known: Vec<i64> = queue.iter().filter_map(|(expected, _)| *expected).collect();
    known.sort_unstable();
    let high = known.get(known.len() * 95 / 100).copied().unwrap_or(0);
    queue.sort_by_key(|(expected, _)| Reverse(expected.unwrap_or(high)));
    let mut free: BinaryHeap<_> = (0..workers).map(|worker| Reverse((0, worker))).collect();
    let ran = queue.into_iter().map(|(expected, itself)| {
        let Reverse((began, worker)) = free.pop().unwrap();
        let duration = (itself * speeds[worker]) as i64;
        let ended = began + duration + pause_ms;
        free.push(Reverse((ended, worker)));
        Ran {
            expected,
            duration,
            worker,
            began,
            ended,
        }
    });
    (ran.collect(), workers)
}

/// The time that is left of a plan at a time.
fn predicted(ran: &[Ran], workers: usize, now: i64) -> Option<Duration> {
    let name = |worker: usize| format!("worker-{worker}");
    let span = |ms: i64| Duration::from_millis(ms.unsigned_abs());
    let mut ended: Vec<&Ran> = ran.iter().filter(|it| it.ended <= now).collect();
    ended.sort_by_key(|it| Reverse(it.ended));
    let results = ended
        .iter()
        .take(MAX_RESULTS as usize)
        .map(|it| NewestResult {
            worker: name(it.worker),
            at: Timestamp(it.ended),
            duration: Some(span(it.duration)),
            expected: it.expected.map(span),
        });
    let open: Vec<&Ran> = ran.iter().filter(|it| it.began > now).collect();
    let mut known: Vec<Duration> = open.iter().filter_map(|it| it.expected.map(span)).collect();
    known.sort_unstable_by_key(|it| Reverse(*it));
    let work = RemainingWork {
        results: results.collect(),
        open: vec![OpenWork {
            required: Capabilities::default(),
            known: known.len() as u64,
            total: known.iter().sum(),
            longest: known.into_iter().take(MAX_OPEN as usize).collect(),
        }],
    };
    let counts = [CapabilityCounts {
        counts: PlanStatus {
            open: open.len() as u64,
            ..PlanStatus::default()
        },
        ..CapabilityCounts::default()
    }];
    let running = ran.iter().filter(|it| it.began <= now && now < it.ended);
    let running: Vec<_> = running
        .map(|it| {
            let test = RunningTest {
                execution_id: ExecutionId(1),
                suite: String::new(),
                testcase: String::new(),
                attempt: 1,
                since_dt: it.began,
                lease_dt: 0,
                expected_ms: it.expected.map(i64::unsigned_abs),
                squish_server: None,
            };
            (name(it.worker), test)
        })
        .collect();
    let workers: Vec<KnownWorker> = (0..workers)
        .map(|worker| KnownWorker {
            name: name(worker),
            offered: Capabilities::default(),
            allocate_server: false,
            last: Timestamp(now),
            workers: 1,
        })
        .collect();
    let plan = RunningPlan {
        work: &work,
        counts: &counts,
        workers: &workers,
        running: &running,
        label_case: LabelCase::Folded,
    };
    time_left(&plan, Timestamp(now))
}

#[test]
fn predicted_end_at_half_time_is_near_the_real_one() {
    let mut errors: Vec<f64> = (0..PLANS)
        .map(|seed| {
            let (ran, workers) = simulate(seed);
            let end = ran.iter().map(|it| it.ended).max().unwrap();
            let now = end / 2;
            let left = Duration::from_millis((end - now).unsigned_abs()).as_secs_f64();
            let predicted = predicted(&ran, workers, now).expect("half of the tests ended");
            (predicted.as_secs_f64() - left).abs() / left
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    let at = |percent: usize| errors[errors.len() * percent / 100];
    println!("median {:.3}, 90th percentile {:.3}", at(50), at(90));
    assert!(at(50) <= MEDIAN_ERROR, "median {}", at(50));
}
