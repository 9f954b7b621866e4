//! What the sessions of all workers have in common.

use std::sync::{Arc, atomic::AtomicU32};

use super::{call_trust::CallTrust, session_refusal::SessionRefusal};
use crate::{
    reporter::ReporterFolder,
    runner::runner_settings::{BatchSettings, CommandSettings, SessionSettings},
    single::TestSetup,
};

/// How tests are run by all workers of this process.
#[derive(Debug)]
pub(crate) struct BatchSetup {
    pub(crate) test: Arc<TestSetup>,
    pub(crate) command: CommandSettings,
    pub(crate) batch: BatchSettings,
    /// Whether each test gets a result file of its own, to be uploaded.
    pub(crate) writes_results: bool,
    pub(crate) trust: CallTrust,
    /// The folder of the reporters, if the tool has one; or why there is none.
    pub(crate) reporters: Option<Result<ReporterFolder, String>>,
    /// Why no process stays, although the settings have one.
    pub(crate) refusal: SessionRefusal,
    /// Of the sockets of the processes that stay.
    pub(crate) sockets: AtomicU32,
}

impl BatchSetup {
    /// How the tool's process stays, if it does.
    pub(crate) fn session(&self) -> Option<SessionSettings> {
        self.batch.preset.as_ref()?.session
    }
}
