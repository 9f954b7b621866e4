//! What a preset does, in words: for `testplan presets` and docs/tools.md.

use std::{ffi::OsString, ops::RangeInclusive, path::Path};

use super::{CallPaths, Evidence, PYTEST, Preset};
use crate::model::Test;

/// What a preset does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The shortest testplan.yml.
    pub plan_file: String,
    /// The command that lists the tests; capital words stand for files and folders of testplan.
    pub listing: String,
    /// A call that runs one test; pytest's runs many in its batch mode.
    pub call: String,
    /// Where results come from.
    pub results: &'static str,
    /// How many tests share a process, the default first.
    pub modes: &'static [&'static str],
    /// What exit codes mean.
    pub exit_codes: String,
}

impl Preset {
    /// What it does, in words.
    pub fn describe(&self) -> Description {
        let program = match self.program {
            [] => vec!["PROGRAM".to_owned()],
            program => program.iter().map(|&word| word.to_owned()).collect(),
        };
        let command = |more: Vec<String>| [program.clone(), more].concat().join(" ");
        let list = self.list.iter().map(|text| {
            if text.starts_with("{paths}") {
                return "PATHS".to_owned();
            }
            quoted(
                &text
                    .replace("{list}", "LISTING")
                    .replace("{reporters}", "REPORTERS"),
            )
        });
        let (passed, failed) = self.exit_codes;
        let passed = passed.iter().map(|code| *code..=*code);
        Description {
            plan_file: match self.program {
                [] => format!(
                    "runner: {{ preset: {}, program: [build/tests] }}",
                    self.name
                ),
                _ => format!("runner: {}", self.name),
            },
            listing: command(list.collect()),
            call: command(self.example_call()),
            results: match self.evidence {
                Evidence::EventStream(_) => "an event stream, written by a file of testplan",
                Evidence::MesonLog => "the JSON log of the tool",
                Evidence::JunitFile if *self == PYTEST => {
                    "from the process in a session, from a JUnit file in a batch"
                }
                Evidence::JunitFile => "a JUnit file or its own XML, written by the tool",
            },
            modes: self.modes(),
            exit_codes: format!(
                "passed {}, failed {}",
                codes(passed),
                codes(failed.iter().cloned())
            ),
        }
    }

    /// How many of its tests may share a process, as `mode` of `testplan.yml` calls it; the default first.
    pub fn modes(&self) -> &'static [&'static str] {
        match self.session {
            Some(session) if !session.is_default => &["batch", "session", "single"],
            None if *self != PYTEST => &["batch", "single"],
            _ => &["session", "batch", "single"],
        }
    }

    /// The arguments of a call for a test with no particular name.
    fn example_call(&self) -> Vec<String> {
        // Some tools have names of certain forms alone.
        let forms = [
            ("SUITE", "TEST"),
            ("src/test", "TEST"),
            ("SUITE", "MODULE > TEST"),
        ];
        let paths = CallPaths {
            list: Path::new("LIST"),
            results: Path::new("RESULTS"),
            events: Path::new("EVENTS"),
            reporters: Path::new("REPORTERS"),
            tag: "TAG",
        };
        let call = forms.iter().find_map(|(suite, testcase)| {
            let (suite, testcase) = ((*suite).to_owned(), (*testcase).to_owned());
            self.call(&[Test { suite, testcase }], &paths).ok()
        });
        let call = call.unwrap_or_default();
        let text = |argument: OsString| quoted(&argument.to_string_lossy());
        let paths = call.takes_paths.map(|_| "PATHS".to_owned());
        call.arguments.into_iter().map(text).chain(paths).collect()
    }
}

/// A word as a shell would need it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_=./:,@%+{}".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// `0, 2-250`.
fn codes(ranges: impl Iterator<Item = RangeInclusive<i32>>) -> String {
    let texts = ranges.map(|range| match (range.start(), range.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    });
    texts.collect::<Vec<_>>().join(", ")
}
