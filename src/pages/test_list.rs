//! The tests of a template over its last plans: those that fail first, then the flaky ones.

use serde::Serialize;

use super::{
    execution_table::name,
    layout::{Entry, Frame},
    run_strip,
    site::{MAX_LINK, Site, percent_encoded},
    test_choice::{ListedTest, ShownTests, TestListQuery, TestOrder},
};
use crate::{
    model::PlanId,
    report::{
        html::{MAX_NAME, Markup},
        view::Mark,
    },
    text::counted,
};

/// A template to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TemplateChoice {
    pub(crate) template_id: PlanId,
    pub(crate) project: String,
    pub(crate) title: String,
}

/// The page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TestListPage {
    /// Now, by the service's clock.
    pub(crate) server_dt: i64,
    #[serde(flatten)]
    pub(crate) query: TestListQuery,
    pub(crate) templates: Vec<TemplateChoice>,
    pub(crate) branches: Vec<String>,
    /// The plans that were read, newest first.
    pub(crate) plans: Vec<PlanId>,
    /// Tests on single systems: all, those that fail, those that are flaky.
    pub(crate) all: usize,
    pub(crate) failing: usize,
    pub(crate) flaky: usize,
    pub(crate) tests: Vec<ListedTest>,
    /// How many are in the list, this page and others.
    pub(crate) listed: usize,
}

impl TestListPage {
    /// The page.
    pub(crate) fn html(&self, site: &Site) -> Vec<u8> {
        let mut content = Markup::default();
        content.raw("<h1>Tests</h1>\n");
        if self.templates.is_empty() {
            content.raw("<div class=\"teach\"><p class=\"lead\">There is no template yet, so no test has a history.</p>\n<p>Start a plan; <code>testplan run</code> and <code>testplan publish</code> tell this service the tests of a <code>testplan.yml</code>.</p></div>\n");
        } else {
            self.choice(&mut content, site);
            self.filters(&mut content, site);
            self.table(&mut content, site);
            self.turn(&mut content, site);
        }
        let json = format!(
            "/tests.json{}",
            self.address(self.query.show, self.query.sort, self.query.skip)
        );
        let frame = Frame {
            site,
            entry: Entry::Tests,
            title: "Tests",
            json: Some(&json),
            live: None,
            now: Some(self.server_dt),
        };
        frame.page(&content)
    }

    /// The query of an address with these choices.
    fn address(&self, show: ShownTests, sort: TestOrder, skip: usize) -> String {
        let mut pairs = Vec::new();
        if let Some(template) = self.query.template {
            pairs.push(format!("template={template}"));
        }
        if let Some(branch) = &self.query.branch {
            pairs.push(format!("branch={}", percent_encoded(branch)));
        }
        let word_of = |list: &[(ShownTests, &'static str)]| {
            list.iter().find(|it| it.0 == show).map_or("", |it| it.1)
        };
        if show != ShownTests::All {
            pairs.push(format!("show={}", word_of(&ShownTests::EACH)));
        }
        if sort != TestOrder::Attention {
            let word = TestOrder::EACH
                .iter()
                .find(|it| it.0 == sort)
                .map_or("", |it| it.1);
            pairs.push(format!("sort={word}"));
        }
        if !self.query.find.is_empty() {
            pairs.push(format!("find={}", percent_encoded(&self.query.find)));
        }
        if skip > 0 {
            pairs.push(format!("skip={skip}"));
        }
        if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", pairs.join("&"))
        }
    }

    fn link(&self, page: &mut Markup, site: &Site, show: ShownTests, sort: TestOrder, skip: usize) {
        let address = format!("{}{}", site.path("/tests"), self.address(show, sort, skip));
        page.text(&address, MAX_LINK);
    }

    fn choice(&self, page: &mut Markup, site: &Site) {
        page.raw("<form class=\"choice\" method=\"get\" action=\"")
            .text(&site.path("/tests"), MAX_LINK)
            .raw("\">\n<label>Template <select name=\"template\">\n");
        for choice in &self.templates {
            page.raw("<option value=\"")
                .number(choice.template_id.0)
                .raw("\"");
            if self.query.template == Some(choice.template_id) {
                page.raw(" selected=\"selected\"");
            }
            page.raw(">")
                .text(&format!("{}: {}", choice.project, choice.title), MAX_NAME)
                .raw("</option>\n");
        }
        page.raw("</select></label>\n");
        if self.branches.iter().any(|branch| !branch.is_empty()) {
            page.raw("<label>Branch <select name=\"branch\">\n<option value=\"\">every branch</option>\n");
            for branch in self.branches.iter().filter(|branch| !branch.is_empty()) {
                page.raw("<option");
                if self.query.branch.as_ref() == Some(branch) {
                    page.raw(" selected=\"selected\"");
                }
                page.raw(">").text(branch, MAX_NAME).raw("</option>\n");
            }
            page.raw("</select></label>\n");
        }
        page.raw("<label>Name has <input name=\"find\" value=\"")
            .text(&self.query.find, MAX_NAME)
            .raw("\"/></label>\n<button type=\"submit\">Show</button>\n</form>\n");
    }

