//! What `run` and `work` go by once flag, variable and default are weighed.

use std::{path::PathBuf, time::Duration};

use super::{
    args::{self, OutArgs, UploadPolicy, WorkerArgs},
    connect::{chosen, path},
    shell,
};
use crate::{
    config::{duration, environment::Environment, precedence::Setting},
    failure::Failure,
    model::Capabilities,
    runner::{settings::RunnerSettings, squish::settings::ServerChoice},
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
    /// How long somebody who could help is waited for once nothing can happen.
    pub grace: Duration,
    /// Where results go.
    pub out: PathBuf,
    /// Whether they are uploaded.
    pub upload: UploadPolicy,
}

impl Working {
    /// Weighs flags, variables, what the runner needs, and defaults.
    pub fn choose(
        workers: &WorkerArgs,
        out: &OutArgs,
        runner: Option<&RunnerSettings>,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let squish = runner.and_then(RunnerSettings::squish);
        let server = squish.map(|squish| &squish.server);
        if let Some(ServerChoice::Local | ServerChoice::At(_)) = server
            && workers.allocate_server
        {
            return Err(Failure::usage_text(
                "--allocate-server asks for Squish servers, which runner.squish.server in testplan.yml makes no use of",
            )
            .help("leave the flag out, or write `server: allocated`"));
        }
        Ok(Self {
            offered: workers.capabilities.iter().cloned().collect(),
            workers: chosen(
                Setting::WORKERS,
                workers.workers,
                environment,
                args::workers,
            )?
            .unwrap_or_else(|| match server {
                // One desktop, or one Squish server: tests would only get into each other's way.
                Some(ServerChoice::Local | ServerChoice::At(_)) => 1,
                Some(ServerChoice::Allocated) | None => shell::cores(),
            }),
            allocate_server: workers.allocate_server || server == Some(&ServerChoice::Allocated),
            lease: chosen(Setting::LEASE, workers.lease, environment, args::lease)?
                .unwrap_or(DEFAULT_LEASE),
            deadline: chosen(
                Setting::DEADLINE,
                workers.deadline,
                environment,
                duration::parse,
            )?,
            grace: workers.grace.span(),
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
