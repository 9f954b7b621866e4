//! Resets failed executions, each once per re-run, and records which.

use std::path::PathBuf;

use crate::{
    client::{Client, ClientError, ErrorKind},
    clock,
    failure::Failure,
    model::{
        Capabilities, Execution, ExecutionId, ExecutionState, LabelCase, Outcome, Plan, Record,
        TestVerdict, Timestamp, record::RecordEvent,
    },
    report::PlanReport,
    report_files,
    run::recorder::{Recorder, record},
};

/// Which failures to reset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResetFilter<'a> {
    /// Resets only executions with fewer resets than this; no limit if `None`.
    pub(crate) rerun: Option<u32>,
    /// Resets only what workers with these capabilities can take.
    pub(crate) offered: Option<&'a Capabilities>,
    /// Records that show what failed, for a service that cannot list executions.
    pub(crate) records: &'a [PathBuf],
    /// Resets only the results that this worker recorded. If the service does not count resets, each worker that comes
    /// back resets its own failures, and none is reset twice.
    pub(crate) worker: Option<&'a str>,
}

/// Executions to reset.
#[derive(Debug, Default)]
pub(crate) struct ResetCandidates {
    candidates: Vec<ResetCandidate>,
    /// Whether the service listed them, with the number of their resets.
    listed: bool,
    /// How many failed again after their reset in this re-run.
    pub(crate) tried: usize,
    /// When the list was read.
    seen: Option<Timestamp>,
}

impl ResetCandidates {
    pub(crate) fn len(&self) -> usize {
        self.candidates.len()
    }
}

#[derive(Debug, PartialEq, Eq)]
struct ResetCandidate {
    execution: ExecutionId,
    generation: Option<u32>,
}

/// What was reset.
#[derive(Debug, Default)]
pub(crate) struct ResetOutcome {
    pub(crate) executions: Vec<ExecutionId>,
    /// What the service refused to reset, and why.
    pub(crate) refused: Vec<(ExecutionId, String)>,
    /// Whether a refusal means that another process reset it first or that it passed meanwhile.
    pub(crate) refusals_are_fine: bool,
}

impl ResetOutcome {
    /// A line for each execution that the service refused to reset.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = String> {
        let refused = self.refused.iter();
        refused.map(|(execution, why)| format!("execution {execution} is not reset: {why}"))
    }
}

/// Finds what failed in the service's list of executions. `None` if the service has no list.
pub(crate) async fn listed(
    client: &Client,
    plan: &Plan,
    filter: ResetFilter<'_>,
) -> Result<Option<ResetCandidates>, ClientError> {
    let Some(executions) = client.executions(plan.id).await? else {
        return Ok(None);
    };
    Ok(Some(ResetCandidates {
        seen: Some(clock::wall()),
        ..of_list(&executions, filter)
    }))
}

fn of_list(executions: &[Execution], filter: ResetFilter<'_>) -> ResetCandidates {
    let fits = |execution: &&Execution| {
        let covers =
            |offered: &Capabilities| offered.covers(&execution.required, LabelCase::Folded);
        filter.offered.is_none_or(covers)
    };
    let failed = executions
        .iter()
        .filter(|execution| execution.state == ExecutionState::Done)
        .filter(|execution| execution.outcome.as_ref().is_some_and(wants_another_try))
        .filter(fits);
    let (due, tried): (Vec<_>, Vec<_>) = failed.partition(|execution| {
        filter
            .rerun
            .is_none_or(|rerun| execution.generation < rerun)
    });
    let candidates = due.into_iter().map(|execution| ResetCandidate {
        execution: execution.id,
        generation: Some(execution.generation),
    });
    ResetCandidates {
        candidates: candidates.collect(),
        listed: true,
        tried: tried.len(),
        seen: None,
    }
}

/// Finds what failed in the workers' records.
pub(crate) fn recorded(plan: &Plan, filter: ResetFilter<'_>) -> Result<ResetCandidates, Failure> {
    let report = report_files::merge(filter.records, Some(plan.id), None, None)?;
    Ok(of_records(&report, filter.worker))
}

fn of_records(report: &PlanReport, worker: Option<&str>) -> ResetCandidates {
    let mine = |name: &str| worker.is_none_or(|worker| same_job(name, worker));
    let failed = report.entries.iter().filter(|entry| {
        let counted = entry.counted();
        entry.status.can_be_reset() && counted.is_some_and(|attempt| mine(&attempt.worker))
    });
    ResetCandidates {
        candidates: failed
            .map(|entry| ResetCandidate {
                execution: entry.execution,
                generation: None,
            })
            .collect(),
        ..ResetCandidates::default()
    }
}

/// Whether two worker names belong to one job: they differ only in the random end and the slot.
fn same_job(name: &str, process: &str) -> bool {
    fn job(name: &str) -> &str {
        let process = name.split('/').next().unwrap_or(name);
        process.rsplit_once('-').map_or(process, |(job, _)| job)
    }
    job(name) == job(process)
}

fn wants_another_try(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::ExecutionError { .. } => true,
        Outcome::Completed { result } => {
            result.is_some_and(|result| result.verdict == TestVerdict::Failed)
        }
        Outcome::LeaseLost | Outcome::Cancelled => false,
    }
}

/// Resets them. `folder` and `name` are those of the record file, which is created with the first reset.
pub(crate) async fn open(
    failures: ResetCandidates,
    client: &Client,
    plan: &Plan,
    folder: &std::path::Path,
    name: &str,
) -> Result<ResetOutcome, Failure> {
    let mut opened = ResetOutcome {
        refusals_are_fine: failures.listed,
        ..ResetOutcome::default()
    };
    let mut recorder = None;
    for candidate in failures.candidates {
        let execution = candidate.execution;
        // The record has the time of the list, not of the answer: by then a worker may have reserved the execution.
        let at = failures.seen.unwrap_or_else(clock::wall);
        match client.reset(execution, candidate.generation).await {
            Ok(()) => {
                let recorder = match &mut recorder {
                    Some(recorder) => recorder,
                    none => none.insert(begin(client, plan, folder, name).await?),
                };
                let reset = Record {
                    at,
                    ..record(name.to_owned(), RecordEvent::Reset { execution })
                };
                recorder.write(&reset).map_err(Failure::infrastructure)?;
                opened.executions.push(execution);
            }
            Err(error) if matches!(error.kind, ErrorKind::Refused { .. }) => {
                opened.refused.push((execution, error.to_string()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(mut recorder) = recorder {
        let reason = format!("opened {} executions again", opened.executions.len());
        let left = RecordEvent::Left {
            reason,
            status: None,
        };
        recorder
            .write(&record(name.to_owned(), left))
            .map_err(Failure::infrastructure)?;
    }
    Ok(opened)
}

async fn begin(
    client: &Client,
    plan: &Plan,
    folder: &std::path::Path,
    name: &str,
) -> Result<Recorder, Failure> {
    let now = client.plan(plan.id).await?;
    let clock_ahead_ms = now.clock_ahead_ms(clock::wall());
    let status = client.status(plan.id, &Capabilities::default()).await?;
    let mut recorder = Recorder::create(folder, name).map_err(Failure::infrastructure)?;
    let began = RecordEvent::Began {
        plan: plan.id,
        title: plan.title.clone(),
        project: plan.project.clone(),
        batch: plan.batch.clone(),
        capabilities: Capabilities::default(),
        status,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        clock_ahead_ms,
        page_url: client.page_of(&now),
    };
    recorder
        .write(&record(name.to_owned(), began))
        .map_err(Failure::infrastructure)?;
    Ok(recorder)
}
