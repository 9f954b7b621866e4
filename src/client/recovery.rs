//! Learns from every call of a client whether the service is back, so that one success ends the pauses of all other calls.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

/// Whether the service is failing, shared by all clones of a client.
#[derive(Debug, Default)]
pub(super) struct ServiceHealth {
    is_failing: AtomicBool,
    /// Counts how often it came back.
    recoveries: watch::Sender<u64>,
}

impl ServiceHealth {
    /// A call failed in a way that later tries may not.
    pub(super) fn failed(&self) {
        self.is_failing.store(true, Ordering::Relaxed);
    }

    /// The service itself answered a call.
    pub(super) fn answered(&self) {
        if self.is_failing.swap(false, Ordering::Relaxed) {
            self.recoveries.send_modify(|count| *count += 1);
        }
    }

    /// Recoveries from now on.
    pub(super) fn watch(&self) -> RecoveryWatch {
        RecoveryWatch {
            recoveries: self.recoveries.subscribe(),
            in_vain: 0,
        }
    }
}

/// What one call knows of recoveries.
#[derive(Debug)]
pub(super) struct RecoveryWatch {
    recoveries: watch::Receiver<u64>,
    in_vain: u32,
}

impl RecoveryWatch {
    /// Forgets the recoveries before a try.
    pub(super) fn begin_try(&mut self) {
        self.recoveries.mark_unchanged();
    }

    /// How many pauses of this call ended early. The call still failed after each of them but the last.
    pub(super) fn early_ends(&self) -> u32 {
        self.in_vain
    }

    /// Sleeps for `pause`, or only for `least` if the service came back since the last try began.
    pub(super) async fn pause(&mut self, pause: Duration, least: Duration) {
        sleep(least.min(pause)).await;
        tokio::select! {
            () = sleep(pause.saturating_sub(least)) => {}
            Ok(()) = self.recoveries.changed() => self.in_vain += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn pause_ends_when_the_service_is_back() {
        let health = ServiceHealth::default();
        let mut watch = health.watch();
        watch.begin_try();
        health.failed();
        let began = clock::timer();
        let ((), ()) = tokio::join!(watch.pause(SECOND * 30, SECOND), async {
            sleep(SECOND * 5).await;
            health.answered();
        });
        assert_eq!((clock::timer() - began).as_secs(), 5);
        assert_eq!(watch.early_ends(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn recovery_during_a_try_counts_after_the_least_pause() {
        let health = ServiceHealth::default();
        let mut watch = health.watch();
        watch.begin_try();
        health.failed();
        health.answered();
        let began = clock::timer();
        watch.pause(SECOND * 30, SECOND).await;
        assert_eq!((clock::timer() - began).as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn success_without_a_failure_before_it_is_no_recovery() {
        let health = ServiceHealth::default();
        let mut watch = health.watch();
        watch.begin_try();
        health.answered();
        let began = clock::timer();
        watch.pause(SECOND * 30, SECOND).await;
        assert_eq!((clock::timer() - began).as_secs(), 30);
        assert_eq!(watch.early_ends(), 0);
    }
}
