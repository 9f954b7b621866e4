//! Calls about a plan that only `testplan serve` answers: the vendor's API has no such calls.

use http::Method;

use super::{
    Client, ClientError, ErrorKind, PlanTests, ServiceKind, answer::json, call::Call,
    retry_rule::Repeat,
};
use crate::{
    api::{
        self,
        actions::{ActionResponse, CancelRequest, CancelResponse},
        execution_list::{ExecutionResponse, PageResponse, StartedPlanEntry, TestRunResponse},
        test_list::PlanTestsResponse,
        waiting::WaitingResponse,
    },
    model::{
        Execution, ExecutionId, ExecutionState, Outcome, PlanId, PlanWaiting, Test, TestId,
        TestResult,
    },
};

impl Client {
    /// What a plan waits for; `None` if the service cannot answer.
    pub async fn plan_waiting(&self, plan: PlanId) -> Result<Option<PlanWaiting>, ClientError> {
        let read = json::<WaitingResponse>("what a plan waits for");
        let answer = self.ask_testplan(plan, "waiting", read).await?;
        Ok(answer.map(PlanWaiting::from))
    }

    /// What a plan keeps of the tests that it was requested with; `None` if the service cannot answer.
    pub async fn plan_tests(&self, plan: PlanId) -> Result<Option<PlanTests>, ClientError> {
        let read = json::<PlanTestsResponse>("what a plan keeps of its tests");
        let answer = self.ask_testplan(plan, "discovery", read).await?;
        Ok(answer.map(|kept| PlanTests {
            digest: kept.tests_digest,
            discovery: kept.discovery,
        }))
    }

