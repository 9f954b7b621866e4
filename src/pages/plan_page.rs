//! The page of a plan: how far it is, who runs what, why it waits, what went wrong.

use serde::Serialize;

use super::{
    audit_page,
    capability_table::{self, CapabilityRow},
    confirm_page,
    execution_table::{self, ListedExecutions, ListedState},
    layout::{Entry, Frame, age, crumb, fact, outside_link, part, time_fact},
    lease_events,
    plan_comparison::PlanComparison,
    plan_summary::PlanSummary,
    problem_groups::{self, ProblemGroup},
    site::Site,
    worker_lanes::{self, LiveWorker, RunningTest},
    worker_table::{self, WorkerRow},
};
use crate::{
    api::{
        actions::ActionResponse,
        execution_list::{EventResponse, ExecutionResponse},
    },
    model::{Capabilities, LabelCase, PlanStatus, PlanWaiting, Selection, Timestamp},
    report::html::{MAX_MESSAGE, MAX_NAME, Markup},
    store::{CapabilityCounts, WorkerResults},
    text::short_commit,
    wait::wording,
};

/// Most rows of the table of capabilities that a page has.
const MAX_CAPABILITIES: usize = 200;
/// In milliseconds.
const MINUTE: i64 = 60_000;

/// What the page of a plan is made of.
pub(crate) struct PlanInput {
    pub(crate) plan: PlanSummary,
    /// Which part of its template's tests it has, if not all.
    pub(crate) selection: Option<Selection>,
    pub(crate) capabilities: Vec<CapabilityCounts>,
    pub(crate) label_case: LabelCase,
    /// What it waits for.
    pub(crate) waiting: PlanWaiting,
    /// The workers that were heard of.
    pub(crate) workers: Vec<LiveWorker>,
    /// The pages of the CI jobs of its workers, by their names.
    pub(crate) jobs: Vec<(String, String)>,
    /// Each test under a lease with its worker.
    pub(crate) running: Vec<(String, RunningTest)>,
    /// Those that failed or could not run, as many as were read.
    pub(crate) problems: Vec<ExecutionResponse>,
    pub(crate) events: Vec<EventResponse>,
    /// What each worker reported.
    pub(crate) by_worker: Vec<WorkerResults>,
    /// When it will end.
    pub(crate) ends: Option<Timestamp>,
    pub(crate) executions: ListedExecutions,
    /// What differs from the plan before, if it was looked at.
    pub(crate) comparison: Option<PlanComparison>,
}

/// A plan's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PlanPage {
    #[serde(flatten)]
    pub(crate) plan: PlanSummary,
    /// Which part of its template's tests it has, if not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    selection: Option<Selection>,
    /// When it will end, by the service's clock, if that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_dt: Option<i64>,
    capabilities: Vec<CapabilityRow>,
    /// What each worker reported; as of some seconds ago while the plan runs, empty for very large plans.
    by_worker: Vec<WorkerRow>,
    workers: Vec<LiveWorker>,
    /// What it waits for, in words.
    waiting: Vec<String>,
    problems: Vec<ProblemGroup>,
    /// Problems beyond those.
    more_problems: u64,
    /// What happened to leases beside the usual, newest first.
    events: Vec<EventResponse>,
    executions: ListedExecutions,
    /// What differs from the plan before of its template and branch; as of when the page was loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<PlanComparison>,
    #[serde(skip)]
    pub(crate) done: Option<ActionResponse>,
}

