//! Statements about idempotency keys.

use crate::{
    model::{ExecutionId, Timestamp},
    store::{StoreError, protocol::StoredDigest},
};

/// The digest of a key of one principal for one kind of request.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct KeyHash {
    pub(in crate::store) digest: StoredDigest,
    /// Under which releases before versioned digests stored the key.
    pub(in crate::store) legacy: StoredDigest,
}

impl KeyHash {
    /// Under which it is stored, and under which releases before versioned digests stored it.
    pub(in crate::store) fn digests(&self) -> [StoredDigest; 2] {
        [self.digest, self.legacy]
    }
}

/// What a key was used for.
#[derive(Clone, Debug)]
pub(in crate::store) struct KeyRecord {
    pub(in crate::store) digest: StoredDigest,
    /// The plan, the import, or the execution.
    pub(in crate::store) subject: i64,
    /// Of a lease.
    pub(in crate::store) epoch: Option<u32>,
    /// The other leases of the same answer.
    pub(in crate::store) more: Vec<(ExecutionId, u32)>,
}

/// Idempotency keys.
pub(in crate::store) trait KeyRows {
    /// What was done under the key, unless the record is older than `now`; leases have no age.
    fn key(&mut self, key: &KeyHash, now: Timestamp) -> Result<Option<KeyRecord>, StoreError>;

    /// Stores what was done under the key and replaces an older record.
    fn store_key(
        &mut self,
        key: &KeyHash,
        record: &KeyRecord,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Deletes keys of no further use: old ones of plans and imports, and those of leases that can never be valid again.
    /// Returns them.
    fn prune_keys(&mut self, now: Timestamp) -> Result<Vec<StoredDigest>, StoreError>;
}
