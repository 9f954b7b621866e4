//! A turn whose Squish server nobody answers at: given back, or given up once there is no hope.

use std::{sync::MutexGuard, time::Duration};

use tokio::sync::watch;

use super::{
    Worker,
    trouble::{self, Troubles},
    turn::over,
};
use crate::{
    client::{ClientError, Reservation},
    model::{CaseCounts, Outcome, ServerTrouble, millis, record::RecordEvent},
    run::{
        heartbeat::Standing,
        lease::HeldLease,
        lease_files::LeaseFile,
        state::{self, Leave, Phase, Unreachable, WorkerEvent},
    },
    sync::ignore_poison,
};

/// How long the service may take to say which Squish servers it has: the lease is not renewed meanwhile.
const LOOK: Duration = Duration::from_secs(5);

/// What the executor left of the attempt.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) duration: Duration,
    pub(super) log: Option<String>,
    pub(super) output_tail: String,
}

impl Worker {
    /// Gives the lease back and brings the next reservation; or ends the execution with an error, and leaves.
    pub(super) async fn unreachable(
        &mut self,
        address: &str,
        lease: &HeldLease,
        hold: Option<LeaseFile>,
        standing: watch::Receiver<Standing>,
        ended: Ended,
    ) -> Result<Option<Result<Reservation, ClientError>>, Leave> {
        let in_a_row = self.lock_troubles().unreachable(address);
        // A service of ours lets the server rest; elsewhere it would be given out again at once.
        let rests = lease.token.is_some();
        let hope = in_a_row < trouble::ENOUGH || self.is_there_hope().await;
        let give_up = trouble::is_enough(in_a_row, hope, rests);
        let pause = (!rests).then(|| trouble::BACKOFF.pause(in_a_row));
        let event = Unreachable {
            address: address.to_owned(),
            in_a_row,
            pause: pause.filter(|_| !give_up),
            give_up,
        };
        let told = event.to_string();
        let outcome = match (give_up, ended.outcome) {
            (true, Outcome::ExecutionError { message, details }) => Outcome::ExecutionError {
                message: told.clone(),
                details: format!("{message}\n{details}").trim_end().to_owned(),
            },
            (true, _) => Outcome::ExecutionError {
                message: told.clone(),
                details: String::new(),
            },
            (false, _) => Outcome::Cancelled,
        };
        self.tell(WorkerEvent::Unreachable(event)).await;
        let execution = lease.execution;
        let record = RecordEvent::Ended {
            execution,
            outcome: outcome.clone(),
            duration_ms: millis(ended.duration),
            cases: Vec::new(),
            not_kept: CaseCounts::default(),
            log: ended.log,
            output_tail: ended.output_tail,
        };
        if !self.record_and_wait(record).await {
            return Err(Leave::Told);
        }
        let trouble = Some(ServerTrouble::Unreachable);
        if give_up {
            let next = self.finish(lease, &outcome, trouble, hold, standing).await;
            return match next {
                Some(Err(error)) => Err(Leave::Service(Box::new(error))),
                next => {
                    self.give_back(next).await;
                    Err(Leave::NoSquishServer(told))
                }
            };
        }
        if self
            .release_after(execution, lease.token.as_ref(), trouble)
            .await
        {
            over(hold);
            let released = RecordEvent::Released {
                execution,
                server_trouble: trouble,
            };
            self.record(released).await;
        }
        if let Some(pause) = pause {
            let mut phase = self.phase.clone();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = state::moved_past(&mut phase, Phase::Working) => return Err(Leave::Told),
            }
        }
        Ok(self.next().await)
    }

    /// Whether the service has a Squish server that could still do. Where it cannot say, there is none.
    async fn is_there_hope(&self) -> bool {
        let asking = tokio::time::timeout(LOOK, self.client.squish_servers());
        match self.unless_stopped(Duration::ZERO, asking).await {
            Some(Ok(Ok(list))) => self
                .lock_troubles()
                .leave_hope(&list, &self.settings.offered),
            Some(Ok(Err(_)) | Err(_)) | None => false,
        }
    }

    pub(super) fn lock_troubles(&self) -> MutexGuard<'_, Troubles> {
        ignore_poison(self.troubles.lock())
    }
}
