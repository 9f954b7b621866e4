//! Progress of a run, for people: a counted line per finished execution, and a bar below on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use super::screen::Screen;
use crate::{
    model::{Capabilities, PlanStatus, millis},
    report::{
        console::{FinishedLine, ResultWord, line},
        sanitise::console_line,
    },
    run::{Observer, ProgressEvent},
    wait::WaitUpdate,
};

/// Longest reason to stop, in bytes.
const LONGEST_LINE: usize = 1000;
/// Most bytes of a name or reason in a line.
const LONGEST: usize = 300;

/// Prints the progress of a run on stderr.
#[derive(Debug)]
pub(crate) struct ProgressPrinter<'a> {
    screen: &'a Screen,
    offered: Capabilities,
    bar: Option<ProgressBar>,
}

impl<'a> ProgressPrinter<'a> {
    /// For workers that offer `offered`, on a plan with this status.
    pub(crate) fn new(screen: &'a Screen, offered: Capabilities, status: PlanStatus) -> Self {
        let bar = screen.may_draw().then(|| {
            let bar = ProgressBar::new(status.total()).with_position(status.done);
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len}  {elapsed}  {msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self {
            screen,
            offered,
            bar,
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.screen.info(line)),
            None => self.screen.info(line),
        }
    }

    fn finished(&self, finished: &FinishedLine<'_>) {
        if let Some(bar) = &self.bar {
            bar.set_position(finished.done);
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
                capabilities: &self.offered,
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
            bar.finish_and_clear();
        }
    }
}
