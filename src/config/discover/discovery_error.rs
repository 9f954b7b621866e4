//! Why a pattern or a listing cannot be used.

/// Tests that one listing may have; more mean that the pattern is wrong.
pub(super) const MOST_TESTS: usize = 100_000;
/// Lines of the output that an error shows, and characters of each.
pub(super) const SHOWN_LINES: usize = 5;
const SHOWN_CHARS: usize = 120;

/// Why a text is not a pattern for lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It is no regular expression.
    #[error("not a regular expression: {0}")]
    Syntax(String),
    /// It compiles to more than a megabyte.
    #[error("the regular expression is too large")]
    TooLarge,
    /// A group is missing. `near` is a group with a similar name.
    #[error("no group is named {group:?}: add (?<{group}>…){}", near.as_deref().map(|n| format!(" in place of (?<{n}>…)")).unwrap_or_default())]
    NoGroup {
        /// `suite` or `testcase`.
        group: &'static str,
        /// A group that was probably meant.
        near: Option<String>,
    },
}

/// Why a listing cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ListingError {
    /// Lines were printed, and none names a test.
    #[error(
        "no line of the discovery command's output matches {pattern:?}; it begins:{}",
        quoted(head)
    )]
    NoMatch {
        pattern: String,
        /// The first lines, cut and without control characters.
        head: Vec<String>,
    },
    /// A line names no test, and `skip-unmatched` is off.
    #[error("line {number} of the discovery command's output does not match {pattern:?}: {line}")]
    Unmatched {
        pattern: String,
        number: u64,
        line: String,
    },
    /// A line matches with an empty suite or test case.
    #[error("line {number} of the discovery command's output gives an empty {group}: {line}")]
    EmptyName {
        /// `suite` or `testcase`.
        group: &'static str,
        number: u64,
        line: String,
    },
    /// A line that names a test cannot be a name.
    #[error("line {number} of the discovery command's output {fault}: {line}")]
    NotAName {
        fault: &'static str,
        number: u64,
        line: String,
    },
    /// The name of a suite would lead out of the folder that tests run in.
    #[error(
        "line {number} of the discovery command's output names the suite {suite:?}, which {trouble}"
    )]
    Outside {
        /// The suite, cut and without control characters.
        suite: String,
        trouble: String,
        number: u64,
    },
    #[error("the discovery command printed UTF-16, as PowerShell's `>` writes it")]
    Utf16,
    /// More than [`MOST_TESTS`].
    #[error("the discovery command lists more than {MOST_TESTS} tests")]
    TooMany,
}

impl ListingError {
    /// One thing to do.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::NoMatch { .. } => {
                "run the command by hand in the folder of testplan.yml and compare its output with `line`; name lines that \
                 are not tests with `ignore`"
            }
            Self::Unmatched { .. } => {
                "widen `line`, name lines that are not tests with `ignore`, or leave `skip-unmatched: false` out"
            }
            Self::EmptyName { .. } => {
                "write `line` so that each group matches at least one character"
            }
            Self::NotAName { .. } => {
                "have the command print UTF-8, one test a line (PYTHONUTF8=1, LC_ALL=C.UTF-8, or an option of the tool)"
            }
            Self::Outside { .. } => {
                "have the command print paths relative to the folder that tests run in, or set `working-directory` of the \
                 runner to a folder above the tests"
            }
            Self::Utf16 => {
                "have it write UTF-8: `| Out-File -Encoding utf8 FILE` in place of `> FILE`"
            }
            Self::TooMany => "list fewer tests with each template",
        }
    }
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
pub(super) fn shown(line: &str) -> String {
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
