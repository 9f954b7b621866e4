//! `testplan retry`: opens what failed or could not run again, each once per re-run, for workers to take again.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    args::{Format, OutArgs, ServiceArgs},
    connect,
    failure::{Ended, Failure},
    reporting,
    screen::Screen,
    settings, working,
};
use crate::{
    ci::Ci,
    client::Client,
    config::environment::Environment,
    exit_code::Conclusion,
    model::{
        Capabilities, ExecutionId, ExecutionState, Outcome, Plan, PlanId, TestVerdict,
        record::RecordEvent,
    },
    run::recorder::{Recorder, record},
};

/// Opens failed executions again.
#[derive(Args, Debug)]
pub struct Retry {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    out: OutArgs,
    /// The plan.
    #[arg(long, value_name = "N")]
    plan_id: PlanId,
    /// Which re-run this is, 1 for the first: what was opened so often already is left alone, however many callers come
    /// [default: the CI's run attempt less one, else no limit].
    #[arg(long, value_name = "N")]
    rerun: Option<u32>,
    /// Records that tell what failed, for a service that cannot list executions [default: OUT/records].
    #[arg(long, value_name = "PATH")]
    records: Vec<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// An execution to open again.
struct Candidate {
    execution: ExecutionId,
    generation: Option<u32>,
}

/// `testplan retry`.
pub async fn run(command: Retry, environment: &Environment, screen: &Screen) -> Ended {
    let client = connect::client(&command.service, environment, screen)?;
    let plan = client.plan(command.plan_id).await?;
    let rerun = command.rerun.or_else(|| {
        let attempt: u32 = Ci::detect(environment.lookup()).run_attempt?.parse().ok()?;
        attempt.checked_sub(1).filter(|rerun| *rerun > 0)
    });
    let candidates = match listed(&client, command.plan_id, rerun).await? {
        Some(candidates) => candidates,
        None => recorded(&command, environment)?,
    };
    let mut recorder = None;
    let mut opened = Vec::new();
    for candidate in &candidates {
        let execution = candidate.execution;
        match client.reset(execution, candidate.generation).await {
            Ok(()) => {
                if recorder.is_none() {
                    recorder = Some(begin(&command, &client, &plan, environment).await?);
                }
                if let Some((recorder, name)) = &mut recorder {
                    let line = record(name.clone(), RecordEvent::Reset { execution });
                    recorder.write(&line).map_err(Failure::infrastructure)?;
                }
                opened.push(execution);
            }
            // Somebody else was faster, or it passed meanwhile: that is what was wanted.
            Err(error) if error.lease_is_lost() => {
                screen.say(&format!("execution {execution} is left alone: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if let Some((mut recorder, name)) = recorder {
        let reason = format!("opened {} executions again", opened.len());
        let left = record(
            name,
            RecordEvent::Left {
                reason,
                status: None,
            },
        );
        recorder.write(&left).map_err(Failure::infrastructure)?;
    }
    screen.data(
        command.format,
        || {
            format!(
                "{} executions of plan {} are open again\n",
                opened.len(),
                command.plan_id
            )
        },
        || json!({ "schema": 1, "plan_id": command.plan_id, "reset": opened }),
    );
    Ok(Conclusion::Passed)
}

/// What failed by the service's own list; `None` where it cannot list.
async fn listed(
    client: &Client,
    plan: PlanId,
    rerun: Option<u32>,
) -> Result<Option<Vec<Candidate>>, Failure> {
    let Some(executions) = client.executions(plan).await? else {
        return Ok(None);
    };
    let candidates = executions
        .into_iter()
        .filter(|execution| execution.state == ExecutionState::Done)
        .filter(|execution| execution.outcome.as_ref().is_some_and(wants_another_try))
        .filter(|execution| rerun.is_none_or(|rerun| execution.generation < rerun))
        .map(|execution| Candidate {
            execution: execution.id,
            generation: Some(execution.generation),
        })
        .collect();
    Ok(Some(candidates))
}

/// What failed by the workers' records.
fn recorded(command: &Retry, environment: &Environment) -> Result<Vec<Candidate>, Failure> {
    let paths = reporting::record_paths(
        &settings::folder(&command.out, environment)?,
        &command.records,
    );
    let report = reporting::merge(&paths, Some(command.plan_id), None, None)?;
    let failed = report
        .entries
        .iter()
        .filter(|entry| entry.standing.can_be_reset());
    Ok(failed
        .map(|entry| Candidate {
            execution: entry.execution,
            generation: None,
        })
        .collect())
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

async fn begin(
    command: &Retry,
    client: &Client,
    plan: &Plan,
    environment: &Environment,
) -> Result<(Recorder, String), Failure> {
    let name = working::process_name(environment)?;
    let status = client.status(plan.id, &Capabilities::default()).await?;
    let mut recorder = Recorder::create(
        &settings::folder(&command.out, environment)?.join("records"),
        &name,
    )
    .map_err(Failure::infrastructure)?;
    let began = RecordEvent::Began {
        plan: plan.id,
        title: plan.title.clone(),
        project: plan.project.clone(),
        batch: plan.batch.clone(),
        capabilities: Capabilities::default(),
        status,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    recorder
        .write(&record(name.clone(), began))
        .map_err(Failure::infrastructure)?;
    Ok((recorder, name))
}
