//! What went wrong, most frequent first: tests that failed or could not run, grouped by the first line of their message; failed ones
//! without a message by suite.

use serde::Serialize;

use super::{
    execution_table::name,
    site::{MAX_LINK, Site},
};
use crate::{
    api::execution_list::ExecutionResponse,
    model::{Capabilities, PlanId, TestVerdict},
    report::{
        html::{MAX_MESSAGE, Markup},
        sanitise::strip_escapes,
        view::Mark,
    },
};

/// Most groups on a page.
const MAX_GROUPS: usize = 50;
/// Most tests of a group that are named.
const MAX_NAMED: usize = 10;
/// Longest reason, in bytes.
const MAX_REASON: usize = 300;

/// Tests that ended for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ProblemGroup {
    /// Whether they ran; otherwise they could not.
    pub(crate) failed: bool,
    /// The first line of the message; absent for failed tests without one.
    pub(crate) reason: Option<String>,
    /// The suite of failed tests without a message.
    pub(crate) suite: Option<String>,
    pub(crate) executions: Vec<ExecutionResponse>,
}

/// Groups these executions, failed ones first. Those without a problem are left out.
pub(super) fn group(executions: Vec<ExecutionResponse>) -> Vec<ProblemGroup> {
    let mut groups: Vec<ProblemGroup> = Vec::new();
    for execution in executions {
        let failed = execution.verdict == Some(TestVerdict::Failed);
        let (reason, suite) = match (&execution.error, &execution.failure, failed) {
            (Some(why), _, false) | (_, Some(why), true) => (Some(first_line(why)), None),
            (_, None, true) => (None, Some(execution.suite.clone())),
            (None, _, false) => continue,
        };
        let same = |it: &&mut ProblemGroup| {
            it.failed == failed && it.reason == reason && it.suite == suite
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.executions.push(execution),
            None => groups.push(ProblemGroup {
                failed,
                reason,
                suite,
                executions: vec![execution],
            }),
        }
    }
    groups.sort_by_key(|it| (!it.failed, std::cmp::Reverse(it.executions.len())));
    groups
}

fn first_line(error: &str) -> String {
    let plain = strip_escapes(error);
    let line = plain.lines().map(str::trim).find(|line| !line.is_empty());
    crate::report::excerpt::shorten(line.unwrap_or("no message"), MAX_REASON)
}

/// The section; nothing without problems. `more` counts those that were not read.
pub(super) fn section(
    page: &mut Markup,
    site: &Site,
    plan: PlanId,
    (groups, more): (&[ProblemGroup], u64),
) {
    if groups.is_empty() {
        return;
    }
    page.raw("<h2>What went wrong</h2>\n");
    if groups.iter().any(|group| group.suite.is_some()) {
        page.raw("<p class=\"quiet\">Where a failure has no message here, the report of the workers or an uploaded result file may have one.</p>\n");
    }
    for group in groups.iter().take(MAX_GROUPS) {
        draw(page, site, plan, group);
    }
    let hidden: usize = groups
        .iter()
        .skip(MAX_GROUPS)
        .map(|it| it.executions.len())
        .sum();
    let more = more + hidden as u64;
    if more > 0 {
        page.raw("<p class=\"more\">")
            .amount(more)
            .raw(" more are only in the lists below.</p>\n");
    }
}

fn draw(page: &mut Markup, site: &Site, plan: PlanId, group: &ProblemGroup) {
    let mark = if group.failed {
        Mark::FAILED
    } else {
        Mark::COULD_NOT_RUN
    };
    page.raw("<article class=\"card ")
        .raw(mark.class)
        .raw("\"><div class=\"head\"><h3><span class=\"mark\" aria-hidden=\"true\">")
        .raw(mark.symbol)
        .raw("</span> ")
        .amount(group.executions.len() as u64)
        .raw(" ")
        .raw(mark.word);
    if let Some(suite) = group.suite.as_ref().filter(|suite| !suite.is_empty()) {
        page.raw(" in <bdi>").text(suite, MAX_REASON).raw("</bdi>");
    }
    page.raw("</h3></div>\n");
    if let Some(reason) = &group.reason {
        page.raw("<p class=\"message\">")
            .text(reason, MAX_MESSAGE)
            .raw("</p>\n");
    }
    page.raw("<ul class=\"named\">");
    for execution in group.executions.iter().take(MAX_NAMED) {
        page.raw("<li><a href=\"")
            .text(&site.execution(plan, execution.execution_id), MAX_LINK)
            .raw("\">");
        let suite = match group.suite {
            Some(_) => "",
            None => &execution.suite,
        };
        name(page, suite, &execution.testcase);
        page.raw("</a>");
        if !execution.labels.is_empty() {
            let labels = Capabilities::from(execution.labels.clone());
            page.raw(" <span class=\"quiet\">on <bdi>")
                .text(&labels.to_string(), MAX_REASON)
                .raw("</bdi></span>");
        }
        page.raw("</li>");
    }
    if group.executions.len() > MAX_NAMED {
        page.raw("<li class=\"quiet\">and ")
            .number(group.executions.len() - MAX_NAMED)
            .raw(" more</li>");
    }
    page.raw("</ul></article>\n");
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{ExecutionId, ExecutionState, TestId};

    /// An execution that ended, with a message.
    pub(crate) fn ended(
        id: i64,
        suite: &str,
        verdict: Option<TestVerdict>,
        error: Option<&str>,
    ) -> ExecutionResponse {
        ExecutionResponse {
            execution_id: ExecutionId(id),
            test_id: TestId(id),
            suite: suite.to_owned(),
            testcase: format!("t{id}"),
            labels: Vec::new(),
            state: ExecutionState::Done,
            attempts: 1,
            generation: 0,
            verdict,
            flaky: false,
            error: error.filter(|_| verdict.is_none()).map(str::to_owned),
            failure: error.filter(|_| verdict.is_some()).map(str::to_owned),
            duration_ms: None,
            expected_ms: None,
        }
    }

    #[test]
    fn problems_are_grouped_by_first_line_and_failures_come_first() {
        let failed = Some(TestVerdict::Failed);
        let groups = group(vec![
            ended(1, "a", None, Some("no licence\nhost x")),
            ended(2, "a", failed, None),
            ended(3, "b", None, Some("\n \u{1b}[31mno licence\u{1b}[0m")),
            ended(4, "b", failed, None),
            ended(5, "b", failed, None),
            ended(6, "b", Some(TestVerdict::Passed), None),
            ended(7, "c", None, Some("")),
            ended(8, "c", failed, Some("expected 3, got 4")),
            ended(9, "d", failed, Some("expected 3, got 4\nat x")),
            ended(10, "d", failed, Some("expected 3, got 4")),
        ]);
        let shown: Vec<_> = groups
            .iter()
            .map(|it| {
                let what = it.reason.as_deref().or(it.suite.as_deref());
                (it.failed, what.unwrap_or_default(), it.executions.len())
            })
            .collect();
        assert_eq!(
            shown,
            [
                (true, "expected 3, got 4", 3),
                (true, "b", 2),
                (true, "a", 1),
                (false, "no licence", 2),
                (false, "no message", 1)
            ]
        );
    }
}
