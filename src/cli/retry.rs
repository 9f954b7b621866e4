//! `testplan retry`: opens what failed or could not run again, each once per re-run, for workers to take again.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    args::{Format, OutArgs, ServiceArgs},
    connect, reporting,
    rerun::{
        Rerun,
        reopen::{self, Wanted},
    },
    screen::Screen,
    settings, working,
};
use crate::{
    ci::Ci, config::environment::Environment, exit_code::Conclusion, failure::CommandResult,
    model::PlanId,
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
    /// [default: the CI's run attempt less the one that started the plan, else no limit].
    #[arg(long, value_name = "N")]
    rerun: Option<u32>,
    /// Records that tell what failed, for a service that cannot list executions [default: OUT/records].
    #[arg(long, value_name = "PATH", num_args = 1..)]
    records: Vec<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `testplan retry`.
pub async fn run(command: Retry, environment: &Environment, screen: &Screen) -> CommandResult {
    let client = connect::client(&command.service, environment, screen)?;
    let plan = connect::plan(&client, command.plan_id).await?;
    let ci = Ci::detect(environment.lookup());
    let rerun = command
        .rerun
        .or_else(|| match Rerun::of(&ci, None, &plan.title) {
            Rerun::First => None,
            Rerun::Later(later) => Some(later),
            // At most so many, if the plan is as old as the run.
            Rerun::Unknown { attempt } => Some(attempt - 1),
        });
    let out = settings::folder(&command.out, environment)?;
    let wanted = Wanted {
        rerun,
        offered: None,
        records: &reporting::record_paths(&out, &command.records),
        worker: None,
    };
    let failures = match reopen::listed(&client, &plan, wanted).await? {
        Some(failures) => failures,
        None => reopen::recorded(&plan, wanted)?,
    };
    let name = working::process_name(environment)?;
    let opened = reopen::open(failures, &client, &plan, &out.join("records"), &name).await?;
    for (execution, why) in &opened.refused {
        screen.info(format_args!("execution {execution} is left alone: {why}"));
    }
    screen.data(
        command.format,
        || {
            format!(
                "{} executions of plan {} are open again\n",
                opened.executions.len(),
                command.plan_id
            )
        },
        || json!({ "schema": 1, "plan_id": command.plan_id, "reset": opened.executions }),
    );
    Ok(Conclusion::Passed)
}
