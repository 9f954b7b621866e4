//! A template becomes its executions: listings are run, and what became of each of their lines is kept.

use std::path::{Path, PathBuf};

use super::{Loaded, listing};
use crate::{
    cli::{screen::Screen, squish},
    config::{
        discover::{ListedTests, place::Place},
        expand::expand,
        plan_file::{Discovery, Template, TestSource},
    },
    failure::Failure,
    model::{DiscoveryAccount, LeftOut, Test},
    report::discovery,
    runner::{command::CommandLine, settings::RunnerSettings},
    store::{PlannedTest, TemplateDefinition},
    text::counted,
};

/// A template with its tests as they are now.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// What a plan of it runs.
    pub definition: TemplateDefinition,
    /// What became of every line of its listings; tests written in the file count as taken lines.
    pub account: DiscoveryAccount,
    /// Whether it has a listing at all.
    pub is_listed: bool,
}

impl Discovered {
    /// The tests, each once, in order.
    pub fn tests(&self) -> impl Iterator<Item = &Test> {
        let mut last = None;
        // The configurations of a test stand together.
        let executions = self.definition.executions.iter().map(|it| &it.test);
        executions.filter(move |test| last.replace(*test) != Some(*test))
    }

    /// The account for records and services: none for a template whose tests are all written in the file.
    pub fn recorded(&self) -> Option<DiscoveryAccount> {
        self.is_listed.then(|| self.account.clone())
    }

    /// Why there is nothing to run, if there is nothing.
    pub fn nothing(&self) -> Option<String> {
        self.definition.executions.is_empty().then(|| {
            let account = &self.account;
            let lines = match account.listed {
                0 => "its listing printed nothing".to_owned(),
                lines => format!("its listing printed {} and no test", counted(lines, "line")),
            };
            format!("template {:?} has no tests: {lines}", self.definition.title)
        })
    }

    /// Prints what was left out of the plan and may be a test, and how many lines became of a listing.
    pub fn warn(&self, screen: &Screen) {
        let title = &self.definition.title;
        if !self.account.is_clean() {
            let sentence = discovery::sentence(&self.account);
            screen.info(format_args!("template {title:?}: {sentence}"));
        }
        for line in discovery::warning(&self.account, Some(title)) {
            screen.always(&line);
        }
    }
}

impl Loaded {
    /// Makes the executions of a template; runs its listing commands. An error if one of them fails, or leaves out what
    /// a strict discovery may not.
    pub async fn discover(&self, template: &Template) -> Result<Discovered, Failure> {
        let (discovered, refused) = self.survey(template).await?;
        refused.map_or(Ok(discovered), Err)
    }

    /// The same with the strict discovery's error beside the tests.
    pub async fn survey(
        &self,
        template: &Template,
    ) -> Result<(Discovered, Option<Failure>), Failure> {
        // Listings see what tests see: the runner's folder and environment.
        let runner = match self.file.runner {
            Some(_) => Some(self.runner()?),
            None => None,
        };
        let folder = match runner.as_ref().and_then(|it| it.working_directory.clone()) {
            Some(folder) => folder,
            None => self.folder()?,
        };
        // A listing knows no execution, so that a variable with placeholders is not set.
        let variables = runner.iter().flat_map(RunnerSettings::variables);
        let line = CommandLine {
            env: variables
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect(),
            cwd: Some(folder.clone()),
            ..CommandLine::default()
        };
        let real = folder.canonicalize().ok();
        let is_folder = |path: &str| real.is_some() && Path::new(path).canonicalize().ok() == real;
        let mut place = Place::new(folder.display().to_string(), &is_folder);
        let mut refused = None;
        let mut account = DiscoveryAccount::default();
        let mut discovered = Vec::new();
        for discovery in template.discoveries() {
            let found = match discovery {
                Discovery::Command(listing) => {
                    let found = listing::run(listing, &template.title, &line, &mut place).await?;
                    let failure = listing::refuse(listing, &template.title, &found.account);
                    refused = refused.or(failure);
                    found
                }
                Discovery::Squish(folders) => suites(&template.title, folders, &folder)?,
            };
            account.add(found.account);
            discovered.push(found.tests);
        }
        let template = settled(template, &mut place, &mut account);
        let expanded = expand(&template, &discovered).map_err(Failure::usage)?;
        for test in &expanded.repeated {
            account.was_taken_before(test);
        }
        let executions = expanded.executions.into_iter();
        let definition = TemplateDefinition {
            project: self.file.project.clone().unwrap_or_default(),
            title: template.title,
            description: template.description,
            tags: template.tags,
            executions: executions
                .map(|(test, required)| PlannedTest { test, required })
                .collect(),
        };
        let discovered = Discovered {
            definition,
            account,
            is_listed: !discovered.is_empty(),
        };
        Ok((discovered, refused))
    }
}

/// The template with the paths of its written tests made relative, and these tests counted.
fn settled(template: &Template, place: &mut Place<'_>, account: &mut DiscoveryAccount) -> Template {
    let mut template = template.clone();
    for source in &mut template.tests {
        if let TestSource::Listed(tests) = source {
            for test in tests {
                place.settle(test);
                account.take();
            }
        }
    }
    template
}

/// The tests of Squish suites on disk, with what was left out.
fn suites(title: &str, folders: &[PathBuf], folder: &Path) -> Result<ListedTests, Failure> {
    let found = squish::suites(folders, folder).map_err(|failure| {
        failure.context(format!("template {title:?}: finding its Squish suites"))
    })?;
    let mut listed = ListedTests {
        tests: found.tests(),
        ..ListedTests::default()
    };
    for _ in &listed.tests {
        listed.account.take();
    }
    for note in found.notes {
        listed.account.leave_out(LeftOut {
            line: note,
            number: 0,
            reason: "no suite.conf lists it".to_owned(),
            suspicious: true,
        });
    }
    Ok(listed)
}
