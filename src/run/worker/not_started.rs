//! A turn whose program this machine could not start: the execution goes back, and the third time in a row the workers of
//! this process leave the plan to others.

use std::time::Duration;

use super::{Worker, trouble, turn::over};
use crate::{
    client::{ClientError, Reservation},
    model::{CaseCounts, Outcome, millis, record::RecordEvent},
    run::{lease::HeldLease, lease_files::LeaseFile, state::Leave},
};

impl Worker {
    /// Gives the lease back and brings the next reservation, or leaves.
    pub(super) async fn not_started(
        &mut self,
        lease: &HeldLease,
        hold: Option<LeaseFile>,
        duration: Duration,
        why: String,
    ) -> Result<Option<Result<Reservation, ClientError>>, Leave> {
        let execution = lease.execution;
        tracing::warn!(%execution, why, "not started here, the execution is given back");
        let record = RecordEvent::Ended {
            execution,
            outcome: Outcome::Cancelled,
            duration_ms: millis(duration),
            cases: Vec::new(),
            not_kept: CaseCounts::default(),
            log: None,
            output_tail: why.clone(),
        };
        if !self.record_and_wait(record).await {
            return Err(Leave::Told);
        }
        if self
            .release_after(execution, lease.token.as_ref(), None)
            .await
        {
            over(hold);
            let released = RecordEvent::Released {
                execution,
                server_trouble: None,
            };
            self.record(released).await;
        }
        if self.lock_troubles().not_started() >= trouble::CANNOT_START {
            return Err(Leave::CannotStart(why));
        }
        Ok(self.next().await)
    }
}