    fn filters(&self, page: &mut Markup, site: &Site) {
        page.raw("<nav aria-label=\"Tests by state\"><ul class=\"counters\">\n");
        let marks = [
            Mark {
                class: "all",
                symbol: "",
                word: "all",
            },
            Mark {
                word: "failing",
                ..Mark::FAILED
            },
            Mark::FLAKY,
        ];
        let counts = [self.all, self.failing, self.flaky];
        for (((show, _), mark), count) in ShownTests::EACH.into_iter().zip(marks).zip(counts) {
            page.raw("<li><a class=\"")
                .raw(mark.class)
                .raw("\" href=\"");
            self.link(page, site, show, self.query.sort, 0);
            page.raw("\"");
            if show == self.query.show {
                page.raw(" aria-current=\"true\"");
            }
            page.raw("><b>")
                .amount(count as u64)
                .raw("</b> <span><span class=\"mark\" aria-hidden=\"true\">")
                .raw(mark.symbol)
                .raw("</span> ")
                .raw(mark.word)
                .raw("</span></a></li>\n");
        }
        page.raw("</ul></nav>\n<p class=\"quiet\">In the last ");
        match self.plans.len() {
            1 => page.raw("plan"),
            many => page.number(many).raw(" plans"),
        };
        page.raw(". Order: ");
        for (index, (sort, words)) in [
            (TestOrder::Attention, "what needs attention"),
            (TestOrder::Slow, "slowest first"),
            (TestOrder::Name, "by name"),
        ]
        .into_iter()
        .enumerate()
        {
            page.raw(if index > 0 { ", " } else { "" });
            if sort == self.query.sort {
                page.raw("<b>").raw(words).raw("</b>");
            } else {
                page.raw("<a href=\"");
                self.link(page, site, self.query.show, sort, 0);
                page.raw("\">").raw(words).raw("</a>");
            }
        }
        page.raw(".</p>\n");
    }

    fn table(&self, page: &mut Markup, site: &Site) {
        if self.tests.is_empty() {
            page.raw("<p class=\"quiet\">No test is in this list.</p>\n");
            return;
        }
        page.raw("<div class=\"wide\" role=\"region\" aria-label=\"Tests\" tabindex=\"0\"><table class=\"tests\">\n<thead><tr><th scope=\"col\">State</th><th scope=\"col\">Test</th><th scope=\"col\">System</th><th scope=\"col\">Last plans</th><th scope=\"col\" class=\"n\">Failed</th><th scope=\"col\" class=\"n\">Usually</th></tr></thead>\n<tbody>\n");
        for test in &self.tests {
            row(page, site, test);
        }
        page.raw("</tbody>\n</table></div>\n");
    }

    fn turn(&self, page: &mut Markup, site: &Site) {
        let shown = self.query.skip + self.tests.len();
        if self.query.skip == 0 && shown >= self.listed {
            return;
        }
        page.raw("<nav class=\"turn\" aria-label=\"More tests\">");
        if self.query.skip > 0 {
            page.raw("<a href=\"");
            self.link(page, site, self.query.show, self.query.sort, 0);
            page.raw("\">First</a> ");
        }
        page.raw("<span class=\"quiet\">")
            .amount(self.query.skip as u64 + 1)
            .raw(" to ")
            .amount(shown as u64)
            .raw(" of ")
            .amount(self.listed as u64)
            .raw("</span> ");
        if shown < self.listed {
            page.raw("<a rel=\"next\" href=\"");
            self.link(page, site, self.query.show, self.query.sort, shown);
            page.raw("\">Next</a>");
        }
        page.raw("</nav>\n");
    }
}

fn row(page: &mut Markup, site: &Site, test: &ListedTest) {
    let overview = &test.overview;
    let newest = overview.last.first().copied();
    let mark = if overview.failing > 0 {
        Mark {
            word: "failing",
            ..Mark::FAILED
        }
    } else if overview.is_flaky {
        Mark::FLAKY
    } else {
        newest.map_or(Mark::SKIPPED, run_strip::mark)
    };
    page.raw("<tr><td>");
    crate::report::html::tables::state(page, mark, mark.word);
    if overview.is_flaky && overview.failing > 0 {
        page.raw(", flaky");
    }
    page.raw("</td><th scope=\"row\"><a href=\"")
        .text(&site.test(overview.test_id), MAX_LINK)
        .raw("\">");
    name(page, &test.suite, &test.testcase);
    page.raw("</a>");
    if let Some(since) = overview.failing_since {
        page.raw("<p class=\"line\"><span>since <a href=\"")
            .text(&site.plan(since), MAX_LINK)
            .raw("\">plan ")
            .number(since.0)
            .raw("</a>, ")
            .text(&counted(overview.failing, "run"), MAX_NAME)
            .raw("</span></p>");
    }
    page.raw("</th><td>")
        .text(&test.system, MAX_NAME)
        .raw("</td><td>");
    run_strip::strip(page, &overview.last);
    page.raw("</td><td class=\"n\" data-label=\"failed\">")
        .amount(overview.failed)
        .raw(" of ")
        .amount(overview.runs)
        .raw("</td><td class=\"n\" data-label=\"usually\">");
    if let Some(usual) = overview.usual_ms {
        page.span(usual);
    }
    page.raw("</td></tr>\n");
}
