//! One turn of a worker: an execution under its lease to its end, its result delivered, or its lease given back.

use std::{path::PathBuf, time::Duration};

use tokio::sync::watch;

use super::{Worker, unreachable::Ended};
use crate::{
    client::{ClientError, Doubt, Granted, Reservation},
    model::millis,
    model::{
        ExecutionId, LeaseToken, Outcome, ServerTrouble, SquishServer,
        record::{Confirmation, RecordEvent},
    },
    run::{
        executor::{Attempt, Work},
        heartbeat::{Heartbeat, Standing},
        lease::HeldLease,
        lease_files::LeaseFile,
        state::{Leave, Phase},
        upload::{self, Destination, NotUploaded, pack},
    },
};

/// How long the service may still take to hear a result when the run is stopped: as long as other tests get to end.
const DELIVERY_GRACE: Duration = Duration::from_secs(4);
/// The same for an upload: with the delivery after it, less than a CI leaves. The records say what is left to upload.
const UPLOAD_GRACE: Duration = Duration::from_secs(2);
/// The same for a lease that is given back, which is done after the test has used its time. Expiry does it later.
const RELEASE_GRACE: Duration = Duration::from_secs(1);

/// The results of an attempt that are to be uploaded.
struct Results {
    path: PathBuf,
    /// As records call it.
    folder: String,
}

impl Worker {
    /// Runs one execution to its end, and brings back the next reservation, which travels with the result.
    pub(super) async fn execute(
        &mut self,
        granted: Granted,
    ) -> Result<Option<Result<Reservation, ClientError>>, Leave> {
        // It was asked for while the last result was delivered, which may have taken longer than the lease.
        let mut hold = self.lock_reserved().take();
        let granted = self.client.fresh(granted).await;
        let execution = granted.execution;
        self.record(RecordEvent::Reserved {
            execution,
            test: granted.test.clone(),
            required: granted.required.clone(),
            attempt: granted.attempt,
            lease: granted.lease.as_ref().map(LeaseToken::fingerprint),
            squish_server: granted.server.as_ref().map(SquishServer::address),
        })
        .await;
        let lease = HeldLease {
            execution,
            token: granted.lease.clone(),
            timeout: granted.timeout,
            sent_at: granted.sent_at,
        };
        let mut heartbeat =
            Heartbeat::start(self.client.clone(), lease.clone(), self.settings.lease);
        let standing = heartbeat.standing();
        let mark = hold.as_ref().map(|hold| hold.mark().to_owned());
        let started = |pid| {
            if let Some(hold) = &mut hold {
                hold.record_process(pid);
            }
            self.record(RecordEvent::Started { execution, pid })
        };
        let work = Work {
            granted: &granted,
            lease: &lease,
            mark,
        };
        let attempt = self
            .settings
            .executor
            .execute(work, &mut heartbeat, self.phase.clone(), started)
            .await;
        let Attempt {
            outcome,
            duration,
            cases,
            not_kept,
            log,
            output_tail,
            results,
            server_trouble,
            not_started,
        } = attempt;
        if let Some(why) = not_started.filter(|_| !self.settings.alone) {
            drop(heartbeat);
            return self.not_started(&lease, hold, duration, why).await;
        }
        if server_trouble == Some(ServerTrouble::Unreachable)
            && let Some(server) = &granted.server
        {
            let ended = Ended {
                outcome,
                duration,
                log,
                output_tail,
            };
            drop(heartbeat);
            let address = server.address();
            return self
                .unreachable(&address, &lease, hold, standing, ended)
                .await;
        }
        let results = self.results(&granted, &outcome, results).await;
        let duration_ms = millis(duration);
        let ended = RecordEvent::Ended {
            execution,
            outcome: outcome.clone(),
            duration_ms,
            cases,
            not_kept,
            log,
            output_tail,
        };
        // On disk before the service is told: a result that counts is never without a record.
        if !self.record_and_wait(ended).await {
            return Err(Leave::Told);
        }
        if let Some(results) = results {
            self.upload(&granted, &results, &mut heartbeat).await;
        }
        drop(heartbeat);
        match outcome {
            Outcome::LeaseLost => {
                over(hold);
                Ok(self.next().await)
            }
            Outcome::Cancelled => {
                if self.release(execution, lease.token.as_ref()).await {
                    over(hold);
                    let released = RecordEvent::Released {
                        execution,
                        server_trouble: None,
                    };
                    self.record(released).await;
                }
                Err(Leave::Told)
            }
            Outcome::Completed { .. } | Outcome::ExecutionError { .. } => {
                self.lock_troubles().ran();
                Ok(self
                    .finish(&lease, &outcome, server_trouble, hold, standing)
                    .await)
            }
        }
    }

