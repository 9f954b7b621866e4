//! Runs many tests in one process of their tool that stays: a warm pytest takes one test after the other.
//!
//! [`WarmHost`] starts processes and has the first one list the tests, [`WarmRunner`] runs them with one process per worker.
//! `warm_process` is a process, `message` what goes over it, `conversation` what follows from it,
//! `session_driver` does that. `docs/session-protocol.md` has the protocol.

mod collected;
mod conversation;
mod early_workers;
mod hung_output;
mod message;
mod patience;
mod pytest_names;
mod reported_result;
mod second_process;
mod session_driver;
mod session_folder;
mod stock;
mod warm_attempt;
mod warm_process;
mod warm_session;
mod warm_setup;

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

pub use self::{
    collected::{Collected, NotCollected},
    message::FileNote,
    warm_setup::{InheritedVariables, WarmPlan, WarmSetup},
};
use self::{
    collected::{EarlyProcess, FirstProcess, ReadyProcess, Wanted},
    second_process::Progress,
    warm_session::WarmSession,
    warm_setup::{Shared, Starter},
};
use crate::{
    run::{Phase, Runner, Session},
    sync::ignore_poison,
};

/// Starts the processes of a run, the first one before there is a plan.
#[derive(Debug)]
pub struct WarmHost {
    starter: Starter,
    ready: Option<ReadyProcess>,
    early: Vec<EarlyProcess>,
}

impl WarmHost {
    /// Prepares to start processes as `setup` says. Starts nothing yet.
    pub fn new(setup: WarmSetup) -> io::Result<Self> {
        Ok(Self {
            starter: Starter::new(setup)?,
            ready: None,
            early: Vec::new(),
        })
    }

    /// Starts the first process for the tests that it collects; the first session uses it, if it can run its tests one by
    /// one. Waits for `limit` at most.
    pub async fn collect(&mut self, limit: Duration) -> Result<Collected, NotCollected> {
        self.start(Wanted::Names, limit).await
    }

    /// Starts the first process, as [`Self::collect`] does, without asking for the names of its tests.
    pub async fn prepare(&mut self, limit: Duration) -> Result<Collected, NotCollected> {
        self.start(Wanted::Counts, limit).await
    }

    async fn start(&mut self, wanted: Wanted, limit: Duration) -> Result<Collected, NotCollected> {
        let (collected, ready, early) = collected::collect(&self.starter, wanted, limit).await?;
        if collected.obstacles.is_empty() {
            self.ready = Some(ready);
            self.early = early;
        } else {
            drop(early);
            ready.end().await;
        }
        Ok(collected)
    }

    /// Ends the process that has collected the tests, if no session is to use it.
    pub async fn end(self) {
        if let Some(ready) = self.ready {
            ready.end().await;
        }
    }
}

/// Runs tests in warm processes, one for each worker.
#[derive(Debug)]
pub struct WarmRunner {
    shared: Arc<Shared>,
    /// The process that has collected the tests, for the first session.
    ready: Mutex<Option<ReadyProcess>>,
    /// The processes that were started meanwhile, for the sessions after it.
    early: Mutex<Vec<EarlyProcess>>,
    workers: AtomicU32,
}

impl WarmRunner {
    /// Runs the tests of a plan with the processes of `host`.
    pub fn new(host: WarmHost, plan: WarmPlan) -> Self {
        let ready = host.ready.as_ref();
        let has_lister = ready.is_some_and(|ready| ready.has_listed);
        let progress = Progress {
            start_cost: ready.map(|ready| ready.start_cost),
            tests: plan.tests,
            ..Progress::default()
        };
        let shared = Shared::new(host.starter, plan, has_lister, progress);
        Self {
            shared: Arc::new(shared),
            ready: Mutex::new(host.ready),
            early: Mutex::new(host.early),
            workers: AtomicU32::new(0),
        }
    }
}

impl Runner for WarmRunner {
    fn start(&self, phase: watch::Receiver<Phase>) -> Box<dyn Session> {
        let worker = self.workers.fetch_add(1, Ordering::Relaxed);
        let process = match worker {
            0 => ignore_poison(self.ready.lock())
                .take()
                .map(FirstProcess::Ready),
            _ => ignore_poison(self.early.lock())
                .extract_if(.., |early| early.worker == worker)
                .next()
                .map(FirstProcess::Early),
        };
        Box::new(WarmSession::start(
            Arc::clone(&self.shared),
            worker,
            process,
            phase,
        ))
    }
}
