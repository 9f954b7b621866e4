//! What the sessions of all workers have in common.

use std::sync::Arc;

use super::call_trust::CallTrust;
use crate::{
    reporter::ReporterFolder,
    runner::runner_settings::{BatchSettings, CommandSettings},
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
}
