//! Reads a quarantine file: tests whose failures are reported and do not decide.

use std::path::Path;

use super::{check, reading, syntax};
use crate::{
    config::config_problem::ConfigError,
    model::{Day, QuarantineEntry},
};

/// The entries of a quarantine file on a day. The error says all that is wrong and where, or that it cannot be read.
pub fn quarantine_entries(path: &Path, today: Day) -> Result<Vec<QuarantineEntry>, ConfigError> {
    let text = reading::text_named_by(path, "with `quarantine` in testplan.yml")?;
    parse(&path.display().to_string(), &text, today)
}

/// Reads a text; `name` is what errors call the file. A text with comments alone has no entries.
fn parse(name: &str, text: &str, today: Day) -> Result<Vec<QuarantineEntry>, ConfigError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut lines = text.lines().map(str::trim);
    if lines.all(|line| line.is_empty() || line.starts_with('#') || line == "---") {
        return Ok(Vec::new());
    }
    let document = syntax::read(name, text)?;
    check::entries(name, text, &document, today)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<QuarantineEntry>, String> {
        let today = "2026-06-01".parse().expect("a day");
        parse("q.yml", text, today).map_err(|error| error.to_string())
    }

    #[test]
    fn entries_are_read() {
        let text = "- tests: [\"suite/*\", alone]\n  owner: team-a\n  reason: port is taken\n  link: https://example.org/1\n  \
                    until: 2026-08-30\n  capabilities: { OS: Linux }\n- { tests: other, owner: b, reason: c, until: 2026-05-01 }\n";
        let entries = read(text).expect("no mistake");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].tests.len(), 2);
        assert_eq!(entries[0].until.to_string(), "2026-08-30");
        assert_eq!(entries[0].capabilities.to_string(), "OS=Linux");
        assert_eq!(entries[0].link.as_deref(), Some("https://example.org/1"));
        assert_eq!(read("# nothing left\n"), Ok(Vec::new()));
        assert_eq!(read("[]\n"), Ok(Vec::new()));
    }

    #[test]
    fn mistakes_of_entries_are_named() {
        for (text, expected) in [
            ("- { tests: a, reason: b, until: 2026-06-02 }", "owner"),
            ("- { tests: a, owner: b, until: 2026-06-02 }", "reason"),
            ("- { tests: a, owner: b, reason: c }", "until"),
            (
                "- { tests: a, owner: ' ', reason: c, until: 2026-06-02 }",
                "[0].owner: empty",
            ),
            (
                "- { tests: a, owner: b, reason: c, until: tomorrow }",
                "[0].until: not a day",
            ),
            (
                "- { tests: a, owner: b, reason: c, until: 2026-08-31 }",
                "more than 90 days",
            ),
            (
                "- { tests: 'a[', owner: b, reason: c, until: 2026-06-02 }",
                "[0].tests",
            ),
            (
                "- { tests: [], owner: b, reason: c, until: 2026-06-02 }",
                "[0].tests",
            ),
            (
                "- { tests: a, owner: b, reason: c, until: 2026-06-02 }\n- { tests: [x, a], owner: d, reason: e, until: 2026-06-03 }",
                "line 1 has it already",
            ),
            (
                "- { tests: a, owner: b, reason: c, until: 2026-06-02, till: x }",
                "till",
            ),
            ("tests: a", "list"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
