//! The state of a wait, as `work`, `run` and `wait` print it.

use std::time::Duration;

use super::{reminder::Decision, wording::seconds};
use crate::report::sanitise::console_line;

/// Longest line, in bytes.
pub(super) const LONGEST: usize = 1000;

/// The state of a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitUpdate {
    /// How long it has lasted.
    pub waited: Duration,
    /// What the workers wait for, and what would end it; empty if no reminder is due. The text is raw.
    pub lines: Vec<String>,
    /// Why nothing changes without help.
    pub stuck: &'static str,
    /// How much of the grace is left, while the wait is stuck.
    pub remains: Option<Duration>,
    /// How long a wait may be stuck; zero if waiting cannot help.
    pub grace: Duration,
    /// What was lacking, if the wait ended without success.
    pub gave_up: Option<String>,
}

impl WaitUpdate {
    pub(super) fn new(
        decision: Decision,
        grace: Duration,
        stuck: &'static str,
        lines: Vec<String>,
        lacking: impl FnOnce() -> String,
    ) -> Self {
        Self {
            waited: decision.waited,
            lines: if decision.remind { lines } else { Vec::new() },
            stuck,
            remains: decision.remains,
            grace,
            gave_up: decision.is_over().then(lacking),
        }
    }

    /// The lines to print, clean: a headline that ends with `of`, the reasons, and what remains of the grace.
    pub fn text(&self, of: &str) -> Vec<String> {
        let mut text = vec![format!("waiting {}{of}", seconds(self.waited))];
        let lines = self.lines.iter();
        text.extend(lines.map(|line| format!("  {}", console_line(line, LONGEST))));
        text.extend(self.grace_line());
        text
    }

    fn grace_line(&self) -> Option<String> {
        let Self { stuck, grace, .. } = self;
        if self.gave_up.is_some() {
            let after = match *grace {
                Duration::ZERO => String::new(),
                grace => format!(" after {} (--grace)", seconds(grace)),
            };
            return Some(format!("  gave up{after}: {stuck}"));
        }
        let remains = Duration::from_secs(self.remains?.as_secs() + 1).min(*grace);
        Some(format!(
            "  {stuck}; exits with code 5 in {} (--grace) unless that changes",
            seconds(remains)
        ))
    }
}
