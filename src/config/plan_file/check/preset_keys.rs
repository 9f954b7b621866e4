//! A tool that testplan knows.

use std::ops::Range;

use super::{Check, FILES};
use crate::{
    config::{
        config_problem::ConfigProblem,
        plan_file::{
            document::BatchSection,
            marked::{Marked, Plain},
            runner_key::{FreshSection, ModeKey, PresetKey},
        },
    },
    preset::PYTEST,
    runner::{
        placeholders::PlaceholderText,
        runner_settings::{
            CommandSettings, FreshProcess, NameMatching, ProcessMode, Repeats, ResultsFormat,
            RunnerSettings, Tool, WarmSettings, WarmTool,
        },
    },
};

/// The keys beside `preset`.
#[derive(Default)]
pub(super) struct PresetKeys {
    /// Where the preset is named.
    pub(super) place: Range<usize>,
    pub(super) program: Option<Marked<Vec<Plain>>>,
    pub(super) args: Option<Marked<Vec<Plain>>>,
    pub(super) paths: Option<Marked<Vec<Plain>>>,
    pub(super) mode: Option<Marked<ModeKey>>,
    pub(super) fresh: Option<Marked<FreshSection>>,
    pub(super) batch: Option<BatchSection>,
}

impl Check<'_> {
    /// A preset with all its defaults.
    pub(super) fn whole_preset(
        &mut self,
        preset: PresetKey,
        place: Range<usize>,
    ) -> RunnerSettings {
        let keys = PresetKeys {
            place,
            ..PresetKeys::default()
        };
        RunnerSettings {
            tool: Tool::Command(self.preset(preset, &keys)),
            timeout: None,
            environment: std::collections::BTreeMap::new(),
            working_directory: None,
        }
    }

    pub(super) fn preset(&mut self, preset: PresetKey, keys: &PresetKeys) -> CommandSettings {
        let mode = keys.mode.as_ref().map(Marked::get);
        let PresetKey(preset) = preset;
        if *preset != PYTEST || mode == Some(&ModeKey::Batch) {
            return self.batch_preset(preset, keys);
        }
        if let Some(batch) = &keys.batch {
            let why = "processes of pytest take one test after the other";
            self.batch_not_read(batch, why, "write `mode: batch`, or leave the key out");
        }
        let mut command = match &keys.program {
            Some(program) => {
                self.program("runner.program", program);
                self.texts("runner.program", program)
            }
            None => vec![PlaceholderText::literally("pytest")],
        };
        if let Some(args) = &keys.args {
            command.extend(self.texts("runner.args", args));
        }
        let paths = keys.paths.as_ref().map(|paths| self.paths(paths));
        let fresh = keys.fresh.as_ref().map(|fresh| self.fresh(fresh));
        CommandSettings {
            command,
            results: ResultsFormat::JUnit {
                files: FILES.to_owned(),
                repeats: Repeats::Attempts,
                names: NameMatching::Same,
            },
            exit_codes: self.exit_codes(None),
            warm: Some(WarmSettings {
                tool: WarmTool::Pytest,
                paths: paths.unwrap_or_default(),
                mode: match mode {
                    None | Some(ModeKey::Auto | ModeKey::Batch) => ProcessMode::Auto,
                    Some(ModeKey::Session) => ProcessMode::Session,
                    Some(ModeKey::Single) => ProcessMode::Single,
                },
                fresh: fresh.unwrap_or_default(),
            }),
            batch: None,
        }
    }

    /// Files and folders: no options.
    pub(super) fn paths(&mut self, paths: &Marked<Vec<Plain>>) -> Vec<String> {
        if paths.get().is_empty() {
            self.report(paths.place(), || {
                ConfigProblem::new("runner.paths", "an empty list")
                    .expecting("at least one file or folder is expected")
                    .help("leave it out to list what the tool's own settings say")
            });
        }
        let mut read = Vec::new();
        for (index, path) in paths.get().iter().enumerate() {
            let at = format!("runner.paths[{index}]");
            if path.get().starts_with('-') {
                self.report(path.place(), || {
                    ConfigProblem::new(&at, "an option")
                        .expecting("a file or folder is expected")
                        .help("write options under `args`")
                });
            }
            read.push(self.name(&at, path));
        }
        read
    }

    pub(super) fn fresh(&mut self, fresh: &Marked<FreshSection>) -> FreshProcess {
        let section = fresh.get();
        let FreshSection {
            tests,
            mib,
            after_failure,
        } = section;
        let zeros = [
            (
                "tests",
                tests
                    .as_ref()
                    .filter(|it| *it.get() == 0)
                    .map(Marked::place),
            ),
            (
                "mib",
                mib.as_ref().filter(|it| *it.get() == 0).map(Marked::place),
            ),
        ];
        for (key, place) in zeros {
            let Some(place) = place else { continue };
            self.report(place, || {
                ConfigProblem::new(format!("runner.fresh.{key}"), "zero")
                    .expecting("at least 1 is expected")
            });
        }
        FreshProcess {
            after_tests: tests.as_ref().map(|it| *it.get()),
            after_mib: mib.as_ref().map(|it| *it.get()),
            after_failure: after_failure.unwrap_or_default(),
        }
    }
}
