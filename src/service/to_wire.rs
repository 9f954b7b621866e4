//! From types of the store to types of the wire.

use crate::{
    api::{
        self,
        actions::ActionResponse,
        execution_list::{
            EventResponse, ExecutionResponse, PageResponse, StartedPlanEntry, TestRunResponse,
        },
        import::{ImportResponse, ImportedFile},
        plan::{PlanResponse, Repository, StatusResponse},
        reservation::{GrantedResponse, ReserveResponse},
        test_list::{TemplateChange, TemplateDifferenceEntry},
    },
    model::{Execution, Outcome, Plan, PlanStatus, signed_millis},
    store::{
        Action, Event, Granted, Import, Page, PlanRun, Reservation, TemplateDifference, TestRun,
    },
    trend,
};

pub(super) fn plan(plan: Plan) -> PlanResponse {
    let repositories = plan.repositories.into_iter();
    PlanResponse {
        id: plan.id,
        title: plan.title,
        description: plan.description,
        batch_name: plan.batch,
        server_dt: plan.server_time.0,
        planned_dt: plan.planned.map(|planned| planned.0),
        kind: plan.kind,
        project: plan.project,
        repository_information: repositories
            .map(|repository| Repository {
                id: repository.id.to_string(),
                enabled: true,
                branch: repository.branch,
                // Only Test Center has the repositories to resolve a branch with.
                hash: String::new(),
            })
            .collect(),
        tags: plan.tags,
        passes: plan.passes,
        failed: plan.failed,
        skipped: plan.skipped,
        count: plan.count,
        page_url: plan.page_url,
    }
}

pub(super) fn started_plan(run: PlanRun) -> StartedPlanEntry {
    StartedPlanEntry {
        plan_id: run.id,
        title: run.title,
        started_dt: run.started.0,
        branch: run.origin.branch,
        commit: run.origin.commit,
        count: run.size,
        ended: run.is_over,
    }
}

pub(super) fn status(counts: PlanStatus) -> StatusResponse {
    StatusResponse {
        open: counts.open,
        reserved: counts.reserved,
        done: Some(counts.done),
        finished: Some(counts.done),
    }
}

pub(super) fn reservation(reservation: Reservation) -> ReserveResponse {
    let mut more = Vec::new();
    let (status, granted, pending) = match reservation {
        Reservation::Granted(mut it) => {
            more = it.more.drain(..).map(granted).collect();
            (api::RESERVED, Some(granted(*it)), None)
        }
        Reservation::NoExecution { pending } => (api::NO_EXECUTION, None, Some(pending)),
        Reservation::NoServer { pending } => (api::NO_SERVER, None, Some(pending)),
    };
    ReserveResponse {
        status: status.to_owned(),
        granted,
        more,
        pending,
    }
}

fn granted(granted: Granted) -> GrantedResponse {
    GrantedResponse {
        execution_id: granted.execution,
        project_name: granted.project,
        batch: granted.batch,
        test_id: granted.test_id,
        testcase: granted.test.testcase,
        suite: granted.test.suite,
        server: granted.server.map(Into::into),
        lease: Some(granted.lease),
        expires_dt: Some(granted.expires.0),
        timeout: Some(signed_millis(granted.timeout)),
        attempt: Some(granted.attempt),
        labels: Some(granted.required.into()),
        expected_ms: granted
            .expected
            .map(|expected| u64::try_from(expected.as_millis()).unwrap_or(u64::MAX)),
    }
}

pub(super) fn import(import: Import) -> ImportResponse {
    let files = import.files.into_iter();
    ImportResponse {
        id: import.id,
        project: import.project,
        batch: import.batch,
        labels: import.labels.into(),
        folder: import.folder,
        files: files
            .map(|file| ImportedFile {
                name: file.name,
                content_type: file.content_type,
                bytes: file.bytes,
                sha256: file.sha256,
                notes: file.notes,
            })
            .collect(),
        cases: import.cases,
        at: import.at.0,
    }
}

pub(super) fn page<T, R>(page: Page<T>, item: impl FnMut(T) -> R) -> PageResponse<R> {
    PageResponse {
        items: page.items.into_iter().map(item).collect(),
        next: page.next,
    }
}

pub(super) fn test_run(run: TestRun) -> TestRunResponse {
    TestRunResponse {
        is_telling: trend::tells_of_test(&run),
        execution_id: run.execution,
        plan_id: run.plan,
        started_dt: run.started.0,
        labels: run.required.iter().cloned().collect(),
        end: run.end,
        commit: run.origin.commit,
        branch: run.origin.branch,
        duration_ms: run.duration_ms,
    }
}

pub(super) fn execution(execution: Execution) -> ExecutionResponse {
    let flaky = matches!(&execution.outcome, Some(Outcome::Completed { result: Some(result) }) if result.flaky);
    let (verdict, error) = match execution.outcome {
        Some(Outcome::Completed { result }) => (result.map(|result| result.verdict), None),
        Some(Outcome::ExecutionError { message, .. }) => (None, Some(message)),
        Some(Outcome::LeaseLost) => (None, Some("the lease was lost".to_owned())),
        Some(Outcome::Cancelled) => (None, Some("the worker was stopped".to_owned())),
        None => (None, None),
    };
    ExecutionResponse {
        execution_id: execution.id,
        test_id: execution.test_id,
        suite: execution.test.suite,
        testcase: execution.test.testcase,
        labels: execution.required.into(),
        state: execution.state,
        attempts: execution.attempts,
        generation: execution.generation,
        verdict,
        flaky,
        error,
        failure: execution.failure,
        duration_ms: execution.duration_ms,
        expected_ms: execution.expected_ms,
    }
}

pub(super) fn difference(difference: TemplateDifference) -> TemplateDifferenceEntry {
    TemplateDifferenceEntry {
        id: difference.id,
        title: difference.title,
        change: match (difference.is_new, difference.is_changed) {
            (true, _) => TemplateChange::New,
            (false, true) => TemplateChange::Changed,
            (false, false) => TemplateChange::Unchanged,
        },
        before: difference.before,
        count: difference.count,
        added: difference.added,
        removed: difference.removed,
        first_added: difference.first_added.iter().map(Into::into).collect(),
        first_removed: difference.first_removed.iter().map(Into::into).collect(),
    }
}

pub(super) fn action(action: Action) -> ActionResponse {
    let Action { id, at, action } = action;
    ActionResponse {
        id,
        at: at.0,
        principal: action.principal,
        action: action.action,
        subject: action.subject,
        detail: action.detail,
    }
}

pub(super) fn event(event: Event) -> EventResponse {
    EventResponse {
        id: event.id,
        execution_id: event.execution,
        attempt: event.attempt,
        kind: event.kind,
        at: event.at.0,
        principal: event.principal,
        detail: event.detail,
    }
}
