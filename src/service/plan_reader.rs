//! Reads what the page of a plan shows, and keeps what has not changed since.

use std::time::{Duration, Instant};

use super::{
    http_error::HttpError,
    plan_forecast::{MAX_OPEN, MAX_RESULTS, RunningPlan, time_left},
    service_state::ServiceState,
    to_page, to_wire, waiting_handlers,
};
use crate::{
    api::execution_list::{EventResponse, ExecutionResponse},
    clock,
    model::{PlanId, Selection},
    pages::{
        ListedExecutions, ListedState, MAX_LISTED_WORKERS, PlanComparison, PlanInput, PlanPage,
    },
    store::{ExecutionFilter, PlanDetail, RemainingWork, WorkerResults},
};

/// Most executions under a lease that a page has.
const MAX_RUNNING: u32 = 500;
/// Most workers whose CI jobs are linked.
pub(super) const MAX_JOBS: u32 = 2_000;
/// Most problems of each kind.
const MAX_PROBLEMS: u32 = 100;
/// Most tests of a plan whose results are counted by worker: that takes a tenth of a second.
const MAX_TESTS_BY_WORKER: u64 = 100_000;
/// Most events of leases.
const MAX_EVENTS: u32 = 50;
/// How long what takes time to read is kept at least.
const KEEP: Duration = Duration::from_secs(5);
/// Reading them takes at most one of so many parts of the time.
const SELDOM: u32 = 50;

/// The facts of a plan that are worth keeping between two looks.
#[derive(Debug)]
pub(super) struct PlanReader {
    plan: PlanId,
    problems: Kept<Vec<ExecutionResponse>>,
    events: Kept<Vec<EventResponse>>,
    work: Option<KeptUntil<RemainingWork>>,
    results: Option<KeptUntil<Vec<WorkerResults>>>,
    /// Which part of its template's tests the plan has; read once.
    selection: Kept<Option<Selection>>,
}

/// A value that takes time to read, kept until a time.
#[derive(Debug)]
struct KeptUntil<T> {
    value: T,
    until: Instant,
}

impl<T> KeptUntil<T> {
    /// `began` is when the reading of it began.
    fn since(began: Instant, value: T) -> Self {
        let read = clock::monotonic();
        let took = read.saturating_duration_since(began);
        Self {
            value,
            until: read + KEEP.max(took.saturating_mul(SELDOM)),
        }
    }

    fn is_fresh(kept: Option<&Self>, now: Instant) -> bool {
        kept.is_some_and(|kept| now < kept.until)
    }
}

/// A value, and what it was read for.
#[derive(Debug)]
struct Kept<T> {
    key: Option<[u64; 2]>,
    value: T,
}

impl<T: Default> Default for Kept<T> {
    fn default() -> Self {
        Self {
            key: None,
            value: T::default(),
        }
    }
}

/// Which part of its template's tests a plan has, if not all.
pub(super) async fn selection(
    shared: &ServiceState,
    plan: PlanId,
) -> Result<Option<Selection>, HttpError> {
    let kept = shared
        .ask_for_waiting(move |store, now| store.plan_tests(plan, now))
        .await?;
    Ok(kept.discovery.and_then(|account| account.selection))
}

impl PlanReader {
    pub(super) fn new(plan: PlanId) -> Self {
        Self {
            plan,
            problems: Kept::default(),
            events: Kept::default(),
            work: None,
            results: None,
            selection: Kept::default(),
        }
    }

    /// The page now, with a list of tests and what differs from the plan before.
    pub(super) async fn page(
        &mut self,
        shared: &ServiceState,
        executions: ListedExecutions,
        comparison: Option<PlanComparison>,
    ) -> Result<PlanPage, HttpError> {
        let plan = self.plan;
        let detail: PlanDetail = shared
            .ask_for_waiting(move |store, now| store.plan_detail(plan, now))
            .await?;
        let demand = shared
            .ask_for_waiting(move |store, now| store.demand(plan, now))
            .await?;
        let running = shared
            .ask_for_waiting(move |store, now| store.running(plan, MAX_RUNNING, now))
            .await?;
        let jobs = if running.is_empty() {
            Vec::new()
        } else {
            shared
                .ask_for_waiting(move |store, _| store.worker_jobs(plan, MAX_JOBS))
                .await?
        };
        self.look_at_events(shared, &detail).await?;
        self.look_at_problems(shared, &detail).await?;
        self.look_at_work(shared, &detail).await?;
        self.look_at_results(shared, &detail).await?;

        if self.selection.key.is_none() {
            self.selection = Kept {
                key: Some([0, 0]),
                value: selection(shared, plan).await?,
            };
        }
        let now = shared.clock.now();
        let known = shared.live_workers.of_plan(plan, now);
        let running: Vec<_> = running.into_iter().map(to_page::running).collect();
        let label_case = demand.label_case;
        let nothing = RemainingWork::default();
        let running_plan = RunningPlan {
            work: self.work.as_ref().map_or(&nothing, |kept| &kept.value),
            counts: &detail.capabilities,
            workers: &known,
            running: &running,
            label_case,
        };
        let ends = time_left(&running_plan, now);
        let is_due = demand.due.is_none();
        Ok(PlanPage::of(PlanInput {
            plan: to_page::summary(detail.overview, now),
            selection: self.selection.value.clone(),
            capabilities: detail.capabilities,
            label_case,
            waiting: waiting_handlers::waiting(shared, plan, demand),
            workers: known.iter().filter_map(to_page::worker).collect(),
            running,
            jobs,
            problems: self.problems.value.clone(),
            events: self.events.value.clone(),
            by_worker: self
                .results
                .as_ref()
                .map_or_else(Vec::new, |kept| kept.value.clone()),
            ends: ends.filter(|_| is_due).map(|left| now.plus(left)),
            executions,
            comparison,
        }))
    }

