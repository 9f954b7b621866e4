//! Which replicas are there, and what leases get for a time when none was.

use std::time::Duration;

use super::{
    client::{Client, Statement, bytes, get, int, text},
    rows::PostgresRows,
};
use crate::{
    model::Timestamp,
    store::{
        StoreError, WorkerPresence,
        protocol::Compensation,
        steps::{Memory, WriteContext, expiry},
        values::{from_json, random, to_json},
    },
};

/// The workers of a replica that was not heard of for longer are not there.
const WORKERS_LAST: Duration = Duration::from_secs(10);
/// How long a replica that was not heard of stays in the list.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);

/// When replicas say that they live, and when they were all away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulse {
    /// How often this replica says that it lives.
    pub(super) every: Duration,
    /// Silence of all replicas that is as long is an outage: leases end later by it.
    pub(super) outage: Duration,
}

impl Pulse {
    /// Every second, and an outage after three.
    pub(super) const SECONDS: Self = Self {
        every: Duration::from_secs(1),
        outage: Duration::from_secs(3),
    };
    /// At every request: its time is that of the caller.
    pub(super) const NONE: Self = Self {
        every: Duration::ZERO,
        outage: Duration::ZERO,
    };
}

/// This replica.
#[derive(Debug)]
pub(super) struct Presence {
    id: [u8; 16],
    pulse: Pulse,
    /// When it last said that it lives.
    said_at: Option<Timestamp>,
}

impl Presence {
    pub(super) fn new(pulse: Pulse) -> Result<Self, StoreError> {
        Ok(Self {
            id: random()?,
            pulse,
            said_at: None,
        })
    }

    /// The name of this replica.
    pub(super) fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Whether it has to say that it lives, before anything else.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.said_at
            .is_none_or(|said| now > said && now.since(said) >= self.pulse.every)
    }

    /// Says that it lives. If no replica did for longer than an outage takes, extends all leases that were valid then. Presence
    /// is locked, so one replica does that. Returns how long none did.
    pub(super) fn say(
        &mut self,
        rows: &mut PostgresRows,
        memory: &mut Memory,
    ) -> Result<Duration, StoreError> {
        let now = memory.now;
        let last: Option<i64> =
            rows.client
                .read_one("SELECT max(alive_at) FROM replicas", &[], |row| get(row, 0))?;
        let since = last.map_or(now, |last| Timestamp(last).min(now));
        let away = now.since(since);
        if away >= self.pulse.outage {
            let mut context = WriteContext { rows, memory };
            let extended = expiry::extend_leases(&mut context, since, |timeout, before| {
                Compensation::of_restart(away, timeout, before)
            })?;
            if extended > 0 {
                tracing::warn!(
                    "no replica served this database for {} ms: {extended} leases end later",
                    away.as_millis()
                );
            }
        }
        let client = rows.written()?;
        client.change(
            "INSERT INTO replicas (id, alive_at) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE SET alive_at = greatest(replicas.alive_at, excluded.alive_at)",
            &[bytes(&&self.id[..]), int(&now.0)],
        )?;
        let oldest = now
            .0
            .saturating_sub(i64::try_from(FORGOTTEN.as_millis()).unwrap_or(i64::MAX));
        client.change("DELETE FROM replicas WHERE alive_at < $1", &[int(&oldest)])?;
        Ok(away)
    }

    /// From now on silence is no outage.
    pub(super) fn ignore_outages(&mut self) {
        self.pulse.outage = Duration::MAX;
    }

    /// Notes that the transaction in which it said that it lives was committed.
    pub(super) fn said(&mut self, now: Timestamp) {
        self.said_at = Some(now);
    }
}

/// Stores the workers that a replica has heard of; returns those of each other replica that is there.
pub(super) fn share_workers(
    client: &mut Client,
    id: [u8; 16],
    own: &[WorkerPresence],
    now: Timestamp,
) -> Result<Vec<Vec<WorkerPresence>>, StoreError> {
    let since = now
        .0
        .saturating_sub(i64::try_from(WORKERS_LAST.as_millis()).unwrap_or(i64::MAX));
    let workers = to_json(&own)?;
    let found = client.transact(&[
        Statement {
            sql: "UPDATE replicas SET workers = $2 WHERE id = $1 AND workers <> $2",
            values: vec![bytes(&&id[..]), text(&workers)],
        },
        Statement {
            sql: "SELECT workers FROM replicas WHERE id <> $1 AND alive_at >= $2",
            values: vec![bytes(&&id[..]), int(&since)],
        },
    ])?;
    let rows = found.last().into_iter().flatten();
    rows.map(|row| from_json(get(row, 0)?)).collect()
}
