//! What the document means: every mistake is collected with its key and its place, then all are reported together.

mod batch_keys;
mod batch_preset;
mod exit_code_keys;
mod label_keys;
mod preset_keys;
mod quarantine_keys;
mod runner_keys;
mod server_keys;
mod squish_keys;
mod template_keys;
mod verdict_keys;

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    ops::Range,
    path::PathBuf,
    time::Duration,
};

pub(super) use quarantine_keys::entries;

use super::{
    PlanFile,
    document::Document,
    marked::{Marked, Plain},
};
use crate::{
    config::{
        config_problem::{ConfigError, ConfigProblem, line_at},
        duration,
    },
    preset::{PYTEST, Preset},
    runner::{
        placeholders::{KNOWN, PlaceholderError, PlaceholderText},
        runner_settings::RunnerSettings,
    },
};

/// Mistakes that are kept: a file of four megabytes can have more than a person reads.
const KEPT: usize = 30;
/// Which result files are read where the file does not say.
const FILES: &str = "*.xml";
/// Longest name of anything, in characters.
const LONGEST_NAME: usize = 4096;

/// The preset of a runner, if it has one.
fn preset_of(runner: &RunnerSettings) -> Option<&'static Preset> {
    match (runner.warm(), runner.preset()) {
        (Some(_), _) => Some(&PYTEST),
        (None, Some((_, settings))) => Some(settings.preset),
        (None, None) => None,
    }
}

/// Makes a plan file of a document, or returns all its mistakes.
pub(super) fn document(
    name: &str,
    text: &str,
    document: Document,
) -> Result<PlanFile, ConfigError> {
    let mut check = Check::of(text);
    let project = document
        .project
        .as_ref()
        .map(|project| check.name("project", project));
    let runner = document.runner.map(|section| check.runner(section));
    check.lists_with(runner.as_ref());
    let lists_all = check.preset.is_some() && document.templates.is_none();
    let templates = document.templates.unwrap_or_default();
    if let (None, Some(first)) = (&project, templates.first()) {
        check.report(first.title.place(), || {
            ConfigProblem::new("project", "missing")
                .expecting("templates belong to a project")
                .help("write `project: NAME` at the top")
        });
    }
    let target_time = document.target_time;
    let target_time = target_time.map(|target| check.duration("target-time", &target));
    let flaky = document.flaky.map(|key| check.flaky("flaky", &key));
    let quarantine = document.quarantine.map(|key| check.quarantine(&key));
    let file = PlanFile {
        project,
        flaky,
        quarantine,
        templates: if lists_all {
            vec![template_keys::all_of_preset()]
        } else {
            check.templates(templates, runner.as_ref())
        },
        servers: check.servers(document.servers.unwrap_or_default()),
        runner,
        target_time,
    };
    if file == PlanFile::default() && check.problems.is_empty() {
        return Err(ConfigError::whole(name, super::syntax::empty()));
    }
    check.finish(name, file)
}

/// The mistakes found so far.
struct Check<'a> {
    text: &'a str,
    /// Where Squish suites are unless a template says otherwise.
    suites: Vec<PathBuf>,
    /// The runner's preset, which can list its tests.
    preset: Option<&'static Preset>,
    /// Stands before the keys of mistakes: `templates[0].` in a runner of a template.
    within: String,
    problems: Vec<ConfigProblem>,
    hidden: usize,
}

impl<'a> Check<'a> {
    /// Nothing found yet.
    fn of(text: &'a str) -> Self {
        Self {
            text,
            suites: vec![".".into()],
            preset: None,
            within: String::new(),
            problems: Vec::new(),
            hidden: 0,
        }
    }
}

