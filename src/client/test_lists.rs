//! Lists of tests for `testplan serve`: the start of a plan with its tests, and the publication of templates.

use http::Method;

use super::{
    Client, ClientError, ErrorKind, answer::json, call::Call, retry_budget::RetryBudget,
    retry_rule::Repeat,
};
use crate::{
    api::{
        self,
        plan::{ExecutePlanRequest, StartedPlanResponse},
        test_list::{
            PublishTemplatesRequest, PublishTemplatesResponse, RequestedTests, TEMPLATES_PATH,
            UNKNOWN_TESTS,
        },
    },
    model::{DiscoveryAccount, Plan, PlannedTest, TestListDigest},
    random::unique_key,
};

/// The tests that a plan was requested with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanTests {
    /// Digest of the tests that it was requested with; `None` if it got the published ones.
    pub digest: Option<TestListDigest>,
    /// The account of the discovery that made the list.
    pub discovery: Option<DiscoveryAccount>,
}

/// Largest account that a service takes, as JSON in bytes.
pub(super) const LARGEST_ACCOUNT: usize = 1024 * 1024;

/// One start of a plan, sent as often as needed under one key: with the digest of its tests first, and with the tests
/// themselves once the service says that it does not know them.
pub(super) struct PlanStart<'a> {
    key: String,
    body: ExecutePlanRequest,
    tests: Option<&'a [PlannedTest]>,
}

impl<'a> PlanStart<'a> {
    pub(super) fn new(body: ExecutePlanRequest, tests: Option<&'a [PlannedTest]>) -> Self {
        let tests_digest = tests.map(|list| RequestedTests {
            digest: TestListDigest::of(list),
            list: None,
        });
        Self {
            key: unique_key(),
            body: ExecutePlanRequest {
                tests: tests_digest,
                ..body
            },
            tests,
        }
    }

    fn digest(&self) -> Option<TestListDigest> {
        self.body.tests.as_ref().map(|tests| tests.digest)
    }

    fn call(&self) -> Call {
        Call::new(Method::POST, "executeplan").header(api::IDEMPOTENCY_KEY, &self.key)
    }
}

impl Client {
    /// Posts a start, and once more with the list of tests if the service does not know it.
    pub(super) async fn post_plan(
        &self,
        budget: &mut RetryBudget,
        start: &PlanStart<'_>,
    ) -> Result<Plan, ClientError> {
        // testplan's own service recognises the key, so there is no need to look the plan up by its title.
        let rule = self.service_rule(Repeat::IfTestplan);
        let call = start.call().json(&start.body);
        let answer = self.persist_within(budget, &call, rule, started_plan).await;
        let answer = match (answer, start.tests) {
            (Err(error), Some(list)) if is_unknown_tests(&error) => {
                let mut body = start.body.clone();
                if let Some(tests) = &mut body.tests {
                    tests.list = Some(list.iter().map(Into::into).collect());
                }
                let call = start.call().packed_json(&body);
                self.persist_within(budget, &call, rule, started_plan).await
            }
            (answer, _) => answer,
        };
        let (plan, digest) = answer?.value;
        if digest == start.digest() || start.tests.is_none() {
            return Ok(plan);
        }
        Err(call.error(ErrorKind::TestsIgnored { plan: plan.id }, 1, false))
    }

    /// Checks that a plan that was found by its title was started with these tests.
    pub(super) async fn holds_tests(
        &self,
        plan: Plan,
        start: &PlanStart<'_>,
    ) -> Result<Plan, ClientError> {
        if start.tests.is_none() {
            return Ok(plan);
        }
        let kept = self.plan_tests(plan.id).await?.unwrap_or_default();
        if kept.digest == start.digest() {
            return Ok(plan);
        }
        Err(start
            .call()
            .error(ErrorKind::TestsIgnored { plan: plan.id }, 1, false))
    }

    /// Publishes templates at `testplan serve`, or with `dry_run` asks what that would change.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] from a service that takes none.
    pub async fn publish_templates(
        &self,
        request: &PublishTemplatesRequest,
    ) -> Result<PublishTemplatesResponse, ClientError> {
        let call = Call::at(Method::PUT, TEMPLATES_PATH.to_owned()).packed_json(request);
        let read = json::<PublishTemplatesResponse>("what publishing changed");
        match self.ask(&call, read).await {
            Ok(published) => Ok(published),
            Err(ClientError {
                kind: ErrorKind::Refused { status, .. },
                tries,
                ..
            }) if matches!(status, 404 | 405) => {
                Err(call.error(ErrorKind::Unsupported { status }, tries, false))
            }
            Err(error) => Err(error),
        }
    }
}

fn is_unknown_tests(error: &ClientError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Refused {
            code: Some(UNKNOWN_TESTS),
            ..
        }
    )
}

fn started_plan(body: &[u8]) -> Result<(Plan, Option<TestListDigest>), String> {
    let answer: StartedPlanResponse = json("a plan")(body)?;
    Ok((super::plans::plan(answer.plan), answer.tests_digest))
}
