//! One recommendation from the verdicts and the times.

use std::time::Duration;

use super::{
    run_modes::{RunModes, SingleKey},
    verdicts::{ComparedTest, Difference, Verdict},
};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recommendation {
    /// All verdicts agree, and batches are faster.
    Batch,
    /// All verdicts agree, and batches are not faster.
    Single,
    /// Tests depend on others. `single_avoids` if none of them fails in a process of its own.
    FixDependent { single_avoids: bool },
    /// Tests are flaky, and no other verdict differs.
    FixFlaky,
    /// No verdict differs, and a way did not come to its end.
    MoreTime,
}

/// The recommendation for tests that took so long one by one, and in batches.
pub(crate) fn of(tests: &[ComparedTest], walls: (Duration, Duration)) -> Recommendation {
    let differences: Vec<(&ComparedTest, Difference)> = tests
        .iter()
        .filter_map(|test| Some((test, test.difference()?)))
        .collect();
    let mut dependent = differences
        .iter()
        .filter(|(_, difference)| *difference != Difference::Flaky)
        .peekable();
    let (single, batched) = walls;
    if dependent.peek().is_some() {
        let single_avoids =
            dependent.all(|(test, _)| matches!(test.single, Verdict::Passed | Verdict::Skipped));
        Recommendation::FixDependent { single_avoids }
    } else if !differences.is_empty() {
        Recommendation::FixFlaky
    } else if !tests.iter().all(ComparedTest::is_complete) {
        Recommendation::MoreTime
    } else if batched < single {
        Recommendation::Batch
    } else {
        Recommendation::Single
    }
}

impl Recommendation {
    /// For programs.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Single => "single",
            Self::FixDependent { .. } => "fix-dependent-tests",
            Self::FixFlaky => "fix-flaky-tests",
            Self::MoreTime => "more-time",
        }
    }

    /// For people.
    pub(crate) fn text(self, modes: &RunModes) -> String {
        let use_single = match (modes.is_single_now, modes.key) {
            (true, _) => "keep one test per process, as testplan.yml has it",
            (false, SingleKey::Mode) => "set `mode: single` in testplan.yml",
            (false, SingleKey::MostOne) => {
                "write `batch: { most: 1 }` in testplan.yml, so that each call runs one test"
            }
        };
        match self {
            Self::Batch if modes.is_single_now => {
                "batching is safe as far as seen: testplan.yml asks for one test per process and need not".to_owned()
            }
            Self::Batch => {
                "batching is safe as far as seen: leave testplan.yml as it is".to_owned()
            }
            Self::Single => {
                format!("{use_single}: batching is safe as far as seen, and saves no time here")
            }
            Self::FixDependent {
                single_avoids: true,
            } => format!("fix the tests that depend on others; until then {use_single}"),
            Self::FixDependent {
                single_avoids: false,
            } => "fix the tests that depend on others: one test per process does not help those that fail alone"
                .to_owned(),
            Self::FixFlaky => {
                "fix the flaky tests, then run this again: no other verdict differs".to_owned()
            }
            Self::MoreTime => {
                "no verdict differs, but tests are not compared in each way: run this again with a longer --time-limit or \
                 fewer --tests"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::PlanFile,
        model::{Capabilities, Test},
    };

    const SECONDS: fn(u64) -> Duration = Duration::from_secs;

    fn compared(verdicts: &str) -> ComparedTest {
        let mut letters = verdicts.chars().map(|letter| match letter {
            'p' => Some(Verdict::Passed),
            'f' => Some(Verdict::Failed),
            's' => Some(Verdict::Skipped),
            _ => None,
        });
        let mut next = || letters.next().flatten();
        ComparedTest {
            test: Test {
                suite: "s".to_owned(),
                testcase: verdicts.to_owned(),
            },
            required: Capabilities::default(),
            single: next().unwrap(),
            batched: next(),
            shuffled: next(),
            alone: next(),
        }
    }

    #[test]
    fn batching_is_recommended_only_if_all_agree_and_it_is_faster() {
        use Recommendation::*;
        for (tests, batched, expected) in [
            (&["ppp-", "fff-"][..], 1, Batch),
            (&["ppp-"], 5, Single),
            (&["ppp-"], 9, Single),
            (
                &["ppp-", "pff-"],
                1,
                FixDependent {
                    single_avoids: true,
                },
            ),
            (
                &["ppfp"],
                1,
                FixDependent {
                    single_avoids: true,
                },
            ),
            (
                &["spps"],
                1,
                FixDependent {
                    single_avoids: true,
                },
            ),
            (
                &["fppf"],
                1,
                FixDependent {
                    single_avoids: false,
                },
            ),
            (
                &["fppf", "pffp"],
                1,
                FixDependent {
                    single_avoids: false,
                },
            ),
            (&["ppp-", "pfpf"], 1, FixFlaky),
            (
                &["pffp", "pfpf"],
                1,
                FixDependent {
                    single_avoids: true,
                },
            ),
            (&["ppp-", "pp--"], 1, MoreTime),
            (
                &["pfp-", "pp--"],
                1,
                FixDependent {
                    single_avoids: true,
                },
            ),
        ] {
            let compared: Vec<_> = tests.iter().map(|test| compared(test)).collect();
            let got = of(&compared, (SECONDS(5), SECONDS(batched)));
            assert_eq!(got, expected, "{tests:?}");
        }
    }

    #[test]
    fn text_says_how_this_runner_gets_one_test_per_process() {
        let modes = |runner: &str| {
            let text = format!(
                "project: p\nrunner: {runner}\ntemplates: [{{ title: t, tests: [{{ suite: s, testcases: [a] }}] }}]\n"
            );
            let file = PlanFile::parse("t.yml", &text).unwrap();
            RunModes::of(file.runner.as_ref().unwrap()).unwrap()
        };
        let command = "{ command: [x, '{tests}'], test: '{testcase}', results: { format: junit } }";
        let fix = Recommendation::FixDependent {
            single_avoids: true,
        };
        for (runner, expected) in [
            ("pytest", "set `mode: single`"),
            (command, "write `batch: { most: 1 }`"),
            (
                "{ preset: pytest, mode: single }",
                "keep one test per process",
            ),
        ] {
            for recommendation in [fix, Recommendation::Single] {
                let text = recommendation.text(&modes(runner));
                assert!(text.contains(expected), "{runner}: {text}");
            }
        }
    }
}
