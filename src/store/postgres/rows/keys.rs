//! Idempotency keys.

use tokio_postgres::types::Type;

use super::PostgresRows;
use crate::{
    model::Timestamp,
    store::{
        StoreError,
        postgres::{
            client::{get, int, typed},
            record::Record,
            working_set::KeyRow,
        },
        protocol::StoredDigest,
        rows::{KeyHash, KeyRecord, KeyRows},
        values::{from_json, to_json},
    },
};

/// Reads keys by their digests `$1`, as part 6 of an [`opening`](super::super::opening).
pub(in crate::store::postgres) const KEYS: &str =
    "SELECT 6, ROW(hash, digest, subject, epoch, expires_at, more) FROM keys WHERE hash = ANY($1)";

impl PostgresRows {
    /// Notes which keys are looked for.
    pub(in crate::store::postgres) fn ask_keys(&mut self, asked: &[Vec<u8>]) {
        for hash in asked {
            self.set.keys.entry(hash.clone()).or_insert(None);
        }
    }

    /// Keeps a key that was found.
    pub(in crate::store::postgres) fn add_key(
        &mut self,
        row: &Record<'_>,
    ) -> Result<(), StoreError> {
        let key = KeyRow {
            digest: get(row, 1)?,
            subject: get(row, 2)?,
            epoch: get(row, 3)?,
            expires_at: get(row, 4)?,
            more: get(row, 5)?,
        };
        self.set.keys.insert(get(row, 0)?, Some(key));
        Ok(())
    }
}

impl KeyRows for PostgresRows {
    fn key(&mut self, key: &KeyHash, now: Timestamp) -> Result<Option<KeyRecord>, StoreError> {
        let hash = key.digest.bytes().to_vec();
        if !self.set.keys.contains_key(&hash) {
            let asked = [hash.clone()];
            let found = self
                .client
                .rows(KEYS, &[typed(&&asked[..], Type::BYTEA_ARRAY)])?;
            self.ask_keys(&asked);
            for row in &found {
                self.add_key(&get(row, 1)?)?;
            }
        }
        let found = self.set.keys.get(&hash).and_then(Option::as_ref);
        let valid = found.filter(|key| key.epoch.is_some() || key.expires_at >= now.0);
        let Some(key) = valid else { return Ok(None) };
        let more = key.more.as_deref().map(from_json).transpose()?;
        Ok(Some(KeyRecord {
            digest: digest(&key.digest)?,
            subject: key.subject,
            epoch: key.epoch.and_then(|epoch| u32::try_from(epoch).ok()),
            more: more.unwrap_or_default(),
        }))
    }

    fn store_key(
        &mut self,
        key: &KeyHash,
        record: &KeyRecord,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let more = (!record.more.is_empty())
            .then(|| to_json(&record.more))
            .transpose()?;
        let row = KeyRow {
            digest: record.digest.bytes().to_vec(),
            subject: record.subject,
            epoch: record.epoch.map(i64::from),
            expires_at: expires_at.0,
            more,
        };
        let hash = key.digest.bytes().to_vec();
        self.set.keys.insert(hash.clone(), Some(row.clone()));
        self.set.changed_keys.insert(hash, row);
        Ok(())
    }

    fn prune_keys(&mut self, now: Timestamp) -> Result<Vec<StoredDigest>, StoreError> {
        self.written()?.read_all(
            "DELETE FROM keys k WHERE k.expires_at < $1 AND NOT EXISTS
               (SELECT 1 FROM executions e WHERE e.id = k.subject AND e.epoch = k.epoch AND e.state IN (1, 2))
             AND (k.more IS NULL OR NOT EXISTS (SELECT 1 FROM jsonb_array_elements(k.more::jsonb) AS j
               JOIN executions e ON e.id = (j ->> 0)::bigint AND e.epoch = (j ->> 1)::bigint AND e.state IN (1, 2)))
             RETURNING hash",
            &[int(&now.0)],
            |row| digest(get(row, 0)?),
        )
    }
}

fn digest(bytes: &[u8]) -> Result<StoredDigest, StoreError> {
    StoredDigest::from_bytes(bytes).ok_or_else(|| {
        StoreError::Broken("BUG: the database holds a digest of another kind".to_owned())
    })
}