impl PlanPage {
    /// The page of these facts.
    pub(crate) fn of(input: PlanInput) -> Self {
        let counts = &input.plan.counts;
        let all = counts.failed + counts.could_not_run;
        let more_problems = all.saturating_sub(input.problems.len() as u64);
        let mut waits = input.waiting;
        // What only runs does not wait.
        waits.needs.retain(|need| need.open > 0);
        let waiting = if input.plan.is_live() {
            wording::lines(&waits)
        } else {
            Vec::new()
        };
        let offers = &waits.offers;
        let capabilities = input.capabilities.into_iter().map(|row| {
            let fits = |offered: &Capabilities| offered.covers(&row.required, input.label_case);
            let fitting = offers.iter().filter(|offer| fits(&offer.offered));
            let PlanStatus { open, reserved, .. } = row.counts;
            CapabilityRow {
                workers: fitting.map(|offer| offer.workers).sum(),
                open,
                reserved,
                passed: row.passed,
                failed: row.failed,
                skipped: row.skipped,
                could_not_run: row.could_not_run(),
                no_verdict: row.unjudged,
                labels: row.required.into(),
            }
        });
        Self {
            capabilities: capabilities.take(MAX_CAPABILITIES).collect(),
            workers: worker_lanes::join(input.workers, input.running, &input.jobs),
            waiting,
            problems: problem_groups::group(input.problems),
            more_problems,
            events: input.events,
            by_worker: worker_table::rows(input.by_worker),
            ends_dt: input.ends.filter(|_| input.plan.is_live()).map(|it| it.0),
            executions: input.executions,
            comparison: input.comparison,
            done: None,
            selection: input.selection,
            plan: input.plan,
        }
    }

    fn now(&self) -> i64 {
        self.plan.plan.server_dt
    }

    /// The page.
    pub(crate) fn html(&self, site: &Site) -> Vec<u8> {
        let mut content = Markup::default();
        crumb(&mut content, &site.path("/"), "Plans");
        audit_page::note(&mut content, self.done.as_ref());
        for (id, piece) in self.parts(site, self.executions.state, Some(self.now())) {
            match id {
                "status" => {
                    content
                        .raw("<p id=\"status\" role=\"status\" class=\"off\">")
                        .part(&piece)
                        .raw("</p>\n");
                }
                "counts" => {
                    content
                        .raw("<nav id=\"counts\" aria-label=\"Tests by state\">")
                        .part(&piece)
                        .raw("</nav>\n");
                }
                id => {
                    part(&mut content, id, &piece);
                    if id == "progress" && site.can_act {
                        confirm_page::actions(&mut content, &self.actions(site));
                    }
                }
            }
            if id == "problems"
                && let Some(comparison) = &self.comparison
            {
                comparison.section(&mut content, site, self.plan.plan.id);
            }
        }
        self.executions
            .section(&mut content, site, self.plan.plan.id);
        let path = format!("/plans/{}", self.plan.plan.id);
        let live = format!("{path}/live");
        let is_live = self.plan.is_live();
        let frame = Frame {
            site,
            entry: Entry::Plans,
            title: &self.tab(),
            json: Some(&format!("{path}.json{}", self.executions.query())),
            live: is_live.then_some((live.as_str(), self.plan.last_event)),
            now: Some(self.now()),
        };
        frame.page(&content)
    }

