//! Flaky tests in simulated histories, in which it is known which tests are flaky and which only broke for a time.

use super::*;
use crate::{
    model::{PlanOrigin, Timestamp},
    random::SplitMix,
};

const TESTS: usize = 2_000;
const PLANS: i64 = 200;
/// As many plans as the pages read.
const WINDOW: usize = 20;

/// A test: how often it fails without a reason, and for how many plans it is broken.
#[derive(Clone, Copy)]
struct Simulated {
    fails: f64,
    broken: u32,
}

impl Simulated {
    fn run(&mut self, random: &mut SplitMix, retries: bool) -> RunEnd {
        if self.broken > 0 {
            self.broken -= 1;
            return RunEnd::Failed;
        }
        if !random.chance(self.fails) {
            return RunEnd::Passed;
        }
        if retries && !random.chance(self.fails) {
            return RunEnd::Flaky;
        }
        RunEnd::Failed
    }
}

/// 5 % of the tests are flaky and fail in 5 to 50 % of their runs; in each plan one test in 2,000 breaks for 1 to 15 plans, each
/// plan tests a commit of its own, and in 3 % of the plans nearly everything fails.
fn history(seed: u64, retries: bool) -> (Vec<PlanCells>, Vec<bool>) {
    let mut random = SplitMix(seed);
    let mut tests: Vec<Simulated> = (0..TESTS)
        .map(|_| Simulated {
            fails: if random.chance(0.05) {
                0.05 + 0.45 * random.uniform()
            } else {
                0.0
            },
            broken: 0,
        })
        .collect();
    let is_flaky = tests.iter().map(|test| test.fails > 0.0).collect();
    let mut plans = Vec::new();
    for number in 1..=PLANS {
        let is_out_of_order = random.chance(0.03);
        let mut cells = Vec::with_capacity(TESTS);
        for (test, id) in tests.iter_mut().zip(1_i64..) {
            if test.broken == 0 && random.chance(1.0 / 2_000.0) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "1 to 15"
                )]
                let plans = (15.0 * random.uniform()).ceil() as u32;
                test.broken = plans;
            }
            let end = test.run(&mut random, retries);
            cells.push(RunCell {
                execution: ExecutionId(number * 10_000 + id),
                test: TestId(id),
                label_set: 1,
                end: if is_out_of_order && random.chance(0.9) {
                    RunEnd::Failed
                } else {
                    end
                },
                duration_ms: None,
            });
        }
        plans.push(PlanCells {
            run: PlanRun {
                id: PlanId(number),
                template: None,
                project: String::new(),
                title: String::new(),
                started: Timestamp(number),
                origin: PlanOrigin {
                    commit: format!("c{number}"),
                    ..PlanOrigin::default()
                },
                size: TESTS as u64,
                is_over: true,
            },
            cells,
        });
    }
    (plans, is_flaky)
}

/// What was found over all windows that end after the tenth plan or later.
#[derive(Debug, Default)]
struct Score {
    found: u64,
    right: u64,
    /// Flaky tests that failed at least once in the window; the others look like stable ones.
    shown: u64,
    shown_and_found: u64,
}

impl Score {
    fn of(plans: &[PlanCells], is_flaky: &[bool]) -> Self {
        let mut score = Self::default();
        for end in (10..=plans.len()).step_by(10) {
            let window: Vec<PlanCells> = plans[end.saturating_sub(WINDOW)..end]
                .iter()
                .rev()
                .cloned()
                .collect();
            let telling: Vec<&PlanCells> = window.iter().filter(|plan| plan.is_telling()).collect();
            for test in overview(&window) {
                let index = usize::try_from(test.test_id.0 - 1).unwrap();
                let failed = |plan: &&PlanCells| plan.cells[index].end != RunEnd::Passed;
                let shown = is_flaky[index] && telling.iter().any(failed);
                score.found += u64::from(test.is_flaky);
                score.right += u64::from(test.is_flaky && is_flaky[index]);
                score.shown += u64::from(shown);
                score.shown_and_found += u64::from(shown && test.is_flaky);
            }
        }
        score
    }

    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    fn precision_and_recall(&self) -> (f64, f64) {
        (
            self.right as f64 / self.found as f64,
            self.shown_and_found as f64 / self.shown as f64,
        )
    }
}

#[test]
fn flaky_tests_are_found_and_broken_ones_are_not_called_flaky() {
    let (plans, is_flaky) = history(1, true);
    let (precision, recall) = Score::of(&plans, &is_flaky).precision_and_recall();
    println!("with retries: precision {precision:.3}, recall {recall:.3}");
    assert!(precision >= 0.95 && recall >= 0.9, "{precision} {recall}");
    // Without retries only those are found that change often.
    let (plans, is_flaky) = history(2, false);
    let (precision, recall) = Score::of(&plans, &is_flaky).precision_and_recall();
    println!("without retries: precision {precision:.3}, recall {recall:.3}");
    assert!(precision >= 0.95, "{precision}");
}
