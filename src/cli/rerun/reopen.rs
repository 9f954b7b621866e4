//! Opens failed executions again, each once per re-run, and writes down which.

use std::path::PathBuf;

use crate::{
    cli::reporting,
    client::{Client, ClientError, ErrorKind},
    clock,
    failure::Failure,
    model::{
        Capabilities, Execution, ExecutionId, ExecutionState, LabelCase, Outcome, Plan, Record,
        TestVerdict, Timestamp, record::RecordEvent,
    },
    report::PlanReport,
    run::recorder::{Recorder, record},
};

/// Which failures are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// How often an execution may have been opened before and is opened still less often than that; no limit if `None`.
    pub rerun: Option<u32>,
    /// Only what workers that offer this can take: the rest is for those who can.
    pub offered: Option<&'a Capabilities>,
    /// Records that tell what failed, for a service that cannot list.
    pub records: &'a [PathBuf],
    /// Of the records only what this worker brought. Where the service does not count how often it opened an execution,
    /// each worker that comes back opens its own failures, and none is opened twice.
    pub worker: Option<&'a str>,
}

/// Executions to open again.
#[derive(Debug, Default)]
pub struct Failures {
    candidates: Vec<Candidate>,
    /// Whether the service told, with how often each was opened.
    listed: bool,
    /// How many failed again after they were opened in this re-run.
    pub tried: usize,
    /// When they had failed already.
    seen: Option<Timestamp>,
}

impl Failures {
    /// How many are to be opened.
    pub fn len(&self) -> usize {
        self.candidates.len()
    }

    /// Whether there is nothing to open.
    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    execution: ExecutionId,
    generation: Option<u32>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Opened {
    /// What is open again.
    pub executions: Vec<ExecutionId>,
    /// What the service did not open, and its words.
    pub refused: Vec<(ExecutionId, String)>,
    /// Whether a refusal means that somebody else was faster or that it passed meanwhile.
    pub refusals_are_fine: bool,
}

/// Finds what failed: by the service's list, or else by the records. `None` if the service has no list.
pub async fn listed(
    client: &Client,
    plan: &Plan,
    wanted: Wanted<'_>,
) -> Result<Option<Failures>, ClientError> {
    let Some(executions) = client.executions(plan.id).await? else {
        return Ok(None);
    };
    Ok(Some(Failures {
        seen: Some(clock::wall()),
        ..of_list(&executions, wanted)
    }))
}

fn of_list(executions: &[Execution], wanted: Wanted<'_>) -> Failures {
    let fits = |execution: &&Execution| {
        let covers =
            |offered: &Capabilities| offered.covers(&execution.required, LabelCase::Folded);
        wanted.offered.is_none_or(covers)
    };
    let failed = executions
        .iter()
        .filter(|execution| execution.state == ExecutionState::Done)
        .filter(|execution| execution.outcome.as_ref().is_some_and(wants_another_try))
        .filter(fits);
    let (due, tried): (Vec<_>, Vec<_>) = failed.partition(|execution| {
        wanted
            .rerun
            .is_none_or(|rerun| execution.generation < rerun)
    });
    let candidates = due.into_iter().map(|execution| Candidate {
        execution: execution.id,
        generation: Some(execution.generation),
    });
    Failures {
        candidates: candidates.collect(),
        listed: true,
        tried: tried.len(),
        seen: None,
    }
}

/// Finds what failed by the workers' records.
pub fn recorded(plan: &Plan, wanted: Wanted<'_>) -> Result<Failures, Failure> {
    let report = reporting::merge(wanted.records, Some(plan.id), None, None)?;
    Ok(of_records(&report, wanted.worker))
}

fn of_records(report: &PlanReport, worker: Option<&str>) -> Failures {
    let mine = |name: &str| worker.is_none_or(|worker| same_job(name, worker));
    let failed = report.entries.iter().filter(|entry| {
        let counted = entry.counted();
        entry.status.can_be_reset() && counted.is_some_and(|attempt| mine(&attempt.worker))
    });
    Failures {
        candidates: failed
            .map(|entry| Candidate {
                execution: entry.execution,
                generation: None,
            })
            .collect(),
        ..Failures::default()
    }
}

/// Whether two names of workers are of one job: they differ in the random end and in the slot.
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

/// Opens them again. `folder` and `name` are of the record file, which is made only if there is something to write.
pub async fn open(
    failures: Failures,
    client: &Client,
    plan: &Plan,
    folder: &std::path::Path,
    name: &str,
) -> Result<Opened, Failure> {
    let mut opened = Opened {
        refusals_are_fine: failures.listed,
        ..Opened::default()
    };
    let mut recorder = None;
    for candidate in failures.candidates {
        let execution = candidate.execution;
        // What is written down is when it had failed, not when the answer came: by then a worker may have taken it, and
        // a service of ours says yes as well to whoever is too late.
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
    };
    recorder
        .write(&record(name.to_owned(), began))
        .map_err(Failure::infrastructure)?;
    Ok(recorder)
}
