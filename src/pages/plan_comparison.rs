//! A plan beside the one before: what failed newly, what was fixed, what is missing.

use serde::Serialize;

use super::{
    execution_table::name,
    site::{MAX_LINK, Site},
    test_choice::test_on_system,
};
use crate::{
    model::{Capabilities, ExecutionId, PlanId, TestId},
    report::{
        html::{MAX_NAME, Markup},
        view::Mark,
    },
    store::{KnownTest, PlanRun},
    text::{nonzero_counts, short_commit},
    trend::{Change, Comparison},
};

/// Tests of a list that are named.
pub(crate) const NAMED: usize = 10;

/// A test that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ChangedTest {
    pub(crate) test_id: TestId,
    pub(crate) execution_id: ExecutionId,
    pub(crate) suite: String,
    pub(crate) testcase: String,
    pub(crate) system: String,
    /// How long it took then and now, in milliseconds, if that is what changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) took_ms: Option<(u64, u64)>,
}

/// Tests that changed in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ChangedTests {
    pub(crate) kind: ChangeKind,
    pub(crate) count: u64,
    /// The first ten.
    pub(crate) tests: Vec<ChangedTest>,
}

/// In which way a test changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChangeKind {
    NewlyFailed,
    NewlyCouldNotRun,
    StillFailed,
    Fixed,
    NewlySkipped,
    Missing,
    Added,
    Slower,
}

impl ChangeKind {
    fn words(self) -> &'static str {
        match self {
            Self::NewlyFailed => "newly failed",
            Self::NewlyCouldNotRun => "newly could not run",
            Self::StillFailed => "still failed",
            Self::Fixed => "fixed",
            Self::NewlySkipped => "newly skipped",
            Self::Missing => "missing",
            Self::Added => "new",
            Self::Slower => "slower",
        }
    }

    fn mark(self) -> Mark {
        match self {
            Self::NewlyFailed | Self::StillFailed => Mark::FAILED,
            Self::NewlyCouldNotRun => Mark::COULD_NOT_RUN,
            Self::Fixed => Mark::PASSED,
            Self::Missing => Mark::MISSING,
            Self::NewlySkipped | Self::Added | Self::Slower => Mark::NOTED,
        }
    }

    fn of(self, comparison: &Comparison) -> &[Change] {
        match self {
            Self::NewlyFailed => &comparison.newly_failed,
            Self::NewlyCouldNotRun => &comparison.newly_broken,
            Self::StillFailed => &comparison.still_failed,
            Self::Fixed => &comparison.fixed,
            Self::NewlySkipped => &comparison.newly_skipped,
            Self::Missing => &comparison.missing,
            Self::Added => &comparison.added,
            Self::Slower => &comparison.slower,
        }
    }

    const EACH: [Self; 8] = [
        Self::NewlyFailed,
        Self::NewlyCouldNotRun,
        Self::StillFailed,
        Self::Fixed,
        Self::NewlySkipped,
        Self::Missing,
        Self::Added,
        Self::Slower,
    ];
}

/// What differs from the plan before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PlanComparison {
    /// The plan before.
    pub(crate) plan_id: PlanId,
    pub(crate) title: String,
    pub(crate) started_dt: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) branch: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) commit: String,
    /// Whether only tests in both plans count, because one of them has a selection of the tests.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) common_only: bool,
    /// Those that are not empty, what needs attention first.
    pub(crate) changes: Vec<ChangedTests>,
}

impl PlanComparison {
    /// The tests whose names are shown, and their sets of labels.
    pub(crate) fn shown(comparison: &Comparison) -> impl Iterator<Item = &Change> {
        let each = ChangeKind::EACH.into_iter();
        each.flat_map(|kind| kind.of(comparison).iter().take(NAMED))
    }

