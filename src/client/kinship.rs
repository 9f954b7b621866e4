//! Whether the service is testplan's own.

use std::sync::atomic::{AtomicU8, Ordering};

/// What is known of the service: nothing, ours, or another. Once ours it stays ours, because a proxy before it
/// answers in its own name.
#[derive(Debug, Default)]
pub(super) struct Kinship(AtomicU8);

const OURS: u8 = 1;
const ANOTHER: u8 = 2;

impl Kinship {
    pub(super) fn get(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            OURS => Some(true),
            ANOTHER => Some(false),
            _ => None,
        }
    }

    pub(super) fn learn_ours(&self) {
        self.0.store(OURS, Ordering::Relaxed);
    }

    pub(super) fn learn_another(&self) {
        let _ = self
            .0
            .compare_exchange(0, ANOTHER, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_stays_ours() {
        let kinship = Kinship::default();
        assert_eq!(kinship.get(), None);
        kinship.learn_another();
        assert_eq!(kinship.get(), Some(false));
        kinship.learn_ours();
        kinship.learn_another();
        assert_eq!(kinship.get(), Some(true));
    }
}
