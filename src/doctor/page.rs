//! The diagnosis as text and as JSON.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::{
    CAPABILITIES, CheckedFinding, Diagnosis,
    finding::FindingSeverity,
    observe::requirements::{RequirementRow, ServerAvailability},
};
use crate::{
    report::{console::Paint, sanitise::console_line},
    text::counted,
};

/// Columns of a line, unless one word is longer.
const WIDTH: usize = 80;
/// Column of a finding's text.
const INDENT: usize = 15;
/// Most bytes of a text or cure: foreign text is in it.
const LONGEST: usize = 2000;
/// Most rows of the table that the text shows; JSON has all.
const MOST_ROWS: usize = 40;
/// Column of the requirements.
const NEEDS: usize = 44;
/// Most bytes of a set of capabilities.
const LONGEST_SET: usize = 1000;

/// The diagnosis for people; ends with the counts.
pub(crate) fn text(diagnosis: &Diagnosis, paint: Paint) -> String {
    let mut page = String::new();
    for findings in diagnosis
        .findings
        .chunk_by(|one, next| one.group == next.group)
    {
        if !page.is_empty() {
            page.push('\n');
        }
        let group = findings[0].group;
        let title = painted(group, Style::new().bold(), paint);
        let _ = writeln!(page, "{title}");
        if group == CAPABILITIES {
            page.push_str(&table(&diagnosis.rows));
        }
        for checked in findings {
            page.push_str(&entry(checked, paint));
        }
    }
    let _ = writeln!(page, "\n{}", counts(diagnosis));
    page
}

/// The diagnosis for programs.
pub(crate) fn json(diagnosis: &Diagnosis) -> Value {
    let findings = diagnosis.findings.iter().map(|checked| {
        let CheckedFinding { group, id, finding } = checked;
        let group = group.to_lowercase();
        json!({
            "id": format!("{group}.{id}"),
            "group": group,
            "state": finding.severity.word(),
            "text": finding.text,
            "cure": finding.cure,
        })
    });
    json!({
        "schema": 1,
        "conclusion": diagnosis.conclusion().word(),
        "findings": findings.collect::<Vec<_>>(),
        "capabilities": diagnosis.rows.iter().map(row_json).collect::<Vec<_>>(),
    })
}

fn row_json(row: &RequirementRow) -> Value {
    let servers = row.servers.as_ref().map(|servers| {
        let servers = servers.iter();
        servers
            .map(|(id, state)| json!({ "id": id, "state": state.word() }))
            .collect::<Vec<_>>()
    });
    let requirement = &row.requirement;
    json!({
        "needs": requirement.required,
        "executions": requirement.executions,
        "and_more": requirement.and_more,
        "worker": row.fits_worker,
        "servers": servers,
        "nobody": row.unoffered,
    })
}

fn entry(checked: &CheckedFinding, paint: Paint) -> String {
    let finding = &checked.finding;
    let word = format!("{:<11}", finding.severity.word());
    let text = format!("{}: {}", checked.id, finding.text);
    let mut entry = format!(
        "  {}  {}\n",
        painted(&word, style(finding.severity), paint),
        wrapped(&console_line(&text, LONGEST), INDENT)
    );
    if let Some(cure) = &finding.cure {
        let cure = wrapped(&console_line(cure, LONGEST), INDENT + 6);
        let _ = writeln!(entry, "{:INDENT$}cure: {cure}", "");
    }
    entry
}

fn style(severity: FindingSeverity) -> Style {
    let style = Style::new();
    match severity {
        FindingSeverity::Ok => style.fg_color(Some(AnsiColor::Green.into())),
        FindingSeverity::Warning => style.bold().fg_color(Some(AnsiColor::Yellow.into())),
        FindingSeverity::Problem(_) => style.bold().fg_color(Some(AnsiColor::Red.into())),
        FindingSeverity::NotChecked => style.fg_color(Some(AnsiColor::Cyan.into())),
    }
}

fn painted(text: &str, style: Style, paint: Paint) -> String {
    match paint {
        Paint::Plain => text.to_owned(),
        Paint::Colour => format!("{style}{text}{style:#}"),
    }
}

fn counts(diagnosis: &Diagnosis) -> String {
    let findings = diagnosis.findings.iter();
    let words: Vec<&str> = findings.map(|it| it.finding.severity.word()).collect();
    let count = |word| words.iter().filter(|it| **it == word).count();
    format!(
        "{} ok, {}, {}, {} not checked",
        count("ok"),
        counted(count("warning"), "warning"),
        counted(count("problem"), "problem"),
        count("not checked")
    )
}

/// Requirements beside what fits them.
fn table(rows: &[RequirementRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "  {:>10}  {:<6}  {:<20}  NEEDS\n",
        "EXECUTIONS", "WORKER", "SQUISH SERVERS"
    );
    for row in rows.iter().take(MOST_ROWS) {
        let requirement = &row.requirement;
        let needs = console_line(&requirement.required.to_string(), LONGEST_SET);
        let more = if requirement.and_more { "+" } else { "" };
        let _ = writeln!(
            text,
            "  {:>10}  {:<6}  {:<20}  {}",
            format!("{}{more}", requirement.executions),
            if row.fits_worker { "yes" } else { "no" },
            servers(row),
            wrapped(&needs, NEEDS)
        );
    }
    if rows.len() > MOST_ROWS {
        let hidden = rows.len() - MOST_ROWS;
        let _ = writeln!(text, "  and {hidden} more sets: see --format json");
    }
    text
}

fn servers(row: &RequirementRow) -> String {
    if row.servers.is_none() {
        return "not known".to_owned();
    }
    let counts = ServerAvailability::ALL.map(|state| (row.count(state), state));
    let words: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{count} {}", state.word()))
        .collect();
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join(", ")
    }
}

/// Wraps words at 80 columns: the first line starts at column `indent`, the others get `indent` blanks. A longer word gets a
/// line of its own, so that it can be copied.
fn wrapped(text: &str, indent: usize) -> String {
    let (mut wrapped, mut column) = (String::new(), indent);
    for word in text.split(' ') {
        let width = word.width();
        if column > indent && column + 1 + width > WIDTH && !wrapped.is_empty() {
            let _ = write!(wrapped, "\n{:indent$}", "");
            column = indent;
        } else if !wrapped.is_empty() {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += width;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::{super::finding::warning, *};

    #[test]
    fn finding_is_one_line_and_its_cure() {
        let finding = CheckedFinding {
            group: "Clock",
            id: "skew",
            finding: warning("odd\n::error::x", "set it"),
        };
        assert_eq!(
            entry(&finding, Paint::Plain),
            "  warning      skew: odd\\n::error::x\n               cure: set it\n"
        );
        let painted = entry(&finding, Paint::Colour);
        assert!(painted.starts_with("  \u{1b}["), "{painted:?}");
    }

    #[test]
    fn lines_end_at_column_80_for_wide_letters() {
        let text = "ab 日本語 cd ".repeat(40);
        let wrapped = wrapped(text.trim_end(), INDENT);
        assert!(wrapped.lines().count() > 5);
        for (number, line) in wrapped.lines().enumerate() {
            let width = line.width() + if number == 0 { INDENT } else { 0 };
            assert!(width <= WIDTH && width > WIDTH - 8, "{width}: {line}");
        }
        assert_eq!(
            wrapped.split_whitespace().collect::<Vec<_>>().join(" "),
            text.trim_end()
        );
    }

    #[test]
    fn long_word_is_not_broken() {
        let word = "x".repeat(200);
        assert_eq!(
            wrapped(&format!("a {word} b"), 2),
            format!("a\n  {word}\n  b")
        );
    }
}