    /// From a comparison with the plan before. `names` is sorted by number.
    pub(crate) fn of(
        before: PlanRun,
        comparison: &Comparison,
        names: &[KnownTest],
        systems: &[(i64, Capabilities)],
    ) -> Self {
        let changed = |change: &Change| {
            let (test, system) = test_on_system((change.test, change.label_set), names, systems);
            ChangedTest {
                test_id: change.test,
                execution_id: change.execution,
                suite: test.suite,
                testcase: test.testcase,
                system,
                took_ms: change.took_ms,
            }
        };
        let kinds = ChangeKind::EACH.into_iter().filter_map(|kind| {
            let all = kind.of(comparison);
            (!all.is_empty()).then(|| ChangedTests {
                kind,
                count: all.len() as u64,
                tests: all.iter().take(NAMED).map(changed).collect(),
            })
        });
        Self {
            changes: kinds.collect(),
            common_only: false,
            plan_id: before.id,
            title: before.title,
            started_dt: before.started.0,
            branch: before.origin.branch,
            commit: before.origin.commit,
        }
    }

    /// The section.
    pub(super) fn section(&self, page: &mut Markup, site: &Site, plan: PlanId) {
        page.raw("<section id=\"comparison\">\n<h2>Compared with the plan before</h2>\n<p>");
        let counts: Vec<(u64, &str)> = self
            .changes
            .iter()
            .map(|changed| (changed.count, changed.kind.words()))
            .collect();
        if counts.is_empty() {
            page.raw("Nothing changed since <a href=\"");
        } else {
            page.text(&nonzero_counts(&counts), MAX_NAME)
                .raw(" since <a href=\"");
        }
        page.text(&site.plan(self.plan_id), MAX_LINK)
            .raw("\">plan ")
            .number(self.plan_id.0)
            .raw("</a>");
        if !self.commit.is_empty() {
            page.raw(", commit ")
                .text(short_commit(&self.commit), MAX_NAME);
        }
        if !self.branch.is_empty() {
            page.raw(" (<bdi>")
                .text(&self.branch, MAX_NAME)
                .raw("</bdi>)");
        }
        page.raw(".");
        if self.common_only {
            page.raw(" One of both has a selection of the tests: only tests in both are compared.");
        }
        page.raw("</p>\n");
        for changed in &self.changes {
            list(page, site, plan, self.plan_id, changed);
        }
        page.raw("</section>\n");
    }
}

fn list(page: &mut Markup, site: &Site, plan: PlanId, before: PlanId, changed: &ChangedTests) {
    let kind = changed.kind;
    let mark = kind.mark();
    let is_open = matches!(
        kind,
        ChangeKind::NewlyFailed | ChangeKind::NewlyCouldNotRun | ChangeKind::Missing
    );
    page.raw(if is_open {
        "<details open=\"open\">"
    } else {
        "<details>"
    })
    .raw("<summary><span class=\"")
    .raw(mark.class)
    .raw("\"><span class=\"mark\" aria-hidden=\"true\">")
    .raw(mark.symbol)
    .raw("</span></span> ")
    .amount(changed.count)
    .raw(" ")
    .raw(kind.words())
    .raw("</summary>\n<ul class=\"sentences\">\n");
    let of = if kind == ChangeKind::Missing {
        before
    } else {
        plan
    };
    for test in &changed.tests {
        page.raw("<li><a href=\"")
            .text(&site.execution(of, test.execution_id), MAX_LINK)
            .raw("\">");
        name(page, &test.suite, &test.testcase);
        page.raw("</a>");
        if test.system != "any" && !test.system.is_empty() {
            page.raw(" on <bdi>")
                .text(&test.system, MAX_NAME)
                .raw("</bdi>");
        }
        if let Some((then, now)) = test.took_ms {
            page.raw(": ").span(now).raw(" instead of ").span(then);
        }
        page.raw(" <a class=\"quiet\" href=\"")
            .text(&site.test(test.test_id), MAX_LINK)
            .raw("\">history</a></li>\n");
    }
    let more = changed.count - changed.tests.len() as u64;
    if more > 0 {
        page.raw("<li class=\"quiet\">and ")
            .amount(more)
            .raw(" more</li>\n");
    }
    page.raw("</ul></details>\n");
}
