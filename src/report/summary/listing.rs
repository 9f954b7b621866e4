//! The lines of listings that were left out of the plan.

use crate::{
    model::LeftOut,
    report::{PlanReport, discovery_text, sanitise::markdown_text},
};

use super::markdown_page::MarkdownPage;

/// Most lines: failures come next on the page.
const MAX_ROWS: usize = 20;
/// Longest line and reason, in bytes.
const MAX_LINE: usize = 300;

/// Lines that may be missing tests, and the counts; nothing if every line is a test.
pub(super) fn listing(page: &mut MarkdownPage, report: &PlanReport, rows: usize) {
    let Some(account) = report.discovery.as_ref().filter(|it| !it.is_clean()) else {
        return;
    };
    let suspicious = account.suspicious_lines;
    let rows = rows.min(MAX_ROWS);
    if suspicious > 0 {
        page.heading("Tests may be missing", suspicious);
        page.push(&format!("{}:\n\n", discovery_text::meaning(account)));
        for line in account.suspicious().take(rows) {
            page.push(&item(line));
        }
        let shown = account.suspicious().take(rows).count() as u64;
        if suspicious > shown {
            page.push(&format!("- and {} more\n", suspicious - shown));
        }
        page.push(&format!(
            "\nTo do: {}\n\n",
            markdown_text(discovery_text::help(account), MAX_LINE)
        ));
    }
    page.push(&format!(
        "Discovery: {}\n\n",
        discovery_text::sentence(account)
    ));
    if !account.duplicates.is_empty() {
        let names = account.duplicates.iter().take(rows);
        let names: Vec<String> = names
            .map(|test| markdown_text(&test.to_string(), MAX_LINE))
            .collect();
        let more = account.duplicates.len() - names.len();
        let more = match more {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        page.push(&format!(
            "Listed more than once: {}{more}\n\n",
            names.join(", ")
        ));
    }
}

fn item(left_out: &LeftOut) -> String {
    let line = markdown_text(&left_out.line, MAX_LINE);
    match left_out.number {
        0 => format!("- ⚠ {line}\n"),
        number => format!(
            "- ⚠ line {number}: {line}: {}\n",
            markdown_text(&left_out.reason, MAX_LINE)
        ),
    }
}
