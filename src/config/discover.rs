//! The pure half of discovery: a command's output becomes tests. The command is started elsewhere.

use std::collections::HashSet;

use regex::{Regex, RegexBuilder};

use super::suggest;
use crate::model::Test;

/// Tests that one discovery may find; more are a runaway pattern.
pub const MOST_TESTS: usize = 100_000;

/// Lines of the output that an error shows, and characters of each.
const SHOWN_LINES: usize = 5;
const SHOWN_CHARS: usize = 120;
/// Bound of a compiled pattern, in bytes.
const PATTERN_SIZE: usize = 1 << 20;

/// What a line that names a test looks like.
#[derive(Clone, Debug)]
pub struct LinePattern {
    regex: Regex,
    unmatched: Unmatched,
}

/// What to do with a line that names no test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmatched {
    /// Pass over it: tools print headings and sums.
    #[default]
    Skip,
    /// It is a mistake, unless it is blank.
    Refuse,
}

/// Why a text is not a pattern for lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It is no regular expression.
    #[error("not a regular expression: {0}")]
    Syntax(String),
    /// It compiles to more than a megabyte.
    #[error("the regular expression is too large")]
    TooLarge,
    /// A group is missing; perhaps one has nearly its name.
    #[error("no group is named {group:?}: add (?<{group}>…){}", near.as_deref().map(|n| format!(" in place of (?<{n}>…)")).unwrap_or_default())]
    NoGroup {
        /// `suite` or `testcase`.
        group: &'static str,
        /// A group that was probably meant.
        near: Option<String>,
    },
}

/// Why a listing gave no tests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// Nothing was printed.
    #[error("the discovery command printed nothing")]
    Silent,
    /// No line names a test.
    #[error(
        "no line of the discovery command's output matches {pattern:?}; it begins:{}",
        quoted(head)
    )]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// The first lines, cut and without control characters.
        head: Vec<String>,
    },
    /// A line names no test, and `skip-unmatched` is off.
    #[error("line {number} of the discovery command's output does not match {pattern:?}: {line}")]
    Unmatched {
        /// The pattern.
        pattern: String,
        /// The line's number, from 1.
        number: usize,
        /// The line, cut and without control characters.
        line: String,
    },
    /// A line matches with an empty suite or test case.
    #[error("line {number} of the discovery command's output gives an empty {group}: {line}")]
    EmptyName {
        /// `suite` or `testcase`.
        group: &'static str,
        /// The line's number, from 1.
        number: usize,
        /// The line, cut and without control characters.
        line: String,
    },
    /// More than [`MOST_TESTS`].
    #[error("the discovery command lists more than {MOST_TESTS} tests")]
    TooMany,
}

impl LinePattern {
    /// Compiles a pattern; it needs the groups `suite` and `testcase`.
    pub fn new(pattern: &str, unmatched: Unmatched) -> Result<Self, BadPattern> {
        let regex = RegexBuilder::new(pattern)
            .size_limit(PATTERN_SIZE)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => BadPattern::TooLarge,
                other => BadPattern::Syntax(last_line(&other.to_string())),
            })?;
        let names: Vec<&str> = regex.capture_names().flatten().collect();
        for group in ["suite", "testcase"] {
            if !names.contains(&group) {
                let mut others = names.clone();
                others.retain(|name| !["suite", "testcase"].contains(name));
                let near = match others[..] {
                    [only] => Some(only),
                    _ => suggest::nearest(group, others),
                };
                return Err(BadPattern::NoGroup {
                    group,
                    near: near.map(str::to_owned),
                });
            }
        }
        Ok(Self { regex, unmatched })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// What happens to lines that name no test.
    pub fn unmatched(&self) -> Unmatched {
        self.unmatched
    }
}

impl PartialEq for LinePattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str() && self.unmatched == other.unmatched
    }
}

impl Eq for LinePattern {}

/// Reads the tests off a listing, in its order, each once. At least one, or it is an error: a plan without tests
/// would be green for nothing.
pub fn parse_listing(output: &str, pattern: &LinePattern) -> Result<Vec<Test>, ListingError> {
    if output.trim().is_empty() {
        return Err(ListingError::Silent);
    }
    let mut seen = HashSet::new();
    let mut tests = Vec::new();
    for (index, line) in output.lines().enumerate() {
        let number = index + 1;
        let Some(found) = pattern.regex.captures(line) else {
            if pattern.unmatched == Unmatched::Refuse && !line.trim().is_empty() {
                return Err(ListingError::Unmatched {
                    pattern: pattern.as_str().to_owned(),
                    number,
                    line: shown(line),
                });
            }
            continue;
        };
        let name = |group: &'static str| {
            let text = found.name(group).map_or("", |m| m.as_str()).trim();
            if text.is_empty() {
                return Err(ListingError::EmptyName {
                    group,
                    number,
                    line: shown(line),
                });
            }
            Ok(text.to_owned())
        };
        let test = Test {
            suite: name("suite")?,
            testcase: name("testcase")?,
        };
        if seen.insert(test.clone()) {
            if tests.len() == MOST_TESTS {
                return Err(ListingError::TooMany);
            }
            tests.push(test);
        }
    }
    if tests.is_empty() {
        let lines = output.lines().filter(|line| !line.trim().is_empty());
        return Err(ListingError::NoMatch {
            pattern: pattern.as_str().to_owned(),
            head: lines.take(SHOWN_LINES).map(shown).collect(),
        });
    }
    Ok(tests)
}

