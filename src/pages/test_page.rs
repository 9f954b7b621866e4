//! A test over time: on which systems it fails and since which commit, how it did each day, its failures by message, its runs.

use serde::Serialize;

use super::{
    execution_table::name,
    layout::{Entry, Frame, crumb},
    run_strip,
    site::{MAX_LINK, Site},
    test_runs::{self, RunRow},
};
use crate::{
    model::{RunEnd, TestId},
    report::{
        html::{MAX_MESSAGE, MAX_NAME, Markup},
        view::Mark,
    },
    store::{KnownTest, TestRun},
    text::{counted, short_commit},
    trend::{self, Day, MessageGroup, RunPlace, Spell, SystemTrend},
};

/// Days of the drawing.
const DAYS: u16 = 30;
/// Runs whose durations are drawn.
const DRAWN: usize = 60;
/// Runs in the list of a page.
const ROWS: usize = 100;
/// Groups of messages.
const MESSAGES: usize = 20;

/// What the page is made of.
pub(crate) struct TestInput {
    pub(crate) server_dt: i64,
    pub(crate) test: KnownTest,
    /// The branch that was asked for.
    pub(crate) branch: Option<String>,
    /// Its runs, newest first, of every branch.
    pub(crate) runs: Vec<TestRun>,
    /// The `before` of the next page.
    pub(crate) next: Option<i64>,
    /// Whether newer runs are on an earlier page.
    pub(crate) is_later_page: bool,
}

/// A test's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TestPage {
    /// Now, by the service's clock.
    server_dt: i64,
    test_id: TestId,
    project: String,
    suite: String,
    testcase: String,
    /// The branch whose runs these are; of every branch if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    /// The branches of the runs that were read.
    branches: Vec<String>,
    systems: Vec<SystemTrend>,
    days: Vec<Day>,
    failures: Vec<MessageGroup>,
    runs: Vec<RunRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
    #[serde(skip)]
    is_later_page: bool,
}

impl TestPage {
    /// The page of these facts.
    pub(crate) fn of(input: TestInput) -> Self {
        let mut branches: Vec<String> = input
            .runs
            .iter()
            .map(|run| run.origin.branch.clone())
            .collect();
        branches.sort_unstable();
        branches.dedup();
        let wanted = |run: &TestRun| {
            let branch = input.branch.as_ref();
            branch.is_none_or(|branch| run.origin.branch == *branch)
        };
        let runs: Vec<TestRun> = input.runs.into_iter().filter(wanted).collect();
        let mut failures = trend::by_message(&runs);
        failures.truncate(MESSAGES);
        Self {
            systems: trend::trends(&runs),
            days: trend::days(&runs, input.server_dt, DAYS),
            failures,
            next: runs
                .get(ROWS)
                .map_or(input.next, |_| Some(runs[ROWS - 1].execution.0)),
            runs: runs.iter().take(ROWS).map(RunRow::of).collect(),
            server_dt: input.server_dt,
            test_id: input.test.id,
            project: input.test.project,
            suite: input.test.test.suite,
            testcase: input.test.test.testcase,
            branch: input.branch,
            branches,
            is_later_page: input.is_later_page,
        }
    }

    /// The page.
    pub(crate) fn html(&self, site: &Site) -> Vec<u8> {
        let mut content = Markup::default();
        crumb(&mut content, &site.path("/tests"), "Tests");
        self.head(&mut content);
        self.branches(&mut content, site);
        self.systems(&mut content, site);
        self.history(&mut content);
        self.failures(&mut content, site);
        test_runs::section(&mut content, site, &self.runs);
        self.turn(&mut content, site);
        let path = format!("/tests/{}.json", self.test_id);
        let frame = Frame {
            site,
            entry: Entry::Tests,
            title: &format!("{} {}", self.mark().symbol, self.testcase),
            json: Some(&path),
            live: None,
            now: Some(self.server_dt),
        };
        frame.page(&content)
    }

    fn mark(&self) -> Mark {
        let any = |wanted: &dyn Fn(&SystemTrend) -> bool| self.systems.iter().any(wanted);
        if any(&|system| system.failing.is_some()) {
            Mark {
                word: "failing",
                ..Mark::FAILED
            }
        } else if any(&|system| system.is_flaky) {
            Mark::FLAKY
        } else if any(&|system| system.runs > 0) {
            Mark {
                word: "passing",
                ..Mark::PASSED
            }
        } else {
            super::page_state::NO_VERDICT
        }
    }

    fn head(&self, page: &mut Markup) {
        let mark = self.mark();
        page.raw("<div class=\"")
            .raw(mark.class)
            .raw("\">\n<h1><span class=\"verdict\"><span class=\"seal\" aria-hidden=\"true\">")
            .raw(mark.symbol)
            .raw("</span> <span class=\"word\">")
            .raw(mark.word)
            .raw("</span></span> <span class=\"title\">");
        name(page, &self.suite, &self.testcase);
        page.raw("</span></h1>\n<p class=\"lead\">")
            .text(&self.sentence(), MAX_MESSAGE)
            .raw("</p>\n<p class=\"line\"><span>Project: <bdi>")
            .text(&self.project, MAX_NAME)
            .raw("</bdi></span></p>\n</div>\n");
    }

