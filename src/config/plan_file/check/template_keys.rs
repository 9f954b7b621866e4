//! The templates: titles, configurations, tests.

use std::ops::Range;

use super::{Check, FirstLines};
use crate::{
    config::{
        config_problem::ConfigProblem,
        discover::{LinePattern, Unmatched},
        plan_file::{
            DISCOVERY_TIMEOUT, Discovery, Listing, Template, TestSource,
            discover_key::{Discover, DiscoverSection, Patterns},
            document::{self, TestsSection},
            marked::{Marked, Pairs, Plain},
        },
    },
    model::{Capabilities, Test},
    preset::Preset,
    runner::{placeholders, runner_settings::RunnerSettings},
};

const LONGEST_TITLE: usize = 256;

/// The template of a file that has a preset and no templates.
pub(super) fn all_of_preset() -> Template {
    Template {
        title: "all".to_owned(),
        description: String::new(),
        tags: Vec::new(),
        configurations: vec![Capabilities::default()],
        runner: None,
        tests: vec![TestSource::Discovered(Discovery::Preset)],
        flaky: None,
    }
}

impl Check<'_> {
    /// `shared` is the runner of templates that have none of their own.
    pub(super) fn templates(
        &mut self,
        sections: Vec<document::TemplateSection>,
        shared: Option<&RunnerSettings>,
    ) -> Vec<Template> {
        let mut titles = FirstLines::new();
        let mut templates = Vec::new();
        for (index, section) in sections.into_iter().enumerate() {
            let path = format!("templates[{index}]");
            let title = self.title(&format!("{path}.title"), &section.title, &mut titles);
            let description = section
                .description
                .map(|text| self.without_nul(&format!("{path}.description"), &text));
            let runner = section.runner.map(|runner| {
                self.within = format!("{path}.");
                let runner = self.runner(runner);
                self.within.clear();
                runner
            });
            self.lists_with(runner.as_ref().or(shared));
            let tests = match &section.tests {
                Some(tests) => self.tests(&format!("{path}.tests"), tests),
                None => self.all_tests(&format!("{path}.tests"), section.title.place()),
            };
            let flaky = section.flaky;
            let flaky = flaky.map(|key| self.flaky(&format!("{path}.flaky"), &key));
            let tags = section.tags.iter().flatten().enumerate();
            templates.push(Template {
                title,
                description: description.unwrap_or_default(),
                tags: tags
                    .map(|(i, tag)| self.name(&format!("{path}.tags[{i}]"), tag))
                    .collect(),
                configurations: self.configurations(
                    &format!("{path}.configurations"),
                    section.configurations.as_ref(),
                ),
                runner,
                tests,
                flaky,
            });
        }
        templates
    }

    /// Those of a template without `tests`: all that its preset lists.
    fn all_tests(&mut self, path: &str, place: Range<usize>) -> Vec<TestSource> {
        if self.preset.is_none() {
            self.report(place, || {
                ConfigProblem::new(path, "missing")
                    .expecting("only a runner with a preset lists all its tests by itself")
                    .help("write `tests: [{ suite: NAME, testcases: [NAME] }]`, or discover them")
            });
        }
        vec![TestSource::Discovered(Discovery::Preset)]
    }

    fn title(
        &mut self,
        path: &str,
        title: &Marked<String>,
        seen: &mut FirstLines<String>,
    ) -> String {
        let text = self.name(path, title);
        if text.chars().nth(LONGEST_TITLE).is_some() {
            self.report(title.place(), || {
                ConfigProblem::new(path, format!("longer than {LONGEST_TITLE} characters"))
            });
        }
        self.once(seen, text.clone(), path, title.place(), || {
            "this title".to_owned()
        });
        text
    }

    fn configurations(
        &mut self,
        path: &str,
        list: Option<&Marked<Vec<Marked<Pairs>>>>,
    ) -> Vec<Capabilities> {
        let Some(list) = list else {
            return vec![Capabilities::default()];
        };
        if list.get().is_empty() {
            self.report(list.place(), || {
                ConfigProblem::new(path, "an empty list")
                    .expecting("no test would run")
                    .help("leave it out to run every test once, on any worker")
            });
        }
        let mut seen = FirstLines::new();
        let mut configurations = Vec::new();
        for (index, pairs) in list.get().iter().enumerate() {
            let at = format!("{path}[{index}]");
            let labels = self.labels(&at, pairs.place(), pairs.get());
            let folded = labels.to_string().to_lowercase();
            let what = || "this configuration".to_owned();
            self.once(&mut seen, folded, &at, pairs.place(), what);
            configurations.push(labels);
        }
        configurations
    }

    fn tests(&mut self, path: &str, list: &Marked<Vec<Marked<TestsSection>>>) -> Vec<TestSource> {
        if list.get().is_empty() {
            self.report(list.place(), || {
                ConfigProblem::new(path, "an empty list")
                    .expecting("a template without tests runs nothing")
            });
        }
        let mut seen = FirstLines::new();
        let mut sources = Vec::new();
        for (index, section) in list.get().iter().enumerate() {
            let at = format!("{path}[{index}]");
            let tests = section.get();
            let message = match (&tests.suite, &tests.testcases, &tests.discover) {
                (Some(suite), Some(cases), None) => {
                    let listed = self.listed(&at, suite, cases, &mut seen);
                    sources.push(TestSource::Listed(listed));
                    continue;
                }
                (None, None, Some(discover)) => {
                    let discovery =
                        self.discovery(&format!("{at}.discover"), section.place(), discover);
                    sources.extend(discovery.map(TestSource::Discovered));
                    continue;
                }
                (_, _, Some(_)) => "both tests by name and `discover`",
                (Some(_), None, None) => "a suite, but no `testcases`",
                (None, Some(_), None) => "test cases, but no `suite`",
                (None, None, None) => "no tests",
            };
            self.report(section.place(), || {
                ConfigProblem::new(&at, message)
                    .expecting("either `suite` with `testcases`, or `discover` is expected")
            });
        }
        sources
    }

    fn listed(
        &mut self,
        path: &str,
        suite: &Plain,
        cases: &Marked<Vec<Plain>>,
        seen: &mut FirstLines<Test>,
    ) -> Vec<Test> {
        let suite = self.name(&format!("{path}.suite"), suite);
        if cases.get().is_empty() {
            self.report(cases.place(), || {
                ConfigProblem::new(format!("{path}.testcases"), "an empty list")
                    .expecting("at least one test case is expected")
            });
        }
        let mut tests = Vec::new();
        for (index, case) in cases.get().iter().enumerate() {
            let at = format!("{path}.testcases[{index}]");
            let test = Test {
                suite: suite.clone(),
                testcase: self.name(&at, case),
            };
            let what = || "this test".to_owned();
            self.once(seen, test.clone(), &at, case.place(), what);
            tests.push(test);
        }
        tests
    }

    /// `None` if it cannot be used, which has been reported then.
    fn discovery(
        &mut self,
        path: &str,
        place: Range<usize>,
        discover: &Discover,
    ) -> Option<Discovery> {
        let section = match discover {
            Discover::Squish => return Some(Discovery::Squish(self.suites.clone())),
            Discover::Preset(preset) if self.preset == Some(preset) => {
                return Some(Discovery::Preset);
            }
            Discover::Preset(Preset { name, .. }) => {
                self.report(place, || {
                    ConfigProblem::new(path, format!("`{name}` without its preset"))
                        .expecting("the runner lists the tests")
                        .help(format!(
                            "write `runner: {name}`, or list them with `command` and `line`"
                        ))
                });
                return None;
            }
            Discover::Section(section) => section,
        };
        match (&section.command, &section.line, &section.squish) {
            (Some(command), Some(line), None) => {
                let listing = self.listing(path, section, command, line);
                listing.map(Discovery::Command)
            }
            (None, None, Some(folders)) if section.is_for_squish_alone() => Some(
                Discovery::Squish(self.folders(&format!("{path}.squish"), folders)),
            ),
            (command, line, squish) => {
                let message = match (command, line, squish) {
                    (_, _, Some(_)) => "`squish` beside keys of a command",
                    (Some(_), None, None) => "a command, but no `line`",
                    (None, Some(_), None) => "a line, but no `command`",
                    (_, _, None) => "nothing to discover with",
                };
                self.report(place, || {
                    ConfigProblem::new(path, message)
                        .expecting("either `command` with `line`, or `squish` is expected")
                });
                None
            }
        }
    }

    /// `None` if its pattern is unusable, which has been reported then.
    fn listing(
        &mut self,
        path: &str,
        section: &DiscoverSection,
        command: &Marked<Vec<Plain>>,
        line: &Marked<String>,
    ) -> Option<Listing> {
        let at = format!("{path}.command");
        let argv = self.command(&at, command);
        for (index, argument) in command.get().iter().enumerate() {
            if placeholders::first_in(argument.get()).is_some() {
                self.report(argument.place(), || {
                    ConfigProblem::new(format!("{at}[{index}]"), "a placeholder")
                        .expecting("before there are tests, nothing can be filled in")
                });
            }
        }
        let timeout = match &section.timeout {
            Some(timeout) => self.duration(&format!("{path}.timeout"), timeout),
            None => DISCOVERY_TIMEOUT,
        };
        let unmatched = match (section.skip_unmatched, section.strict) {
            (Some(false), _) => Unmatched::Refuse,
            (_, Some(true)) => Unmatched::Strict,
            (Some(true) | None, Some(false) | None) => Unmatched::Skip,
        };
        let pattern = LinePattern::new(line.get(), unmatched);
        let ignore = section.ignore.as_ref();
        let pattern = pattern.map(|pattern| self.ignoring(path, pattern, ignore));
        match pattern {
            Ok(pattern) => Some(Listing {
                command: argv,
                pattern,
                timeout,
            }),
            Err(error) => {
                self.report(line.place(), || {
                    ConfigProblem::new(format!("{path}.line"), "not a usable pattern")
                        .expecting(error.to_string())
                        .help("for example \"(?<suite>[^:]+)::(?<testcase>.+)\"")
                });
                None
            }
        }
    }

    /// Adds the patterns of lines that are not tests.
    fn ignoring(
        &mut self,
        path: &str,
        mut pattern: LinePattern,
        ignore: Option<&Marked<Patterns>>,
    ) -> LinePattern {
        let Some(ignore) = ignore else {
            return pattern;
        };
        let path = format!("{path}.ignore");
        if ignore.get().0.is_empty() {
            self.report(ignore.place(), || {
                ConfigProblem::new(&path, "an empty list")
                    .expecting("a regular expression, or a list of them, is expected")
            });
        }
        for text in &ignore.get().0 {
            let ignored = if text.is_empty() {
                Err("an empty pattern matches every line".to_owned())
            } else {
                pattern.ignore(text).map_err(|error| error.to_string())
            };
            if let Err(why) = ignored {
                self.report(ignore.place(), || {
                    ConfigProblem::new(&path, format!("{text:?} is not a usable pattern"))
                        .expecting(why)
                        .help("for example \"^Listing \"")
                });
            }
        }
        pattern
    }
}
