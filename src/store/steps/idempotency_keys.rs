//! Idempotency keys: which request was made under a key, and what it created.

use super::write_context::WriteContext;
use crate::{
    model::Timestamp,
    store::{
        RefusalCode, Reserve, StoreError,
        protocol::{Digested, StoredDigest, payload::RequestKey, refuse},
        rows::{KeyHash, KeyRecord},
    },
};

/// The kind of request that a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum KeyPurpose {
    Execute,
    Import,
    Reserve,
}

/// A key of one principal for one kind of request.
pub(in crate::store) struct IdempotencyKey(KeyHash);

impl IdempotencyKey {
    pub(in crate::store) fn new(purpose: KeyPurpose, principal: &str, key: &str) -> Self {
        let key = RequestKey {
            purpose: match purpose {
                KeyPurpose::Execute => "execute",
                KeyPurpose::Import => "import",
                KeyPurpose::Reserve => "reserve",
            },
            principal,
            key,
        };
        Self(KeyHash {
            digest: StoredDigest::of(&key),
            legacy: StoredDigest::Legacy(key.legacy()),
        })
    }

    /// What was done under the key, unless the record is too old.
    pub(in crate::store) fn find(
        &self,
        context: &mut WriteContext<'_>,
    ) -> Result<Option<KeyRecord>, StoreError> {
        let now = context.now();
        context.rows.key(&self.0, now)
    }

    /// Stores what was done under the key and replaces an older record.
    pub(in crate::store) fn store(
        &self,
        context: &mut WriteContext<'_>,
        record: &KeyRecord,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        context.rows.store_key(&self.0, record, expires_at)
    }
}

impl KeyRecord {
    /// Refuses a key that comes with another request than before.
    pub(in crate::store) fn check_same<T: Digested>(&self, request: &T) -> Result<(), StoreError> {
        if self.digest.matches(request) {
            return Ok(());
        }
        Err(refuse(
            RefusalCode::KeyReused,
            "this idempotency key was used for another request: make a new key for each.",
        ))
    }
}

/// The key of a reservation, for a store that looks for it before the request runs.
pub(in crate::store) fn key_of_reservation(request: &Reserve) -> Option<KeyHash> {
    let key = request.key.as_ref()?;
    let key = IdempotencyKey::new(KeyPurpose::Reserve, &request.principal, key);
    Some(key.0)
}
