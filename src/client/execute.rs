//! Starts a plan, once. `testplan serve` recognises a repeated request by its key, so it is repeated as other calls are. In the vendor's
//! API `executeplan` is not idempotent: where its outcome is unknown, the plan is looked up by its title before the request is
//! sent again; an inconclusive look-up is an error.

use std::time::Duration;

use super::{
    Client, ClientError, ErrorKind, RetryNotice,
    retry_budget::RetryBudget,
    test_lists::{LARGEST_ACCOUNT, PlanStart},
};
use crate::{
    api::plan::{ExecutePlanRequest, RevisionReference},
    clock,
    model::{
        DiscoveryAccount, Plan, PlanId, PlanKind, PlanOrigin, PlannedTest, Timestamp,
        plan::LinkedRepository,
    },
};

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartPlan {
    /// Project of the template, as it was looked up: needed to look the new plan up.
    pub project: String,
    /// The template's number.
    pub template: PlanId,
    /// Not empty. Unique, or the plan cannot be found after its answer was lost.
    pub title: String,
    /// Not empty.
    pub batch: String,
    /// No execution is assigned before this time. Test Center runs the scripts itself if it is given time and revisions.
    pub planned: Option<Timestamp>,
    /// The revisions of linked repositories.
    pub linked: Vec<LinkedRepository>,
    /// The tests of the plan, in place of those of the template. Only `testplan serve` gets them: Test Center owns its
    /// templates.
    pub tests: Option<Vec<PlannedTest>>,
    /// The account of the discovery that made them; `testplan serve` keeps it with the plan.
    pub discovery: Option<DiscoveryAccount>,
    /// What the plan tests; `testplan serve` keeps it with the plan.
    pub origin: PlanOrigin,
}

/// The result of a look-up by title before the plan is started.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Plan(PlanId),
    /// The answer was not understood, so no look-up can be trusted.
    Unknown,
}

/// The result of a look-up after a start with an unknown outcome.
#[expect(
    clippy::large_enum_variant,
    reason = "one answer of a function, taken apart at once"
)]
enum Search {
    Started(Plan),
    NotStarted,
    Unclear(&'static str),
}

/// The second look-up comes this much later than the first, or a sixth of [`super::Patience::request`] if that is less.
const BETWEEN_LOOK_UPS: Duration = Duration::from_secs(5);

impl Client {
    /// Starts a plan and returns it. If the answer was lost, returns the plan that the request started.
    ///
    /// After an unknown outcome at another service than `testplan serve` it waits for [`super::Patience::request`], looks the
    /// title up twice, and only if there is no such plan sends the request once more. [`ErrorKind::Unclear`] if that does not
    /// settle it. All of this together takes no longer than the patience and one request; with little patience the waits are
    /// shorter.
    pub async fn execute_plan(&self, start: &StartPlan) -> Result<Plan, ClientError> {
        let before = self.before(start).await?;
        let call = if self.is_testplan() {
            let account = start.discovery.as_ref().map(bounded);
            let body = ExecutePlanRequest {
                discovery: account,
                origin: start.origin.clone(),
                ..wire(start)
            };
            PlanStart::new(body, start.tests.as_deref())
        } else {
            PlanStart::new(wire(start), None)
        };
        let mut budget = RetryBudget::new(self.patience().service, self.patience().request);
        let first = match self.post_plan(&mut budget, &call).await {
            Ok(plan) => return Ok(plan),
            Err(error) if error.may_have_happened => error,
            Err(error) => return Err(error),
        };
        match self.search(start, before, &mut budget, &first).await {
            Search::Started(plan) => return self.holds_tests(plan, &call).await,
            Search::Unclear(why) => return Err(unclear(start, why, first)),
            Search::NotStarted => {}
        }
        if time_left(&budget).is_zero() {
            let why = "no plan of this title was found, and no time is left to start it again";
            return Err(unclear(start, why, first));
        }
        let mut second = match self.post_plan(&mut budget, &call).await {
            Ok(plan) => return Ok(plan),
            Err(error) => error,
        };
        second.tries += first.tries;
        if !second.may_have_happened {
            return Err(second);
        }
        match self.search(start, before, &mut budget, &second).await {
            Search::Started(plan) => self.holds_tests(plan, &call).await,
            Search::NotStarted => Err(unclear(start, "no plan of this title was found", second)),
            Search::Unclear(why) => Err(unclear(start, why, second)),
        }
    }

