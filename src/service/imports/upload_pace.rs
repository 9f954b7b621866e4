//! Slow uploads take only some of the places, so that fast ones always find one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// An upload that has taken longer than this must be fast, or be one of the slow ones.
const SHORT: Duration = Duration::from_secs(60);
/// Bytes per second from which an upload is fast.
const FAST: u64 = 1024 * 1024;

/// The pace of one upload.
#[derive(Debug)]
pub(super) struct UploadPace {
    began: Instant,
    slow_places: Arc<Semaphore>,
    place: Option<OwnedSemaphorePermit>,
}

impl UploadPace {
    /// An upload that begins now.
    pub(super) fn new(slow_places: Arc<Semaphore>, now: Instant) -> Self {
        Self {
            began: now,
            slow_places,
            place: None,
        }
    }

    /// Whether the upload may go on after so many bytes. A slow one takes a place, and needs none once it has caught up.
    pub(super) fn may_go_on(&mut self, received: u64, now: Instant) -> bool {
        if !is_slow(received, now.saturating_duration_since(self.began)) {
            self.place = None;
            return true;
        }
        if self.place.is_none() {
            self.place = Arc::clone(&self.slow_places).try_acquire_owned().ok();
        }
        self.place.is_some()
    }
}

fn is_slow(received: u64, elapsed: Duration) -> bool {
    elapsed > SHORT && received / FAST < elapsed.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn slow_uploads_take_only_the_slow_places() {
        let start = clock::monotonic();
        let places = Arc::new(Semaphore::new(2));
        let mut uploads: Vec<_> = (0..4)
            .map(|_| UploadPace::new(Arc::clone(&places), start))
            .collect();
        let may_go_on = |upload: &mut UploadPace, mib: u64, after: u64| {
            upload.may_go_on(mib * FAST, start + Duration::from_secs(after))
        };
        assert!(uploads.iter_mut().all(|it| may_go_on(it, 0, 60)), "short");
        let slow: Vec<_> = uploads.iter_mut().map(|it| may_go_on(it, 10, 61)).collect();
        assert_eq!(slow, [true, true, false, false]);
        assert!(may_go_on(&mut uploads[3], 100, 100), "a fast one goes on");
        assert!(may_go_on(&mut uploads[0], 200, 200), "it has caught up");
        assert!(may_go_on(&mut uploads[2], 10, 61), "its place is free");
    }
}
