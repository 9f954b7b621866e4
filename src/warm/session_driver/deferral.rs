//! A session that leaves the tests to others until a process of its own pays.

use std::time::Duration;

use super::SessionDriver;
use crate::{clock, warm::second_process::Advice};

/// How often to look whether a process pays.
pub(super) const TICK: Duration = Duration::from_millis(20);

impl SessionDriver {
    /// Starts a process once it pays.
    pub(super) async fn reconsider(&mut self) {
        let now = clock::monotonic();
        let steps = match self.shared.progress(|it| it.advice(now)) {
            Advice::Wait => return,
            Advice::Start => self.conversation.start_deferred(),
            Advice::StandIn => self.conversation.stand_in(),
        };
        self.count();
        self.perform(steps).await;
    }

    /// Counts as a session with a process from now on.
    fn count(&mut self) {
        if !std::mem::replace(&mut self.is_counted, true) {
            self.shared.progress(|it| it.sessions += 1);
        }
    }
}

impl Drop for SessionDriver {
    fn drop(&mut self) {
        // However it ended: tests that only its process has are not left to it any more.
        self.without_process();
        if self.is_counted {
            self.shared.progress(|it| it.sessions -= 1);
        }
    }
}
