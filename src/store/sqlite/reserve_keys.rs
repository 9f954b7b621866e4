//! The idempotency keys under which something may be reserved, in memory: a request with another key is the first one, and
//! nothing has to be read to know that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use rusqlite::Connection;

use super::statements::Statements as _;
use crate::{
    store::{Reserve, StoreError, protocol::StoredDigest, steps::key_of_reservation},
    sync::ignore_poison,
};

/// The keys in the database and those of requests that the writer has not answered. It never lacks one, but may have too many
/// after a failed commit.
#[derive(Debug, Default)]
pub(super) struct ReserveKeys(Mutex<HashMap<StoredDigest, KeyState>>);

#[derive(Clone, Copy, Debug, Default)]
struct KeyState {
    is_stored: bool,
    requests: u32,
}

/// A request under a key, until the writer has run it.
#[derive(Debug)]
pub(super) struct KeyedRequest {
    keys: Arc<ReserveKeys>,
    key: StoredDigest,
}

impl ReserveKeys {
    /// Reads the keys of a database. It holds those of other requests too, which make no difference.
    pub(super) fn read(db: &Connection) -> Result<Self, StoreError> {
        let stored = db.read_all("SELECT hash FROM keys", [], |row| row.get(0))?;
        let state = KeyState {
            is_stored: true,
            requests: 0,
        };
        let keys = stored.into_iter().map(|key| (key, state)).collect();
        Ok(Self(Mutex::new(keys)))
    }

    /// Whether the request has no key, or one that no request had before.
    pub(super) fn is_first(&self, request: &Reserve) -> bool {
        let Some(key) = key_of_reservation(request) else {
            return true;
        };
        let keys = self.keys();
        key.digests()
            .iter()
            .all(|digest| !keys.contains_key(digest))
    }

    /// Notes a request before it queues for the writer: a repetition may come while it waits there.
    pub(super) fn begin(self: &Arc<Self>, request: &Reserve) -> Option<KeyedRequest> {
        let key = key_of_reservation(request)?.digest;
        self.keys().entry(key).or_default().requests += 1;
        Some(KeyedRequest {
            keys: Arc::clone(self),
            key,
        })
    }

    /// Forgets keys that were deleted from the database because their leases are over for good.
    pub(super) fn forget(&self, deleted: &[StoredDigest]) {
        let mut keys = self.keys();
        for key in deleted {
            if let Some(state) = keys.get_mut(key) {
                state.is_stored = false;
                remove_if_unused(&mut keys, key);
            }
        }
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<StoredDigest, KeyState>> {
        ignore_poison(self.0.lock())
    }
}

impl KeyedRequest {
    /// Notes that the key is stored now.
    pub(super) fn has_reserved(self) {
        if let Some(state) = self.keys.keys().get_mut(&self.key) {
            state.is_stored = true;
        }
    }
}

impl Drop for KeyedRequest {
    fn drop(&mut self) {
        let mut keys = self.keys.keys();
        if let Some(state) = keys.get_mut(&self.key) {
            state.requests -= 1;
            remove_if_unused(&mut keys, &self.key);
        }
    }
}

fn remove_if_unused(keys: &mut HashMap<StoredDigest, KeyState>, key: &StoredDigest) {
    if keys
        .get(key)
        .is_some_and(|state| !state.is_stored && state.requests == 0)
    {
        keys.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Capabilities, PlanId};

    fn request(principal: &str, key: Option<&str>) -> Reserve {
        Reserve {
            plan: PlanId(1),
            offered: Capabilities::default(),
            timeout: Duration::from_secs(60),
            allocate_server: false,
            principal: principal.to_owned(),
            worker: None,
            key: key.map(str::to_owned),
            batch: None,
        }
    }

    #[test]
    fn key_is_known_from_the_request_until_its_lease_is_over() {
        let keys = Arc::new(ReserveKeys::default());
        let request = request("ci", Some("k"));
        assert!(keys.is_first(&request));
        let first = keys.begin(&request).unwrap();
        assert!(!keys.is_first(&request), "it may be granted at any moment");
        first.has_reserved();
        assert!(!keys.is_first(&request));
        // A repetition does not end what the first one stored.
        drop(keys.begin(&request));
        assert!(!keys.is_first(&request));
        keys.forget(&key_of_reservation(&request).unwrap().digests());
        assert!(keys.is_first(&request));
        assert!(keys.keys().is_empty());
    }

    #[test]
    fn key_of_a_request_without_a_reservation_is_forgotten() {
        let keys = Arc::new(ReserveKeys::default());
        let request = request("ci", Some("k"));
        let (first, second) = (keys.begin(&request), keys.begin(&request));
        drop(first);
        assert!(!keys.is_first(&request), "the second one is under way");
        drop(second);
        assert!(keys.is_first(&request));
        assert!(keys.keys().is_empty());
    }

    #[test]
    fn keys_belong_to_a_principal_and_requests_without_one_are_all_first() {
        let keys = Arc::new(ReserveKeys::default());
        keys.begin(&request("ci", Some("k")))
            .unwrap()
            .has_reserved();
        assert!(keys.is_first(&request("other", Some("k"))));
        assert!(keys.is_first(&request("ci", None)));
        assert!(keys.begin(&request("ci", None)).is_none());
    }

    #[test]
    fn key_that_an_earlier_release_stored_is_known() {
        let request = request("ci", Some("k"));
        let [_, legacy] = key_of_reservation(&request).unwrap().digests();
        let stored = KeyState {
            is_stored: true,
            requests: 0,
        };
        let keys = ReserveKeys(Mutex::new(HashMap::from([(legacy, stored)])));
        assert!(!keys.is_first(&request));
    }
}
