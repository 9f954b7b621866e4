//! The live workers, each with what it runs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    execution_table::name,
    layout::age,
    site::{MAX_LINK, Site},
};
use crate::{
    model::{Capabilities, Capability, ExecutionId, PlanId},
    report::html::{MAX_NAME, Markup},
    text::web_address,
};

/// Most workers on a page.
const MAX_LANES: usize = 200;
/// Most tests of one worker that are named; a worker may hold a batch of hundreds.
const MAX_NAMED: usize = 3;

/// A test under a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RunningTest {
    pub(crate) execution_id: ExecutionId,
    pub(crate) suite: String,
    pub(crate) testcase: String,
    pub(crate) attempt: u32,
    /// Since when, and the end of the lease, by the service's clock.
    pub(crate) since_dt: i64,
    pub(crate) lease_dt: i64,
    /// How long it usually takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) squish_server: Option<String>,
}

/// A worker that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LiveWorker {
    pub(crate) name: String,
    /// What it offers; absent if this replica has not heard of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) labels: Option<Vec<Capability>>,
    /// How many workers have this name: several, if they give none.
    pub(crate) workers: u64,
    /// The page of its CI job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_url: Option<String>,
    /// What it runs; nothing while it waits.
    pub(crate) tests: Vec<RunningTest>,
}

/// The workers that were heard of, and those that hold a lease, in the order of their names, with the pages of their CI jobs.
pub(super) fn join(
    known: Vec<LiveWorker>,
    running: Vec<(String, RunningTest)>,
    jobs: &[(String, String)],
) -> Vec<LiveWorker> {
    let mut lanes: BTreeMap<String, LiveWorker> = BTreeMap::new();
    for worker in known {
        match lanes.get_mut(&worker.name) {
            Some(lane) => lane.workers += worker.workers,
            None => {
                lanes.insert(worker.name.clone(), worker);
            }
        }
    }
    for (name, test) in running {
        let lane = lanes.entry(name.clone()).or_insert_with(|| LiveWorker {
            name,
            labels: None,
            workers: 1,
            job_url: None,
            tests: Vec::new(),
        });
        lane.tests.push(test);
    }
    for lane in lanes.values_mut() {
        lane.job_url = job_of(jobs, &lane.name);
    }
    lanes.into_values().collect()
}

/// The page of a worker's CI job.
pub(super) fn job_of(jobs: &[(String, String)], worker: &str) -> Option<String> {
    let found = jobs.iter().find(|(name, _)| name == worker);
    found.map(|(_, url)| url.clone())
}

/// The section; says how to start a worker if there is none.
pub(super) fn section(
    page: &mut Markup,
    site: &Site,
    plan: PlanId,
    (lanes, now): (&[LiveWorker], Option<i64>),
) {
    let workers: u64 = lanes.iter().map(|lane| lane.workers).sum();
    page.raw("<h2>Workers <span class=\"count\">")
        .amount(workers)
        .raw("</span></h2>\n");
    if lanes.is_empty() {
        page.raw("<p class=\"quiet\">No worker is here. Start one where the tests can run: <code>testplan work --plan-id ")
            .number(plan.0)
            .raw("</code></p>\n");
        return;
    }
    page.raw("<ul class=\"lanes\">\n");
    for lane in lanes.iter().take(MAX_LANES) {
        draw(page, site, plan, (lane, now));
    }
    page.raw("</ul>\n");
    if lanes.len() > MAX_LANES {
        page.raw("<p class=\"more\">and ")
            .number(lanes.len() - MAX_LANES)
            .raw(" more</p>\n");
    }
}

