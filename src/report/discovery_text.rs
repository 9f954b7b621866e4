//! How many lines of a plan's listings became tests, and which were left out: a plan is complete only if no test was.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::sanitise::console_line;
use crate::{
    model::{DiscoveryAccount, LeftOut},
    text::counted,
};

/// Most left-out lines that a console names.
const MOST_ON_CONSOLE: usize = 5;
/// Longest line, in bytes.
const MAX_LINE: usize = 300;

/// One thing to do about lines that may be tests.
pub fn help(account: &DiscoveryAccount) -> &'static str {
    match source(account) {
        Source::Squish => "list them under TEST_CASES in suite.conf, or remove them",
        Source::Tool => {
            "run the listing of the tool by hand (`testplan presets NAME` prints it), and correct what it reports"
        }
        Source::Listing => {
            "widen `line` so that it matches them, or name lines that are not tests with `ignore`"
        }
    }
}

/// What the suspicious lines have in common, without a full stop.
pub(super) fn meaning(account: &DiscoveryAccount) -> &'static str {
    match source(account) {
        Source::Squish => "These parts of the Squish suites on disk are not in the plan",
        Source::Tool => "The test tool could not load these files, whose tests are not in the plan",
        Source::Listing => {
            "These lines of the listing were left out of the plan, and look like tests or report errors"
        }
    }
}

/// Where the suspicious entries come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// From the lines of a listing.
    Listing,
    /// From Squish suites on disk.
    Squish,
    /// From files that the tool of a preset could not load.
    Tool,
}

fn source(account: &DiscoveryAccount) -> Source {
    let mut suspicious = account.suspicious().peekable();
    let is_of_tool = |it: &LeftOut| it.number == 0 && it.reason == LeftOut::NOT_LOADED;
    if suspicious.peek().is_some_and(|first| is_of_tool(first)) {
        Source::Tool
    } else if suspicious.all(|it| it.number == 0) {
        Source::Squish
    } else {
        Source::Listing
    }
}

/// `3 listed: 1 taken, 1 left out, 1 duplicate`.
pub fn sentence(account: &DiscoveryAccount) -> String {
    let mut text = format!("{} listed: {} taken", account.listed, account.taken);
    if account.left_out_lines > 0 {
        let _ = write!(text, ", {} left out", account.left_out_lines);
    }
    if account.duplicate_lines > 0 {
        let _ = write!(text, ", {}", counted(account.duplicate_lines, "duplicate"));
    }
    if let Some(selection) = &account.selection {
        let _ = write!(text, "; {selection}");
    }
    text
}

/// The first suspicious lines for a console, and how many more there are.
pub fn named(account: &DiscoveryAccount) -> Vec<String> {
    let mut lines: Vec<String> = account
        .suspicious()
        .take(MOST_ON_CONSOLE)
        .map(console)
        .collect();
    let more = account.suspicious_lines.saturating_sub(lines.len() as u64);
    if more > 0 {
        lines.push(format!("and {more} more: `testplan list` names them"));
    }
    lines
}

/// The warning for a console; empty without a suspicious line.
pub fn warning(account: &DiscoveryAccount, template: Option<&str>) -> Vec<String> {
    if account.suspicious_lines == 0 {
        return Vec::new();
    }
    let about = template.map_or_else(String::new, |title| {
        format!(
            "template {}: ",
            console_line(&format!("{title:?}"), MAX_LINE)
        )
    });
    let mut lines = vec![format!("warning: {about}{}", headline(account))];
    lines.extend(named(account).iter().map(|line| format!("  {line}")));
    lines.push(format!("help: {}", help(account)));
    lines
}

/// `line 3: my tests/x.py::t (does not match …)`.
fn console(left_out: &LeftOut) -> String {
    let line = console_line(&left_out.line, MAX_LINE);
    match left_out.number {
        0 => line,
        number => format!(
            "line {number}: {line} ({})",
            console_line(&left_out.reason, MAX_LINE)
        ),
    }
}

fn headline(account: &DiscoveryAccount) -> String {
    let count = account.suspicious_lines;
    let source = source(account);
    if source == Source::Squish {
        let findings = counted(count, "finding");
        return format!("tests may be missing: {findings} about Squish suites");
    }
    if source == Source::Tool {
        let files = counted(count, "file");
        return format!("tests may be missing: {files} could not be loaded");
    }
    match count {
        1 => "tests may be missing: 1 line was left out that looks like a test or reports an error"
            .to_owned(),
        count => format!(
            "tests may be missing: {count} lines were left out that look like tests or report errors"
        ),
    }
}

/// For programs. `left_out` and `duplicates` are bounded, the numbers are not.
pub fn json(account: &DiscoveryAccount) -> Value {
    json!({
        "listed": account.listed,
        "taken": account.taken,
        "left_out_lines": account.left_out_lines,
        "suspicious_lines": account.suspicious_lines,
        "left_out": account.left_out.iter().map(|left_out| json!({
            "line": left_out.line,
            "number": left_out.number,
            "reason": left_out.reason,
            "suspicious": left_out.suspicious,
        })).collect::<Vec<_>>(),
        "duplicate_lines": account.duplicate_lines,
        "duplicates": account.duplicates,
        "selection": account.selection,
    })
}
