//! A folded Gantt chart of the workers in mermaid.
//!
//! Labels overlap on short bars, so passes in a row become one bar, and only tests that did not pass are named.

use std::fmt::Write as _;

use crate::report::{
    ReportEntry,
    excerpt::prefix,
    sanitise::strip_escapes,
    view::{Bar, Mark, ReportView},
};

/// Mermaid refuses 50,000 characters.
const MAX_SOURCE: usize = 40_000;
/// Longest label, in bytes.
const MAX_LABEL: usize = 80;

/// The chart within `<details>`, or nothing if there is nothing to draw.
pub(super) fn timeline(view: &ReportView<'_>) -> String {
    let axis = if view.report.duration_ms() < 3_600_000 {
        "%M:%S"
    } else {
        "%H:%M:%S"
    };
    let mut source =
        format!("---\ndisplayMode: compact\n---\ngantt\n    dateFormat x\n    axisFormat {axis}\n");
    let (mut drawn, mut hidden) = (0, 0);
    for lane in view.lanes().iter().filter(|lane| !lane.bars.is_empty()) {
        let mut section = format!("    section {}\n", label(lane.worker));
        for bar in with_passes_joined(&lane.bars) {
            let to = bar.to.max(bar.from + 1);
            let (tag, text) = (tag(bar.mark), caption(&bar));
            let _ = writeln!(section, "    {text} :{tag}, {}, {to}", bar.from);
        }
        if source.len() + section.len() > MAX_SOURCE {
            hidden += 1;
        } else {
            source.push_str(&section);
            drawn += 1;
        }
    }
    if drawn + hidden == 0 {
        return String::new();
    }
    let note = if hidden > 0 {
        format!("{hidden} more workers are not drawn.\n\n")
    } else {
        String::new()
    };
    format!(
        "<details><summary>Worker timeline</summary>\n\n```mermaid\n{source}```\n\n{note}</details>\n\n"
    )
}

/// Mermaid's word for the colour of a bar.
fn tag(mark: Mark) -> &'static str {
    match mark {
        Mark::PASSED | Mark::SKIPPED => "done",
        Mark::FAILED | Mark::COULD_NOT_RUN => "crit",
        _ => "active",
    }
}

/// Symbol, word, and the name of a test that did not pass.
fn caption(bar: &Bar<'_>) -> String {
    let Mark { symbol, word, .. } = bar.mark;
    match bar.mark {
        Mark::PASSED => format!("{symbol} {} {word}", bar.attempts),
        Mark::FAILED => format!("{symbol} {}", name(bar.entry)),
        _ => format!("{symbol} {word} {}", name(bar.entry)),
    }
}

/// Passes in a row become one bar that counts them.
fn with_passes_joined<'a>(bars: &[Bar<'a>]) -> Vec<Bar<'a>> {
    let mut joined: Vec<Bar<'_>> = Vec::new();
    for bar in bars {
        match joined.last_mut() {
            Some(last) if [last.mark, bar.mark] == [Mark::PASSED; 2] => {
                last.attempts += bar.attempts;
                last.to = last.to.max(bar.to);
            }
            _ => joined.push(bar.clone()),
        }
    }
    joined
}

fn name(entry: &ReportEntry) -> String {
    label(&format!("{} {}", entry.test.suite, entry.test.testcase))
}

/// Keeps only characters without a meaning in mermaid's grammar.
fn label(text: &str) -> String {
    let text = strip_escapes(prefix(text, 4 * MAX_LABEL));
    let plain: String = text
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "._-/()=+".contains(c) {
                c
            } else {
                ' '
            }
        })
        .collect();
    let plain = prefix(plain.trim(), MAX_LABEL).trim_end();
    if plain.is_empty() {
        "unnamed".to_owned()
    } else {
        plain.to_owned()
    }
}
