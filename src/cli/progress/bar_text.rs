//! The text beside and below the progress bar.

use std::time::Duration;

use crate::{
    model::millis,
    report::{sanitise::console_line, time_text::duration_text},
    run::RunningTest,
};

/// Most tests that are named below the bar.
const MOST_NAMES: usize = 3;
/// Most bytes of a name below the bar.
const LONGEST_NAME: usize = 60;
/// From how many results on a mean says something.
const ENOUGH: u64 = 5;

/// What the bar shows beside the counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Tests that failed or could not run.
    pub(super) failed: u64,
    /// Results of this process, and how long they took together.
    pub(super) ended: u64,
    pub(super) took: Duration,
    /// Tests of the plan without a result.
    pub(super) left: u64,
}

impl Counts {
    /// How long the rest takes if it takes as long as what ended, on as many workers as run now.
    fn time_left(&self, workers: usize) -> Option<Duration> {
        if self.ended < ENOUGH || self.left == 0 || workers == 0 {
            return None;
        }
        let mean = self.took.as_secs_f64() / count(self.ended);
        let workers = count(u64::try_from(workers).unwrap_or(u64::MAX));
        Duration::try_from_secs_f64(mean * count(self.left) / workers).ok()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of tests")]
fn count(number: u64) -> f64 {
    number as f64
}

/// `3 failed, 12.4s, about 1m 05s left`, and in a second line what runs, both at most `width` columns.
pub(super) fn bar_text(
    counts: &Counts,
    elapsed: Duration,
    running: &[RunningTest],
    width: usize,
) -> String {
    let mut parts = Vec::new();
    if counts.failed > 0 {
        parts.push(format!("{} failed", counts.failed));
    }
    parts.push(seconds(elapsed));
    let workers = running.iter().map(|it| it.slot);
    let workers = workers.collect::<std::collections::BTreeSet<_>>().len();
    if let Some(left) = counts.time_left(workers) {
        parts.push(format!("about {} left", seconds(left)));
    }
    let mut text = parts.join(", ");
    if let Some(names) = names(running, width) {
        text.push('\n');
        text.push_str(&names);
    }
    text
}

/// `running: suite / a (41s), suite / b (3s) and 6 more`.
fn names(running: &[RunningTest], width: usize) -> Option<String> {
    if running.is_empty() {
        return None;
    }
    for shown in (1..=MOST_NAMES.min(running.len())).rev() {
        let line = line_of(running, shown);
        if line.chars().count() < width || shown == 1 {
            return Some(line.chars().take(width.saturating_sub(1)).collect());
        }
    }
    None
}

fn line_of(running: &[RunningTest], shown: usize) -> String {
    let names: Vec<String> = running[..shown].iter().map(name).collect();
    let more = running.len() - shown;
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    format!("running: {}{more}", names.join(", "))
}

fn name(test: &RunningTest) -> String {
    let name = console_line(&test.test.to_string(), LONGEST_NAME);
    format!("{name} ({})", seconds(test.age))
}

/// What runs, a line for each test: the answer to a key.
pub(super) fn running_lines(running: &[RunningTest], longest: usize) -> Vec<String> {
    if running.is_empty() {
        return vec!["no test runs here now".to_owned()];
    }
    let line = |it: &RunningTest| {
        let name = console_line(&it.test.to_string(), longest);
        format!(
            "running for {} on worker {}: {name}",
            seconds(it.age),
            it.slot
        )
    };
    running.iter().map(line).collect()
}

/// Whole seconds: a tenth that changes all the time says nothing.
fn seconds(span: Duration) -> String {
    let text = duration_text(millis(span));
    match text.split_once('.') {
        Some((whole, _tenth)) => format!("{whole}s"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Test;

    fn running(slot: usize, name: &str, seconds: u64) -> RunningTest {
        RunningTest {
            slot,
            test: Test {
                suite: "suite".to_owned(),
                testcase: name.to_owned(),
            },
            age: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn failures_time_and_what_runs_are_shown() {
        let counts = Counts {
            failed: 2,
            ended: 10,
            took: Duration::from_secs(20),
            left: 30,
        };
        let tests = [running(1, "a", 41), running(2, "b", 3)];
        assert_eq!(
            bar_text(&counts, Duration::from_millis(12_400), &tests, 80),
            "2 failed, 12s, about 30s left\nrunning: suite / a (41s), suite / b (3s)"
        );
        assert_eq!(bar_text(&Counts::default(), Duration::ZERO, &[], 80), "0s");
    }

    #[test]
    fn no_time_is_promised_from_few_results() {
        let few = Counts {
            ended: ENOUGH - 1,
            took: Duration::from_secs(9),
            left: 10,
            ..Counts::default()
        };
        assert_eq!(few.time_left(2), None);
        let none_runs = Counts { ended: 9, ..few };
        assert_eq!(none_runs.time_left(0), None);
    }

    #[test]
    fn line_fits_into_the_terminal() {
        let tests: Vec<_> = (1..=8)
            .map(|slot| running(slot, "a long name", 5))
            .collect();
        for width in [20, 40, 60, 100] {
            let line = names(&tests, width).expect("tests run");
            assert!(line.chars().count() < width, "{width}: {line}");
        }
        assert!(names(&tests, 60).is_some_and(|line| line.ends_with("and 7 more")));
    }

    #[test]
    fn hostile_name_stays_on_its_line() {
        let lines = running_lines(&[running(3, "x\n\x1b[2J::error::", 61)], 300);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("running for 1m 01s on worker 3: suite / x"));
        assert!(!lines[0].contains(['\n', '\x1b']), "{lines:?}");
        assert_eq!(running_lines(&[], 300), ["no test runs here now"]);
    }
}
