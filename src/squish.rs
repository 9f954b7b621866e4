//! Runs tests by squishrunner: one suite at a time on each Squish server, again while there is no licence, and reports
//! Squish servers that do not answer.
//!
//! `runner::squishrunner` makes the call and judges its end; this module needs time, the network and the service.

mod licence;
mod server_outages;
mod server_probe;
mod suite_turns;

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use tokio::sync::watch;

use self::{
    licence::LicenceRetry,
    server_outages::{ServerOutage, ServerOutages},
    suite_turns::SuiteTurns,
};
use crate::{
    client::Client,
    clock,
    model::{CaseCounts, Outcome, ServerTrouble},
    run::{Attempt, Disposition, Phase, Runner, Session, WorkItem},
    runner::{
        process_end::ProcessEnd,
        squishrunner::{
            attached_files::OwnAttachments, squish_address::SquishAddress, squish_decision,
            squish_settings::SquishSettings, squishrunner_args,
        },
    },
    single::{Early, Sequential, Starts, TestProcess, TestSetup},
    sync::ignore_poison,
};

/// Runs tests by squishrunner.
#[derive(Debug)]
pub(crate) struct SquishRunner(Arc<SquishContext>);

/// What the sessions of all workers of this process share.
#[derive(Debug)]
struct SquishContext {
    setup: Arc<TestSetup>,
    settings: SquishSettings,
    client: Client,
    turns: SuiteTurns,
    outages: Mutex<ServerOutages>,
}

impl SquishRunner {
    /// Runs tests as `setup` and `settings` say, and asks the service behind `client` which Squish servers there are.
    pub(crate) fn new(setup: TestSetup, settings: SquishSettings, client: Client) -> Self {
        Self(Arc::new(SquishContext {
            setup: Arc::new(setup),
            settings,
            client,
            turns: SuiteTurns::default(),
            outages: Mutex::default(),
        }))
    }
}

impl Runner for SquishRunner {
    fn start(&self, phase: watch::Receiver<Phase>) -> Box<dyn Session> {
        let context = Arc::clone(&self.0);
        Box::new(Sequential::new(move |work, starts| {
            let (context, phase) = (Arc::clone(&context), phase.clone());
            async move {
                let ended = context.run(work, phase, &starts).await;
                let attempt = ended.unwrap_or_else(|early| *early);
                if attempt.is_result() {
                    context.outages().clear();
                }
                attempt
            }
            .boxed()
        }))
    }
}

impl SquishContext {
    async fn run(
        &self,
        work: WorkItem,
        phase: watch::Receiver<Phase>,
        starts: &Starts,
    ) -> Result<Attempt, Early> {
        let mut process = TestProcess::prepare(&self.setup, work, phase)?;
        let address = squishrunner_args::address(&self.settings, &process.facts())
            .map_err(|refused| process.no_command(&refused))?;
        let own_attachments = OwnAttachments::of(
            &self.settings,
            self.setup.folder(),
            process.facts().test,
            clock::wall(),
        );
        let mut licence = LicenceRetry::new(self.settings.licence_patience);
        let ending = self
            .run_in_turn(&mut process, address.as_ref(), &mut licence, starts)
            .await?;
        let fetch_attachments = move |results: &std::path::Path| {
            if let Some(own) = own_attachments {
                own.fetch(results);
            }
        };
        let mut attempt = process.judge(ending, fetch_attachments).await?;
        licence.explain(&mut attempt.outcome);
        let Some(address) = address else {
            return Ok(attempt);
        };
        if !squish_decision::may_lack_its_server(ending, &self.settings, process.results_dir()) {
            return Ok(attempt);
        }
        let answer = process.unless_cut_off(server_probe::answers(&address));
        if let Err(why) = answer.await? {
            attempt.outcome = squish_decision::unreachable(ending, &address, &why);
            self.settle_outage(&process, &mut attempt).await?;
        }
        Ok(attempt)
    }

    /// Runs squishrunner once its Squish server, if it has one, is free of other workers; again while it finds no
    /// licence.
    async fn run_in_turn(
        &self,
        process: &mut TestProcess,
        address: Option<&SquishAddress>,
        licence: &mut LicenceRetry,
        starts: &Starts,
    ) -> Result<ProcessEnd, Early> {
        let _turn = match address {
            Some(address) => Some(process.unless_cut_off(self.turns.take(address)).await?),
            None => None,
        };
        loop {
            let ending = process.run(starts).await?;
            let Some(pause) = licence.pause_after(ending) else {
                return Ok(ending);
            };
            tracing::warn!(
                test = %process.facts().test, tries = licence.missed(), seconds = pause.as_secs(),
                "squishrunner found no licence (exit code 37): its licence server cannot be reached; trying again"
            );
            process.unless_cut_off(tokio::time::sleep(pause)).await?;
        }
    }

    /// Decides about an execution whose Squish server does not answer: another server gets it, or it ends with an error
    /// and the worker leaves. A server that the service did not allocate cannot be taken out of use there.
    async fn settle_outage(
        &self,
        process: &TestProcess,
        attempt: &mut Attempt,
    ) -> Result<(), Early> {
        let granted = &process.work().granted;
        let Some(server) = &granted.server else {
            return Ok(());
        };
        let address = server.address();
        let in_a_row = self.outages().add(&address);
        // Our service cools the server down; Test Center would hand it out again at once.
        let cools_down = granted.lease.is_some();
        let has_alternative = in_a_row < server_outages::ENOUGH
            || process.unless_cut_off(self.has_alternative()).await?;
        let must_leave = server_outages::must_leave(in_a_row, has_alternative, cools_down);
        let pause = (!cools_down && !must_leave).then(|| server_outages::BACKOFF.pause(in_a_row));
        let reason = ServerOutage {
            address,
            in_a_row,
            pause,
            must_leave,
        }
        .to_string();
        attempt.outcome = if must_leave {
            failed_for_good(&attempt.outcome, &reason)
        } else {
            Outcome::Cancelled
        };
        attempt.disposition = if must_leave {
            Disposition::ReportAndLeave { reason }
        } else {
            Disposition::Release {
                reason,
                pause,
                alone: false,
            }
        };
        attempt.server_trouble = Some(ServerTrouble::Unreachable);
        (attempt.cases, attempt.not_kept, attempt.results) =
            (Vec::new(), CaseCounts::default(), None);
        Ok(())
    }

    /// Whether the service has a Squish server that could still run the tests; `false` where it cannot say.
    async fn has_alternative(&self) -> bool {
        let asking =
            tokio::time::timeout(server_outages::LIST_PATIENCE, self.client.squish_servers());
        match asking.await {
            Ok(Ok(list)) => self
                .outages()
                .alternative_exists(&list, &self.setup.offered),
            Ok(Err(_)) | Err(_) => false,
        }
    }

    fn outages(&self) -> std::sync::MutexGuard<'_, ServerOutages> {
        ignore_poison(self.outages.lock())
    }
}

/// The outcome of an execution that no other Squish server will run, with the earlier message as details.
fn failed_for_good(outcome: &Outcome, reason: &str) -> Outcome {
    let details = match outcome {
        Outcome::ExecutionError { message, details } => {
            format!("{message}\n{details}").trim_end().to_owned()
        }
        Outcome::Completed { .. } | Outcome::LeaseLost | Outcome::Cancelled => String::new(),
    };
    Outcome::ExecutionError {
        message: reason.to_owned(),
        details,
    }
}
