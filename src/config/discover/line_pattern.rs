//! The regular expressions of a listing: which lines name tests, and which are none.

use regex::{Regex, RegexBuilder};

use super::discovery_error::BadPattern;
use crate::config::suggest;

/// Bound of a compiled pattern, in bytes.
const PATTERN_SIZE: usize = 1 << 20;

/// What a line that names a test looks like.
#[derive(Clone, Debug)]
pub struct LinePattern {
    regex: Regex,
    ignore: Vec<Regex>,
    unmatched: Unmatched,
}

/// What to do with a line that names no test and is not ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmatched {
    /// Leave it out, and warn if it looks like a test: tools print headings and sums.
    #[default]
    Skip,
    /// The same, but it is a mistake if it looks like a test.
    Strict,
    /// It is a mistake, unless it is blank.
    Refuse,
}

impl LinePattern {
    /// Compiles a pattern; it needs the groups `suite` and `testcase`.
    pub fn new(pattern: &str, unmatched: Unmatched) -> Result<Self, BadPattern> {
        let regex = compile(pattern)?;
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
        Ok(Self {
            regex,
            ignore: Vec::new(),
            unmatched,
        })
    }

    /// Adds a pattern for lines that are not tests, whether or not they match.
    pub fn ignore(&mut self, pattern: &str) -> Result<(), BadPattern> {
        self.ignore.push(compile(pattern)?);
        Ok(())
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// What happens to lines that name no test.
    pub fn unmatched(&self) -> Unmatched {
        self.unmatched
    }

    /// The regular expression for a line that names a test.
    pub(super) fn regex(&self) -> &Regex {
        &self.regex
    }

    pub(super) fn is_ignored(&self, line: &str) -> bool {
        self.ignore.iter().any(|pattern| pattern.is_match(line))
    }

    fn ignored(&self) -> impl Iterator<Item = &str> {
        self.ignore.iter().map(Regex::as_str)
    }
}

impl PartialEq for LinePattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
            && self.unmatched == other.unmatched
            && self.ignored().eq(other.ignored())
    }
}

impl Eq for LinePattern {}

fn compile(pattern: &str) -> Result<Regex, BadPattern> {
    RegexBuilder::new(pattern)
        .size_limit(PATTERN_SIZE)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => BadPattern::TooLarge,
            other => BadPattern::Syntax(last_line(&other.to_string())),
        })
}

fn last_line(text: &str) -> String {
    let line = text.lines().next_back().unwrap_or(text).trim();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PYTEST: &str = "(?<suite>[^:]+)::(?<testcase>.+)";

    #[test]
    fn compares_patterns_by_what_they_do() {
        let pattern = |unmatched| LinePattern::new(PYTEST, unmatched).unwrap();
        assert_eq!(pattern(Unmatched::Skip), pattern(Unmatched::Skip));
        assert_ne!(pattern(Unmatched::Skip), pattern(Unmatched::Refuse));
        let mut ignoring = pattern(Unmatched::Skip);
        ignoring.ignore("x").unwrap();
        assert_ne!(pattern(Unmatched::Skip), ignoring);
    }
}
