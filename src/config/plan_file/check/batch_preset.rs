//! A tool that testplan knows and that runs many tests in one call.

use std::ops::RangeInclusive;

use super::{
    Check,
    batch_keys::{MOST, MOST_ALLOWED},
    preset_keys::PresetKeys,
};
use crate::{
    config::{
        config_problem::ConfigProblem,
        plan_file::{marked::Marked, runner_key::ModeKey},
    },
    preset::{Evidence, Preset},
    runner::{
        exit_codes::CodeSet,
        placeholders::PlaceholderText,
        runner_settings::{
            BatchSettings, CasePattern, CommandSettings, ExitCodes, NameMatching, PresetSettings,
            ResultsFormat, Selection, SessionSettings,
        },
    },
};

/// What a test is called; the pattern of each preset makes the same of its results.
const TEST: &str = "{suite}::{testcase}";
/// The JUnit files of a call.
const JUNIT: &str = "*.xml";

impl Check<'_> {
    /// How calls of the preset's tool run tests.
    pub(super) fn batch_preset(
        &mut self,
        preset: &'static Preset,
        keys: &PresetKeys,
    ) -> CommandSettings {
        let mut command: Vec<PlaceholderText> = preset
            .program
            .iter()
            .map(|text| PlaceholderText::literally(text))
            .collect();
        if let Some(program) = &keys.program {
            self.program("runner.program", program);
            command = self.texts("runner.program", program);
        } else if command.is_empty() {
            self.report(keys.place.clone(), || {
                ConfigProblem::new("runner.program", "missing")
                    .expecting("each project has its own test program")
                    .help(format!(
                        "write `preset: {}` and `program: [build/tests]`",
                        preset.name
                    ))
            });
        }
        let session = self.session(preset, keys);
        let args = keys
            .args
            .as_ref()
            .map(|args| self.literals("runner.args", args));
        let paths = keys.paths.as_ref().map(|paths| self.paths(paths));
        let is_single = (keys.mode.as_ref()).is_some_and(|it| *it.get() == ModeKey::Single);
        if let Some(batch) = keys.batch.as_ref().filter(|_| is_single) {
            let why = "with `mode: single` each call runs one test";
            self.batch_not_read(batch, why, "leave one of both out");
        }
        let most_unsaid = match preset.evidence {
            Evidence::EventStream(_) | Evidence::MesonLog => MOST_ALLOWED,
            Evidence::JunitFile => MOST,
        };
        let (target, most) = self.size(keys.batch.as_ref(), most_unsaid);
        let (passed, failed) = preset.exit_codes;
        CommandSettings {
            command,
            results: match preset.evidence {
                Evidence::EventStream(_) | Evidence::MesonLog => ResultsFormat::Events,
                Evidence::JunitFile => ResultsFormat::JUnit {
                    files: JUNIT.to_owned(),
                    repeats: preset.repeats,
                    names: NameMatching::Same,
                },
            },
            exit_codes: ExitCodes {
                passed: codes(passed.iter().map(|code| *code..=*code)),
                failed: codes(failed.iter().cloned()),
                counts_failures: false,
            },
            warm: None,
            batch: Some(BatchSettings {
                selection: Selection::File,
                // The texts are constant, and a test reads them.
                test: PlaceholderText::parse(TEST).unwrap_or_default(),
                case: CasePattern::parse(preset.case).ok().map(CasePattern::exact),
                target,
                most: if is_single { 1 } else { most },
                preset: Some(Box::new(PresetSettings {
                    preset,
                    args: args.unwrap_or_default(),
                    paths: paths.unwrap_or_default(),
                    session,
                })),
            }),
        }
    }

    /// How the tool's process stays, if it does.
    fn session(&mut self, preset: &'static Preset, keys: &PresetKeys) -> Option<SessionSettings> {
        let mode = keys.mode.as_ref().map(Marked::get);
        if let (Some(mode), None) = (&keys.mode, preset.session)
            && *mode.get() == ModeKey::Session
        {
            self.report(mode.place(), || {
                ConfigProblem::new("runner.mode", format!("no session of {}", preset.name))
                    .expecting("`auto`, `batch` or `single`")
                    .help("leave `mode` out: one call runs many tests")
            });
        }
        let tool = preset.session.filter(|tool| match mode {
            None | Some(ModeKey::Auto) => tool.is_default,
            Some(mode) => *mode == ModeKey::Session,
        });
        if let (Some(fresh), None) = (&keys.fresh, tool) {
            self.report(fresh.place(), || {
                ConfigProblem::new(
                    "runner.fresh",
                    format!("no process of {} stays", preset.name),
                )
                .expecting("each call is a fresh process")
                .help("leave `fresh` out")
            });
        }
        let tool = tool?;
        let fresh = keys.fresh.as_ref().map(|fresh| self.fresh(fresh));
        let default = SessionSettings::of(tool);
        Some(SessionSettings {
            is_required: mode == Some(&ModeKey::Session),
            fresh: fresh.unwrap_or(default.fresh),
        })
    }

    fn literals(&mut self, path: &str, texts: &Marked<Vec<super::Plain>>) -> Vec<String> {
        let texts = texts.get().iter().enumerate();
        texts
            .map(|(index, text)| self.without_nul(&format!("{path}[{index}]"), text))
            .collect()
    }
}

fn codes(codes: impl IntoIterator<Item = RangeInclusive<i32>>) -> CodeSet {
    let mut set = CodeSet::default();
    for range in codes {
        set.add(range);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::PRESETS;

    #[test]
    fn constant_texts_can_be_read() {
        assert!(PlaceholderText::parse(TEST).is_ok());
        for preset in PRESETS {
            assert!(CasePattern::parse(preset.case).is_ok(), "{}", preset.name);
        }
    }
}
