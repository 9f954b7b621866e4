//! A row of an execution in memory, and the changes that holders of leases make to it.

use super::client::{Columns, get, get_u32};
use crate::{
    model::{ExecutionId, PlanId, TestVerdict, Timestamp},
    store::{
        StoreError,
        protocol::StoredDigest,
        rows::{
            ChangedExecution, EndingRow, LeaseHolder, LeaseLength, LeaseRow, NewLease,
            OutcomeColumns, QueueRow, ServerBinding, verdict,
        },
        values::{failures_from_text, span},
    },
};

/// The columns of [`Execution`], in its order.
pub(super) const COLUMNS: &str = "e.id, e.plan, e.test, e.label_set, e.expected_ms, e.is_estimated, e.state, e.epoch, e.generation,
    e.reset_epoch, e.expiries, e.skips, e.late_results, e.deadline, e.timeout_ms, e.compensated_ms, e.squish_server,
    e.troubled_server, e.verdict, e.duration_ms, e.flaky, e.nonce, e.lease_hash, e.digest, e.principal, e.worker, e.lost_on,
    e.error, e.details, e.import_mark, e.alone, e.start_failures, e.reserved_at,
    e.earlier_failures";
/// How many they are.
pub(super) const COLUMN_COUNT: usize = 34;

/// A row.
#[derive(Clone, Debug, Default)]
pub(super) struct Execution {
    pub(super) id: i64,
    pub(super) plan: i64,
    pub(super) test: i64,
    pub(super) label_set: i64,
    pub(super) expected_ms: i64,
    pub(super) is_estimated: bool,
    /// 0 open, 1 expired, 2 reserved, 3 done.
    pub(super) state: i64,
    pub(super) epoch: u32,
    pub(super) generation: u32,
    pub(super) reset_epoch: u32,
    pub(super) expiries: u32,
    pub(super) skips: u32,
    pub(super) late_results: i64,
    pub(super) deadline: Option<i64>,
    pub(super) timeout_ms: Option<i64>,
    pub(super) compensated_ms: i64,
    pub(super) squish_server: Option<i64>,
    pub(super) troubled_server: Option<i64>,
    pub(super) verdict: Option<i64>,
    pub(super) duration_ms: Option<i64>,
    pub(super) flaky: Option<bool>,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) lease_hash: Option<Vec<u8>>,
    pub(super) digest: Option<Vec<u8>>,
    pub(super) principal: String,
    pub(super) worker: Option<String>,
    pub(super) lost_on: String,
    pub(super) error: Option<String>,
    pub(super) details: Option<String>,
    pub(super) import_mark: i64,
    pub(super) alone: bool,
    /// As JSON; empty for nearly all.
    pub(super) start_failures: String,
    /// When the last lease was given.
    pub(super) reserved_at: Option<i64>,
    /// How often it failed before it was reset.
    pub(super) earlier_failures: u32,
}

