//! Idempotency keys: which request was made under a key, and what it created.

use rusqlite::params;

use super::{
    column_values::{from_json, to_json},
    statements::Statements as _,
    write_context::WriteContext,
};
use crate::{
    model::{ExecutionId, Timestamp},
    store::{
        RefusalCode, StoreError,
        protocol::{Digested, StoredDigest, payload::RequestKey, refuse},
    },
};

/// The kind of request that a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyPurpose {
    Execute,
    Import,
    Reserve,
}

/// The digest of a key of one principal for one kind of request.
pub(super) struct IdempotencyKey {
    digest: StoredDigest,
    /// Under which releases before versioned digests stored the key.
    legacy: StoredDigest,
}

/// What a key was used for.
pub(super) struct KeyRecord {
    pub(super) digest: StoredDigest,
    pub(super) subject: i64,
    pub(super) epoch: Option<u32>,
    /// The other leases of the same answer.
    pub(super) more: Vec<(ExecutionId, u32)>,
}

impl IdempotencyKey {
    pub(super) fn new(purpose: KeyPurpose, principal: &str, key: &str) -> Self {
        let key = RequestKey {
            purpose: match purpose {
                KeyPurpose::Execute => "execute",
                KeyPurpose::Import => "import",
                KeyPurpose::Reserve => "reserve",
            },
            principal,
            key,
        };
        Self {
            digest: StoredDigest::of(&key),
            legacy: StoredDigest::Legacy(key.legacy()),
        }
    }

    /// What was done under the key, unless the record is too old.
    pub(super) fn find(&self, context: &WriteContext) -> Result<Option<KeyRecord>, StoreError> {
        let found = context.db.read_if(
            "SELECT digest, subject, epoch, more FROM keys
             WHERE hash IN (?1, ?2) AND (epoch IS NOT NULL OR expires_at >= ?3)
             ORDER BY length(hash) DESC LIMIT 1",
            params![self.digest, self.legacy, context.now.0],
            |row| {
                let record = KeyRecord {
                    digest: row.get(0)?,
                    subject: row.get(1)?,
                    epoch: row.get(2)?,
                    more: Vec::new(),
                };
                Ok((record, row.get::<_, Option<String>>(3)?))
            },
        )?;
        let Some((record, more)) = found else {
            return Ok(None);
        };
        let more = more.as_deref().map(from_json).transpose()?;
        Ok(Some(KeyRecord {
            more: more.unwrap_or_default(),
            ..record
        }))
    }

    /// Stores what was done under the key and replaces an older record.
    pub(super) fn store(
        &self,
        context: &WriteContext,
        record: &KeyRecord,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let more = (!record.more.is_empty())
            .then(|| to_json(&record.more))
            .transpose()?;
        context.db.change_one(
            "an idempotency key",
            "INSERT OR REPLACE INTO keys (hash, digest, subject, epoch, expires_at, more)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                self.digest,
                record.digest,
                record.subject,
                record.epoch,
                expires_at.0,
                more
            ],
        )
    }
}

impl KeyRecord {
    /// Refuses a key that comes with another request than before.
    pub(super) fn check_same<T: Digested>(&self, request: &T) -> Result<(), StoreError> {
        if self.digest.matches(request) {
            return Ok(());
        }
        Err(refuse(
            RefusalCode::KeyReused,
            "this idempotency key was used for another request: make a new key for each.",
        ))
    }
}

/// Deletes keys of no further use: old ones of plans and imports, and those of leases that can never be valid again.
pub(super) fn prune(context: &WriteContext) -> Result<(), StoreError> {
    context
        .db
        .prepare_cached(
            "DELETE FROM keys WHERE expires_at < ?1 AND NOT EXISTS
               (SELECT 1 FROM executions e WHERE e.id = keys.subject AND e.epoch = keys.epoch AND e.state IN (1, 2))
             AND (more IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(more) j
               JOIN executions e ON e.id = j.value ->> 0 AND e.epoch = j.value ->> 1 AND e.state IN (1, 2)))",
        )?
        .execute([context.now.0])?;
    Ok(())
}
