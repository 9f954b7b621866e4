//! The page of an execution: its state, its attempts and its lease history.

use serde::Serialize;

use super::{
    attempt_cards::{self, Attempt},
    audit_page, confirm_page,
    execution_table::name,
    layout::{Entry, Frame, crumb, fact},
    lease_events,
    page_state::of_execution,
    run_strip,
    site::{MAX_LINK, Site},
    test_page,
};
use crate::{
    api::{
        actions::ActionResponse,
        execution_list::{EventResponse, ExecutionResponse},
    },
    model::{Capabilities, ExecutionState, PlanId},
    report::{
        html::{Markup, value_table},
        time_text::duration_text,
    },
    trend::SystemTrend,
};

/// Longest error, in bytes.
const MAX_ERROR: usize = 64 * 1024;

/// An execution's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ExecutionPage {
    /// Now, by the service's clock.
    pub(crate) server_dt: i64,
    pub(crate) plan_id: PlanId,
    pub(crate) plan_title: String,
    pub(crate) execution: ExecutionResponse,
    /// More about its error.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) details: String,
    /// How the test does on this system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trend: Option<SystemTrend>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) events: Vec<EventResponse>,
    /// Whether earlier events are left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_cut: bool,
    /// What was done just now.
    #[serde(skip)]
    pub(crate) done: Option<ActionResponse>,
}

impl ExecutionPage {
    /// Fills in the attempts, with the pages of the CI jobs of their workers.
    pub(crate) fn with_attempts(mut self, jobs: &[(String, String)]) -> Self {
        self.attempts = attempt_cards::attempts(&self.events, jobs);
        self
    }

    /// The page.
    pub(crate) fn html(&self, site: &Site) -> Vec<u8> {
        let mut content = Markup::default();
        let title = self.plan_title.trim();
        let title = if title.is_empty() { "Test plan" } else { title };
        crumb(&mut content, &site.plan(self.plan_id), title);
        audit_page::note(&mut content, self.done.as_ref());
        self.head(&mut content);
        self.trend(&mut content, site);
        if site.can_act && self.execution.state == ExecutionState::Reserved {
            let path = site.execution(self.plan_id, self.execution.execution_id);
            confirm_page::actions(
                &mut content,
                &[(format!("{path}/release"), "Release lease …")],
            );
        }
        self.error(&mut content);
        attempt_cards::section(&mut content, &self.attempts, self.server_dt);
        if self.is_cut {
            content.raw("<p class=\"more\">Earlier events are left out; <code>GET /testplan/v1/plans/ID/events</code> has all.</p>\n");
        }
        lease_events::history(&mut content, &self.events);
        let path = format!(
            "/plans/{}/executions/{}",
            self.plan_id, self.execution.execution_id
        );
        let mark = of_execution(&self.execution);
        let frame = Frame {
            site,
            entry: Entry::Plans,
            title: &format!("{} {}", mark.symbol, self.execution.testcase),
            json: Some(&format!("{path}.json")),
            live: None,
            now: Some(self.server_dt),
        };
        frame.page(&content)
    }

    fn head(&self, page: &mut Markup) {
        let execution = &self.execution;
        let mark = of_execution(execution);
        page.raw("<div class=\"")
            .raw(mark.class)
            .raw("\">\n<h1><span class=\"verdict\"><span class=\"seal\" aria-hidden=\"true\">")
            .raw(mark.symbol)
            .raw("</span> <span class=\"word\">")
            .raw(mark.word)
            .raw("</span></span> <span class=\"title\">");
        name(page, &execution.suite, &execution.testcase);
        page.raw("</span></h1>\n<dl class=\"facts\">\n<div><dt>Execution</dt><dd>#")
            .number(execution.execution_id.0)
            .raw("</dd></div>\n");
        let labels = Capabilities::from(execution.labels.clone());
        fact(page, "Requires", &labels.to_string());
        for (heading, duration) in [
            ("Took", execution.duration_ms),
            ("Usually takes", execution.expected_ms),
        ] {
            fact(
                page,
                heading,
                &duration.map(duration_text).unwrap_or_default(),
            );
        }
        page.raw("<div><dt>Attempts</dt><dd>")
            .number(execution.attempts)
            .raw("</dd></div>\n");
        if execution.generation > 0 {
            page.raw("<div><dt>Resets</dt><dd>")
                .number(execution.generation)
                .raw("</dd></div>\n");
        }
        if execution.flaky {
            fact(page, "Flaky", "passed after it failed");
        }
        page.raw("</dl>\n</div>\n");
    }

    fn trend(&self, page: &mut Markup, site: &Site) {
        page.raw("<section id=\"trend\">\n<h2>This test over time</h2>\n");
        if let Some(trend) = &self.trend {
            page.raw("<div class=\"line\">");
            run_strip::strip(page, &trend.last);
            page.raw("<span>");
            test_page::state(page, site, trend);
            page.raw("</span></div>\n");
        }
        page.raw("<p><a href=\"")
            .text(&site.test(self.execution.test_id), MAX_LINK)
            .raw("\">All runs of this test</a></p>\n</section>\n");
    }

    fn error(&self, page: &mut Markup) {
        if let Some(failure) = &self.execution.failure {
            page.raw("<section id=\"error\">\n<h2>Why it failed</h2>\n");
            value_table(page, "", failure);
            page.raw("<pre tabindex=\"0\">")
                .block(failure, MAX_ERROR)
                .raw("</pre>\n</section>\n");
        }
        let Some(error) = &self.execution.error else {
            return;
        };
        page.raw("<section id=\"error\">\n<h2>Why it could not run</h2>\n<pre tabindex=\"0\">")
            .block(error, MAX_ERROR);
        if !self.details.trim().is_empty() {
            page.raw("\n\n").block(&self.details, MAX_ERROR);
        }
        page.raw("</pre>\n</section>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExecutionId, ExecutionState, TestId};

    #[test]
    fn failure_keeps_its_colours_and_has_its_values_side_by_side() {
        let page = ExecutionPage {
            server_dt: 0,
            plan_id: PlanId(1),
            plan_title: String::new(),
            execution: ExecutionResponse {
                execution_id: ExecutionId(1),
                test_id: TestId(1),
                suite: String::new(),
                testcase: "a".to_owned(),
                labels: Vec::new(),
                state: ExecutionState::Done,
                attempts: 1,
                generation: 0,
                verdict: None,
                flaky: false,
                error: None,
                failure: Some("\u{1b}[31mexpected: <<b>> but was: <2>\u{1b}[0m".to_owned()),
                duration_ms: None,
                expected_ms: None,
            },
            details: String::new(),
            trend: None,
            attempts: Vec::new(),
            done: None,
            events: Vec::new(),
            is_cut: false,
        };
        let mut markup = Markup::default();
        page.error(&mut markup);
        let markup = markup.into_text();
        assert!(
            markup.contains("<td><pre><mark>&lt;b&gt;</mark></pre></td>"),
            "{markup}"
        );
        assert!(
            markup.contains(
                "<span class=\"fg-1\">expected: &lt;&lt;b&gt;&gt; but was: &lt;2&gt;</span></pre>"
            ),
            "{markup}"
        );
    }
}
