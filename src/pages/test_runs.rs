//! The runs of a test, a row each.

use serde::Serialize;

use super::{
    run_strip,
    site::{MAX_LINK, Site},
};
use crate::{
    model::{ExecutionId, PlanId, RunEnd, Timestamp},
    report::html::{MAX_MESSAGE, MAX_NAME, Markup, tables::state},
    store::TestRun,
    text::short_commit,
};

/// A run of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RunRow {
    pub(crate) plan_id: PlanId,
    pub(crate) plan_title: String,
    pub(crate) execution_id: ExecutionId,
    /// When its plan was started.
    pub(crate) started_dt: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) branch: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) commit: String,
    pub(crate) system: String,
    pub(crate) end: RunEnd,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duration_ms: Option<u64>,
    /// The first lines of why it failed or could not run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) worker: String,
}

impl RunRow {
    pub(super) fn of(run: &TestRun) -> Self {
        Self {
            plan_id: run.plan,
            plan_title: run.plan_title.clone(),
            execution_id: run.execution,
            started_dt: run.started.0,
            branch: run.origin.branch.clone(),
            commit: run.origin.commit.clone(),
            system: run.required.to_string(),
            end: run.end,
            duration_ms: run.duration_ms,
            message: run.message.clone(),
            worker: run.worker.clone(),
        }
    }

    fn row(&self, page: &mut Markup, site: &Site) {
        let mark = run_strip::mark(self.end);
        page.raw("<tr><td>");
        state(page, mark, mark.word);
        page.raw("</td><th scope=\"row\"><a href=\"")
            .text(&site.execution(self.plan_id, self.execution_id), MAX_LINK)
            .raw("\"><bdi>")
            .text(title(&self.plan_title), MAX_NAME)
            .raw("</bdi></a> <span class=\"quiet\">#")
            .number(self.plan_id.0)
            .raw("</span>");
        let first = self.message.lines().find(|line| !line.trim().is_empty());
        page.raw("<p class=\"line\">");
        if !self.commit.is_empty() || !self.branch.is_empty() {
            page.raw("<span><bdi>")
                .text(short_commit(&self.commit), MAX_NAME)
                .raw("</bdi> <bdi>")
                .text(&self.branch, MAX_NAME)
                .raw("</bdi></span>");
        }
        if let Some(first) = first {
            page.raw("<span>")
                .text(first.trim(), MAX_MESSAGE)
                .raw("</span>");
        }
        page.raw("</p></th><td>")
            .text(&self.system, MAX_NAME)
            .raw("</td><td class=\"n\" data-label=\"took\">");
        if let Some(took) = self.duration_ms {
            page.span(took);
        }
        page.raw("</td><td data-label=\"on\">")
            .text(&self.worker, MAX_NAME)
            .raw("</td><td>")
            .time(Timestamp(self.started_dt))
            .raw("</td></tr>\n");
    }
}

/// The table of runs.
pub(super) fn section(page: &mut Markup, site: &Site, runs: &[RunRow]) {
    if runs.is_empty() {
        return;
    }
    page.raw("<section id=\"runs\">\n<h2>Runs</h2>\n<div class=\"wide\" role=\"region\" aria-label=\"Runs\" tabindex=\"0\"><table class=\"tests\">\n<thead><tr><th scope=\"col\">Result</th><th scope=\"col\">Plan</th><th scope=\"col\">System</th><th scope=\"col\" class=\"n\">Took</th><th scope=\"col\">Worker</th><th scope=\"col\">Started</th></tr></thead>\n<tbody>\n");
    for run in runs {
        run.row(page, site);
    }
    page.raw("</tbody>\n</table></div>\n</section>\n");
}

/// A title, or what stands for it.
fn title(title: &str) -> &str {
    let title = title.trim();
    if title.is_empty() { "Test plan" } else { title }
}
