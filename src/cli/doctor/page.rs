//! The diagnosis on paper: for people in 80 columns, for programs as JSON.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::{
    finding::{self, Finding, Group, State},
    table::{self, Row},
};
use crate::{
    report::{console::Paint, sanitise::console_line},
    text::counted,
};

/// Columns of a line, unless one word is longer.
const WIDTH: usize = 80;
/// Column of a finding's text.
const INDENT: usize = 15;
/// Most bytes of a text or cure: what others said is in it.
const LONGEST: usize = 2000;

/// For people. Ends with a count.
pub fn text(findings: &[Finding], rows: &[Row], paint: Paint) -> String {
    let mut page = String::new();
    for group in Group::ALL {
        let here: Vec<&Finding> = findings.iter().filter(|it| it.group == group).collect();
        if here.is_empty() {
            continue;
        }
        if !page.is_empty() {
            page.push('\n');
        }
        let title = painted(group.title(), Style::new().bold(), paint);
        let _ = writeln!(page, "{title}");
        if group == Group::Capabilities {
            page.push_str(&table::text(rows, WIDTH));
        }
        for finding in here {
            page.push_str(&entry(finding, paint));
        }
    }
    let _ = writeln!(page, "\n{}", counts(findings));
    page
}

/// For programs.
pub fn json(findings: &[Finding], rows: &[Row]) -> Value {
    json!({
        "schema": 1,
        "conclusion": finding::conclusion(findings).word(),
        "findings": findings.iter().map(Finding::json).collect::<Vec<_>>(),
        "capabilities": rows.iter().map(Row::json).collect::<Vec<_>>(),
    })
}

fn entry(finding: &Finding, paint: Paint) -> String {
    let word = format!("{:<11}", finding.state.word());
    let said = format!("{}: {}", finding.id, finding.text);
    let mut text = format!(
        "  {}  {}\n",
        painted(&word, style(finding.state), paint),
        folded(&console_line(&said, LONGEST), INDENT, INDENT)
    );
    if let Some(cure) = &finding.cure {
        let cure = folded(&console_line(cure, LONGEST), INDENT + 6, INDENT + 6);
        let _ = writeln!(text, "{:INDENT$}cure: {cure}", "");
    }
    text
}

fn style(state: State) -> Style {
    let style = Style::new();
    match state {
        State::Ok => style.fg_color(Some(AnsiColor::Green.into())),
        State::Warning => style.bold().fg_color(Some(AnsiColor::Yellow.into())),
        State::Problem(_) => style.bold().fg_color(Some(AnsiColor::Red.into())),
        State::NotChecked => style.fg_color(Some(AnsiColor::Cyan.into())),
    }
}

fn painted(text: &str, style: Style, paint: Paint) -> String {
    match paint {
        Paint::Plain => text.to_owned(),
        Paint::Colour => format!("{style}{text}{style:#}"),
    }
}

/// Words in lines of [`WIDTH`] columns, the first from column `first` on, the others behind `indent` blanks. A longer
/// word has a line of its own, so that it can be copied.
pub(super) fn folded(text: &str, first: usize, indent: usize) -> String {
    let (mut folded, mut column) = (String::new(), first);
    for word in text.split(' ') {
        let width = word.width();
        if column > indent && column + 1 + width > WIDTH && !folded.is_empty() {
            let _ = write!(folded, "\n{:indent$}", "");
            column = indent;
        } else if !folded.is_empty() {
            folded.push(' ');
            column += 1;
        }
        folded.push_str(word);
        column += width;
    }
    folded
}

fn counts(findings: &[Finding]) -> String {
    let count = |word: &str| findings.iter().filter(|it| it.state.word() == word).count();
    format!(
        "{} ok, {}, {}, {} not checked",
        count("ok"),
        counted(count("warning"), "warning"),
        counted(count("problem"), "problem"),
        count("not checked")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_the_edge_whatever_the_width_of_letters() {
        let text = "ab 日本語 cd ".repeat(40);
        let folded = folded(text.trim_end(), INDENT, INDENT);
        assert!(folded.lines().count() > 5);
        for (number, line) in folded.lines().enumerate() {
            let width = line.width() + if number == 0 { INDENT } else { 0 };
            assert!(width <= WIDTH && width > WIDTH - 8, "{width}: {line}");
        }
        assert_eq!(
            folded.split_whitespace().collect::<Vec<_>>().join(" "),
            text.trim_end()
        );
    }

    #[test]
    fn a_long_word_stays_whole() {
        let word = "x".repeat(200);
        assert_eq!(
            folded(&format!("a {word} b"), 5, 2),
            format!("a\n  {word}\n  b")
        );
    }

    #[test]
    fn a_finding_is_one_line_and_its_cure() {
        let finding = Finding::warning(Group::Clock, "skew", "odd\n::error::x", "set it");
        assert_eq!(
            entry(&finding, Paint::Plain),
            "  warning      skew: odd\\n::error::x\n               cure: set it\n"
        );
        let painted = entry(&finding, Paint::Colour);
        assert!(painted.starts_with("  \u{1b}["), "{painted:?}");
    }
}
