//! Progress of a run, for people: a counted line per finished execution, and on a terminal a bar with what runs.

mod bar_text;
mod keys;
mod taskbar;

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

pub(crate) use self::taskbar::{Shown, shows_progress};
use self::{
    bar_text::{Counts, bar_text, running_lines},
    keys::Keys,
};
use super::screen::Screen;
use crate::{
    clock,
    model::{Capabilities, PlanStatus, millis},
    report::{
        console::{FinishedLine, ResultWord, line},
        sanitise::console_line,
    },
    run::{Observer, ProgressEvent, RunningTest},
    wait::WaitUpdate,
};

/// Longest reason to stop, in bytes.
const LONGEST_LINE: usize = 1000;
/// Most bytes of a name or reason in a line.
const LONGEST: usize = 300;
/// How often the bar changes and keys are looked for.
const INTERVAL: Duration = Duration::from_millis(250);
/// The width of a terminal that does not tell.
const WIDTH: usize = 80;

/// Prints the progress of a run on stderr.
#[derive(Debug)]
pub(crate) struct ProgressPrinter<'a> {
    screen: &'a Screen,
    offered: Capabilities,
    bar: Option<Bar>,
}

/// The bar and what belongs to it, on a terminal.
#[derive(Debug)]
struct Bar {
    drawn: ProgressBar,
    counts: Counts,
    began: Instant,
    text: String,
    keys: Option<Keys>,
    shown: Shown,
}

impl Bar {
    fn new(status: PlanStatus) -> Self {
        let drawn = ProgressBar::new(status.total()).with_position(status.done);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}");
        Self {
            drawn: drawn.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())),
            counts: Counts {
                left: status.total().saturating_sub(status.done),
                ..Counts::default()
            },
            began: clock::monotonic(),
            text: String::new(),
            keys: Keys::listen(),
            shown: Shown::Nothing,
        }
    }

    fn count(&mut self, finished: &FinishedLine<'_>) {
        let total = finished.total.unwrap_or(finished.done);
        self.drawn.set_length(total);
        self.drawn.set_position(finished.done);
        let counts = &mut self.counts;
        counts.failed += u64::from(matches!(
            finished.word,
            ResultWord::Fail | ResultWord::Error
        ));
        counts.ended += 1;
        counts.took += Duration::from_millis(finished.duration_ms);
        counts.left = total.saturating_sub(finished.done);
        self.shown = Shown::of(finished.done, total, counts.failed);
    }

    /// Draws what changed. Returns the lines that a key asked for.
    fn update(&mut self, running: &[RunningTest]) -> Vec<String> {
        let width = terminal_size::terminal_size_of(std::io::stderr());
        let width = width.map_or(WIDTH, |(columns, _)| usize::from(columns.0));
        let text = bar_text(&self.counts, self.began.elapsed(), running, width);
        if text != self.text {
            self.drawn.set_message(text.clone());
            self.text = text;
        }
        let keys = self.keys.as_ref().map(Keys::pressed).unwrap_or_default();
        if keys.iter().any(|key| key.eq_ignore_ascii_case(&b't')) {
            return running_lines(running, LONGEST);
        }
        Vec::new()
    }
}

impl<'a> ProgressPrinter<'a> {
    /// For workers that offer `offered`, on a plan with this status.
    pub(crate) fn new(screen: &'a Screen, offered: Capabilities, status: PlanStatus) -> Self {
        Self {
            screen,
            offered,
            bar: screen.may_draw().then(|| Bar::new(status)),
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.drawn.suspend(|| self.screen.info(line)),
            None => self.screen.info(line),
        }
    }

    fn finished(&mut self, finished: &FinishedLine<'_>) {
        if let Some(bar) = &mut self.bar {
            bar.count(finished);
            self.screen.taskbar(bar.shown);
            // On a terminal the bar shows what passes; lines are for failures.
            if matches!(finished.word, ResultWord::Pass | ResultWord::Skip) {
                return;
            }
        }
        self.say(&line(finished, self.screen.paint()));
    }
}

impl ProgressPrinter<'_> {
    fn waiting(&self, workers: usize, update: &WaitUpdate) {
        let here = if workers == 1 {
            ": 1 worker waits here".to_owned()
        } else {
            format!(": {workers} workers wait here")
        };
        for line in update.text(&here) {
            self.say(&line);
        }
    }
}

impl Observer for ProgressPrinter<'_> {
    fn interval(&self) -> Option<Duration> {
        self.bar.as_ref().map(|_| INTERVAL)
    }

    fn see_running(&mut self, running: &[RunningTest]) {
        let Some(bar) = &mut self.bar else { return };
        for line in bar.update(running) {
            self.say(&line);
        }
    }

    fn observe(&mut self, event: &ProgressEvent) {
        match event {
            ProgressEvent::Finished {
                slot,
                test,
                outcome,
                duration,
                ended,
                total,
            } => self.finished(&FinishedLine {
                done: *ended,
                total: Some(*total),
                word: ResultWord::of(outcome),
                duration_ms: millis(*duration),
                test,
                worker: &slot.to_string(),
                capabilities: &self.offered.clone(),
            }),
            ProgressEvent::NotRun { test, reason } => {
                let (test, reason) = (
                    console_line(&test.to_string(), LONGEST),
                    console_line(reason, LONGEST),
                );
                self.say(&format!("not run: {test}: {reason}"));
            }
            ProgressEvent::NotCounted { test, reason } => {
                let (test, reason) = (
                    console_line(&test.to_string(), LONGEST),
                    console_line(reason, LONGEST),
                );
                self.say(&format!("not counted: {test}: {reason}"));
            }
            ProgressEvent::NotUploaded { test, reason } => {
                let (test, reason) = (
                    console_line(&test.to_string(), LONGEST),
                    console_line(reason, LONGEST),
                );
                self.say(&format!("not uploaded: {test}: {reason}"));
            }
            ProgressEvent::Waiting { workers, update } => self.waiting(*workers, update),
            ProgressEvent::Busy { running } => {
                let names: Vec<String> = running
                    .iter()
                    .take(4)
                    .map(|test| console_line(&test.to_string(), LONGEST))
                    .collect();
                let more = running.len().saturating_sub(names.len());
                let more = if more == 0 {
                    String::new()
                } else {
                    format!(" and {more} more")
                };
                self.say(&format!("running: {}{more}", names.join(", ")));
            }
            ProgressEvent::Stopping(why) => self.say(&console_line(why, LONGEST_LINE)),
        }
    }
}

impl Drop for ProgressPrinter<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.drawn.finish_and_clear();
            self.screen.taskbar(Shown::Nothing);
        }
    }
}