    fn sentence(&self) -> String {
        let failing = self.systems.iter().filter_map(|system| {
            let spell = system.failing.as_ref()?;
            Some((system.system.as_str(), spell))
        });
        let failing: Vec<(&str, &Spell)> = failing.collect();
        if failing.is_empty() {
            let ends: Vec<RunEnd> = self.runs.iter().map(|run| run.end).collect();
            return format!("In the runs below: {}.", run_strip::in_words(&ends));
        }
        let each = failing.iter().map(|(system, spell)| {
            format!(
                "fails on {system} since plan {}{}",
                spell.first.plan_id,
                at_commit(&spell.first)
            )
        });
        let text = each.collect::<Vec<_>>().join("; ");
        format!("It {text}.")
    }

    fn branches(&self, page: &mut Markup, site: &Site) {
        let named = self.branches.iter().filter(|branch| !branch.is_empty());
        let named: Vec<&String> = named.take(30).collect();
        if named.is_empty() || (named.len() == 1 && self.branches.len() == 1) {
            return;
        }
        let address = site.test(self.test_id);
        page.raw("<nav aria-label=\"Branches\"><ul class=\"counters\">\n<li><a href=\"")
            .text(&address, MAX_LINK)
            .raw("\"");
        if self.branch.is_none() {
            page.raw(" aria-current=\"true\"");
        }
        page.raw(">all branches</a></li>\n");
        for branch in named {
            let link = format!("{address}?branch={}", super::site::percent_encoded(branch));
            page.raw("<li><a href=\"").text(&link, MAX_LINK).raw("\"");
            if self.branch.as_ref() == Some(branch) {
                page.raw(" aria-current=\"true\"");
            }
            page.raw("><bdi>")
                .text(branch, MAX_NAME)
                .raw("</bdi></a></li>\n");
        }
        page.raw("</ul></nav>\n");
    }

    fn systems(&self, page: &mut Markup, site: &Site) {
        if self.systems.is_empty() {
            page.raw("<p class=\"quiet\">No run of this test is in this list.</p>\n");
            return;
        }
        page.raw("<section id=\"systems\">\n<h2>By system</h2>\n<div class=\"wide\" role=\"region\" aria-label=\"By system\" tabindex=\"0\"><table class=\"tests\">\n<thead><tr><th scope=\"col\">System</th><th scope=\"col\">Last runs</th><th scope=\"col\">State</th><th scope=\"col\" class=\"n\">Failed</th><th scope=\"col\" class=\"n\">Usually</th></tr></thead>\n<tbody>\n");
        for system in &self.systems {
            page.raw("<tr><th scope=\"row\"><bdi>")
                .text(&system.system, MAX_NAME)
                .raw("</bdi></th><td>");
            run_strip::strip(page, &system.last);
            page.raw("</td><td>");
            state(page, site, system);
            page.raw("</td><td class=\"n\" data-label=\"failed\">")
                .amount(system.failed)
                .raw(" of ")
                .amount(system.runs)
                .raw("</td><td class=\"n\" data-label=\"usually\">");
            if let Some(usual) = system.usual_ms {
                page.span(usual);
            }
            page.raw("</td></tr>\n");
        }
        page.raw("</tbody>\n</table></div>\n</section>\n");
    }

    fn history(&self, page: &mut Markup) {
        if self.runs.is_empty() {
            return;
        }
        page.raw("<section id=\"days\">\n<h2>Runs a day</h2>\n<p class=\"quiet\">The last ")
            .number(u64::from(DAYS))
            .raw(" days by UTC.</p>\n");
        run_strip::days(page, &self.days);
        page.raw("<details><summary>as a table</summary>\n<table>\n<thead><tr><th scope=\"col\">Day</th><th scope=\"col\">Runs</th></tr></thead>\n<tbody>\n");
        for day in self.days.iter().rev().filter(|day| day.runs() > 0) {
            page.raw("<tr><th scope=\"row\">");
            day_text(page, day.start_dt);
            page.raw("</th><td>");
            let counts = day.marked().map(|(count, mark)| (count, mark.word));
            page.text(&crate::text::nonzero_counts(&counts), MAX_NAME)
                .raw("</td></tr>\n");
        }
        page.raw("</tbody>\n</table></details>\n");
        let took = self
            .runs
            .iter()
            .filter_map(|run| Some((run.end, run.duration_ms?)));
        let took: Vec<(RunEnd, u64)> = took.take(DRAWN).collect();
        if took.len() > 1 {
            let longest = took.iter().map(|(_, ms)| *ms).max().unwrap_or(0);
            page.raw("<h2>Durations</h2>\n<p class=\"quiet\">The last ")
                .text(&counted(took.len() as u64, "run"), MAX_NAME)
                .raw("; the longest took ")
                .span(longest)
                .raw(".</p>\n");
            run_strip::durations(page, &took);
        }
        page.raw("</section>\n");
    }

