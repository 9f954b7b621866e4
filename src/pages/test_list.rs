//! The tests of a template over its last plans: those that fail first, then the flaky ones.

use serde::Serialize;

use super::{
    execution_table::name,
    layout::{Entry, Frame},
    run_strip,
    site::{MAX_LINK, Site, percent_encoded},
};
use crate::{
    model::{Capabilities, PlanId, RunEnd, TestId},
    report::{
        html::{MAX_NAME, Markup},
        view::Mark,
    },
    store::KnownTest,
    text::counted,
    trend::TestOverview,
};

/// Tests of a page.
const ROWS: usize = 100;

/// Which tests are shown: the value of `show` in the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ShownTests {
    #[default]
    All,
    /// The newest verdict is a failure.
    Failing,
    Flaky,
}

impl ShownTests {
    /// All of them.
    pub(crate) const EACH: [(Self, &'static str); 3] = [
        (Self::All, "all"),
        (Self::Failing, "failing"),
        (Self::Flaky, "flaky"),
    ];

    fn has(self, test: &TestOverview) -> bool {
        match self {
            Self::All => true,
            Self::Failing => test.failing > 0,
            Self::Flaky => test.is_flaky,
        }
    }
}

/// In which order: the value of `sort` in the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TestOrder {
    /// What fails since a short time, what fails longer, what fails and is flaky, what is flaky, what failed, the rest.
    #[default]
    Attention,
    /// The longest first.
    Slow,
    /// By suite and test case.
    Name,
}

impl TestOrder {
    /// All of them.
    pub(crate) const EACH: [(Self, &'static str); 3] = [
        (Self::Attention, "attention"),
        (Self::Slow, "slow"),
        (Self::Name, "name"),
    ];
}

/// What was asked for in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TestListQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<PlanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<String>,
    pub(crate) show: ShownTests,
    pub(crate) sort: TestOrder,
    /// A part of the name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) find: String,
    /// How many tests are before the page.
    pub(crate) skip: usize,
}

/// A template to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TemplateChoice {
    pub(crate) template_id: PlanId,
    pub(crate) project: String,
    pub(crate) title: String,
}

/// A test of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ListedTest {
    pub(crate) suite: String,
    pub(crate) testcase: String,
    pub(crate) system: String,
    #[serde(flatten)]
    pub(crate) overview: TestOverview,
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

/// The tests of a page, of all that were found: what they are counted as, and those to show.
#[derive(Debug)]
pub(crate) struct ChosenTests {
    pub(crate) all: usize,
    pub(crate) failing: usize,
    pub(crate) flaky: usize,
    pub(crate) listed: usize,
    pub(crate) shown: Vec<TestOverview>,
}

/// Chooses what a page shows. `names` has the names of all tests if they are needed, sorted by number.
pub(crate) fn choose(
    query: &TestListQuery,
    mut tests: Vec<TestOverview>,
    names: &[KnownTest],
) -> ChosenTests {
    let name_of = |test: &TestOverview| find_name(names, test.test_id);
    let find = query.find.trim().to_lowercase();
    if !find.is_empty() {
        tests.retain(|test| {
            name_of(test).is_some_and(|known| {
                format!("{} {}", known.test.suite, known.test.testcase)
                    .to_lowercase()
                    .contains(&find)
            })
        });
    }
    let count = |shown: ShownTests| tests.iter().filter(|test| shown.has(test)).count();
    let [all, failing, flaky] = ShownTests::EACH.map(|(shown, _)| count(shown));
    tests.retain(|test| query.show.has(test));
    match query.sort {
        TestOrder::Attention => tests.sort_by_key(attention),
        TestOrder::Slow => tests.sort_by_key(|test| std::cmp::Reverse(test.usual_ms)),
        TestOrder::Name => tests.sort_by_cached_key(|test| {
            name_of(test).map(|known| (known.test.suite.clone(), known.test.testcase.clone()))
        }),
    }
    let listed = tests.len();
    let shown = tests.into_iter().skip(query.skip).take(ROWS).collect();
    ChosenTests {
        all,
        failing,
        flaky,
        listed,
        shown,
    }
}

