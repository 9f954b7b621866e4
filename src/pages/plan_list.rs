//! The list of plans, newest first.

use serde::Serialize;

use super::{
    layout::{Entry, Frame, age},
    plan_summary::PlanSummary,
    site::{MAX_LINK, Site},
};
use crate::{
    model::{PlanId, Timestamp},
    report::html::{MAX_NAME, Markup, tables::state},
    text::short_commit,
};

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PlanListPage {
    /// Now, by the service's clock.
    pub(crate) server_dt: i64,
    pub(crate) plans: Vec<PlanSummary>,
    /// The `before` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<PlanId>,
    /// Whether newer plans are on an earlier page.
    #[serde(skip)]
    pub(crate) is_later_page: bool,
}

impl PlanListPage {
    /// The page.
    pub(crate) fn html(&self, site: &Site) -> Vec<u8> {
        let mut content = Markup::default();
        content.raw("<h1>Plans</h1>\n");
        if self.plans.is_empty() {
            self.teach(&mut content, site);
        } else {
            self.table(&mut content, site);
        }
        self.turn(&mut content, site);
        let frame = Frame {
            site,
            entry: Entry::Plans,
            title: "Plans",
            json: Some("/plans.json"),
            live: None,
            now: Some(self.server_dt),
        };
        frame.page(&content)
    }

    fn teach(&self, page: &mut Markup, site: &Site) {
        if self.is_later_page {
            page.raw("<p class=\"meaning\">There are no older plans. <a href=\"")
                .text(&site.path("/"), MAX_LINK)
                .raw("\">Back to the newest</a></p>\n");
            return;
        }
        page.raw("<div class=\"teach\"><p class=\"lead\">No plan was started yet.</p>\n<p>Start one on a machine that has the tests and a <code>testplan.yml</code>:</p>\n<pre>export TESTCENTER_URL=http://127.0.0.1:8800   # this service\nexport TESTCENTER_TOKEN=…                     # its access token\ntestplan run --template NAME</pre>\n<p><code>testplan init</code> writes a <code>testplan.yml</code>; <code>testplan doctor</code> checks the connection to this service.</p></div>\n");
    }

    fn table(&self, page: &mut Markup, site: &Site) {
        page.raw("<div class=\"part\" id=\"plans\"><div class=\"wide\" role=\"region\" aria-label=\"Plans\" tabindex=\"0\"><table class=\"plans\">\n<thead><tr><th scope=\"col\">State</th><th scope=\"col\">Plan</th><th scope=\"col\">Tests</th><th scope=\"col\" class=\"n\">Took</th><th scope=\"col\">Started</th></tr></thead>\n<tbody>\n");
        for plan in &self.plans {
            row(page, site, plan, self.server_dt);
        }
        page.raw("</tbody>\n</table></div></div>\n");
    }

    fn turn(&self, page: &mut Markup, site: &Site) {
        if self.next.is_none() && !self.is_later_page {
            return;
        }
        page.raw("<nav class=\"turn\" aria-label=\"More plans\">");
        if self.is_later_page {
            page.raw("<a href=\"")
                .text(&site.path("/"), MAX_LINK)
                .raw("\">Newest</a> ");
        }
        if let Some(next) = self.next {
            page.raw("<a rel=\"next\" href=\"")
                .text(&site.path("/?before="), MAX_LINK)
                .number(next.0)
                .raw("\">Older</a>");
        }
        page.raw("</nav>\n");
    }
}

fn row(page: &mut Markup, site: &Site, plan: &PlanSummary, now: i64) {
    let mark = plan.state.mark();
    page.raw("<tr><td>");
    state(page, mark, mark.word).raw("</td><th scope=\"row\"><a href=\"");
    page.text(&site.plan(plan.plan.id), MAX_LINK)
        .raw("\"><bdi>")
        .text(plan.title(), MAX_NAME)
        .raw("</bdi></a> <span class=\"quiet\">#")
        .number(plan.plan.id.0)
        .raw("</span><p class=\"line\">");
    let revisions = plan.revisions();
    for (name, value) in [
        ("Project", plan.plan.project.as_str()),
        ("Batch", &plan.plan.batch_name),
        ("Branch", &plan.origin.branch),
        ("Commit", short_commit(&plan.origin.commit)),
        ("Revision", &revisions),
    ] {
        if !value.is_empty() {
            page.raw("<span><span class=\"off\">")
                .raw(name)
                .raw(": </span><bdi>")
                .text(value, MAX_NAME)
                .raw("</bdi></span>");
        }
    }
    page.raw("</p></th><td class=\"counts\">");
    plan.counts.bar(page);
    page.text(&plan.counts.in_words(), MAX_NAME)
        .raw("</td><td class=\"n\">");
    if plan.is_live() {
        age(page, plan.started_dt, Some(now));
    } else {
        page.span(plan.duration_ms);
    }
    page.raw("</td><td>").time(Timestamp(plan.started_dt));
    let by = if plan.origin.author.is_empty() {
        &plan.started_by
    } else {
        &plan.origin.author
    };
    if !by.is_empty() {
        page.raw("<p class=\"line\"><span>by ")
            .text(by, MAX_NAME)
            .raw("</span></p>");
    }
    page.raw("</td></tr>\n");
}
