//! Runs of a test as small drawings: a bar each, by height and colour, and in words for those who do not see them.

use crate::{
    model::RunEnd,
    report::{html::Markup, view::Mark},
    text::nonzero_counts,
    trend::Day,
};

use super::page_state::{NO_VERDICT, OPEN};

/// Height of a drawing of runs, and the width of a run in it.
const HEIGHT: u64 = 18;
const WIDTH: u64 = 7;

/// The mark of an end.
pub(super) fn mark(end: RunEnd) -> Mark {
    match end {
        RunEnd::Passed => Mark::PASSED,
        RunEnd::Flaky => Mark::FLAKY,
        RunEnd::Failed => Mark::FAILED,
        RunEnd::Skipped => Mark::SKIPPED,
        RunEnd::CouldNotRun => Mark::COULD_NOT_RUN,
        RunEnd::NoVerdict => NO_VERDICT,
        RunEnd::Open => OPEN,
    }
}

/// `17 passed, 2 failed` of some ends.
pub(super) fn in_words(ends: &[RunEnd]) -> String {
    let count = |end| {
        (
            ends.iter().filter(|it| **it == end).count() as u64,
            mark(end).word,
        )
    };
    let words = nonzero_counts(&[
        count(RunEnd::Failed),
        count(RunEnd::CouldNotRun),
        count(RunEnd::NoVerdict),
        count(RunEnd::Flaky),
        count(RunEnd::Passed),
        count(RunEnd::Skipped),
        count(RunEnd::Open),
    ]);
    if words.is_empty() {
        "no runs".to_owned()
    } else {
        words
    }
}

/// Runs given newest first, drawn with the newest at the right. What failed is high, what passed is low.
pub(super) fn strip(page: &mut Markup, ends: &[RunEnd]) {
    let width = WIDTH * ends.len().max(1) as u64;
    page.raw("<svg class=\"strip\" role=\"img\" width=\"")
        .number(width)
        .raw("\" height=\"")
        .number(HEIGHT)
        .raw("\" aria-label=\"")
        .text(&in_words(ends), 200)
        .raw(", the newest at the right\">");
    for (place, end) in ends.iter().rev().enumerate() {
        let height = match end {
            RunEnd::Failed | RunEnd::CouldNotRun => HEIGHT,
            RunEnd::Flaky | RunEnd::NoVerdict => HEIGHT * 2 / 3,
            RunEnd::Passed => HEIGHT / 3,
            RunEnd::Skipped | RunEnd::Open => 2,
        };
        page.raw("<rect class=\"run ")
            .raw(mark(*end).class)
            .raw("\" x=\"")
            .number(place as u64 * WIDTH)
            .raw("\" y=\"")
            .number(HEIGHT - height)
            .raw("\" width=\"5\" height=\"")
            .number(height)
            .raw("\"/>");
    }
    page.raw("</svg>");
}

/// Days, oldest first, as bars of the ends of their runs.
pub(super) fn days(page: &mut Markup, days: &[Day]) {
    let (step, height) = (22, 80);
    let most = days.iter().map(Day::runs).max().unwrap_or(0).max(1);
    page.raw("<svg class=\"days\" role=\"img\" viewBox=\"0 0 ")
        .number(days.len() as u64 * step)
        .raw(" ")
        .number(height)
        .raw(
            "\" aria-label=\"Runs a day, the newest at the right; the table below has the same\">",
        );
    for (place, day) in days.iter().enumerate() {
        let x = place as u64 * step;
        let mut top = height;
        page.raw("<rect class=\"none\" x=\"")
            .number(x)
            .raw("\" y=\"")
            .number(height - 2)
            .raw("\" width=\"18\" height=\"2\"/>");
        for (count, mark) in day.marked() {
            if count == 0 {
                continue;
            }
            let share = (count * height / most).max(3).min(top);
            top -= share;
            page.raw("<rect class=\"run ")
                .raw(mark.class)
                .raw("\" x=\"")
                .number(x)
                .raw("\" y=\"")
                .number(top)
                .raw("\" width=\"18\" height=\"")
                .number(share)
                .raw("\"/>");
        }
    }
    page.raw("</svg>\n");
}

impl Day {
    /// Its counts with their marks, from the bottom of a bar up.
    pub(super) fn marked(&self) -> [(u64, Mark); 5] {
        [
            (self.passed, Mark::PASSED),
            (self.skipped, Mark::SKIPPED),
            (self.flaky, Mark::FLAKY),
            (self.without_verdict, Mark::COULD_NOT_RUN),
            (self.failed, Mark::FAILED),
        ]
    }
}

/// How long runs took, given newest first, drawn with the newest at the right.
pub(super) fn durations(page: &mut Markup, runs: &[(RunEnd, u64)]) {
    let (step, height) = (9, 60);
    let longest = runs.iter().map(|(_, took)| *took).max().unwrap_or(0).max(1);
    page.raw("<svg class=\"days\" role=\"img\" viewBox=\"0 0 ")
        .number(runs.len().max(40) as u64 * step)
        .raw(" ")
        .number(height)
        .raw(
            "\" aria-label=\"Durations, the newest at the right; the list of runs has the same\">",
        );
    for (place, (end, took)) in runs.iter().rev().enumerate() {
        let share = (took.saturating_mul(height) / longest).clamp(1, height);
        page.raw("<rect class=\"run ")
            .raw(mark(*end).class)
            .raw("\" x=\"")
            .number(place as u64 * step)
            .raw("\" y=\"")
            .number(height - share)
            .raw("\" width=\"7\" height=\"")
            .number(share)
            .raw("\"/>");
    }
    page.raw("</svg>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_run_is_at_the_right_and_failures_are_high() {
        let mut page = Markup::default();
        strip(&mut page, &[RunEnd::Failed, RunEnd::Passed]);
        let text = page.into_text();
        assert!(
            text.contains("aria-label=\"1 failed, 1 passed, the newest at the right\""),
            "{text}"
        );
        assert!(
            text.contains("class=\"run passed\" x=\"0\" y=\"12\""),
            "{text}"
        );
        assert!(
            text.contains("class=\"run failed\" x=\"7\" y=\"0\""),
            "{text}"
        );
    }

    #[test]
    fn day_without_runs_is_an_empty_place() {
        let mut page = Markup::default();
        let full = Day {
            failed: 1,
            passed: 3,
            ..Day::default()
        };
        days(&mut page, &[Day::default(), full]);
        let text = page.into_text();
        assert_eq!(text.matches("class=\"none\"").count(), 2);
        assert!(
            text.contains("class=\"run passed\" x=\"22\" y=\"20\" width=\"18\" height=\"60\""),
            "{text}"
        );
        assert!(
            text.contains("class=\"run failed\" x=\"22\" y=\"0\""),
            "{text}"
        );
    }
}