    /// The parts of the page that change while the plan runs, by the ids of their elements. Without a time they have no ages,
    /// so that time alone changes none of them.
    pub(super) fn parts(
        &self,
        site: &Site,
        shown: ListedState,
        now: Option<i64>,
    ) -> [(&'static str, Markup); 9] {
        let written = |write: &dyn Fn(&mut Markup)| {
            let mut markup = Markup::default();
            write(&mut markup);
            markup
        };
        let id = self.plan.plan.id;
        [
            ("status", written(&|page| self.status(page))),
            ("progress", written(&|page| self.progress(page, now))),
            (
                "counts",
                written(&|page| {
                    execution_table::counters(page, site, id, &self.plan.counts, shown);
                }),
            ),
            ("reasons", written(&|page| self.reasons(page))),
            (
                "problems",
                written(&|page| {
                    let problems = (&*self.problems, self.more_problems);
                    problem_groups::section(page, site, id, problems);
                }),
            ),
            (
                "lanes",
                written(&|page| {
                    if self.plan.is_live() {
                        worker_lanes::section(page, site, id, (&self.workers, now));
                    }
                }),
            ),
            (
                "needs",
                written(&|page| capability_table::section(page, &self.capabilities)),
            ),
            (
                "workers",
                written(&|page| worker_table::section(page, &self.by_worker)),
            ),
            (
                "leases",
                written(&|page| lease_events::section(page, site, id, &self.events)),
            ),
        ]
    }

    /// What can be done: to confirm it comes later, so the links may offer what is in vain by then.
    fn actions(&self, site: &Site) -> Vec<(String, &'static str)> {
        let path = site.plan(self.plan.plan.id);
        let counts = &self.plan.counts;
        let mut links = Vec::new();
        if self.plan.is_live() {
            links.push((format!("{path}/cancel"), "Cancel plan …"));
        }
        if counts.failed + counts.could_not_run > 0 || self.plan.is_live() {
            links.push((format!("{path}/retry"), "Run failed tests again …"));
        }
        links
    }

    fn tab(&self) -> String {
        let mark = self.plan.state.mark();
        let counts = &self.plan.counts;
        format!(
            "{} {}/{} {}",
            mark.symbol,
            counts.done,
            counts.total,
            self.plan.title()
        )
    }

    fn status(&self, page: &mut Markup) {
        let counts = &self.plan.counts;
        page.amount(counts.done)
            .raw(" of ")
            .amount(counts.total)
            .raw(" done: ")
            .text(&counts.in_words(), MAX_NAME);
    }

    fn progress(&self, page: &mut Markup, now: Option<i64>) {
        let plan = &self.plan;
        let mark = plan.state.mark();
        page.raw("<div class=\"")
            .raw(mark.class)
            .raw("\" data-title=\"")
            .text(&self.tab(), MAX_NAME)
            .raw(" · testplan\">\n<h1><span class=\"verdict\"><span class=\"seal\" aria-hidden=\"true\">")
            .raw(mark.symbol)
            .raw("</span> <span class=\"word\">")
            .raw(mark.word)
            .raw("</span></span> <span class=\"title\">")
            .text(plan.title(), MAX_NAME)
            .raw("</span></h1>\n<p class=\"lead\">");
        if let Some(selection) = &self.selection {
            page.text(&selection.to_string(), MAX_NAME).raw(": ");
        }
        page.text(&plan.counts.in_words(), MAX_NAME)
            .raw(if plan.is_live() { "; started " } else { " in " });
        if plan.is_live() {
            age(page, plan.started_dt, now);
            page.raw(" ago");
        } else {
            page.span(plan.duration_ms);
        }
        self.ends(page);
        page.raw("</p>\n");
        if let Some(cancelled) = &plan.cancelled {
            page.raw("<p class=\"meaning\"><strong>")
                .text(&first_upper(cancelled), MAX_MESSAGE)
                .raw("</strong></p>\n");
        }
        plan.counts.bar(page);
        self.facts(page);
        page.raw("</div>\n");
    }

    fn ends(&self, page: &mut Markup) {
        let Some(ends) = self.ends_dt else {
            return;
        };
        page.raw("; ends about <span class=\"clock\">")
            .time(end_of_minute(Timestamp(ends)))
            .raw("</span>");
    }

    fn facts(&self, page: &mut Markup) {
        let plan = &self.plan;
        page.raw("<dl class=\"facts\">\n<div><dt>Plan</dt><dd>#")
            .number(plan.plan.id.0)
            .raw("</dd></div>\n");
        fact(page, "Project", &plan.plan.project);
        fact(page, "Batch", &plan.plan.batch_name);
        fact(page, "Branch", &plan.origin.branch);
        fact(page, "Commit", short_commit(&plan.origin.commit));
        fact(page, "Author", &plan.origin.author);
        fact(page, "Revision", &plan.revisions());
        if let Some(selection) = &self.selection {
            fact(page, "Selected by", &selection.flags);
        }
        fact(page, "Tags", &plan.plan.tags.join(", "));
        fact(page, "Started by", &plan.started_by);
        time_fact(page, "Started", plan.started_dt);
        if let Some(planned) = plan.plan.planned_dt {
            time_fact(page, "Planned for", planned);
        }
        if let Some(ended) = plan.ended_dt {
            time_fact(page, "Ended", ended);
        }
        outside_link(page, "CI run", &plan.origin.run_url);
        page.raw("</dl>\n");
    }

    fn reasons(&self, page: &mut Markup) {
        if self.waiting.is_empty() {
            return;
        }
        page.raw("<h2>Why it waits</h2>\n<ul class=\"sentences\">\n");
        for line in &self.waiting {
            page.raw("<li>").text(line, MAX_MESSAGE).raw("</li>\n");
        }
        page.raw("</ul>\n");
    }
}

/// A predicted time as people read it: more would pretend to be exact.
fn end_of_minute(time: Timestamp) -> Timestamp {
    Timestamp((time.0 + MINUTE - 1) / MINUTE * MINUTE)
}

/// A sentence that begins with a capital.
fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
