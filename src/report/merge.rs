//! Merges records, and the state of the plan at the service, into one [`PlanReport`].
//!
//! Every planned execution is reported: the total is the highest count in records and service, and each execution without
//! a counted result is missing, by name if it is known. `gather` turns records into attempts, `counted_attempt` decides
//! which attempt of an execution counts, `missing_reasons` explains why no worker took an execution.

mod attempt_explanations;
mod counted_attempt;
mod gather;
mod merge_warnings;
mod missing_reasons;
mod plan_history;
mod record_selection;
mod worker_session;

use crate::model::{Execution, PlanId, PlanStatus};

use super::{PlanReport, Proof, RecordFile, deciding::FailureHistory};
use counted_attempt::{ServiceState, judge};

/// What a report is merged from.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The workers' records, in any order. Copies are left out.
    pub files: Vec<RecordFile>,
    /// The plan to report on. Without it, the one that began last.
    pub plan: Option<PlanId>,
    /// The counts of the service after the last worker left.
    pub status: Option<PlanStatus>,
    /// The list of the service, if it has one.
    pub executions: Option<Vec<Execution>>,
}

/// Why records could not be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// No record is of the requested plan, and no service confirms that it exists.
    #[error("no record is of plan {wanted}: the records are of {}", plans(.found))]
    UnknownPlan {
        /// The requested plan.
        wanted: PlanId,
        /// The plans of the records, at least one.
        found: Vec<PlanId>,
    },
}

/// Plans by number: `plan 7`, `plans 7, 8`.
pub(crate) fn plans(plans: &[PlanId]) -> String {
    let numbers: Vec<String> = plans.iter().map(PlanId::to_string).collect();
    let word = if numbers.len() == 1 { "plan" } else { "plans" };
    format!("{word} {}", numbers.join(", "))
}

/// Merges the evidence into a report.
pub fn merge(evidence: Evidence) -> Result<PlanReport, MergeError> {
    let Evidence {
        files,
        plan,
        status,
        executions,
    } = evidence;
    let mut history = gather::gather(files, plan);
    if let (Some(wanted), None) = (plan, status)
        && history.facts.is_none()
        && history.executions.is_empty()
        && !history.others.is_empty()
    {
        let found = history.others.into_iter().collect();
        return Err(MergeError::UnknownPlan { wanted, found });
    }
    let mut report = PlanReport {
        plan: history.facts.take(),
        other_plans: history.others.iter().copied().collect(),
        workers: std::mem::take(&mut history.workers),
        warnings: std::mem::take(&mut history.warnings),
        discovery: history.discovery.take(),
        recorded_policy: std::mem::take(&mut history.policy),
        span: history.span,
        checkouts: std::mem::take(&mut history.checkouts),
        proof: match (&executions, status) {
            (Some(_), _) => Proof::List,
            (None, Some(_)) => Proof::Counts,
            (None, None) => Proof::Records,
        },
        open_at_service: status.map_or(0, |status| status.open + status.reserved),
        ..PlanReport::default()
    };
    for execution in executions.iter().flatten() {
        let known = history.execution(execution.id);
        known.test = Some(execution.test.clone());
        known.required = Some(execution.required.clone());
    }
    let service = ServiceState {
        drained: status.is_some_and(PlanStatus::is_drained),
        listed: executions.map(|list| list.into_iter().map(|it| (it.id, it)).collect()),
    };
    for (id, execution) in history.executions {
        let judged = judge(id, execution, &service);
        report.broken.extend(judged.broken);
        report.entries.push(judged.entry);
    }
    let listed = service.listed.as_ref();
    missing_reasons::explain_missing(&mut report, &history.unserved, listed);
    report.not_uploaded = report.entries.iter().filter(|it| it.not_uploaded()).count() as u64;
    let named = report.entries.len() as u64;
    report.total = named
        .max(history.total)
        .max(status.map_or(0, PlanStatus::total));
    report.unnamed_missing = report.total - named;
    merge_warnings::add(&mut report, &history.unserved);
    // Until the history is asked, it excuses nothing.
    report.decide(&FailureHistory::not_asked());
    Ok(report)
}