    /// Titles need not be unique: an older plan of the same title must not be taken for the new one.
    async fn before(&self, start: &StartPlan) -> Result<Before, ClientError> {
        let mut budget = RetryBudget::new(self.patience().service, self.patience().request);
        match self.look_up(start, &mut budget).await {
            Ok(None) => Ok(Before::Nothing),
            Ok(Some(plan)) => Ok(Before::Plan(plan.id)),
            Err(error) if matches!(error.kind, ErrorKind::NotUnderstood { .. }) => {
                Ok(Before::Unknown)
            }
            Err(error) => Err(error),
        }
    }

    async fn search(
        &self,
        start: &StartPlan,
        before: Before,
        budget: &mut RetryBudget,
        error: &ClientError,
    ) -> Search {
        // The service may still be processing the request. Half of the time is for the look-ups.
        let request = self.patience().request.min(time_left(budget) / 2);
        let between = BETWEEN_LOOK_UPS.min(request / 6);
        for (pause, left) in [(request, request + between), (between, between)] {
            if let Some(watcher) = &self.watcher {
                watcher(&RetryNotice {
                    call: &error.call,
                    because: &error.kind,
                    pause,
                    left,
                });
            }
            tokio::time::sleep(pause).await;
            if time_left(budget).is_zero() {
                return Search::Unclear("no time is left to look it up by title");
            }
            let found = match self.look_up(start, budget).await {
                Ok(None) => continue,
                Ok(Some(plan)) => plan,
                Err(_) => return Search::Unclear("the look-up by title failed as well"),
            };
            return match before {
                Before::Unknown => Search::Unclear("its title may have been in use before"),
                Before::Plan(old) if old == found.id => {
                    Search::Unclear("its title was in use before")
                }
                Before::Nothing | Before::Plan(_) if found.batch != start.batch => {
                    Search::Unclear("another process started one of the same title")
                }
                Before::Nothing | Before::Plan(_) => Search::Started(found),
            };
        }
        match before {
            Before::Nothing => Search::NotStarted,
            Before::Plan(_) | Before::Unknown => {
                Search::Unclear("look-ups by title contradict each other")
            }
        }
    }

    async fn look_up(
        &self,
        start: &StartPlan,
        budget: &mut RetryBudget,
    ) -> Result<Option<Plan>, ClientError> {
        let (project, title) = (&start.project, &start.title);
        match self
            .find_plan_within(budget, project, title, PlanKind::Instance)
            .await
        {
            Ok(plan) => Ok(Some(plan)),
            Err(error) if matches!(error.kind, ErrorKind::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// How long requests may still take in all.
fn time_left(budget: &RetryBudget) -> Duration {
    budget.limit(Duration::MAX, clock::timer())
}

fn unclear(start: &StartPlan, why: &str, error: ClientError) -> ClientError {
    ClientError {
        kind: ErrorKind::Unclear {
            what: format!(
                "not known whether the plan {:?} was started ({why})",
                start.title
            ),
            because: Box::new(error.kind),
        },
        may_have_happened: true,
        ..error
    }
}

/// The account within the size that a service accepts: without names if they are too long.
fn bounded(account: &DiscoveryAccount) -> DiscoveryAccount {
    let mut account = account.clone();
    let size = serde_json::to_vec(&account).map_or(usize::MAX, |json| json.len());
    if size > LARGEST_ACCOUNT {
        account.left_out.clear();
        account.duplicates.clear();
    }
    account
}

fn wire(start: &StartPlan) -> ExecutePlanRequest {
    ExecutePlanRequest {
        template_id: start.template,
        title: start.title.clone(),
        batch: start.batch.clone(),
        time: start.planned.map(|planned| planned.0),
        linked_repos: start
            .linked
            .iter()
            .map(|linked| RevisionReference {
                id: linked.id,
                branch: linked.branch.clone(),
            })
            .collect(),
        tests: None,
        discovery: None,
        origin: PlanOrigin::default(),
    }
}
