//! The executions of a plan that a filter wants, a page at a time.

use serde::Serialize;

use super::{
    page_state::of_execution,
    plan_counts::PlanCounts,
    site::{MAX_LINK, Site},
};
use crate::{
    api::execution_list::ExecutionResponse,
    model::{Capabilities, PlanId},
    report::{
        html::{MAX_NAME, Markup, tables::state},
        view::Mark,
    },
};

/// Longest error in a row, in bytes.
const MAX_ERROR: usize = 200;

/// Which executions a page lists: the value of `state` in its address, and the words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ListedState {
    All,
    Failed,
    CouldNotRun,
    NoVerdict,
    Flaky,
    Running,
    Open,
    Passed,
    Skipped,
}

impl ListedState {
    const EACH: [(Self, &'static str, Mark); 8] = [
        (Self::Failed, "failed", Mark::FAILED),
        (Self::CouldNotRun, "could-not-run", Mark::COULD_NOT_RUN),
        (Self::NoVerdict, "no-verdict", super::page_state::NO_VERDICT),
        (Self::Flaky, "flaky", Mark::FLAKY),
        (Self::Running, "running", super::page_state::RUNNING),
        (Self::Open, "open", super::page_state::OPEN),
        (Self::Passed, "passed", Mark::PASSED),
        (Self::Skipped, "skipped", Mark::SKIPPED),
    ];

    /// The filter of a word in an address.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        if word == "all" {
            return Some(Self::All);
        }
        let mut each = Self::EACH.iter();
        each.find(|(_, known, _)| *known == word).map(|it| it.0)
    }

    /// The words of all filters, for a message.
    pub(crate) fn words() -> String {
        let words: Vec<&str> = Self::EACH.iter().map(|(_, word, _)| *word).collect();
        format!("all, {}", words.join(", "))
    }

    fn word(self) -> &'static str {
        let mut each = Self::EACH.iter();
        each.find(|(it, ..)| *it == self).map_or("all", |it| it.1)
    }

    fn count(self, counts: &PlanCounts) -> Option<u64> {
        Some(match self {
            Self::All => counts.total,
            Self::Failed => counts.failed,
            Self::CouldNotRun => counts.could_not_run,
            Self::NoVerdict => counts.no_verdict,
            // The store does not count them.
            Self::Flaky => return None,
            Self::Running => counts.reserved,
            Self::Open => counts.open,
            Self::Passed => counts.passed,
            Self::Skipped => counts.skipped,
        })
    }
}

/// The executions that a filter wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ListedExecutions {
    pub(crate) state: ListedState,
    pub(crate) items: Vec<ExecutionResponse>,
    /// The `after` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<i64>,
    /// Where this page begins; 0 for the first.
    #[serde(skip)]
    pub(crate) after: i64,
}

fn address(page: &mut Markup, site: &Site, plan: PlanId, state: ListedState) {
    page.text(&site.plan(plan), MAX_LINK);
    page.raw("?state=").raw(state.word());
}

/// The counts as links to their lists.
pub(super) fn counters(
    page: &mut Markup,
    site: &Site,
    plan: PlanId,
    counts: &PlanCounts,
    shown: ListedState,
) {
    page.raw("<ul class=\"counters\">\n");
    let all = Mark {
        class: "all",
        symbol: "",
        word: "all",
    };
    let each = ListedState::EACH.iter();
    let each = each.map(|(state, _, mark)| (*state, *mark));
    for (state, mark) in std::iter::once((ListedState::All, all)).chain(each) {
        let count = state.count(counts);
        let may_have = count.map_or(counts.done > 0, |count| count > 0);
        if !may_have && state != shown && state != ListedState::All {
            continue;
        }
        page.raw("<li><a class=\"")
            .raw(mark.class)
            .raw("\" href=\"");
        address(page, site, plan, state);
        page.raw("#tests\"");
        if state == shown {
            page.raw(" aria-current=\"true\"");
        }
        page.raw(">");
        if let Some(count) = count {
            page.raw("<b>").amount(count).raw("</b> ");
        }
        page.raw("<span><span class=\"mark\" aria-hidden=\"true\">")
            .raw(mark.symbol)
            .raw("</span> ")
            .raw(mark.word)
            .raw("</span></a></li>\n");
    }
    page.raw("</ul>\n");
}

