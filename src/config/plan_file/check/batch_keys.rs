//! How one call of a command runs many tests: `{tests}` or `{tests.file}`, `test`, `case` and `batch`.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use super::Check;
use crate::{
    config::{
        config_problem::ConfigProblem,
        plan_file::{
            document::{BatchSection, NamesKey, ResultsKind, RunnerSection},
            marked::{Marked, Plain},
        },
    },
    runner::{
        placeholders::{Placeholder, PlaceholderText, TextPiece},
        runner_settings::{BatchSettings, CasePattern, Selection},
    },
};

/// Most tests of a call where the file does not say. If the process dies, each of them may have to run again.
pub(super) const MOST: u32 = 200;
/// The most that the file can say.
pub(super) const MOST_ALLOWED: u32 = 1000;

impl Check<'_> {
    /// How a call runs many tests; `None` if the command runs one test per call.
    pub(super) fn batch(&mut self, section: &mut RunnerSection) -> Option<BatchSettings> {
        let (test, case) = (section.test.take(), section.case.take());
        // That of a preset is read with its other keys.
        let batch = match section.preset {
            Some(_) => None,
            None => section.batch.take(),
        };
        let selection = match &section.command {
            Some(command) if section.preset.is_none() && section.squish.is_none() => {
                self.selection(command)
            }
            _ => None,
        };
        let Some(selection) = selection else {
            self.without_tests(test.as_ref(), case.as_ref(), batch.as_ref());
            return None;
        };
        let place = section
            .command
            .as_ref()
            .map(Marked::place)
            .unwrap_or_default();
        self.results_of_many(section, &place);
        if let Some(command) = &section.command {
            self.same_for_all_arguments(command);
        }
        let test = if let Some(test) = &test {
            self.test_name(test)
        } else {
            self.report(place, || {
                ConfigProblem::new("runner.test", "missing")
                    .expecting("the command runs many tests: what does it call each of them?")
                    .help("for example `test: \"{suite}::{testcase}\"`")
            });
            PlaceholderText::default()
        };
        let (target, most) = self.size(batch.as_ref(), MOST);
        Some(BatchSettings {
            selection,
            test,
            case: case.and_then(|case| self.case_pattern(&case)),
            target,
            most,
            preset: None,
        })
    }

    /// The predicted work of one call, if the file says one, and its most tests, `most_unsaid` where it does not say.
    pub(super) fn size(
        &mut self,
        batch: Option<&BatchSection>,
        most_unsaid: u32,
    ) -> (Option<Duration>, u32) {
        let target = batch.and_then(|batch| batch.target.as_ref());
        let most = batch.and_then(|batch| batch.most.as_ref());
        (
            target.and_then(|target| self.target(target)),
            most.map_or(most_unsaid, |most| self.most(most)),
        )
    }

    /// How the command gets the tests. Reports `{tests}` where it cannot become one argument for each test.
    fn selection(&mut self, command: &Marked<Vec<Plain>>) -> Option<Selection> {
        let mut found: Option<Selection> = None;
        for (index, argument) in command.get().iter().enumerate() {
            // Those that cannot be read are reported with the command.
            let Ok(text) = PlaceholderText::parse(argument.get()) else {
                continue;
            };
            let has_tests = text.asks_for(&Placeholder::Tests);
            let path = format!("runner.command[{index}]");
            let is_alone = matches!(text.pieces(), [TextPiece::Placeholder(Placeholder::Tests)]);
            if has_tests && (!is_alone || index == 0) {
                self.report(argument.place(), || {
                    ConfigProblem::new(&path, "`{tests}` is not an argument of its own")
                        .expecting("it becomes one argument for each test")
                        .help("write \"{tests}\" as an argument after the program, or a text with {tests.file}, the path of a file with one test a line")
                });
            }
            let this = match (has_tests, text.asks_for(&Placeholder::TestsFile)) {
                (true, _) => Selection::Arguments,
                (false, true) => Selection::File,
                (false, false) => continue,
            };
            if found.is_some() {
                self.report(argument.place(), || {
                    ConfigProblem::new(&path, "the tests a second time")
                        .expecting("`{tests}` or `{tests.file}` is expected once")
                });
            }
            found = found.or(Some(this));
        }
        found
    }

    /// Reports keys that have no effect for a command that runs one test.
    fn without_tests(
        &mut self,
        test: Option<&Marked<String>>,
        case: Option<&Marked<String>>,
        batch: Option<&BatchSection>,
    ) {
        let why = "it is read only for a command with `{tests}` or `{tests.file}`";
        let help = "add the argument \"{tests}\" to `command`, or leave the key out";
        if let Some(test) = test {
            self.not_read("runner.test", test, why, help);
        }
        if let Some(case) = case {
            self.not_read("runner.case", case, why, help);
        }
        if let Some(batch) = batch {
            self.batch_not_read(batch, why, help);
        }
    }

    /// Reports how large calls are where there are no calls of many tests.
    pub(super) fn batch_not_read(&mut self, batch: &BatchSection, why: &str, help: &str) {
        let BatchSection { target, most } = batch;
        if let Some(target) = target {
            self.not_read("runner.batch.target", target, why, help);
        }
        if let Some(most) = most {
            self.not_read("runner.batch.most", most, why, help);
        }
    }

    /// Many tests of a call need a result file that names each.
    fn results_of_many(&mut self, section: &RunnerSection, command: &Range<usize>) {
        let help =
            "write `results: { format: junit }`, and have the tool write its file into {results}";
        let Some(results) = &section.results else {
            return self.report(command.clone(), || {
                ConfigProblem::new("runner.results", "missing")
                    .expecting("one exit code says nothing about one of many tests")
                    .help(help)
            });
        };
        let format = &results.get().format;
        if *format.get() != ResultsKind::Junit {
            self.report(format.place(), || {
                ConfigProblem::new("runner.results.format", "not one that names many tests")
                    .expecting("`junit` is expected beside `{tests}` and `{tests.file}`")
                    .help(help)
            });
        }
        if let Some(names) = results.get().names.as_ref()
            && *names.get() == NamesKey::Any
        {
            self.report(names.place(), || {
                ConfigProblem::new("runner.results.names", "`any` beside many tests")
                    .expecting("a case must show which of them it is")
                    .help(
                        "say what the result file calls a test, as `case: \"{classname}.{name}\"`",
                    )
            });
        }
    }

    /// Reports arguments with facts that differ from test to test.
    fn same_for_all_arguments(&mut self, command: &Marked<Vec<Plain>>) {
        for (index, argument) in command.get().iter().enumerate() {
            let Ok(text) = PlaceholderText::parse(argument.get()) else {
                continue;
            };
            if let Some(placeholder) = of_one_test(&text) {
                let path = format!("runner.command[{index}]");
                self.of_one_test(&path, &placeholder, argument.place());
            }
        }
    }

    /// The same for variables.
    pub(super) fn same_for_all(
        &mut self,
        path: &str,
        variables: &BTreeMap<String, PlaceholderText>,
        place: Range<usize>,
    ) {
        for (name, value) in variables {
            if let Some(placeholder) = of_one_test(value) {
                self.of_one_test(&format!("{path}.{name}"), &placeholder, place.clone());
            }
        }
    }

    fn of_one_test(&mut self, path: &str, placeholder: &Placeholder, place: Range<usize>) {
        self.report(place, || {
            ConfigProblem::new(path, format!("`{placeholder}` beside many tests"))
                .expecting("one call runs tests for which it differs")
                .help("use it in `runner.test`, or take `{tests}` out of `command`")
        });
    }

    fn test_name(&mut self, test: &Marked<String>) -> PlaceholderText {
        let path = "runner.test";
        let text = self.template(path, test);
        let is_of_test =
            |it: &Placeholder| matches!(it, Placeholder::Suite | Placeholder::Testcase);
        let placeholders = || {
            text.pieces().iter().filter_map(|piece| match piece {
                TextPiece::Placeholder(placeholder) => Some(placeholder),
                TextPiece::Literal(_) => None,
            })
        };
        let other = placeholders().find(|it| !is_of_test(it));
        let problem = match other {
            Some(other) => format!("`{other}` is not part of a test's name"),
            None if !placeholders().any(|it| *it == Placeholder::Testcase) => {
                "without `{testcase}`, so that several tests have one name".to_owned()
            }
            None => return text,
        };
        self.report(test.place(), || {
            ConfigProblem::new(path, problem)
                .expecting("`{suite}` and `{testcase}` are")
                .help("for example \"{suite}::{testcase}\"")
        });
        text
    }

    fn case_pattern(&mut self, case: &Marked<String>) -> Option<CasePattern> {
        match CasePattern::parse(case.get()) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.report(case.place(), || {
                    ConfigProblem::new("runner.case", "not a pattern of cases")
                        .expecting(error.to_string())
                        .help("for example \"{classname}.{name}\"")
                });
                None
            }
        }
    }

    fn target(&mut self, target: &Marked<String>) -> Option<Duration> {
        (target.get() != "auto").then(|| self.duration("runner.batch.target", target))
    }

    fn most(&mut self, most: &Plain) -> u32 {
        let number = most.get().parse().ok();
        let number = number.filter(|number| (1..=MOST_ALLOWED).contains(number));
        if number.is_none() {
            self.report(most.place(), || {
                ConfigProblem::new("runner.batch.most", "not a number of tests")
                    .expecting(format!("1 to {MOST_ALLOWED} is expected"))
            });
        }
        number.unwrap_or(MOST)
    }
}

/// A fact that differs from test to test.
fn of_one_test(text: &PlaceholderText) -> Option<Placeholder> {
    [
        Placeholder::Suite,
        Placeholder::Testcase,
        Placeholder::ExecutionId,
    ]
    .into_iter()
    .find(|placeholder| text.asks_for(placeholder))
}
