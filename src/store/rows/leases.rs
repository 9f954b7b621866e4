//! Statements of the holder of a lease, and those that grant, extend and end leases.

use std::time::Duration;

use super::OutcomeColumns;
use crate::{
    model::{ExecutionId, PlanId, SquishServerId, Timestamp},
    store::{
        StoreError,
        protocol::{LeaseHash, PresentedLease, StoredDigest, token_derivation},
    },
};

/// The holder of a lease, as the guard compares it: with a lease its epoch and hash, without one the principal alone.
#[derive(Clone, Debug)]
pub(in crate::store) struct LeaseHolder<'a> {
    pub(in crate::store) execution: ExecutionId,
    pub(in crate::store) principal: &'a str,
    pub(in crate::store) epoch: Option<u32>,
    pub(in crate::store) hash: Option<[u8; 32]>,
}

impl<'a> LeaseHolder<'a> {
    /// `None` if no guard can hold: a required lease is missing, or the token was not issued by this service.
    pub(in crate::store) fn of(
        execution: ExecutionId,
        presented: PresentedLease<'a>,
    ) -> Option<Self> {
        let (epoch, hash) = match presented.lease {
            Some(token) => (
                Some(token_derivation::epoch(token)?),
                Some(LeaseHash::of(token).0),
            ),
            None if presented.require_lease => return None,
            None => (None, None),
        };
        Some(Self {
            execution,
            principal: presented.principal,
            epoch,
            hash,
        })
    }
}

/// The row that a guarded change of a holder changed.
#[derive(Clone, Debug)]
pub(in crate::store) struct ChangedExecution {
    pub(in crate::store) plan: PlanId,
    pub(in crate::store) test: i64,
    pub(in crate::store) label_set: i64,
    pub(in crate::store) epoch: u32,
    pub(in crate::store) squish_server: Option<i64>,
    pub(in crate::store) deadline: Timestamp,
    /// What it ends with if its lease ends without a result: its plan was cancelled.
    pub(in crate::store) error: Option<String>,
}

impl ChangedExecution {
    /// Whether its lease had expired before the change. Leases are expired first, at the same `now`, so the deadline tells
    /// the former state.
    pub(in crate::store) fn was_expired(&self, now: Timestamp) -> bool {
        self.deadline <= now
    }
}

/// A lease and the Squish server that it was given.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct ServerBinding {
    pub(in crate::store) squish_server: i64,
    pub(in crate::store) execution: ExecutionId,
    pub(in crate::store) epoch: u32,
}

impl ServerBinding {
    /// The binding of a changed execution, if its lease came with a Squish server.
    pub(in crate::store) fn of(execution: ExecutionId, changed: &ChangedExecution) -> Option<Self> {
        Some(Self {
            squish_server: changed.squish_server?,
            execution,
            epoch: changed.epoch,
        })
    }
}

/// The end and the length of a lease.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct LeaseLength {
    pub(in crate::store) deadline: Timestamp,
    pub(in crate::store) timeout_ms: i64,
}

/// A lease to grant.
#[derive(Debug)]
pub(in crate::store) struct NewLease<'a> {
    pub(in crate::store) execution: ExecutionId,
    /// The state that it must be in.
    pub(in crate::store) state: i64,
    /// The epoch that it must have; the lease gets the next one.
    pub(in crate::store) epoch: u32,
    pub(in crate::store) length: LeaseLength,
    pub(in crate::store) nonce: [u8; 16],
    pub(in crate::store) hash: LeaseHash,
    pub(in crate::store) principal: &'a str,
    pub(in crate::store) worker: Option<&'a str>,
    pub(in crate::store) squish_server: Option<SquishServerId>,
    /// How many leases expired on it and their holders; `None` keeps what the row has.
    pub(in crate::store) losses: Option<(u32, String)>,
}