impl TestListQuery {
    /// Whether the names of all tests are needed, not only of those that are shown.
    pub(crate) fn needs_names(&self) -> bool {
        self.sort == TestOrder::Name || !self.find.trim().is_empty()
    }
}

/// The name of a test in a list that is sorted by number.
pub(super) fn find_name(names: &[KnownTest], id: TestId) -> Option<&KnownTest> {
    let place = names.binary_search_by_key(&id.0, |known| known.id.0).ok()?;
    names.get(place)
}

/// The row of a test.
pub(crate) fn listed(
    overview: TestOverview,
    names: &[KnownTest],
    systems: &[(i64, Capabilities)],
) -> ListedTest {
    let known = find_name(names, overview.test_id);
    let system = systems.iter().find(|(set, _)| *set == overview.label_set);
    ListedTest {
        suite: known
            .map(|known| known.test.suite.clone())
            .unwrap_or_default(),
        testcase: known
            .map(|known| known.test.testcase.clone())
            .unwrap_or_default(),
        system: system
            .map(|(_, labels)| labels.to_string())
            .unwrap_or_default(),
        overview,
    }
}

fn attention(test: &TestOverview) -> (u8, u64) {
    if test.failing > 0 {
        (u8::from(test.is_flaky), test.failing)
    } else if test.is_flaky {
        (2, u64::MAX - test.failed)
    } else if test.last.first() == Some(&RunEnd::CouldNotRun) {
        (3, 0)
    } else {
        (4, u64::MAX - test.failed)
    }
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
        page.raw("</ul></nav>\n<p class=\"quiet\">In the last ")
            .text(&counted(self.plans.len() as u64, "plan"), MAX_NAME)
            .raw(". Order: ");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExecutionId, Test};

    fn test(id: i64, failing: u64, is_flaky: bool, failed: u64) -> TestOverview {
        TestOverview {
            test_id: TestId(id),
            label_set: 1,
            last: vec![RunEnd::Passed],
            execution_id: ExecutionId(id),
            plan_id: PlanId(1),
            runs: 20,
            failed,
            is_flaky,
            failing,
            failing_since: None,
            usual_ms: Some(u64::try_from(id).unwrap_or(0)),
        }
    }

    fn ids(chosen: &ChosenTests) -> Vec<i64> {
        chosen.shown.iter().map(|test| test.test_id.0).collect()
    }

    fn names() -> Vec<KnownTest> {
        let name = |(id, testcase): (i64, &str)| KnownTest {
            id: TestId(id),
            project: "p".to_owned(),
            test: Test {
                suite: "s".to_owned(),
                testcase: testcase.to_owned(),
            },
        };
        [(1, "Zebra"), (2, "apple"), (3, "login"), (4, "logout")]
            .map(name)
            .to_vec()
    }

    #[test]
    fn what_fails_since_yesterday_comes_first() {
        let all = vec![
            test(1, 0, false, 0),
            test(2, 0, true, 3),
            test(3, 9, false, 9),
            test(4, 1, false, 1),
        ];
        let chosen = choose(&TestListQuery::default(), all.clone(), &[]);
        assert_eq!(ids(&chosen), [4, 3, 2, 1]);
        assert_eq!(
            (chosen.all, chosen.failing, chosen.flaky, chosen.listed),
            (4, 2, 1, 4)
        );
        let show = |show| TestListQuery {
            show,
            ..TestListQuery::default()
        };
        let chosen = choose(&show(ShownTests::Flaky), all.clone(), &[]);
        assert_eq!((ids(&chosen), chosen.all, chosen.listed), (vec![2], 4, 1));
        let slow = TestListQuery {
            sort: TestOrder::Slow,
            ..TestListQuery::default()
        };
        assert_eq!(ids(&choose(&slow, all.clone(), &[])), [4, 3, 2, 1]);
        let by_name = TestListQuery {
            sort: TestOrder::Name,
            ..TestListQuery::default()
        };
        assert_eq!(ids(&choose(&by_name, all.clone(), &names())), [1, 2, 3, 4]);
        let find = TestListQuery {
            find: "LOG".to_owned(),
            skip: 1,
            ..TestListQuery::default()
        };
        let chosen = choose(&find, all, &names());
        assert_eq!((ids(&chosen), chosen.all), (vec![3], 2));
    }
}
