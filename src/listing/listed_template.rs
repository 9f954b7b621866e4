//! Makes the executions of a template: runs its listings and accounts for each of their lines.

use std::path::{Path, PathBuf};

use super::{list_command, loaded_plan_file::LoadedPlanFile, squish_setup};
use crate::{
    config::{
        discover::{ListedTests, test_folder::TestFolder},
        expand::expand,
        plan_file::{Discovery, Template, TestSource},
    },
    failure::Failure,
    model::{DiscoveryAccount, LeftOut, Test},
    report::discovery_text,
    runner::{command_line::CommandLine, runner_settings::RunnerSettings},
    store::{PlannedTest, TemplateDefinition},
    text::counted,
};

/// A template with the tests that its listings print now.
#[derive(Clone, Debug)]
pub(crate) struct ListedTemplate {
    pub(crate) definition: TemplateDefinition,
    /// What became of every line of its listings; tests written in the file count as taken lines.
    pub(crate) account: DiscoveryAccount,
    /// Whether the template has a listing.
    pub(crate) is_listed: bool,
    /// The tool of the preset that has listed the tests.
    pub(crate) tool: Option<String>,
}

impl ListedTemplate {
    /// The tests, each once, in order.
    pub(crate) fn tests(&self) -> impl Iterator<Item = &Test> {
        let mut last = None;
        // The configurations of a test stand together.
        let executions = self.definition.executions.iter().map(|it| &it.test);
        executions.filter(move |test| last.replace(*test) != Some(*test))
    }

    /// The account for records and services; `None` for all tests of a template that are written in the file.
    pub(crate) fn recorded(&self) -> Option<DiscoveryAccount> {
        let is_worth_it = self.is_listed || self.account.selection.is_some();
        is_worth_it.then(|| self.account.clone())
    }

    /// Why the template has no tests, if it has none.
    pub(crate) fn nothing(&self) -> Option<String> {
        self.definition.executions.is_empty().then(|| {
            let account = &self.account;
            let lines = match (account.listed, &self.tool) {
                (_, Some(tool)) => match self.reasons() {
                    Some(reasons) => format!("{tool} collected none ({reasons})"),
                    None => format!("{tool} collected none"),
                },
                (0, None) => "its listing printed nothing".to_owned(),
                (lines, None) => {
                    format!("its listing printed {} and no test", counted(lines, "line"))
                }
            };
            format!("template {:?} has no tests: {lines}", self.definition.title)
        })
    }

    /// What to do about a template without tests.
    pub(crate) fn nothing_help(&self) -> &'static str {
        match self.tool {
            Some(_) => {
                "name files and folders with tests under `paths`, and look at the tool's own settings"
            }
            None => {
                "run the listing command by hand in the folder that tests run in: it should print the tests"
            }
        }
    }

    /// What was left out, and why.
    fn reasons(&self) -> Option<String> {
        let left_out = self.account.left_out.iter();
        let reasons: Vec<String> = left_out
            .take(3)
            .map(|it| format!("{}: {}", it.line, it.reason))
            .collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// What became of the listing's lines, unless every line was taken.
    pub(crate) fn summary(&self) -> Option<String> {
        let sentence =
            (!self.account.is_clean()).then(|| discovery_text::sentence(&self.account))?;
        Some(format!("template {:?}: {sentence}", self.definition.title))
    }

    /// The lines that were left out and may be tests.
    pub(crate) fn warnings(&self) -> Vec<String> {
        discovery_text::warning(&self.account, Some(&self.definition.title))
    }
}

impl LoadedPlanFile {
    /// Runs the listing commands of a template and makes its executions. An error if a command fails, or if a strict
    /// discovery left out a line that may be a test.
    pub(crate) async fn list(&self, template: &Template) -> Result<ListedTemplate, Failure> {
        let (discovered, refused) = self.list_leniently(template).await?;
        refused.map_or(Ok(discovered), Err)
    }

    /// As [`Self::list`], with the error of a strict discovery beside the tests.
    pub(crate) async fn list_leniently(
        &self,
        template: &Template,
    ) -> Result<(ListedTemplate, Option<Failure>), Failure> {
        // Listings see what tests see: the runner's folder and environment.
        let has_runner = template.runner.is_some() || self.file.runner.is_some();
        let runner = has_runner
            .then(|| self.runner(Some(template)))
            .transpose()?;
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
        let mut place = TestFolder::new(folder.display().to_string(), &is_folder);
        let mut refused = None;
        let mut tool = None;
        let mut account = DiscoveryAccount::default();
        let mut discovered = Vec::new();
        for discovery in template.discoveries() {
            let found = match discovery {
                Discovery::Command(listing) => {
                    let found =
                        list_command::run(listing, &template.title, &line, &mut place).await?;
                    let failure = list_command::refuse(listing, &template.title, &found.account);
                    refused = refused.or(failure);
                    found
                }
                Discovery::Preset => {
                    let runner = self.runner(Some(template))?;
                    let listed = self.preset.list(&runner).await;
                    let found = listed.map_err(|failure| {
                        failure.context(format!("template {:?}", template.title))
                    })?;
                    tool.clone_from(&found.tool);
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
        let discovered = ListedTemplate {
            definition,
            account,
            is_listed: !discovered.is_empty(),
            tool,
        };
        Ok((discovered, refused))
    }
}

/// The template with the paths of its written tests made relative, and these tests counted.
fn settled(
    template: &Template,
    place: &mut TestFolder<'_>,
    account: &mut DiscoveryAccount,
) -> Template {
    let mut template = template.clone();
    for source in &mut template.tests {
        if let TestSource::Listed(tests) = source {
            for test in tests {
                place.make_relative(test);
                account.take();
            }
        }
    }
    template
}

/// The tests of Squish suites on disk, with what was left out.
fn suites(title: &str, folders: &[PathBuf], folder: &Path) -> Result<ListedTests, Failure> {
    let found = squish_setup::find_suites(folders, folder).map_err(|failure| {
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