    /// Lists all executions of a plan; `None` if the service cannot answer.
    pub async fn executions(&self, plan: PlanId) -> Result<Option<Vec<Execution>>, ClientError> {
        if !self.finds_testplan(plan).await? {
            return Ok(None);
        }
        let mut executions = Vec::new();
        let mut after = None;
        loop {
            let mut call = plan_call(plan, "executions");
            if let Some(after) = after {
                call = call.query("after", &format!("{after}"));
            }
            let page = self.ask(&call, |body| next_page(body, after)).await?;
            executions.extend(page.items.into_iter().map(execution));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(Some(executions)),
            }
        }
    }

    /// The newest `most` plans of a template, for a branch if one is given; `None` if the service cannot answer.
    pub async fn plans_of(
        &self,
        template: PlanId,
        branch: Option<&str>,
        most: u32,
    ) -> Result<Option<Vec<StartedPlanEntry>>, ClientError> {
        if !self.finds_testplan(template).await? {
            return Ok(None);
        }
        let path = format!("{}/templates/{template}/plans", api::TESTPLAN);
        let mut call = Call::at(Method::GET, path).query("limit", &most.to_string());
        if let Some(branch) = branch {
            call = call.query("branch", branch);
        }
        let read = json::<PageResponse<StartedPlanEntry>>("a list of plans");
        match self.ask(&call, read).await {
            Ok(page) => Ok(Some(page.items)),
            Err(error) if matches!(error.kind, ErrorKind::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The runs of a test with numbers of executions below `before`, newest first, at most 100; `None` if the service does
    /// not have the call.
    pub async fn test_runs(
        &self,
        test: TestId,
        before: ExecutionId,
    ) -> Result<Option<PageResponse<TestRunResponse>>, ClientError> {
        let path = format!("{}/tests/{test}/runs", api::TESTPLAN);
        let call = Call::at(Method::GET, path).query("before", &before.to_string());
        let read = json::<PageResponse<TestRunResponse>>("the runs of a test");
        match self.ask(&call, read).await {
            Ok(page) => Ok(Some(page)),
            Err(error) if is_unknown(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Cancels a plan. [`ErrorKind::Unsupported`] from Test Center, and from an older `testplan serve`.
    pub async fn cancel_plan(
        &self,
        plan: PlanId,
        reason: &str,
        stop_running: bool,
    ) -> Result<CancelResponse, ClientError> {
        let request = CancelRequest {
            reason: reason.to_owned(),
            stop_running,
        };
        let path = format!("{}/plans/{plan}/cancel", api::TESTPLAN);
        let call = Call::at(Method::POST, path).json(&request);
        let unsupported =
            |status, tries| Err(call.error(ErrorKind::Unsupported { status }, tries, false));
        if !self.finds_testplan(plan).await? {
            return unsupported(404, 0);
        }
        // Repeated, it cancels what the first one left.
        let rule = self.service_rule(Repeat::Always);
        let read = json::<CancelResponse>("what a cancel found");
        match self.persist(&call, rule, read).await {
            Ok(got) => Ok(got.value),
            Err(ClientError {
                kind: ErrorKind::Refused { status, .. },
                tries,
                ..
            }) if matches!(status, 404 | 405) => unsupported(status, tries),
            Err(error) => Err(error),
        }
    }

    /// The newest `most` things that people did, or `None` if the service cannot answer.
    pub async fn actions(&self, most: u32) -> Result<Option<Vec<ActionResponse>>, ClientError> {
        let path = format!("{}/audit", api::TESTPLAN);
        let call = Call::at(Method::GET, path).query("limit", &most.to_string());
        let read = json::<PageResponse<ActionResponse>>("a list of actions");
        match self.ask(&call, read).await {
            Ok(page) => Ok(Some(page.items)),
            Err(error) if is_unknown(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The first `most` open executions of a plan, or `None` if the service is not known to be testplan's own.
    pub async fn open_executions(
        &self,
        plan: PlanId,
        most: u32,
    ) -> Result<Option<Vec<Execution>>, ClientError> {
        if !self.is_testplan() {
            return Ok(None);
        }
        let call = plan_call(plan, "executions")
            .query("state", "open")
            .query("limit", &most.to_string());
        let page = self.ask(&call, |body| next_page(body, None)).await?;
        Ok(Some(page.items.into_iter().map(execution).collect()))
    }

    /// Asks about a plan; `None` from Test Center, and from an older `testplan serve` that does not have the call.
    async fn ask_testplan<T>(
        &self,
        plan: PlanId,
        what: &str,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>, ClientError> {
        if !self.finds_testplan(plan).await? {
            return Ok(None);
        }
        match self.ask(&plan_call(plan, what), read).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if matches!(error.kind, ErrorKind::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the service is testplan's own; looks the plan up if no answer has shown it yet.
    async fn finds_testplan(&self, plan: PlanId) -> Result<bool, ClientError> {
        if self.service_kind() == ServiceKind::Unknown {
            self.plan(plan).await?;
        }
        Ok(self.is_testplan())
    }
}

/// Whether the service does not have the call.
fn is_unknown(error: &ClientError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Refused { status: 404, .. } | ErrorKind::NotUnderstood { status: 404, .. }
    )
}

fn plan_call(plan: PlanId, what: &str) -> Call {
    Call::at(
        Method::GET,
        format!("{}/plans/{plan}/{what}", api::TESTPLAN),
    )
}

/// Reads a part of a list. A `next` that points back would never end.
fn next_page(body: &[u8], after: Option<i64>) -> Result<PageResponse<ExecutionResponse>, String> {
    let page: PageResponse<ExecutionResponse> = json("a list of executions")(body)?;
    if page.next.is_some() && page.next <= after {
        return Err(format!("a `next` past {after:?}"));
    }
    Ok(page)
}

fn execution(wire: ExecutionResponse) -> Execution {
    let outcome = match (wire.state, wire.error) {
        (ExecutionState::Open | ExecutionState::Reserved, _) => None,
        (ExecutionState::Done, Some(message)) => Some(Outcome::ExecutionError {
            message,
            details: String::new(),
        }),
        (ExecutionState::Done, None) => Some(Outcome::Completed {
            result: wire.verdict.map(|verdict| TestResult {
                verdict,
                duration_ms: wire.duration_ms.unwrap_or(0),
                flaky: wire.flaky,
            }),
        }),
    };
    Execution {
        id: wire.execution_id,
        test: Test {
            suite: wire.suite,
            testcase: wire.testcase,
        },
        test_id: wire.test_id,
        required: wire.labels.into(),
        state: wire.state,
        attempts: wire.attempts,
        generation: wire.generation,
        outcome,
        failure: wire.failure,
        duration_ms: wire.duration_ms,
        expected_ms: wire.expected_ms,
    }
}
