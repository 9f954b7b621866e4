//! Statements about idempotency keys.

use rusqlite::{Connection, params};

use crate::{
    model::Timestamp,
    store::{
        StoreError,
        protocol::StoredDigest,
        rows::{KeyHash, KeyRecord, KeyRows},
        sqlite::statements::Statements as _,
        values::{from_json, to_json},
    },
};

impl KeyRows for Connection {
    fn key(&mut self, key: &KeyHash, now: Timestamp) -> Result<Option<KeyRecord>, StoreError> {
        let found = self.read_if(
            "SELECT digest, subject, epoch, more FROM keys
             WHERE hash IN (?1, ?2) AND (epoch IS NOT NULL OR expires_at >= ?3)
             ORDER BY length(hash) DESC LIMIT 1",
            params![key.digest, key.legacy, now.0],
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

    fn store_key(
        &mut self,
        key: &KeyHash,
        record: &KeyRecord,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let more = (!record.more.is_empty())
            .then(|| to_json(&record.more))
            .transpose()?;
        self.change_one(
            "an idempotency key",
            "INSERT OR REPLACE INTO keys (hash, digest, subject, epoch, expires_at, more)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                key.digest,
                record.digest,
                record.subject,
                record.epoch,
                expires_at.0,
                more
            ],
        )
    }

    fn prune_keys(&mut self, now: Timestamp) -> Result<Vec<StoredDigest>, StoreError> {
        self.read_all(
            "DELETE FROM keys WHERE expires_at < ?1 AND NOT EXISTS
               (SELECT 1 FROM executions e WHERE e.id = keys.subject AND e.epoch = keys.epoch AND e.state IN (1, 2))
             AND (more IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(more) j
               JOIN executions e ON e.id = j.value ->> 0 AND e.epoch = j.value ->> 1 AND e.state IN (1, 2)))
             RETURNING hash",
            [now.0],
            |row| row.get(0),
        )
    }
}
