//! The report as one HTML file. It is complete without JavaScript and network; the script adds filters and search.
//!
//! The file is also well-formed XML, so a test can show that foreign text made no element. Its policy allows one script and
//! one style, by their hashes, and pictures and videos from the page's own origin. Sizes are bounded, and the page counts
//! what it leaves out.

mod attachments;
mod attempt_texts;
mod attempts;
mod card;
mod chart;
mod drawn_lanes;
mod header;
mod left_out;
mod markup;
mod proportions;
mod sections;
pub(crate) mod tables;
mod value_table;

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use crate::{exit_code::Conclusion, model::ExecutionId};

use super::{
    PlanReport,
    view::{Mark, ReportView},
};
pub(crate) use header::link_outside;
pub(crate) use markup::Markup;
pub(crate) use proportions::proportions;
pub(crate) use value_table::value_table;

const SCRIPT: &str = include_str!("html/report.js");
/// The style of the report. The pages of the service have it too.
pub(crate) const STYLE: &str = concat!(
    include_str!("html/report.css"),
    include_str!("html/texts.css")
);

/// Longest name, capability set or title, in bytes of its text.
pub(crate) const MAX_NAME: usize = 300;
/// Longest message, in bytes of its text.
pub(crate) const MAX_MESSAGE: usize = 2000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HtmlOptions<'a> {
    /// The tested commit, if known.
    pub commit: Option<&'a str>,
    /// The files below the page's folder, by their paths from there: those of [`shown_files`] that exist, and their sizes in
    /// bytes. `None` if it is not known which exist: then all are taken to.
    pub files: Option<&'a BTreeMap<String, u64>>,
}

/// [`HtmlOptions::files`].
type Files<'a> = Option<&'a BTreeMap<String, u64>>;

/// The paths, below the folder of the page, of files that the page shows or links, if they exist: at most 10,000.
pub fn shown_files(report: &PlanReport) -> BTreeSet<String> {
    attachments::paths(report)
}

/// Renders the page. Time and size are bounded: 500 executions in detail, 5,000 in the table, 100 workers in the timeline,
/// 20 MiB in all.
pub fn render(report: &PlanReport, options: &HtmlOptions<'_>) -> Vec<u8> {
    let view = ReportView::of(report);
    let mut body = Markup::default();
    header::header(&mut body, &view, options);
    body.raw("<main>\n");
    sections::sentences(&mut body, view.broken());
    sections::sentences(&mut body, view.verdict_notes());
    left_out::suspicious(&mut body, report);
    let detailed = sections::notable(&mut body, &view, options.files);
    tables::table(&mut body, &view.capabilities());
    chart::timeline_section(&mut body, &view);
    tables::table(&mut body, &view.workers());
    tables::slowest(&mut body, &view);
    tables::executions(&mut body, &view, &detailed);
    left_out::account(&mut body, report);
    sections::sentences(&mut body, view.warnings());
    body.raw("</main>\n<footer><p>Made by testplan ")
        .raw(env!("CARGO_PKG_VERSION"))
        .raw(if report.service_counts.is_some() {
            " from Test Center’s counts"
        } else {
            " from the workers’ records"
        })
        .raw(". For machines the same is in <code>junit.xml</code>.</p></footer>\n");

    let mut page = Markup::default();
    head(&mut page, &view);
    page.part(&body)
        .raw("<script>")
        .raw(SCRIPT)
        .raw("</script>\n</body>\n</html>\n");
    page.into_bytes()
}

/// The executions shown in detail. They have their anchors there, all others in the table.
type Detailed = BTreeSet<ExecutionId>;

fn head(page: &mut Markup, view: &ReportView<'_>) {
    let mark = conclusion(view.conclusion);
    page.raw("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n")
        .raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' data:; media-src 'self'; base-uri 'none'; form-action 'none'; script-src '")
        .text(&hash(SCRIPT), 100)
        .raw("'; style-src '")
        .text(&hash(STYLE), 100)
        .raw("'\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n<title>")
        .raw(mark.symbol)
        .raw(" ");
    header::counted(page, view.report.tests());
    page.raw(" · ")
        .text(view.title, MAX_NAME)
        .raw("</title>\n<link rel=\"icon\" href=\"")
        .raw(icon(view.conclusion))
        .raw("\"/>\n<style>")
        .raw(STYLE)
        .raw("</style>\n</head>\n<body>\n");
}

/// The hash of a script or style in the policy.
fn hash(content: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(content)))
}

fn conclusion(conclusion: Conclusion) -> Mark {
    let (class, symbol) = match conclusion {
        Conclusion::Passed => ("passed", "✓"),
        Conclusion::Failed => ("failed", "✗"),
        Conclusion::Incomplete => ("missing", "?"),
        Conclusion::Usage | Conclusion::Infrastructure | Conclusion::Bug => ("error", "!"),
        Conclusion::NothingToRun => ("skipped", "∅"),
        Conclusion::Interrupted | Conclusion::Terminated => ("skipped", "■"),
    };
    Mark {
        class,
        symbol,
        word: conclusion.word(),
    }
}

/// The icon of the tab, in the shape of the symbol.
fn icon(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Passed => {
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='8' fill='%231a7f4b'/%3E%3Cpath d='M4.2 8.4l2.6 2.6 5-5.6' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E"
        }
        Conclusion::Failed => {
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='8' fill='%23c0362c'/%3E%3Cpath d='M5 5l6 6M11 5l-6 6' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E"
        }
        _ => {
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M8 0l8 15H0z' fill='%23a85d00'/%3E%3Cpath d='M8 5v5M8 11.5v2' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E"
        }
    }
}
