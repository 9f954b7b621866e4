//! Runs many tests in one process of their tool that stays: a warm pytest takes one test after the other.
//!
//! [`WarmRunner`] starts one process per worker. `warm_process` is a process with its connection, `message` what goes over
//! it, `conversation` what follows from it, `session_driver` does that. `docs/session-protocol.md` has the protocol.

mod channel;
mod collected;
mod conversation;
mod fresh_process;
mod hung_output;
mod message;
mod patience;
mod pytest_names;
mod reported_result;
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

use self::{collected::ReadyProcess, warm_session::WarmSession, warm_setup::Shared};
pub use self::{
    collected::{Collected, NotCollected},
    fresh_process::FreshProcess,
    message::FileNote,
    warm_setup::WarmSetup,
};
use crate::{
    run::{Phase, Runner, Session},
    sync::ignore_poison,
};

/// Runs tests in warm processes, one for each worker.
#[derive(Debug)]
pub struct WarmRunner {
    shared: Arc<Shared>,
    /// The process that has listed the tests, for the first session.
    listed: Mutex<Option<ReadyProcess>>,
    workers: AtomicU32,
}

impl WarmRunner {
    /// Prepares to run tests as `setup` says. Starts nothing yet.
    pub fn new(setup: WarmSetup) -> io::Result<Self> {
        let shared = Shared::new(setup)?;
        Ok(Self {
            shared: Arc::new(shared),
            listed: Mutex::default(),
            workers: AtomicU32::new(0),
        })
    }

    /// Starts the first process for the tests that it collects; the first session uses it. Waits for `limit` at
    /// most.
    pub async fn collect(&self, limit: Duration) -> Result<Collected, NotCollected> {
        let (collected, ready) = collected::collect(&self.shared, limit).await?;
        *ignore_poison(self.listed.lock()) = Some(ready);
        Ok(collected)
    }
}

impl Runner for WarmRunner {
    fn start(&self, phase: watch::Receiver<Phase>) -> Box<dyn Session> {
        let worker = self.workers.fetch_add(1, Ordering::Relaxed);
        let ready = ignore_poison(self.listed.lock()).take();
        Box::new(WarmSession::start(
            Arc::clone(&self.shared),
            worker,
            ready,
            phase,
        ))
    }
}
