//! Locks without poisoning.

use std::sync::{LockResult, PoisonError};

/// The guard of a lock, even if a thread panicked while it held it: no state in this crate is torn between two statements.
pub(crate) fn ignore_poison<G>(guard: LockResult<G>) -> G {
    guard.unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn poisoned_lock_still_opens() {
        let lock = Mutex::new(1);
        let panicked = std::thread::scope(|scope| {
            let holder = scope.spawn(|| {
                let _guard = lock.lock();
                panic!("poisons the lock");
            });
            holder.join().is_err()
        });
        assert!(panicked && lock.is_poisoned());
        assert_eq!(*ignore_poison(lock.lock()), 1);
    }
}
