//! Idempotency keys: which request was made under which, and what came of it.

use rusqlite::{OptionalExtension as _, params};

use super::desk::Desk;
use crate::{
    model::Timestamp,
    store::{
        RefusalCode, StoreError,
        protocol::{Digest, payload::digest, refuse},
    },
};

/// What a key was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Execute,
    Import,
    Reserve,
}

/// A key of one principal for one kind of request; of fixed size, however long the key was.
pub(super) struct Key(Digest);

/// What is known of a key.
pub(super) struct Known {
    pub(super) digest: Digest,
    pub(super) subject: i64,
    pub(super) epoch: Option<u32>,
}

impl Key {
    pub(super) fn new(used: Use, principal: &str, key: &str) -> Self {
        let kind: &[u8] = match used {
            Use::Execute => b"execute",
            Use::Import => b"import",
            Use::Reserve => b"reserve",
        };
        Self(digest(&[kind, principal.as_bytes(), key.as_bytes()]))
    }

    /// What was done under the key, unless that is too long ago.
    pub(super) fn known(&self, desk: &Desk) -> Result<Option<Known>, StoreError> {
        Ok(desk
            .db
            .prepare_cached(
                "SELECT digest, subject, epoch FROM keys WHERE hash = ?1 AND (epoch IS NOT NULL OR expires_at >= ?2)",
            )?
            .query_row(params![self.0, desk.now.0], |row| {
                Ok(Known {
                    digest: row.get(0)?,
                    subject: row.get(1)?,
                    epoch: row.get(2)?,
                })
            })
            .optional()?)
    }

    /// Remembers what was done, instead of what was before.
    pub(super) fn remember(
        &self,
        desk: &Desk,
        known: &Known,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        desk.db
            .prepare_cached(
                "INSERT OR REPLACE INTO keys (hash, digest, subject, epoch, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![self.0, known.digest, known.subject, known.epoch, expires_at.0])?;
        Ok(())
    }
}

impl Known {
    /// Refuses a key that comes back with another request.
    pub(super) fn same(&self, digest: &Digest) -> Result<(), StoreError> {
        if self.digest == *digest {
            return Ok(());
        }
        Err(refuse(
            RefusalCode::KeyReused,
            "this idempotency key was used for another request: make a new key for each.",
        ))
    }
}

/// Forgets keys that are of no use any more: old ones of plans, and those of leases that can never be valid again.
pub(super) fn prune(desk: &Desk) -> Result<(), StoreError> {
    desk.db
        .prepare_cached(
            "DELETE FROM keys WHERE expires_at < ?1 AND NOT EXISTS
               (SELECT 1 FROM executions e WHERE e.id = keys.subject AND e.epoch = keys.epoch AND e.state IN (1, 2))",
        )?
        .execute([desk.now.0])?;
    Ok(())
}