    fn failures(&self, page: &mut Markup, site: &Site) {
        if self.failures.is_empty() {
            return;
        }
        page.raw("<section id=\"failures\">\n<h2>Failures by message</h2>\n");
        for group in &self.failures {
            page.raw("<div class=\"card failed\"><p class=\"message\"><b>")
                .amount(group.runs)
                .raw(" ×</b> ");
            if group.message.is_empty() {
                page.raw("<span class=\"quiet\">no message is known</span>");
            } else {
                page.text(&group.message, MAX_MESSAGE);
            }
            page.raw("</p><p class=\"line\"><span>on <bdi>")
                .text(&group.systems.join("; "), MAX_NAME)
                .raw("</bdi></span><span>last <a href=\"")
                .text(
                    &site.execution(group.last_plan, group.last_execution),
                    MAX_LINK,
                )
                .raw("\">in plan ")
                .number(group.last_plan.0)
                .raw("</a></span><span>")
                .time(crate::model::Timestamp(group.last_dt))
                .raw("</span></p></div>\n");
        }
        page.raw("</section>\n");
    }

    fn turn(&self, page: &mut Markup, site: &Site) {
        if self.next.is_none() && !self.is_later_page {
            return;
        }
        let address = site.test(self.test_id);
        page.raw("<nav class=\"turn\" aria-label=\"More runs\">");
        if self.is_later_page {
            page.raw("<a href=\"")
                .text(&address, MAX_LINK)
                .raw("\">Newest</a> ");
        }
        if let Some(next) = self.next {
            page.raw("<a rel=\"next\" href=\"")
                .text(&address, MAX_LINK)
                .raw("?before=")
                .number(next);
            if let Some(branch) = &self.branch {
                page.raw("&amp;branch=")
                    .text(&super::site::percent_encoded(branch), MAX_LINK);
            }
            page.raw("\">Older</a>");
        }
        page.raw("</nav>\n");
    }
}

/// What a system's trend says.
pub(super) fn state(page: &mut Markup, site: &Site, system: &SystemTrend) {
    if let Some(spell) = &system.failing {
        page.raw("<span class=\"state failed\">")
            .raw("failing since <a href=\"")
            .text(
                &site.execution(spell.first.plan_id, spell.first.execution_id),
                MAX_LINK,
            )
            .raw("\">plan ")
            .number(spell.first.plan_id.0)
            .raw("</a></span>");
        page.text(&at_commit(&spell.first), MAX_NAME);
        page.raw("<p class=\"line\"><span>")
            .text(&counted(spell.failures, "failure"), MAX_NAME)
            .raw(" in a row</span>");
        if let Some(pass) = &spell.last_pass {
            page.raw("<span>last passed in <a href=\"")
                .text(&site.execution(pass.plan_id, pass.execution_id), MAX_LINK)
                .raw("\">plan ")
                .number(pass.plan_id.0)
                .raw("</a>")
                .text(&at_commit(pass), MAX_NAME)
                .raw("</span>");
        }
        page.raw("</p>");
    }
    if system.is_flaky {
        page.raw("<span class=\"state flaky\"><span class=\"mark\" aria-hidden=\"true\">≈</span> flaky</span><p class=\"line\"><span>")
            .text(&why_flaky(system), MAX_NAME)
            .raw("</span></p>");
    } else if system.failing.is_none() && system.runs > 0 {
        page.raw("<span class=\"state passed\"><span class=\"mark\" aria-hidden=\"true\">✓</span> passing</span>");
    }
}

/// Why a test counts as flaky.
fn why_flaky(system: &SystemTrend) -> String {
    let mut reasons = Vec::new();
    if system.flaky > 0 {
        reasons.push(format!(
            "{} passed only after a failure",
            counted(system.flaky, "run")
        ));
    }
    if system.mixed_commits > 0 {
        reasons.push(format!(
            "both results on {}",
            counted(system.mixed_commits, "commit")
        ));
    }
    if system.transitions >= trend::TRANSITIONS_OF_FLAKY {
        reasons.push(format!(
            "changed {} times in the last 20 runs",
            system.transitions
        ));
    }
    reasons.join("; ")
}

/// `, commit 11c02e5d9f (main)` as far as it is known.
fn at_commit(place: &RunPlace) -> String {
    let commit = short_commit(&place.commit);
    match (commit, place.branch.as_str()) {
        ("", "") => String::new(),
        ("", branch) => format!(" ({branch})"),
        (commit, "") => format!(", commit {commit}"),
        (commit, branch) => format!(", commit {commit} ({branch})"),
    }
}

/// A day as people write it.
fn day_text(page: &mut Markup, start: i64) {
    if let Ok(time) = jiff::Timestamp::from_millisecond(start) {
        page.text(&time.strftime("%Y-%m-%d").to_string(), MAX_NAME);
    }
}
