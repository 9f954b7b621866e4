//! Runs each test in a process of its own: the runner for any command, and what a runner for a particular tool builds on.

mod attempt_files;
mod sequential;
mod test_process;

use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::watch;

pub(crate) use self::{
    attempt_files::{TAIL_BYTES, TAIL_LINES, attempt_name, output_tail, with_whole_paths},
    sequential::{Sequential, Starts},
    test_process::{Early, NO_COMMAND, NO_START, TestProcess, is_unexplained_error, not_started},
};
pub use test_process::TestSetup;

use crate::run::{Attempt, Phase, Runner, Session, WorkItem};

/// Runs the command of `testplan.yml`, once per test.
#[derive(Debug)]
pub struct CommandRunner(Arc<TestSetup>);

impl CommandRunner {
    /// Runs tests as `setup` says.
    pub fn new(setup: TestSetup) -> Self {
        Self(Arc::new(setup))
    }
}

impl Runner for CommandRunner {
    fn start(&self, phase: watch::Receiver<Phase>) -> Box<dyn Session> {
        let setup = Arc::clone(&self.0);
        Box::new(Sequential::new(move |work, starts| {
            let (setup, phase) = (Arc::clone(&setup), phase.clone());
            async move {
                let ended = run(&setup, work, phase, &starts).await;
                ended.unwrap_or_else(|early| *early)
            }
            .boxed()
        }))
    }
}

async fn run(
    setup: &Arc<TestSetup>,
    work: WorkItem,
    phase: watch::Receiver<Phase>,
    starts: &Starts,
) -> Result<Attempt, Early> {
    let mut process = TestProcess::prepare(setup, work, phase)?;
    let ending = process.run(starts).await?;
    process.judge(ending, |_| ()).await
}
