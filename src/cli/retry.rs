//! `testplan retry`: opens what failed or could not run again, each once per re-run, for workers to take again.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    args::{Format, OutArgs, ServiceArgs},
    context::Context,
    lookup, worker_name,
};
use crate::{
    exit_code::Conclusion,
    failure::CommandResult,
    model::PlanId,
    report_files,
    rerun::{
        Rerun,
        reopen::{self, Wanted},
    },
};

/// Opens failed executions again.
#[derive(Args, Debug)]
pub(crate) struct Retry {
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
pub(crate) async fn run(command: Retry, context: &Context) -> CommandResult {
    let client = command.service.connect(context)?;
    let plan = lookup::plan(&client, command.plan_id).await?;
    let rerun = command
        .rerun
        .or_else(|| match Rerun::of(context.ci(), None, &plan.title) {
            Rerun::First => None,
            Rerun::Later(later) => Some(later),
            // At most so many, if the plan is as old as the run.
            Rerun::Unknown { attempt } => Some(attempt - 1),
        });
    let out = command.out.folder(context)?;
    let wanted = Wanted {
        rerun,
        offered: None,
        records: &report_files::record_paths(&out, &command.records),
        worker: None,
    };
    let failures = match reopen::listed(&client, &plan, wanted).await? {
        Some(failures) => failures,
        None => reopen::recorded(&plan, wanted)?,
    };
    let name = worker_name::unique(context)?;
    let opened = reopen::open(failures, &client, &plan, &out.join("records"), &name).await?;
    for refusal in opened.refusals() {
        context.screen.info(refusal);
    }
    context.screen.data(
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
