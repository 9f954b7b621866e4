//! A Gantt chart of the workers, drawn by mermaid, folded away.
//!
//! Labels overlap on short bars, so passes in a row become one bar, and only what did not pass has its name.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    model::{millis, record::Confirmation},
    report::{AttemptEnd, AttemptReport, EntryStatus, PlanReport, ReportEntry, clean::prefix},
};

/// Mermaid refuses 50,000 characters; this many bytes are safely fewer.
const MAX_SOURCE: usize = 40_000;
/// Longest label, in bytes.
const MAX_LABEL: usize = 80;

/// A bar: from, to, in milliseconds since the first record.
struct Bar {
    from: u64,
    to: u64,
    look: &'static str,
    label: String,
    passes: usize,
}

/// The chart within `<details>`, or nothing if there is nothing to draw.
pub(super) fn timeline(report: &PlanReport) -> String {
    let lanes = lanes(report);
    if lanes.is_empty() {
        return String::new();
    }
    let axis = if report.duration_ms() < 3_600_000 {
        "%M:%S"
    } else {
        "%H:%M:%S"
    };
    let mut source =
        format!("---\ndisplayMode: compact\n---\ngantt\n    dateFormat x\n    axisFormat {axis}\n");
    let mut hidden = 0;
    for (worker, bars) in &lanes {
        let mut lane = format!("    section {}\n", label(worker));
        for bar in merged(bars) {
            let _ = writeln!(
                lane,
                "    {} :{}, {}, {}",
                bar.label, bar.look, bar.from, bar.to
            );
        }
        if source.len() + lane.len() > MAX_SOURCE {
            hidden += 1;
        } else {
            source.push_str(&lane);
        }
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

fn lanes(report: &PlanReport) -> BTreeMap<&str, Vec<Bar>> {
    let mut lanes: BTreeMap<&str, Vec<Bar>> = BTreeMap::new();
    let Some((zero, end)) = report.span else {
        return lanes;
    };
    let since = |time: crate::model::Timestamp| millis(time.since(zero));
    for (entry, attempt) in report.attempts() {
        let from = since(attempt.reserved);
        let to = since(attempt.finished().unwrap_or(end)).max(from + 1);
        let (look, mark, passes) = look(attempt);
        lanes.entry(&attempt.worker).or_default().push(Bar {
            from,
            to,
            look,
            label: format!("{mark} {}", name(entry)),
            passes,
        });
    }
    for bars in lanes.values_mut() {
        bars.sort_by_key(|bar| (bar.from, bar.to));
    }
    lanes
}

/// Tag, mark and whether it is a pass. Words and marks beside colours, since these alone tell nobody anything.
fn look(attempt: &AttemptReport) -> (&'static str, &'static str, usize) {
    match &attempt.end {
        AttemptEnd::Unsaid | AttemptEnd::Killed => ("active", "✂ lost", 0),
        AttemptEnd::GivenBack { .. } => ("active", "↩ given back", 0),
        AttemptEnd::Ended(_)
            if matches!(attempt.confirmation, Some(Confirmation::NotCounted { .. })) =>
        {
            ("active", "✂ late", 0)
        }
        AttemptEnd::Ended(_) => match attempt.status() {
            EntryStatus::Passed => ("done", "ok", 1),
            EntryStatus::Skipped => ("done", "skipped", 0),
            EntryStatus::Failed => ("crit", "✗", 0),
            EntryStatus::CouldNotRun => ("crit", "✗ could not run", 0),
            EntryStatus::Missing => ("active", "✂ lost", 0),
        },
    }
}

/// Passes in a row as one bar that counts them.
fn merged(bars: &[Bar]) -> Vec<Bar> {
    let mut merged: Vec<Bar> = Vec::new();
    for bar in bars {
        if bar.passes > 0
            && let Some(last) = merged.last_mut()
            && last.passes > 0
        {
            last.passes += bar.passes;
            last.to = last.to.max(bar.to);
            last.label = format!("{} ok", last.passes);
        } else {
            merged.push(Bar {
                label: if bar.passes > 0 {
                    "1 ok".to_owned()
                } else {
                    bar.label.clone()
                },
                ..*bar
            });
        }
    }
    merged
}

fn name(entry: &ReportEntry) -> String {
    label(&format!("{} {}", entry.test.suite, entry.test.testcase))
}

/// Only what mermaid's grammar gives no meaning to.
fn label(text: &str) -> String {
    let text = crate::report::clean::strip_escapes(prefix(text, 4 * MAX_LABEL));
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