impl Execution {
    /// Reads a row that has these columns first.
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self {
            id: get(row, 0)?,
            plan: get(row, 1)?,
            test: get(row, 2)?,
            label_set: get(row, 3)?,
            expected_ms: get(row, 4)?,
            is_estimated: get(row, 5)?,
            state: get(row, 6)?,
            epoch: get_u32(row, 7)?,
            generation: get_u32(row, 8)?,
            reset_epoch: get_u32(row, 9)?,
            expiries: get_u32(row, 10)?,
            skips: get_u32(row, 11)?,
            late_results: get(row, 12)?,
            deadline: get(row, 13)?,
            timeout_ms: get(row, 14)?,
            compensated_ms: get(row, 15)?,
            squish_server: get(row, 16)?,
            troubled_server: get(row, 17)?,
            verdict: get(row, 18)?,
            duration_ms: get(row, 19)?,
            flaky: get(row, 20)?,
            nonce: get(row, 21)?,
            lease_hash: get(row, 22)?,
            digest: get(row, 23)?,
            principal: get(row, 24)?,
            worker: get(row, 25)?,
            lost_on: get(row, 26)?,
            error: get(row, 27)?,
            details: get(row, 28)?,
            import_mark: get(row, 29)?,
            alone: get(row, 30)?,
            start_failures: get(row, 31)?,
            reserved_at: get(row, 32)?,
            earlier_failures: get_u32(row, 33)?,
        })
    }

    /// Whether it can be handed out, now or once its lease is given up.
    pub(super) fn is_available(&self) -> bool {
        self.state < 2
    }

    /// The guard of every change by a holder: with a lease its epoch and hash, without one the principal alone.
    pub(super) fn is_held_by(&self, holder: &LeaseHolder<'_>) -> bool {
        self.principal == holder.principal
            && holder.epoch.is_none_or(|epoch| epoch == self.epoch)
            && holder
                .hash
                .is_none_or(|hash| self.lease_hash.as_deref() == Some(&hash[..]))
    }

    /// What a guarded change says of the row.
    pub(super) fn changed(&self) -> ChangedExecution {
        ChangedExecution {
            plan: PlanId(self.plan),
            test: self.test,
            label_set: self.label_set,
            epoch: self.epoch,
            squish_server: self.squish_server,
            deadline: Timestamp(self.deadline.unwrap_or(i64::MIN)),
            error: self.error.clone(),
        }
    }

    pub(super) fn grant(&mut self, lease: &NewLease<'_>, import_mark: i64) {
        self.state = 2;
        self.epoch += 1;
        self.set_length(lease.length);
        self.reserved_at = Some(lease.length.deadline.0 - lease.length.timeout_ms);
        self.nonce = Some(lease.nonce.to_vec());
        self.lease_hash = Some(lease.hash.0.to_vec());
        lease.principal.clone_into(&mut self.principal);
        self.worker = lease.worker.map(str::to_owned);
        self.squish_server = lease.squish_server.map(|server| server.0);
        self.skips = 0;
        self.digest = None;
        self.import_mark = import_mark;
        if let Some((expiries, lost_on)) = &lease.losses {
            self.expiries = *expiries;
            lost_on.clone_into(&mut self.lost_on);
        }
    }

    pub(super) fn set_length(&mut self, length: LeaseLength) {
        self.deadline = Some(length.deadline.0);
        self.timeout_ms = Some(length.timeout_ms);
        self.compensated_ms = 0;
    }

    pub(super) fn finish(&mut self, columns: &OutcomeColumns<'_>, digest: &StoredDigest) {
        self.state = 3;
        self.digest = Some(digest.bytes().to_vec());
        self.verdict = columns.verdict;
        self.duration_ms = columns.duration_ms;
        self.flaky = columns.flaky;
        self.error = columns.error.map(str::to_owned);
        self.details = columns.details.map(str::to_owned);
    }

    /// Ends it with an error; whoever held it no longer does.
    pub(super) fn end(&mut self, error: &str) {
        self.state = 3;
        self.error = Some(error.to_owned());
        self.details = Some(String::new());
        self.lease_hash = None;
        self.nonce = None;
        self.digest = None;
    }

    pub(super) fn reset(&mut self) {
        *self = Self {
            state: 0,
            generation: self.generation + 1,
            earlier_failures: self.earlier_failures
                + u32::from(self.verdict.map(verdict) == Some(TestVerdict::Failed)),
            reset_epoch: self.epoch,
            expiries: 0,
            skips: 0,
            late_results: 0,
            deadline: None,
            timeout_ms: None,
            squish_server: None,
            verdict: None,
            duration_ms: None,
            flaky: None,
            nonce: None,
            lease_hash: None,
            digest: None,
            principal: String::new(),
            worker: None,
            lost_on: String::new(),
            error: None,
            details: None,
            alone: false,
            start_failures: String::new(),
            ..self.clone()
        };
    }

    pub(super) fn queue_row(&self) -> Result<QueueRow, StoreError> {
        Ok(QueueRow {
            id: ExecutionId(self.id),
            label_set: self.label_set,
            expected_ms: self.expected_ms,
            state: self.state,
            epoch: self.epoch,
            test: self.test,
            timeout_ms: self.timeout_ms,
            expiries: self.expiries,
            skips: self.skips,
            worker: self.worker.clone(),
            lost_on: self.lost_on.clone(),
            principal: self.principal.clone(),
            is_estimated: self.is_estimated,
            alone: self.alone,
            start_failures: failures_from_text(&self.start_failures)?,
        })
    }

    pub(super) fn lease_row(&self) -> LeaseRow {
        let (execution, epoch) = (ExecutionId(self.id), self.epoch);
        LeaseRow {
            execution,
            epoch,
            plan: PlanId(self.plan),
            label_set: self.label_set,
            state: self.state,
            deadline: Timestamp(self.deadline.unwrap_or(i64::MIN)),
            timeout: span(self.timeout_ms.unwrap_or(0)),
            compensated: span(self.compensated_ms),
            binding: self.squish_server.map(|squish_server| ServerBinding {
                squish_server,
                execution,
                epoch,
            }),
            principal: self.principal.clone(),
            worker: self.worker.clone(),
            error: self.error.clone(),
        }
    }

    pub(super) fn ending_row(&self) -> EndingRow {
        EndingRow {
            execution: ExecutionId(self.id),
            epoch: self.epoch,
            plan: PlanId(self.plan),
            label_set: self.label_set,
            state: self.state,
            squish_server: self.squish_server,
            error: self.error.clone(),
        }
    }

    /// Opens it although its holder did not ask for that.
    pub(super) fn revoke(&mut self) {
        self.state = 0;
        self.skips = 0;
        self.lease_hash = None;
        self.nonce = None;
    }

    pub(super) fn outcome_columns(&self) -> OutcomeColumns<'_> {
        OutcomeColumns {
            verdict: self.verdict,
            duration_ms: self.duration_ms,
            flaky: self.flaky,
            error: self.error.as_deref(),
            details: self.details.as_deref(),
        }
    }
}
