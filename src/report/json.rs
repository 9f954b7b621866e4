//! The report as JSON. While `schema` stays the same, members are only added, never renamed or removed.

use serde_json::{Value, json};

use crate::model::{Capabilities, Outcome, record::Confirmation};

use super::{
    AttemptEnd, AttemptReport, Counting, EntryStatus, PlanReport, ReportEntry,
    deciding::{EntryQuarantine, QuarantineState},
    discovery_text,
    failure_details::FailureDetails,
};

const SCHEMA: u32 = 1;

/// Strings are as the workers wrote them; the caller cleans them when it prints. The counts are of tests, which are more than
/// the executions where an execution runs several.
pub fn json(report: &PlanReport) -> Value {
    let counts = report.tests();
    let executions = report.executions();
    json!({
        "schema": SCHEMA,
        "conclusion": report.conclusion().word(),
        "exit_code": report.conclusion().code(),
        "cause": report.incomplete_cause().map(|cause| cause.to_string()),
        "cancelled": report.cancels(),
        "plan": report.plan.as_ref().map(|plan| json!({
            "id": plan.id, "title": plan.title, "project": plan.project, "batch": plan.batch,
        })),
        "proof": report.proof.word(),
        "total": counts.total,
        "passed": counts.passed,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "errors": counts.errors,
        "missing": counts.missing,
        "execution_counts": {
            "total": executions.total,
            "passed": executions.passed,
            "failed": executions.failed,
            "skipped": executions.skipped,
            "errors": executions.errors,
            "missing": executions.missing,
            "quarantined": executions.quarantined,
        },
        "passed_by_exit_code": report.passed_by_exit_code(),
        "flaky": counts.flaky,
        "flaky_failed": counts.flaky_failed,
        "quarantined": counts.quarantined,
        "verdict_notes": report.verdict_notes.sentences,
        "recovered": counts.recovered,
        "unnamed_missing": report.unnamed_missing,
        "open_at_service": report.open_at_service,
        "service_counts": report.service_counts.as_ref().map(|there| json!({
            "passed": there.passed, "failed": there.failed, "skipped": there.skipped, "url": there.url,
        })),
        "duration_ms": report.duration_ms(),
        "executions": report.entries.iter().map(execution).collect::<Vec<_>>(),
        "capabilities": report.by_capability().iter().map(|(labels, row)| json!({
            "capabilities": texts(labels),
            "total": row.counts.total,
            "passed": row.counts.passed,
            "failed": row.counts.failed,
            "skipped": row.counts.skipped,
            "errors": row.counts.errors,
            "missing": row.counts.missing,
            "quarantined": row.counts.quarantined,
            "workers": row.workers,
            "busy_ms": row.busy_ms,
        })).collect::<Vec<_>>(),
        "workers": report.workers.iter().map(|worker| json!({
            "name": worker.name,
            "capabilities": texts(&worker.capabilities),
            "began": worker.began,
            "ended": worker.ended,
            "left": worker.left,
            "attempts": worker.attempts,
            "busy_ms": worker.busy_ms,
        })).collect::<Vec<_>>(),
        "not_uploaded": report.not_uploaded,
        "discovery": report.discovery.as_ref().map(discovery_text::json),
        "warnings": report.warnings,
        "broken": report.broken,
    })
}

fn execution(entry: &ReportEntry) -> Value {
    let problem = FailureDetails::of_entry(entry);
    json!({
        "execution": entry.execution,
        "suite": entry.test.suite,
        "testcase": entry.test.testcase,
        "capabilities": entry.required.as_ref().map(texts),
        "outcome": entry.status.word(),
        "duration_ms": entry.duration_ms(),
        "flaky": entry.flaky,
        "recovered": entry.recovered,
        "counts_as_failed": !entry.ruling.is_excused && (entry.status == EntryStatus::Failed || entry.ruling.flaky_fails),
        "quarantine": entry.ruling.quarantine.as_ref().map(quarantine),
        "message": problem.message(),
        "details": problem.details(),
        "explanations": entry.explanations.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "attempts": entry.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

fn quarantine(quarantine: &EntryQuarantine) -> Value {
    json!({
        "state": match quarantine.state {
            QuarantineState::Active => "active",
            QuarantineState::Expired => "expired",
            QuarantineState::Broken(_) => "broken",
            QuarantineState::HistoryUnknown => "history-unknown",
        },
        "owner": quarantine.owner,
        "reason": quarantine.reason,
        "link": quarantine.link,
        "until": quarantine.until,
    })
}

fn attempt(attempt: &AttemptReport) -> Value {
    let (confirmation, reason) = match &attempt.confirmation {
        None => (None, None),
        Some(Confirmation::Counted) => (Some("counted"), None),
        Some(Confirmation::NotCounted { reason }) => (Some("not-counted"), Some(reason)),
        Some(Confirmation::Undelivered { reason }) => (Some("undelivered"), Some(reason)),
    };
    json!({
        "worker": attempt.worker,
        "capabilities": texts(&attempt.capabilities),
        "squish_server": attempt.squish_server,
        "attempt": attempt.number,
        "reserved": attempt.reserved,
        "started": attempt.started,
        "ended": attempt.finished(),
        "duration_ms": attempt.duration_ms(),
        "outcome": outcome(attempt),
        "counts": attempt.counting == Counting::Counts,
        "confirmation": confirmation,
        "confirmation_reason": reason,
        "cases": attempt.ended().map_or(0, |ended| ended.cases.len()),
        "cases_not_kept": attempt.ended().map_or(0, |ended| ended.not_kept.total()),
        "case_counts": attempt.ended().map(|_| attempt.case_counts()),
        "log": attempt.ended().and_then(|ended| ended.log.as_ref()),
    })
}

fn outcome(attempt: &AttemptReport) -> &'static str {
    match &attempt.end {
        AttemptEnd::GivenBack { .. } => "given-back",
        AttemptEnd::Unsaid => "unsaid",
        AttemptEnd::Killed => "killed",
        AttemptEnd::Ended(ended) => match &ended.outcome {
            Outcome::LeaseLost => "lease-lost",
            Outcome::Cancelled => "cancelled",
            Outcome::Completed { result: None } => "unknown",
            Outcome::Completed { result: Some(_) } | Outcome::ExecutionError { .. } => {
                attempt.status().word()
            }
        },
    }
}

fn texts(labels: &Capabilities) -> Vec<String> {
    labels.iter().map(ToString::to_string).collect()
}
