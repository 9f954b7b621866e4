//! What the service has to offer: templates and Squish servers of `testplan.yml` files, with their listings run.

mod discovered;
mod listing;

use std::path::{Path, PathBuf};

pub use discovered::Discovered;

use super::screen::Screen;
use crate::{
    config::plan_file::{PlanFile, Template},
    failure::Failure,
    model::Timestamp,
    runner::settings::RunnerSettings,
    store::{NewSquishServer, Store, TemplateDefinition},
};

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

    /// The template of a project and title, as a service that was given this file would find it.
    pub fn template(&self, project: &str, title: &str) -> Result<&Template, Failure> {
        let templates = &self.file.templates;
        let is_ours = self.file.project.as_deref() == Some(project);
        let found = templates.iter().find(|it| is_ours && it.title == title);
        found.ok_or_else(|| {
            let titles: Vec<String> = templates
                .iter()
                .map(|it| format!("{:?}", it.title))
                .collect();
            let failure = Failure::nothing_to_run(format_args!(
                "{} has no template {title:?} of project {project:?}",
                self.path.display()
            ));
            match (&self.file.project, &titles[..]) {
                (Some(own), [_, ..]) => failure.help(format!(
                    "name one that is there with --template (of project {own}): {}",
                    titles.join(", ")
                )),
                _ => failure.help(
                    "add `project` and `templates` to the file, or name another with --config",
                ),
            }
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
    /// Adds everything that a file defines; runs its listing commands and warns of what they left out.
    pub async fn add(&mut self, loaded: &Loaded, screen: &Screen) -> Result<(), Failure> {
        for template in &loaded.file.templates {
            let discovered = loaded.discover(template).await?;
            discovered.warn(screen);
            if let Some(nothing) = discovered.nothing() {
                screen.warn(format_args!("{nothing}"));
            }
            self.templates.push(discovered.definition);
        }
        self.add_servers(loaded);
        Ok(())
    }

    /// Adds one template of a file, discovered before, and the file's Squish servers.
    pub fn add_one(&mut self, template: TemplateDefinition, loaded: &Loaded) {
        self.templates.push(template);
        self.add_servers(loaded);
    }

    fn add_servers(&mut self, loaded: &Loaded) {
        let servers = loaded.file.servers.iter();
        self.squish_servers
            .extend(servers.map(|server| NewSquishServer {
                host: server.host.clone(),
                port: server.port.clone(),
                enabled: server.enabled,
                labels: server.labels.clone(),
            }));
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