/// A lease that may be repeated to the request that it was granted to.
#[derive(Clone, Debug)]
pub(in crate::store) struct ValidLease {
    pub(in crate::store) plan: PlanId,
    pub(in crate::store) test: i64,
    pub(in crate::store) label_set: i64,
    pub(in crate::store) length: LeaseLength,
    pub(in crate::store) nonce: [u8; 16],
    pub(in crate::store) squish_server: Option<i64>,
    /// `None` if no earlier run of the test was known.
    pub(in crate::store) expected: Option<Duration>,
}

/// A valid or expired lease.
#[derive(Clone, Debug)]
pub(in crate::store) struct LeaseRow {
    pub(in crate::store) execution: ExecutionId,
    pub(in crate::store) epoch: u32,
    pub(in crate::store) plan: PlanId,
    pub(in crate::store) label_set: i64,
    /// 1 expired, 2 reserved.
    pub(in crate::store) state: i64,
    pub(in crate::store) deadline: Timestamp,
    pub(in crate::store) timeout: Duration,
    /// Its extensions for restarts since it was granted or renewed.
    pub(in crate::store) compensated: Duration,
    pub(in crate::store) binding: Option<ServerBinding>,
    pub(in crate::store) principal: String,
    pub(in crate::store) worker: Option<String>,
    /// What the execution ends with if its lease ends without a result: its plan was cancelled.
    pub(in crate::store) error: Option<String>,
}

/// Which leases are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum LeaseFilter {
    /// Reserved, and over at this time.
    Over(Timestamp),
    /// Reserved, and not over at this time.
    ReservedAfter(Timestamp),
    /// Expired, but not yet over at this time. Asked for after those that are reserved after the same time.
    ExpiredAfter(Timestamp),
}

/// Changes of leases.
pub(in crate::store) trait LeaseRows {
    /// Grants a lease on an execution that nobody holds.
    fn grant(&mut self, lease: &NewLease<'_>) -> Result<(), StoreError>;

    /// Renews the lease of the holder while it is valid at `now`; `None` if the guard refused, here and below.
    fn renew(
        &mut self,
        holder: &LeaseHolder<'_>,
        length: LeaseLength,
        now: Timestamp,
    ) -> Result<Option<ChangedExecution>, StoreError>;

    /// Revives the expired lease of the holder, unless its Squish server went to another lease.
    fn revive(
        &mut self,
        holder: &LeaseHolder<'_>,
        length: LeaseLength,
    ) -> Result<Option<ChangedExecution>, StoreError>;

    /// Opens the execution of the holder. Its row keeps the lease, so that a repeated release is recognised.
    fn release(
        &mut self,
        holder: &LeaseHolder<'_>,
        alone: bool,
    ) -> Result<Option<ChangedExecution>, StoreError>;

    /// The result of the holder becomes the outcome.
    fn finish(
        &mut self,
        holder: &LeaseHolder<'_>,
        columns: &OutcomeColumns<'_>,
        digest: &StoredDigest,
    ) -> Result<Option<ChangedExecution>, StoreError>;

    /// The length that was last asked for the lease of an execution, in milliseconds.
    fn lease_length(&mut self, execution: ExecutionId) -> Result<Option<i64>, StoreError>;

    /// The lease of this epoch, while it is valid at `now`.
    fn valid_lease(
        &mut self,
        execution: ExecutionId,
        epoch: u32,
        now: Timestamp,
    ) -> Result<Option<ValidLease>, StoreError>;

    /// Leases by their ends.
    fn leases(&mut self, filter: LeaseFilter) -> Result<Vec<LeaseRow>, StoreError>;

    /// The earliest end of a reserved lease.
    fn earliest_end(&mut self) -> Result<Option<Timestamp>, StoreError>;

    /// Expires a lease that is over.
    fn expire(&mut self, lease: &LeaseRow, now: Timestamp) -> Result<(), StoreError>;

    /// Moves the end of a lease, and makes it reserved. `compensated` is what it got for restarts so far.
    fn extend(
        &mut self,
        lease: &LeaseRow,
        deadline: Timestamp,
        compensated: Duration,
    ) -> Result<(), StoreError>;

    /// Moves everything that ends at a time of the service's clock back.
    fn move_back(&mut self, span: Duration) -> Result<(), StoreError>;
}
