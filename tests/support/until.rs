//! Waiting for something that will come true.

use std::{
    thread,
    time::{Duration, Instant},
};

/// More than anything takes on a busy machine; whoever waits longer has found a bug.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often is looked.
const LOOK: Duration = Duration::from_millis(10);

/// Looks until there is something, and fails rather than hangs.
#[track_caller]
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, look)
}

/// The same, for what is late after `limit`.
#[track_caller]
pub(crate) fn until_within<T>(
    limit: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let began = Instant::now();
    loop {
        // Asked before looking: whoever was held up looks once more.
        let late = began.elapsed() > limit;
        if let Some(found) = look() {
            return found;
        }
        assert!(!late, "waited {limit:?} for {what}");
        thread::sleep(LOOK);
    }
}
