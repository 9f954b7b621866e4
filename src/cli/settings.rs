//! What `run` and `work` go by once flag, variable and default are weighed.

use std::{path::PathBuf, time::Duration};

use super::{
    args::{self, OutArgs, UploadPolicy, WorkerArgs},
    connect::{chosen, path},
    failure::Failure,
    shell,
};
use crate::{
    config::{duration, environment::Environment, precedence::Setting},
    model::Capabilities,
};

/// Where results go unless somebody says otherwise.
const DEFAULT_OUT: &str = "testplan-out";
/// How long a lease is unless somebody says otherwise: twelve times the vendor's default, which is shorter than a
/// network needs to notice a lost connection.
const DEFAULT_LEASE: Duration = Duration::from_secs(60);

/// How workers work.
#[derive(Clone, Debug)]
pub struct Working {
    /// What they offer.
    pub offered: Capabilities,
    /// Executions at once.
    pub workers: usize,
    /// Whether a Squish server is asked for.
    pub allocate_server: bool,
    /// Lease asked for and renewed.
    pub lease: Duration,
    /// Of the whole command.
    pub deadline: Option<Duration>,
    /// Where results go.
    pub out: PathBuf,
    /// Whether they are uploaded.
    pub upload: UploadPolicy,
}

impl Working {
    /// Weighs flags, variables and defaults.
    pub fn choose(
        workers: &WorkerArgs,
        out: &OutArgs,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        Ok(Self {
            offered: workers.capabilities.iter().cloned().collect(),
            workers: chosen(
                Setting::WORKERS,
                workers.workers,
                environment,
                args::workers,
            )?
            .unwrap_or_else(shell::cores),
            allocate_server: workers.allocate_server,
            lease: chosen(Setting::LEASE, workers.lease, environment, args::lease)?
                .unwrap_or(DEFAULT_LEASE),
            deadline: chosen(
                Setting::DEADLINE,
                workers.deadline,
                environment,
                duration::parse,
            )?,
            out: folder(out, environment)?,
            upload: UploadPolicy::Never,
        })
    }

    /// The same with results uploaded, or not.
    pub fn uploading(self, upload: UploadPolicy) -> Self {
        Self { upload, ..self }
    }
}

/// The `--out` folder.
pub fn folder(out: &OutArgs, environment: &Environment) -> Result<PathBuf, Failure> {
    Ok(path(Setting::OUT, out.out.clone(), environment)?
        .unwrap_or_else(|| PathBuf::from(DEFAULT_OUT)))
}
