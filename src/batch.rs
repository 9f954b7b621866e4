//! Runs many tests in one call of any command: each test keeps its own lease and gets its own result.
//!
//! `call_plan` divides what a worker took into calls, `call_bounds` limits their time, `tool_call` runs one, and
//! `call_attempts` turns its end into attempts, by the rules of `runner::batch_decision`; `running_results` does so before
//! for files that are done. Where the tool's process stays, `session_call` has it (`kept_tool`) run the call. A test whose result the call does
//! not show runs alone next, by the rules of a process of its own; `call_trust` remembers such tests.

mod batch_session;
mod batch_setup;
mod call;
mod call_attempts;
mod call_bounds;
mod call_leases;
mod call_plan;
mod call_process;
mod call_trust;
mod collected_reports;
mod held_result;
mod kept_tool;
mod own_results;
mod running_results;
mod session_call;
mod session_refusal;
mod tool_call;
mod worker_session;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::sync::watch;

use self::{
    batch_session::BatchSession, batch_setup::BatchSetup, call_trust::CallTrust,
    session_refusal::SessionRefusal,
};
use crate::{
    reporter::ReporterFolder,
    run::{Phase, Runner, Session},
    runner::runner_settings::{ResultsFormat, Tool},
    single::TestSetup,
};

/// Runs the command of `testplan.yml` for many tests at once.
#[derive(Debug)]
pub struct BatchRunner {
    setup: Arc<BatchSetup>,
    workers: AtomicU32,
}

impl BatchRunner {
    /// Runs tests as `setup` says; returns it if its command runs one test per call. With `writes_results` each test gets a
    /// result file of its own.
    pub fn new(setup: TestSetup, writes_results: bool) -> Result<Self, Box<TestSetup>> {
        let Tool::Command(command) = &setup.runner.tool else {
            return Err(Box::new(setup));
        };
        let Some(batch) = command.batch.clone() else {
            return Err(Box::new(setup));
        };
        let has_reporter = command.results == ResultsFormat::Events;
        let reporters = || ReporterFolder::make().map_err(|error| error.to_string());
        let setup = BatchSetup {
            reporters: has_reporter.then(reporters),
            command: command.clone(),
            batch,
            test: Arc::new(setup),
            writes_results,
            trust: CallTrust::default(),
            refusal: SessionRefusal::default(),
            sockets: AtomicU32::new(0),
        };
        Ok(Self {
            setup: Arc::new(setup),
            workers: AtomicU32::new(0),
        })
    }
}

impl Runner for BatchRunner {
    fn start(&self, phase: watch::Receiver<Phase>) -> Box<dyn Session> {
        let worker = self.workers.fetch_add(1, Ordering::Relaxed);
        Box::new(BatchSession::new(Arc::clone(&self.setup), worker, phase))
    }
}