impl Check<'_> {
    /// What lists tests from here on.
    fn lists_with(&mut self, runner: Option<&RunnerSettings>) {
        let squish = runner.and_then(RunnerSettings::squish);
        self.suites = squish.map_or_else(|| vec![".".into()], |squish| squish.suites.clone());
        self.preset = runner.and_then(preset_of);
    }

    /// Adds a mistake; its text is only made if it is kept.
    fn report(&mut self, place: Range<usize>, problem: impl FnOnce() -> ConfigProblem) {
        if self.problems.len() < KEPT {
            let mut problem = problem().marked(self.text, place);
            problem.path.insert_str(0, &self.within);
            self.problems.push(problem);
        } else {
            self.hidden += 1;
        }
    }

    fn finish<T>(mut self, name: &str, checked: T) -> Result<T, ConfigError> {
        if self.problems.is_empty() {
            return Ok(checked);
        }
        self.problems
            .sort_by_key(|p| p.mark.as_ref().map(|m| (m.line, m.column)));
        Err(ConfigError {
            file: name.to_owned(),
            problems: self.problems,
            hidden: self.hidden,
        })
    }

    /// A text that is not blank, not endless, and without NUL, which no command line and no database takes.
    fn name(&mut self, path: &str, value: &Marked<String>) -> String {
        let text = value.get();
        if text.trim().is_empty() {
            self.report(value.place(), || {
                ConfigProblem::new(path, "empty").expecting("a text is expected")
            });
        } else if text.chars().nth(LONGEST_NAME).is_some() {
            self.report(value.place(), || {
                ConfigProblem::new(path, format!("longer than {LONGEST_NAME} characters"))
            });
        }
        self.without_nul(path, value)
    }

    fn without_nul(&mut self, path: &str, value: &Marked<String>) -> String {
        if value.get().contains('\0') {
            self.report(value.place(), || {
                ConfigProblem::new(path, "contains a NUL character").help("leave it out")
            });
        }
        value.get().clone()
    }

    /// A program and its arguments, as they stand.
    fn command(&mut self, path: &str, command: &Marked<Vec<Plain>>) -> Vec<String> {
        self.program(path, command);
        let arguments = command.get().iter().enumerate();
        arguments
            .map(|(index, argument)| self.without_nul(&format!("{path}[{index}]"), argument))
            .collect()
    }

    /// A command begins with a program.
    fn program(&mut self, path: &str, command: &Marked<Vec<Plain>>) {
        match command.get().first() {
            None => self.report(command.place(), || {
                ConfigProblem::new(path, "an empty list")
                    .expecting("a program and its arguments are expected")
            }),
            Some(program) if program.get().trim().is_empty() => {
                self.report(program.place(), || {
                    ConfigProblem::new(format!("{path}[0]"), "empty")
                        .expecting("a program is expected")
                });
            }
            // A path may have blanks; a whole command line shows by what follows them.
            Some(program) if program.get().contains(" -") || program.get().contains(" {") => {
                self.report(program.place(), || {
                    let words: Vec<&str> = program.get().split_whitespace().collect();
                    ConfigProblem::new(format!("{path}[0]"), "holds a whole command line")
                        .expecting("no shell takes it apart")
                        .help(format!("write each argument by itself: {words:?}"))
                });
            }
            Some(_) => {}
        }
    }

    /// Reports a key that has no effect here.
    fn not_read<T>(&mut self, path: &str, value: &Marked<T>, why: &str, help: &str) {
        self.report(value.place(), || {
            ConfigProblem::new(path, "not read")
                .expecting(why)
                .help(help)
        });
    }

    /// A text with placeholders; one without any if it cannot be read.
    fn template(&mut self, path: &str, value: &Marked<String>) -> PlaceholderText {
        let text = self.without_nul(path, value);
        PlaceholderText::parse(&text).unwrap_or_else(|error| {
            let place = self.part(&text, &error.span, value.place());
            self.report(place, || unreadable(path, &error));
            PlaceholderText::default()
        })
    }

    /// Where a part of a value stands in the file; the whole value if it is written in another way there.
    fn part(&self, value: &str, part: &Range<usize>, place: Range<usize>) -> Range<usize> {
        let snippet = &value[part.clone()];
        let before = value[..part.start].matches(snippet).count();
        let written = self.text.get(place.clone()).unwrap_or_default();
        // A newline or an escape may make both differ, so that they are compared up to the part's end.
        match written.match_indices(snippet).nth(before) {
            Some((at, _)) => {
                let start = place.start + at;
                start..start + snippet.len()
            }
            None => place,
        }
    }

    /// A duration above zero.
    fn duration(&mut self, path: &str, value: &Marked<String>) -> Duration {
        let duration = self.duration_or_zero(path, value);
        if duration == Some(Duration::ZERO) {
            self.report(value.place(), || {
                ConfigProblem::new(path, "zero").expecting("more than 0s is expected")
            });
        }
        duration.unwrap_or_default()
    }

    /// A duration; `None` if it is none.
    fn duration_or_zero(&mut self, path: &str, value: &Marked<String>) -> Option<Duration> {
        match duration::parse(value.get()) {
            Ok(duration) => Some(duration),
            Err(error) => {
                self.report(value.place(), || {
                    ConfigProblem::new(path, "not a duration").expecting(error.to_string())
                });
                None
            }
        }
    }

    /// Says so if something is there twice, and where it was first.
    fn once<T: Eq + Hash>(
        &mut self,
        seen: &mut FirstLines<T>,
        thing: T,
        path: &str,
        place: Range<usize>,
        what: impl FnOnce() -> String,
    ) {
        let first = match seen.entry(thing) {
            Entry::Occupied(first) => *first.get(),
            Entry::Vacant(free) => {
                free.insert(place.start);
                return;
            }
        };
        let text = self.text;
        self.report(place, || {
            let line = line_at(text, first);
            ConfigProblem::new(path, format!("{} is there twice", what()))
                .expecting(format!("line {line} has it already"))
        });
    }
}

/// Why a text with placeholders cannot be read.
fn unreadable(path: &str, error: &PlaceholderError) -> ConfigProblem {
    let problem = ConfigProblem::new(path, error.message.clone());
    match error.near {
        Some(near) => problem
            .expecting(format!("did you mean `{near}`?"))
            .help(format!("possible: {}", KNOWN.join(", "))),
        None => problem.help(error.cure.clone()),
    }
}

/// Where things stood first, in bytes.
type FirstLines<T> = HashMap<T, usize>;
