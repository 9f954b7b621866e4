//! How every test is run.

use std::{collections::BTreeMap, ops::Range, path::PathBuf};

use super::{Check, FILES, preset_keys::PresetKeys};
use crate::{
    config::{
        config_problem::ConfigProblem,
        plan_file::{
            document::{self, ResultsKind, ResultsSection, RunnerSection},
            marked::{Marked, Pairs, Plain},
            runner_key::RunnerKey,
        },
    },
    runner::{
        placeholders::{Placeholder, PlaceholderText},
        runner_settings::{
            BatchSettings, CommandSettings, NameMatching, Repeats, ResultsFormat, RunnerSettings,
            Scenarios, Tool,
        },
    },
};

/// The same for Squish's reports: squishrunner names the folder, and the file in it is always called this.
const SQUISH_FILES: &str = "**/results.xml";
/// Variables that carry secrets to testplan itself.
const SECRETS: [&str; 2] = ["TESTCENTER_TOKEN", "TESTCENTER_PASSWORD"];

impl Check<'_> {
    pub(super) fn runner(&mut self, key: Marked<RunnerKey<RunnerSection>>) -> RunnerSettings {
        let place = key.place();
        let mut section = match key.into_inner() {
            RunnerKey::Preset(preset) => return self.whole_preset(preset, place),
            RunnerKey::Section(section) => *section,
        };
        let timeout = section.timeout.take();
        let environment = section.environment.take();
        let folder = section.working_directory.take();
        let preset = section.preset.as_ref().map(Marked::place);
        let batch = self.batch(&mut section);
        let environment = self.environment(&environment.unwrap_or_default());
        if let Some(preset) = preset
            && let Some((name, placeholder)) = per_execution(&environment)
        {
            self.report(preset, || {
                ConfigProblem::new(
                    format!("runner.environment.{name}"),
                    format!("{placeholder} beside `preset`"),
                )
                .expecting("one process runs many tests, and starts before the plan does")
                .help("{capability.KEY} is the only placeholder here; or write `command` in place of `preset`")
            });
        }
        if let Some(command) = section.command.as_ref().filter(|_| batch.is_some()) {
            self.same_for_all("runner.environment", &environment, command.place());
        }
        RunnerSettings {
            tool: self.tool(place, section, batch),
            timeout: timeout.map(|t| self.duration("runner.timeout", &t)),
            environment,
            working_directory: folder
                .map(|folder| PathBuf::from(self.name("runner.working-directory", &folder))),
        }
    }

    fn tool(
        &mut self,
        place: Range<usize>,
        section: RunnerSection,
        batch: Option<BatchSettings>,
    ) -> Tool {
        let RunnerSection {
            command,
            squish,
            results,
            exit_codes,
            preset,
            program,
            args,
            paths,
            mode,
            fresh,
            batch: batch_of_preset,
            ..
        } = section;
        if let Some(preset) = preset {
            let beside = [
                ("command", command.map(|it| it.place())),
                ("squish", squish.map(|_| place.clone())),
                ("results", results.map(|it| it.place())),
                ("exit-codes", exit_codes.map(|it| it.place())),
            ];
            self.alone("preset", beside);
            let keys = PresetKeys {
                place: preset.place(),
                program,
                args,
                paths,
                mode,
                fresh,
                batch: batch_of_preset,
            };
            return Tool::Command(self.preset(*preset.get(), &keys));
        }
        let of_presets = [
            ("program", program.map(|it| it.place())),
            ("args", args.map(|it| it.place())),
            ("paths", paths.map(|it| it.place())),
            ("mode", mode.map(|it| it.place())),
            ("fresh", fresh.map(|it| it.place())),
        ];
        for (key, place) in of_presets {
            let Some(place) = place else { continue };
            self.report(place, || {
                ConfigProblem::new(format!("runner.{key}"), "without `preset`")
                    .expecting("it belongs to the tool of a preset")
                    .help("write `preset: pytest`, or put everything into `command`")
            });
        }
        let Some(squish) = squish else {
            if command.is_none() {
                self.report(place, || {
                    ConfigProblem::new("runner", "neither `command`, `preset` nor `squish`")
                        .expecting("how is a test run?")
                        .help("write `command: [program, argument]`, or `squish: {}` for Squish suites")
                });
            }
            return Tool::Command(CommandSettings {
                command: command.map_or_else(Vec::new, |command| {
                    self.templates_of("runner.command", &command)
                }),
                results: results.map_or(ResultsFormat::ExitCode, |r| self.results(r.get())),
                exit_codes: self.exit_codes(exit_codes.as_ref()),
                warm: None,
                batch,
            });
        };
        let beside = [
            ("command", command.map(|it| it.place())),
            ("results", results.map(|it| it.place())),
            ("exit-codes", exit_codes.map(|it| it.place())),
        ];
        for (key, place) in beside {
            let Some(place) = place else { continue };
            self.report(place, || {
                ConfigProblem::new(format!("runner.{key}"), "beside `squish`")
                    .expecting("squishrunner needs none")
                    .help(format!("leave `{key}` out, or leave `squish` out and write the whole command yourself"))
            });
        }
        Tool::Squish(self.squish(squish))
    }

    /// Reports keys that stand beside one that leaves no room for them.
    fn alone(&mut self, key: &str, beside: [(&str, Option<Range<usize>>); 4]) {
        for (other, place) in beside {
            let Some(place) = place else { continue };
            self.report(place, || {
                ConfigProblem::new(format!("runner.{other}"), format!("beside `{key}`"))
                    .expecting("the preset knows it")
                    .help(format!("leave `{other}` out, or leave `{key}` out"))
            });
        }
    }

    /// Texts as they stand.
    pub(super) fn texts(&mut self, path: &str, texts: &Marked<Vec<Plain>>) -> Vec<PlaceholderText> {
        let texts = texts.get().iter().enumerate();
        texts
            .map(|(index, text)| {
                let text = self.without_nul(&format!("{path}[{index}]"), text);
                PlaceholderText::literally(&text)
            })
            .collect()
    }

    /// A command's program and arguments, with placeholders.
    fn templates_of(&mut self, path: &str, command: &Marked<Vec<Plain>>) -> Vec<PlaceholderText> {
        self.program(path, command);
        let arguments = command.get().iter().enumerate();
        arguments
            .map(|(index, argument)| self.template(&format!("{path}[{index}]"), argument))
            .collect()
    }

    fn results(&mut self, section: &ResultsSection) -> ResultsFormat {
        let format = *section.format.get();
        if format != ResultsKind::Squish
            && let Some(scenarios) = &section.scenarios
        {
            let why = "only format squish knows scenarios";
            let help = "write `format: squish`, or leave `scenarios` out";
            self.not_read("runner.results.scenarios", scenarios, why, help);
        }
        if format != ResultsKind::Junit {
            if let Some(names) = &section.names {
                let why = "only format junit compares names";
                let help = "write `format: junit`, or leave `names` out";
                self.not_read("runner.results.names", names, why, help);
            }
            if let Some(repeats) = &section.repeats {
                let why = "only format junit has repeated names";
                let help = "write `format: junit`, or leave `repeats` out";
                self.not_read("runner.results.repeats", repeats, why, help);
            }
        }
        let mut files = |otherwise: &str| match &section.files {
            Some(files) => self.files(files),
            None => otherwise.to_owned(),
        };
        match format {
            ResultsKind::Junit => ResultsFormat::JUnit {
                files: files(FILES),
                repeats: match section.repeats.as_ref().map(Marked::get) {
                    None => Repeats::Unknown,
                    Some(document::RepeatsKey::Attempts) => Repeats::Attempts,
                    Some(document::RepeatsKey::Duplicates) => Repeats::Duplicates,
                },
                names: match section.names.as_ref().map(Marked::get) {
                    None | Some(document::NamesKey::Same) => NameMatching::Same,
                    Some(document::NamesKey::Any) => NameMatching::Any,
                },
            },
            ResultsKind::Squish => ResultsFormat::Squish {
                files: files(SQUISH_FILES),
                scenarios: scenarios(section.scenarios.as_ref()),
            },
            ResultsKind::ExitCode => {
                if let Some(files) = &section.files {
                    let why = "only formats junit and squish read files";
                    let help = "write `format: junit` or `format: squish`, or leave `files` out";
                    self.not_read("runner.results.files", files, why, help);
                }
                ResultsFormat::ExitCode
            }
        }
    }

    /// A pattern for files below the results folder.
    fn files(&mut self, files: &Marked<String>) -> String {
        let path = "runner.results.files";
        let pattern = self.name(path, files);
        let outside = pattern.starts_with(['/', '\\'])
            || pattern.contains(':')
            || pattern.split(['/', '\\']).any(|part| part == "..");
        if outside {
            self.report(files.place(), || {
                ConfigProblem::new(path, "leads out of the results folder")
                    .expecting("a pattern below {results} is expected")
                    .help("write *.xml, or **/*.xml for its subfolders too")
            });
        } else if let Err(error) = globset::Glob::new(&pattern) {
            self.report(files.place(), || {
                ConfigProblem::new(path, "not a pattern").expecting(error.kind().to_string())
            });
        }
        pattern
    }

    fn environment(&mut self, pairs: &Pairs) -> BTreeMap<String, PlaceholderText> {
        let mut variables = BTreeMap::new();
        for (key, value) in &pairs.0 {
            let path = format!("runner.environment.{}", key.get());
            self.variable(&path, key);
            let value = self.template(&path, value);
            variables.insert(key.get().clone(), value);
        }
        variables
    }

    fn variable(&mut self, path: &str, key: &Marked<String>) {
        let name = key.get().as_str();
        let problem = if name.is_empty() || name.contains(['=', '\0']) {
            ConfigProblem::new(path, "not the name of a variable")
                .expecting("a name without = is expected")
        } else if SECRETS.contains(&name) {
            ConfigProblem::new(path, "would put a secret in a file and in every test")
                .help("set it where testplan is started; tests never get it")
        } else if name.starts_with("TESTPLAN_") {
            ConfigProblem::new(path, "one of testplan's own variables")
                .help("choose a name that does not begin with TESTPLAN_")
        } else {
            return;
        };
        self.report(key.place(), || problem);
    }
}

/// What is a case of a behaviour-driven test, with what the file does not say.
pub(super) fn scenarios(said: Option<&Marked<document::ScenariosKey>>) -> Scenarios {
    match said.map(Marked::get) {
        None | Some(document::ScenariosKey::Each) => Scenarios::Each,
        Some(document::ScenariosKey::Together) => Scenarios::Together,
    }
}

/// The first variable that is not the same for every execution of a worker, and what it asks for.
fn per_execution(
    environment: &BTreeMap<String, PlaceholderText>,
) -> Option<(&String, &Placeholder)> {
    environment.iter().find_map(|(name, value)| {
        let varies = |asked: &&Placeholder| !matches!(asked, Placeholder::Capability(_));
        Some((name, value.placeholders().find(varies)?))
    })
}