    async fn look_at_problems(
        &mut self,
        shared: &ServiceState,
        detail: &PlanDetail,
    ) -> Result<(), HttpError> {
        let overview = &detail.overview;
        let (failed, could_not_run) = (overview.plan.failed, overview.could_not_run());
        // A reset and a new failure between two looks leave the counts unchanged, but the reset is such an event.
        let newest = self.events.value.first();
        let key = [
            failed + could_not_run,
            newest.map_or(0, |event| event.id.unsigned_abs()),
        ];
        if self.problems.key == Some(key) {
            return Ok(());
        }
        let mut problems = Vec::new();
        for (count, filter) in [
            (failed, ExecutionFilter::Failed),
            (could_not_run, ExecutionFilter::CouldNotRun),
        ] {
            if count > 0 {
                problems.extend(list(shared, self.plan, filter, (0, MAX_PROBLEMS)).await?.0);
            }
        }
        self.problems = Kept {
            key: Some(key),
            value: problems,
        };
        Ok(())
    }

    async fn look_at_events(
        &mut self,
        shared: &ServiceState,
        detail: &PlanDetail,
    ) -> Result<(), HttpError> {
        let key = [detail.overview.last_event_id().unsigned_abs(), 0];
        if self.events.key == Some(key) {
            return Ok(());
        }
        let plan = self.plan;
        let events = shared
            .ask_for_waiting(move |store, now| store.notable_events(plan, MAX_EVENTS, now))
            .await?;
        self.events = Kept {
            key: Some(key),
            value: events.into_iter().map(to_wire::event).collect(),
        };
        Ok(())
    }

    async fn look_at_results(
        &mut self,
        shared: &ServiceState,
        detail: &PlanDetail,
    ) -> Result<(), HttpError> {
        let began = clock::monotonic();
        let counts = &detail.overview.counts;
        let is_too_large = counts.total() > MAX_TESTS_BY_WORKER;
        if counts.done == 0 || is_too_large || KeptUntil::is_fresh(self.results.as_ref(), began) {
            return Ok(());
        }
        let plan = self.plan;
        let results = shared
            .ask_for_waiting(move |store, now| store.worker_results(plan, MAX_LISTED_WORKERS, now))
            .await?;
        self.results = Some(KeptUntil::since(began, results));
        Ok(())
    }

    async fn look_at_work(
        &mut self,
        shared: &ServiceState,
        detail: &PlanDetail,
    ) -> Result<(), HttpError> {
        let began = clock::monotonic();
        let counts = &detail.overview.counts;
        if counts.open + counts.reserved == 0 || KeptUntil::is_fresh(self.work.as_ref(), began) {
            return Ok(());
        }
        let plan = self.plan;
        let work = shared
            .ask_for_waiting(move |store, now| {
                store.remaining_work(plan, (MAX_OPEN, MAX_RESULTS), now)
            })
            .await?;
        self.work = Some(KeptUntil::since(began, work));
        Ok(())
    }
}

/// A page of the executions that a filter wants, and where the next one begins.
async fn list(
    shared: &ServiceState,
    plan: PlanId,
    filter: ExecutionFilter,
    (after, limit): (i64, u32),
) -> Result<(Vec<ExecutionResponse>, Option<i64>), HttpError> {
    let page = shared
        .ask_for_waiting(move |store, now| {
            store.filtered_executions(plan, filter, after, limit, now)
        })
        .await?;
    let items = page.items.into_iter().map(to_wire::execution);
    Ok((items.collect(), page.next))
}

/// The list of tests of a page.
pub(super) async fn listed(
    shared: &ServiceState,
    plan: PlanId,
    state: ListedState,
    (after, limit): (i64, u32),
) -> Result<ListedExecutions, HttpError> {
    let (items, next) = list(shared, plan, to_page::filter(state), (after, limit)).await?;
    Ok(ListedExecutions {
        state,
        items,
        next,
        after,
    })
}

/// No tests: for the parts of a page that have none.
pub(super) fn no_list() -> ListedExecutions {
    ListedExecutions {
        state: ListedState::All,
        items: Vec::new(),
        next: None,
        after: 0,
    }
}
