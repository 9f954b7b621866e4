//! A `testplan.yml` that was read, and where it is.

use std::path::{Path, PathBuf};

use super::preset_listing::PresetListing;
use crate::{
    config::{
        config_problem::ConfigError,
        plan_file::{PlanFile, QuarantineSource, Template, quarantine_entries},
    },
    failure::Failure,
    model::{Day, Quarantine, QuarantineEntry, VerdictPolicy},
    runner::{runner_settings::RunnerSettings, squishrunner::squish_settings::ServerChoice},
};

/// A `testplan.yml` and its path. Its commands run in its folder, wherever testplan was started.
#[derive(Clone, Debug)]
pub(crate) struct LoadedPlanFile {
    pub(crate) file: PlanFile,
    pub(crate) path: PathBuf,
    /// How a preset lists its tests.
    pub(crate) preset: PresetListing,
}

impl LoadedPlanFile {
    /// A file that was read. Templates that are not written in it belong to the project of its folder's name.
    pub(crate) fn new(mut file: PlanFile, path: PathBuf, preset: PresetListing) -> Self {
        if file.project.is_none() && !file.templates.is_empty() {
            let absolute = std::path::absolute(&path).ok();
            let folder = absolute.as_deref().and_then(Path::parent);
            let name = folder.and_then(Path::file_name);
            file.project = Some(name.map_or_else(
                || "project".to_owned(),
                |name| name.to_string_lossy().into_owned(),
            ));
        }
        Self { file, path, preset }
    }

    /// The folder that paths in it are relative to.
    pub(crate) fn folder(&self) -> Result<PathBuf, Failure> {
        let path = std::path::absolute(&self.path).map_err(Failure::infrastructure)?;
        Ok(path
            .parent()
            .map_or_else(|| PathBuf::from("."), Path::to_owned))
    }

    /// How the tests of a template are run, in the file's folder: as its own runner says, or the file's.
    pub(crate) fn runner(&self, template: Option<&Template>) -> Result<RunnerSettings, Failure> {
        let own = template.and_then(|template| template.runner.as_ref());
        let Some(runner) = own.or(self.file.runner.as_ref()) else {
            let path = self.path.display();
            let runners = self.file.templates.iter().filter(|it| it.runner.is_some());
            let titles: Vec<&str> = runners.map(|it| it.title.as_str()).collect();
            return Err(if titles.is_empty() {
                Failure::usage_text(format_args!("{path} has no runner"))
                    .help("add `runner: { command: [...] }`: how one test is run")
            } else {
                Failure::usage_text(format_args!(
                    "{path} has no runner of its own, only its templates have"
                ))
                .help(format!("choose with --template: {}", titles.join(", ")))
            });
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

    /// Which results decide, if the file says something about it. A quarantine file that cannot be read is part of the answer.
    pub(crate) fn verdict_policy(
        &self,
        template: Option<&Template>,
        today: Day,
    ) -> Option<VerdictPolicy> {
        let own = template.and_then(|template| template.flaky.as_ref());
        let flaky = own.or(self.file.flaky.as_ref()).cloned();
        let quarantine = self.file.quarantine.as_ref().map(|source| {
            let (entries, problem) = match self.quarantine_entries(source, today) {
                Ok(entries) => (entries, None),
                Err(error) => (Vec::new(), Some(error.in_one_line())),
            };
            Quarantine {
                file: source.file.clone(),
                broken_after: source.broken_after,
                problem,
                entries,
            }
        });
        let policy = VerdictPolicy {
            flaky: flaky.unwrap_or_default(),
            quarantine,
        };
        (policy != VerdictPolicy::default()).then_some(policy)
    }

    /// The entries of the quarantine file, which is relative to this one.
    pub(crate) fn quarantine_entries(
        &self,
        source: &QuarantineSource,
        today: Day,
    ) -> Result<Vec<QuarantineEntry>, ConfigError> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        quarantine_entries(&folder.join(&source.file), today)
    }

    /// The template of a project and title, as a service that was given this file would find it.
    pub(crate) fn template(&self, project: &str, title: &str) -> Result<&Template, Failure> {
        let templates = &self.file.templates;
        let is_ours = self.file.project.as_deref() == Some(project);
        let found = templates.iter().find(|it| is_ours && it.title == title);
        found.ok_or_else(|| {
            let titles: Vec<String> = templates
                .iter()
                .map(|template| format!("{:?}", template.title))
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

    /// The template of a title, whatever project is asked for.
    pub(crate) fn template_titled(&self, title: &str) -> Option<&Template> {
        let mut templates = self.file.templates.iter();
        templates.find(|template| template.title == title)
    }

    /// The template of a title that the user has named.
    pub(crate) fn required_template(&self, title: &str) -> Result<&Template, Failure> {
        self.template_titled(title).ok_or_else(|| {
            let templates = self.file.templates.iter();
            let titles: Vec<&str> = templates.map(|it| it.title.as_str()).collect();
            Failure::usage_text(format_args!(
                "{} has no template {title:?}",
                self.path.display()
            ))
            .help(format!("its templates are: {}", titles.join(", ")))
        })
    }

    /// Whether a template has a runner of its own.
    pub(crate) fn has_template_runners(&self) -> bool {
        self.file.templates.iter().any(|it| it.runner.is_some())
    }

    /// The template that a plan was probably started from: one with the plan's title, or with the beginning of its
    /// default title, `TEMPLATE (RUN)`.
    pub(crate) fn template_of_plan(&self, plan_title: &str) -> Option<&Template> {
        let begins = |template: &&Template| {
            let rest = plan_title.strip_prefix(template.title.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
        };
        let templates = self.file.templates.iter().filter(begins);
        templates.max_by_key(|template| template.title.len())
    }

    pub(crate) fn is_of_project(&self, project: &str) -> bool {
        self.file.project.as_deref() == Some(project)
    }

    /// Refuses a file that wants allocated Squish servers and has none: a service in this process can allocate no others.
    pub(crate) fn check_squish_servers(&self, runner: &RunnerSettings) -> Result<(), Failure> {
        let PlanFile { servers, .. } = &self.file;
        let is_allocated = runner
            .squish()
            .is_some_and(|squish| squish.server == ServerChoice::Allocated);
        if !is_allocated || servers.iter().any(|server| server.enabled) {
            return Ok(());
        }
        Err(Failure::usage_text(format_args!(
            "{} has no Squish servers to hand out, and its tests are to run on allocated ones",
            self.path.display()
        ))
        .help(
            "list them under `servers`, or write `squish: { server: local }` or `squish: { server: HOST:PORT }`",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_belongs_to_the_longest_title_that_it_begins_with() {
        let text = "project: p\nrunner: pytest\ntemplates: [{ title: a }, { title: a (b) }, { title: ab }]";
        let file = PlanFile::parse("t.yml", text).unwrap();
        let loaded = LoadedPlanFile::new(file, "t.yml".into(), PresetListing::default());
        let title = |plan: &str| loaded.template_of_plan(plan).map(|it| it.title.as_str());
        assert_eq!(title("a"), Some("a"));
        assert_eq!(title("a (GitHub Actions 1.1)"), Some("a"));
        assert_eq!(title("a (b) (GitHub Actions 1.1)"), Some("a (b)"));
        assert_eq!(title("abc"), None);
    }
}