/// Lines below a message, each with something before it so that none is taken for a command of a CI.
fn quoted(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str("\n  | ");
        text.push_str(line);
    }
    text
}

/// A line of foreign output, cut and without control characters.
fn shown(line: &str) -> String {
    let mut text: String = line
        .chars()
        .take(SHOWN_CHARS)
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect();
    if line.chars().nth(SHOWN_CHARS).is_some() {
        text.push('…');
    }
    text
}

fn last_line(text: &str) -> String {
    let line = text.lines().next_back().unwrap_or(text).trim();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PYTEST: &str = "(?<suite>[^:]+)::(?<testcase>.+)";

    fn list(pattern: &str, unmatched: Unmatched, output: &str) -> Result<Vec<String>, String> {
        let pattern = LinePattern::new(pattern, unmatched).unwrap();
        match parse_listing(output, &pattern) {
            Ok(tests) => Ok(tests.iter().map(ToString::to_string).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn keeps_order_and_drops_duplicates_and_noise() {
        let output = "tests/b.py::test_z\r\n\
            tests/a.py::TestX::test_y[1-2]\n\
            tests/b.py::test_z\n\
            \n\
            3 tests collected in 0.01s\n";
        let tests = list(PYTEST, Unmatched::Skip, output).unwrap();
        assert_eq!(
            tests,
            ["tests/b.py / test_z", "tests/a.py / TestX::test_y[1-2]"]
        );
    }

    #[test]
    fn says_what_it_saw_when_nothing_matches() {
        let output = format!(
            "\nerror: \u{1b}[31mno\u{7}\n{}\n3\n4\n5\n6\n",
            "x".repeat(200)
        );
        assert_eq!(
            list(PYTEST, Unmatched::Skip, &output).unwrap_err(),
            format!(
                "no line of the discovery command's output matches \"(?<suite>[^:]+)::(?<testcase>.+)\"; it begins:\n  \
                | error: \u{FFFD}[31mno\u{FFFD}\n  | {}…\n  | 3\n  | 4\n  | 5",
                "x".repeat(120)
            )
        );
        assert_eq!(
            list(PYTEST, Unmatched::Skip, " \n\n").unwrap_err(),
            "the discovery command printed nothing"
        );
    }

    #[test]
    fn refuses_other_lines_on_demand_and_empty_names_always() {
        let output = "a::b\n\nsummary\n";
        assert_eq!(list(PYTEST, Unmatched::Skip, output).unwrap(), ["a / b"]);
        let error = list(PYTEST, Unmatched::Refuse, output).unwrap_err();
        assert!(
            error.starts_with("line 3 of ") && error.ends_with(": summary"),
            "{error}"
        );
        assert_eq!(
            list(
                "(?<suite>.*)/(?<testcase>.*)",
                Unmatched::Skip,
                "a/b\na/ \n"
            )
            .unwrap_err(),
            "line 2 of the discovery command's output gives an empty testcase: a/ "
        );
    }

    #[test]
    fn bounds_the_number_of_tests() {
        let all: String =
            (0..=MOST_TESTS).fold(String::new(), |all, n| all + &n.to_string() + "\n");
        let pattern = LinePattern::new("(?<suite>(?<testcase>[0-9]+))", Unmatched::Skip).unwrap();
        assert_eq!(parse_listing(&all, &pattern), Err(ListingError::TooMany));
        let fits = all.trim_end().rsplit_once('\n').unwrap().0;
        assert_eq!(
            parse_listing(fits, &pattern).map(|tests| tests.len()),
            Ok(MOST_TESTS)
        );
    }

    #[test]
    fn compares_patterns_by_what_they_do() {
        let pattern = |unmatched| LinePattern::new(PYTEST, unmatched).unwrap();
        assert_eq!(pattern(Unmatched::Skip), pattern(Unmatched::Skip));
        assert_ne!(pattern(Unmatched::Skip), pattern(Unmatched::Refuse));
    }
}
