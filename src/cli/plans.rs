//! What the service has to offer: templates and Squish servers of `testplan.yml` files, with their listings run.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{failure::Failure, squish};
use crate::{
    config::{
        discover::parse_listing,
        expand::expand,
        plan_file::{Discovery, Listing, PlanFile, Template},
    },
    model::{Test, Timestamp},
    run::process,
    runner::{
        command::{CommandLine, SECRET_VARIABLES},
        outcome::{Ending, words},
        settings::RunnerSettings,
    },
    store::{NewSquishServer, PlannedTest, Store, TemplateDefinition},
};

/// Most bytes that a listing command may print: a million tests with long names.
const MOST_LISTED: usize = 256 * 1024 * 1024;

/// A `testplan.yml` and where it stands: its commands run in its folder, wherever testplan was started.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub file: PlanFile,
    /// Where it is.
    pub path: PathBuf,
}

impl Loaded {
    /// The folder that paths in it are relative to.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        let path = std::path::absolute(&self.path).map_err(Failure::infrastructure)?;
        Ok(path
            .parent()
            .map_or_else(|| PathBuf::from("."), Path::to_owned))
    }

    /// How a test is run, in the file's folder.
    pub fn runner(&self) -> Result<RunnerSettings, Failure> {
        let Some(runner) = &self.file.runner else {
            return Err(
                Failure::usage_text(format_args!("{} has no runner", self.path.display()))
                    .help("add `runner: { command: [...] }`: how one test is run"),
            );
        };
        let folder = self.folder()?;
        let working_directory = runner
            .working_directory
            .as_ref()
            .map_or(folder.clone(), |below| folder.join(below));
        Ok(RunnerSettings {
            working_directory: Some(working_directory),
            ..runner.clone()
        })
    }
}

/// Templates and Squish servers, ready to be made known to a store.
#[derive(Clone, Debug, Default)]
pub struct Published {
    templates: Vec<TemplateDefinition>,
    squish_servers: Vec<NewSquishServer>,
}

impl Published {
    /// Adds what a file defines; runs its listing commands.
    pub async fn add(&mut self, loaded: &Loaded) -> Result<(), Failure> {
        // Listings see what tests see: the runner's folder and environment.
        let (folder, environment) = match loaded.file.runner {
            Some(_) => {
                let runner = loaded.runner()?;
                (
                    runner.working_directory,
                    runner
                        .environment
                        .into_iter()
                        .map(|(name, value)| (name, value.into()))
                        .collect(),
                )
            }
            None => (Some(loaded.folder()?), Vec::new()),
        };
        for template in &loaded.file.templates {
            let mut discovered = Vec::new();
            for discovery in template.discoveries() {
                let folder = folder.clone();
                discovered.push(match discovery {
                    Discovery::Command(listing) => {
                        list(listing, template, folder, &environment).await?
                    }
                    Discovery::Squish(folders) => {
                        let folder = folder.unwrap_or_else(|| PathBuf::from("."));
                        squish::discover(&template.title, folders, &folder)?
                    }
                });
            }
            let executions = expand(template, &discovered).map_err(Failure::usage)?;
            self.templates.push(TemplateDefinition {
                project: loaded.file.project.clone().unwrap_or_default(),
                title: template.title.clone(),
                description: template.description.clone(),
                tags: template.tags.clone(),
                executions: executions
                    .into_iter()
                    .map(|(test, required)| PlannedTest { test, required })
                    .collect(),
            });
        }
        self.squish_servers
            .extend(loaded.file.servers.iter().map(|server| NewSquishServer {
                host: server.host.clone(),
                port: server.port.clone(),
                enabled: server.enabled,
                labels: server.labels.clone(),
            }));
        Ok(())
    }

    /// Makes all of it known.
    pub async fn publish(self, store: &dyn Store, now: Timestamp) -> Result<(), Failure> {
        store
            .publish(self.templates, now)
            .await
            .map_err(Failure::infrastructure)?;
        store
            .register_servers(self.squish_servers, now)
            .await
            .map_err(Failure::infrastructure)
    }
}

async fn list(
    listing: &Listing,
    template: &Template,
    folder: Option<PathBuf>,
    environment: &[(String, OsString)],
) -> Result<Vec<Test>, Failure> {
    let line = CommandLine {
        argv: listing.command.iter().map(Into::into).collect(),
        env: environment.to_vec(),
        env_remove: SECRET_VARIABLES.map(str::to_owned).into(),
        cwd: folder,
    };
    let what = format!(
        "template {:?}: listing its tests with {:?}",
        template.title,
        listing.command.join(" ")
    );
    let failed = |error: anyhow::Error| {
        Failure::usage(error.context(what.clone())).help(
            "run the command by hand in the folder of testplan.yml, and hold what it prints against `line`",
        )
    };
    let listed = process::run_to_end(&line, listing.timeout, MOST_LISTED)
        .await
        .map_err(|error| failed(error.into()))?;
    if listed.ending != Ending::Exited(0) {
        return Err(failed(anyhow::anyhow!(
            "{}: {}",
            words(listed.ending),
            listed.stderr_tail.trim_end()
        )));
    }
    let output = String::from_utf8_lossy(&listed.stdout);
    parse_listing(&output, &listing.pattern).map_err(|error| failed(error.into()))
}
