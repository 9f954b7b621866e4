//! Which service answers: testplan's own, or Test Center.

use std::sync::atomic::{AtomicU8, Ordering};

/// What the answers so far say of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceKind {
    /// No answer was understood yet.
    #[default]
    Unknown,
    /// Test Center, or another service without testplan's additions.
    TestCenter,
    /// `testplan serve`: leases, `Prefer: wait` and idempotency keys.
    Testplan,
}

/// The kind, shared by all clones of a client. [`ServiceKind::Testplan`] is final, because a proxy before the service
/// answers in its own name.
#[derive(Debug, Default)]
pub(super) struct SharedKind(AtomicU8);

const TEST_CENTER: u8 = 1;
const TESTPLAN: u8 = 2;

impl SharedKind {
    pub(super) fn get(&self) -> ServiceKind {
        match self.0.load(Ordering::Relaxed) {
            TESTPLAN => ServiceKind::Testplan,
            TEST_CENTER => ServiceKind::TestCenter,
            _ => ServiceKind::Unknown,
        }
    }

    pub(super) fn set_testplan(&self) {
        self.0.store(TESTPLAN, Ordering::Relaxed);
    }

    pub(super) fn set_test_center(&self) {
        self.0.fetch_max(TEST_CENTER, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn testplan_is_final() {
        let kind = SharedKind::default();
        assert_eq!(kind.get(), ServiceKind::Unknown);
        kind.set_test_center();
        assert_eq!(kind.get(), ServiceKind::TestCenter);
        kind.set_testplan();
        kind.set_test_center();
        assert_eq!(kind.get(), ServiceKind::Testplan);
    }
}