fn draw(page: &mut Markup, site: &Site, plan: PlanId, (lane, now): (&LiveWorker, Option<i64>)) {
    page.raw("<li class=\"lane\"><p class=\"who\"><b><bdi>")
        .text(&lane.name, MAX_NAME)
        .raw("</bdi></b>");
    if lane.workers > 1 {
        page.raw(" <span class=\"quiet\">×")
            .amount(lane.workers)
            .raw("</span>");
    }
    if let Some(url) = lane.job_url.as_deref().and_then(web_address) {
        page.raw(" <a class=\"quiet\" rel=\"noopener noreferrer\" href=\"")
            .text(url, MAX_LINK)
            .raw("\">CI job</a>");
    }
    if let Some(labels) = &lane.labels {
        page.raw(" <span class=\"quiet\"><span class=\"off\">offers </span>")
            .text(&Capabilities::from(labels.clone()).to_string(), MAX_NAME)
            .raw("</span>");
    }
    page.raw("</p>");
    if lane.tests.is_empty() {
        page.raw("<p class=\"quiet\"><span class=\"mark\" aria-hidden=\"true\">○</span> has no test now</p>");
    }
    for test in lane.tests.iter().take(MAX_NAMED) {
        page.raw("<div class=\"test running\"><p><span class=\"mark\" aria-hidden=\"true\">▶</span> <a href=\"")
            .text(&site.execution(plan, test.execution_id), MAX_LINK)
            .raw("\">");
        name(page, &test.suite, &test.testcase);
        page.raw("</a></p><p class=\"line\"><span>for ");
        age(page, test.since_dt, now);
        page.raw("</span>");
        if let Some(expected) = test.expected_ms {
            page.raw("<span>usually ").span(expected).raw("</span>");
        }
        if let Some(squish_server) = &test.squish_server {
            page.raw("<span>on ")
                .text(squish_server, MAX_NAME)
                .raw("</span>");
        }
        if test.attempt > 1 {
            page.raw("<span>attempt ")
                .number(test.attempt)
                .raw("</span>");
        }
        page.raw("</p>");
        if let Some(expected) = test.expected_ms.filter(|expected| *expected > 0) {
            let passed = now.map_or(0, |now| u64::try_from(now - test.since_dt).unwrap_or(0));
            page.raw("<progress aria-label=\"Time against the usual duration\" max=\"")
                .number(expected)
                .raw("\" value=\"")
                .number(passed.min(expected))
                .raw("\" data-since=\"")
                .number(test.since_dt)
                .raw("\"></progress>");
        }
        page.raw("</div>");
    }
    if lane.tests.len() > MAX_NAMED {
        page.raw("<p class=\"quiet\">and ")
            .number(lane.tests.len() - MAX_NAMED)
            .raw(" more of the same batch</p>");
    }
    page.raw("</li>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(name: &str) -> LiveWorker {
        LiveWorker {
            name: name.to_owned(),
            labels: Some(Vec::new()),
            workers: 1,
            job_url: None,
            tests: Vec::new(),
        }
    }

    fn test(id: i64) -> RunningTest {
        RunningTest {
            execution_id: ExecutionId(id),
            suite: "s".to_owned(),
            testcase: "t".to_owned(),
            attempt: 1,
            since_dt: 0,
            lease_dt: 0,
            expected_ms: None,
            squish_server: None,
        }
    }

    #[test]
    fn each_worker_has_one_lane_with_what_it_runs() {
        let running = vec![
            ("b".to_owned(), test(1)),
            ("c".to_owned(), test(2)),
            ("b".to_owned(), test(3)),
        ];
        let jobs = [("b".to_owned(), "https://ci/1".to_owned())];
        let known = vec![worker("b"), worker("a"), worker("a")];
        let lanes = join(known, running, &jobs);
        let shown: Vec<_> = lanes
            .iter()
            .map(|lane| (lane.name.as_str(), lane.workers, lane.tests.len()))
            .collect();
        assert_eq!(shown, [("a", 2, 0), ("b", 1, 2), ("c", 1, 1)]);
        assert_eq!(lanes[2].labels, None);
        assert_eq!(lanes[1].job_url.as_deref(), Some("https://ci/1"));
    }
}