    /// Tells the result and asks for the next execution at the same time, so that one commit's wait hides the other's.
    /// With Squish servers the result goes first, because it frees the one that the next execution may need.
    pub(super) async fn finish(
        &mut self,
        lease: &HeldLease,
        outcome: &Outcome,
        trouble: Option<ServerTrouble>,
        hold: Option<LeaseFile>,
        standing: watch::Receiver<Standing>,
    ) -> Option<Result<Reservation, ClientError>> {
        let telling = async {
            let told = self
                .client
                .finish_after(lease.execution, lease.token.as_ref(), outcome, trouble)
                .await;
            let told = match told {
                // Nobody else can have had the execution yet, so what was refused is a result that is there already.
                Err(error) if error.is_refused_repetition() && standing.borrow().is_held() => {
                    Ok(())
                }
                told => told,
            };
            if !matches!(&told, Err(error) if !concerns_it_alone(error)) {
                over(hold);
            }
            told
        };
        let told = self.unless_stopped(DELIVERY_GRACE, telling);
        let (told, next) = if self.settings.allocate_server {
            let told = told.await;
            (told, self.next().await)
        } else {
            tokio::join!(told, self.next())
        };
        let answer = match &told {
            Some(Ok(())) => Confirmation::Counted,
            Some(Err(error)) if error.lease_is_lost() => Confirmation::NotCounted {
                reason: error.to_string(),
            },
            Some(Err(error)) => Confirmation::Undelivered {
                reason: error.to_string(),
            },
            None => Confirmation::Undelivered {
                reason: "the run was stopped before the service answered".to_owned(),
            },
        };
        self.record(RecordEvent::Confirmed {
            execution: lease.execution,
            answer,
        })
        .await;
        match told {
            Some(Err(error)) if !concerns_it_alone(&error) => {
                self.give_back(next).await;
                Some(Err(error))
            }
            Some(_) => next,
            None => {
                self.give_back(next).await;
                None
            }
        }
    }

    /// Writes down where the results are, if there are any; gives back those to upload.
    async fn results(
        &self,
        granted: &Granted,
        outcome: &Outcome,
        results: Option<PathBuf>,
    ) -> Option<Results> {
        let path = results?;
        if matches!(outcome, Outcome::LeaseLost | Outcome::Cancelled) || !pack::has_files(&path) {
            return None;
        }
        let relative = path.strip_prefix(&self.settings.executor.out);
        let folder = relative
            .unwrap_or(&path)
            .to_string_lossy()
            .replace('\\', "/");
        self.record(RecordEvent::Results {
            execution: granted.execution,
            folder: folder.clone(),
        })
        .await;
        self.settings
            .upload
            .is_some()
            .then_some(Results { path, folder })
    }

    /// Uploads the results of an attempt while its lease is kept, and writes down what came of it.
    async fn upload(&self, granted: &Granted, results: &Results, heartbeat: &mut Heartbeat) {
        let Some(uploader) = &self.settings.upload else {
            return;
        };
        let (execution, folder) = (granted.execution, results.folder.clone());
        let doubt = Doubt::default();
        let uploading = async {
            let Some(packed) = uploader.pack(&results.path).await? else {
                return Ok(None);
            };
            let begun = RecordEvent::Uploading {
                execution,
                folder: folder.clone(),
            };
            if !self.record_and_wait(begun).await {
                return Ok(None);
            }
            let to = Destination {
                project: &granted.project,
                batch: &granted.batch,
                key: upload::key(&self.name, &folder),
            };
            let uploaded = uploader.upload(&self.client, &packed, to, &doubt).await;
            uploaded.map(Some)
        };
        let cut = |reason: String| NotUploaded {
            reason,
            // What is broken off before its last byte left surely did not get in.
            unclear: doubt.is_there(),
        };
        let ended = tokio::select! {
            biased;
            reason = heartbeat.lost() => Err(cut(format!("the lease was lost while they were uploaded: {reason}"))),
            ended = self.unless_stopped(UPLOAD_GRACE, uploading) => match ended {
                Some(ended) => ended,
                None => Err(cut("the run was stopped while they were uploaded".to_owned())),
            },
        };
        let event = match ended {
            Ok(None) => return,
            Ok(Some(imported)) => RecordEvent::Uploaded {
                execution,
                folder,
                files: imported.files,
                bytes: imported.bytes,
            },
            Err(NotUploaded { reason, unclear }) => RecordEvent::NotUploaded {
                execution,
                folder,
                reason,
                unclear,
            },
        };
        self.record(event).await;
    }

    pub(super) async fn next(&self) -> Option<Result<Reservation, ClientError>> {
        if *self.phase.borrow() > Phase::Working {
            return None;
        }
        self.reserve(Duration::ZERO).await
    }

    /// Gives a reservation back that will not be worked on.
    pub(super) async fn give_back(&self, reservation: Option<Result<Reservation, ClientError>>) {
        if let Some(Ok(Reservation::Granted(granted))) = reservation {
            let hold = self.lock_reserved().take();
            if self
                .release(granted.execution, granted.lease.as_ref())
                .await
            {
                over(hold);
            }
        }
    }

    /// Gives a lease back, and says whether that is done.
    async fn release(&self, execution: ExecutionId, lease: Option<&LeaseToken>) -> bool {
        self.release_after(execution, lease, None).await
    }

    /// The same, and says what was wrong with its Squish server.
    pub(super) async fn release_after(
        &self,
        execution: ExecutionId,
        lease: Option<&LeaseToken>,
        trouble: Option<ServerTrouble>,
    ) -> bool {
        let giving = self.client.release_after(execution, lease, trouble);
        let because = match self.unless_stopped(RELEASE_GRACE, giving).await {
            Some(Ok(())) => return true,
            Some(Err(error)) => error.to_string(),
            None => "no answer in time".to_owned(),
        };
        tracing::warn!(%execution, because, "a lease could not be given back; it ends by itself");
        false
    }
}

/// Whether the service answered all the same: then there is no reason to leave it.
fn concerns_it_alone(error: &ClientError) -> bool {
    error.lease_is_lost() || error.is_refused_repetition()
}

/// The lease is over, and so is what was written down of it.
pub(super) fn over(hold: Option<LeaseFile>) {
    if let Some(hold) = hold {
        hold.remove();
    }
}
