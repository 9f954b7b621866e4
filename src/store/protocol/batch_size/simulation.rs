//! Plans in simulated time: how close sizes of batches come to the shortest possible time.
//!
//! Durations are lognormal. What the service knows of them is off by a factor as well, and it knows nothing of a tenth of the
//! tests. The predicted longest go first; a call costs its start and its tests.

use super::{BatchFill, BatchLimit, Workload, cost};
use crate::{random::SplitMix, store::BatchRequest};

/// Spread of the durations, and of the predictions around them: standard deviations of their logarithms.
const SPREAD: f64 = 1.0;
const NOISE: f64 = 0.3;
const SEEDS: u32 = 20;

/// A plan and its workers.
#[derive(Clone, Copy)]
struct Load {
    tests: usize,
    /// Mean of a test.
    mean_ms: f64,
    start_ms: f64,
    workers: u32,
}

/// How many tests a call gets.
#[derive(Clone, Copy)]
enum Sizes {
    Count(usize),
    /// As the service decides.
    Decided,
    /// One process of each worker takes one after the other.
    Session,
}

const LOADS: [Load; 4] = [
    load(2_000, 100.0, 1_000.0, 8),
    load(2_000, 100.0, 1_000.0, 32),
    load(1_000, 2_000.0, 3_000.0, 8),
    load(300, 30_000.0, 8_000.0, 8),
];

const fn load(tests: usize, mean_ms: f64, start_ms: f64, workers: u32) -> Load {
    Load {
        tests,
        mean_ms,
        start_ms,
        workers,
    }
}

/// A test's duration and what the service predicts, in milliseconds; 0 if it knows nothing.
type SimulatedTest = (f64, i64);

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of a test")]
fn tests_of(load: Load, seed: u64) -> (Vec<SimulatedTest>, i64) {
    let mut random = SplitMix(seed);
    let mut tests: Vec<SimulatedTest> = (0..load.tests)
        .map(|_| {
            let ms = load.mean_ms
                * SPREAD
                    .mul_add(random.normal(), -SPREAD * SPREAD / 2.0)
                    .exp();
            let predicted = (ms * (NOISE * random.normal()).exp()) as i64;
            let is_known = random.uniform() > 0.1;
            (ms, if is_known { predicted.max(1) } else { 0 })
        })
        .collect();
    let mut known: Vec<i64> = tests.iter().map(|(_, predicted)| *predicted).collect();
    known.retain(|predicted| *predicted > 0);
    known.sort_unstable();
    let unknown_ms = known[known.len() * 95 / 100];
    let order = |predicted: i64| if predicted > 0 { predicted } else { unknown_ms };
    tests.sort_by_key(|(_, predicted)| std::cmp::Reverse(order(*predicted)));
    (tests, unknown_ms)
}

/// How long a plan takes, as a multiple of the shortest possible time.
fn ratio(load: Load, sizes: Sizes, seed: u64) -> f64 {
    let (tests, unknown_ms) = tests_of(load, seed);
    let mut free_at = vec![0.0_f64; load.workers as usize];
    let mut has_started = vec![false; load.workers as usize];
    let mut next = 0;
    while next < tests.len() {
        let worker = (0..free_at.len())
            .min_by(|a, b| free_at[*a].total_cmp(&free_at[*b]))
            .unwrap();
        let size = match sizes {
            Sizes::Count(count) => count.min(tests.len() - next),
            Sizes::Session => 1,
            Sizes::Decided => decided(load, &tests[next..], unknown_ms),
        };
        let took: f64 = tests[next..next + size].iter().map(|(ms, _)| ms).sum();
        let starts = !has_started[worker] || !matches!(sizes, Sizes::Session);
        has_started[worker] = true;
        free_at[worker] += took + if starts { load.start_ms } else { 0.0 };
        next += size;
    }
    let took = free_at.into_iter().fold(0.0, f64::max);
    let sum: f64 = tests.iter().map(|(ms, _)| ms).sum();
    let longest = tests.iter().map(|(ms, _)| *ms).fold(0.0, f64::max);
    took / (sum / f64::from(load.workers) + load.start_ms).max(longest + load.start_ms)
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of a start")]
fn decided(load: Load, open: &[SimulatedTest], unknown_ms: i64) -> usize {
    let mut workload = Workload {
        remaining_ms: 0,
        unknown_ms,
        start_ms: load.start_ms as i64,
    };
    let unknown = open.iter().filter(|(_, predicted)| *predicted == 0).count();
    workload.add(
        open.iter().map(|(_, predicted)| predicted).sum(),
        i64::try_from(unknown).unwrap(),
    );
    let request = BatchRequest {
        live_workers: u64::from(load.workers),
        ..BatchRequest::of(1_000)
    };
    let limit = BatchLimit::decided(&request, workload);
    let mut fill = BatchFill::default();
    let fits = open.iter().take_while(|(_, predicted)| {
        let predicted = cost(limit.predicted(*predicted));
        let fits = limit.admits(fill, predicted);
        fill.add(predicted);
        fits
    });
    fits.count()
}

fn mean_ratio(load: Load, sizes: Sizes) -> f64 {
    let ratios = (0..SEEDS).map(|seed| ratio(load, sizes, u64::from(seed)));
    ratios.sum::<f64>() / f64::from(SEEDS)
}

#[test]
fn decided_sizes_come_close_to_the_shortest_time() {
    for (load, most) in LOADS.into_iter().zip([1.25, 1.6, 1.12, 1.1]) {
        let ratio = mean_ratio(load, Sizes::Decided);
        assert!(ratio <= most, "{ratio:.3}");
        let session = mean_ratio(load, Sizes::Session);
        assert!(session <= 1.05, "{session:.3}");
        for count in [1, 10, 50] {
            let counted = mean_ratio(load, Sizes::Count(count));
            assert!(counted > ratio, "{count}: {counted:.3} beside {ratio:.3}");
        }
    }
}

/// `cargo test --lib -- --ignored --nocapture table_of_sizes`
#[test]
#[ignore = "prints a table for docs/performance.md"]
fn table_of_sizes() {
    println!("| tests | workers | 1 | 10 | 50 | decided | session |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for load in LOADS {
        let ways = [
            Sizes::Count(1),
            Sizes::Count(10),
            Sizes::Count(50),
            Sizes::Decided,
            Sizes::Session,
        ];
        let ratios = ways.map(|sizes| format!("{:.2}", mean_ratio(load, sizes)));
        let (mean, start) = (load.mean_ms / 1000.0, load.start_ms / 1000.0);
        println!(
            "| {} × {mean} s, start {start} s | {} | {} |",
            load.tests,
            load.workers,
            ratios.join(" | ")
        );
    }
}