impl ListedExecutions {
    /// The query of the address that lists the same; nothing for the first tests of all.
    pub(super) fn query(&self) -> String {
        match (self.state, self.after) {
            (ListedState::All, 0) => String::new(),
            (state, 0) => format!("?state={}", state.word()),
            (state, after) => format!("?state={}&after={after}", state.word()),
        }
    }

    /// The table with links to the pages around it.
    pub(super) fn section(&self, page: &mut Markup, site: &Site, plan: PlanId) {
        page.raw("<section id=\"tests\">\n<h2>Tests");
        if self.state != ListedState::All {
            page.raw(": ").raw(self.state.word());
        }
        page.raw("</h2>\n");
        if self.items.is_empty() {
            page.raw("<p class=\"quiet\">No test is in this list now. <a href=\"");
            address(page, site, plan, ListedState::All);
            page.raw("#tests\">All tests</a></p>\n");
        } else {
            page.raw("<div class=\"wide\" role=\"region\" aria-label=\"Tests\" tabindex=\"0\"><table class=\"tests\">\n<thead><tr><th scope=\"col\">State</th><th scope=\"col\">Test</th><th scope=\"col\">Requires</th><th scope=\"col\" class=\"n\">Took</th><th scope=\"col\" class=\"n\">Usually</th><th scope=\"col\" class=\"n\">Attempts</th></tr></thead>\n<tbody>\n");
            for item in &self.items {
                page.raw("<tr id=\"e-")
                    .number(item.execution_id.0)
                    .raw("\">");
                cells(page, site, plan, item);
                page.raw("</tr>\n");
            }
            page.raw("</tbody>\n</table></div>\n");
        }
        self.turn(page, site, plan);
        page.raw("</section>\n");
    }

    fn turn(&self, page: &mut Markup, site: &Site, plan: PlanId) {
        if self.next.is_none() && self.after == 0 {
            return;
        }
        page.raw("<nav class=\"turn\" aria-label=\"More tests\">");
        if self.after > 0 {
            page.raw("<a href=\"");
            address(page, site, plan, self.state);
            page.raw("#tests\">First</a> ");
        }
        if let Some(next) = self.next {
            page.raw("<a rel=\"next\" href=\"");
            address(page, site, plan, self.state);
            page.raw("&amp;after=")
                .number(next)
                .raw("#tests\">Next</a>");
        }
        page.raw("</nav>\n");
    }
}

/// Suite and test case.
pub(super) fn name(page: &mut Markup, suite: &str, testcase: &str) {
    if !suite.trim().is_empty() {
        page.raw("<bdi class=\"suite\">")
            .text(suite, MAX_NAME)
            .raw("</bdi> ");
    }
    page.raw("<bdi>").text(testcase, MAX_NAME).raw("</bdi>");
}

/// What is in the row of an execution.
pub(super) fn cells(page: &mut Markup, site: &Site, plan: PlanId, item: &ExecutionResponse) {
    let mark = of_execution(item);
    page.raw("<td>");
    state(page, mark, mark.word);
    page.raw(if item.flaky { ", flaky" } else { "" })
        .raw("</td><th scope=\"row\"><a href=\"")
        .text(&site.execution(plan, item.execution_id), MAX_LINK)
        .raw("\">");
    name(page, &item.suite, &item.testcase);
    page.raw("</a>");
    if let Some(error) = item.error.as_ref().or(item.failure.as_ref()) {
        let first = error.lines().next().unwrap_or_default();
        page.raw("<p class=\"line\"><span>")
            .text(first, MAX_ERROR)
            .raw("</span></p>");
    }
    page.raw("</th><td>")
        .text(
            &Capabilities::from(item.labels.clone()).to_string(),
            MAX_NAME,
        )
        .raw("</td>");
    for (label, duration) in [
        ("<td class=\"n\" data-label=\"took\">", item.duration_ms),
        ("<td class=\"n\" data-label=\"usually\">", item.expected_ms),
    ] {
        page.raw(label);
        if let Some(duration) = duration {
            page.span(duration);
        }
        page.raw("</td>");
    }
    page.raw("<td class=\"n\" data-label=\"attempts\">")
        .number(item.attempts)
        .raw("</td>");
}
