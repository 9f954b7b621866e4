//! `testplan retry`: resets executions that failed or could not run, each once per re-run.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    args::{OutArgs, OutputFormat, ServiceArgs},
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
        reopen::{self, ResetFilter},
    },
};

/// Resets failed executions.
#[derive(Args, Debug)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    out: OutArgs,
    /// Reset executions of this plan.
    #[arg(long, value_name = "N", help_heading = "Plan")]
    plan_id: PlanId,
    /// Set the number of this re-run, 1 for the first: executions that were reset this often already are skipped [default:
    /// the CI's run attempt minus the one that started the plan, else no limit].
    #[arg(long, value_name = "N", help_heading = "Plan")]
    rerun: Option<u32>,
    /// Read what failed from these records, if the service cannot list executions [default: OUT/records].
    #[arg(long, value_name = "PATH", num_args = 1.., help_heading = "Results")]
    records: Vec<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// `testplan retry`.
pub(crate) async fn run(command: RetryArgs, context: &Context) -> CommandResult {
    let client = command.service.connect(context)?;
    let plan = lookup::plan(&client, command.plan_id).await?;
    let rerun = command
        .rerun
        .or_else(|| match Rerun::of(context.ci(), None, &plan.title) {
            Rerun::First => None,
            Rerun::Later(later) => Some(later),
            // The most, if the first attempt started the plan.
            Rerun::Unknown { attempt } => Some(attempt - 1),
        });
    let out = command.out.folder(context)?;
    let filter = ResetFilter {
        rerun,
        offered: None,
        records: &report_files::record_paths(&out, &command.records),
        worker: None,
    };
    let failures = match reopen::listed(&client, &plan, filter).await? {
        Some(failures) => failures,
        None => reopen::recorded(&plan, filter)?,
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
