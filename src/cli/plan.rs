//! `testplan plan show | status`: one look at a plan.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    args::{OutputFormat, ServiceArgs},
    context::Context,
    lookup,
    screen::Screen,
};
use crate::{
    exit_code::Conclusion,
    failure::CommandResult,
    model::{Capability, Plan, PlanId, PlanKind, PlanStatus},
};

/// Shows a plan.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Show a plan or template by its number
    Show(ShowPlanArgs),
    /// Count the open, reserved and done executions of a plan
    Status(PlanStatusArgs),
}

/// Which plan, and how to print it.
#[derive(Args, Debug)]
pub(crate) struct ShowPlanArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Show this plan.
    #[arg(long, value_name = "N", help_heading = "Plan")]
    plan_id: PlanId,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// Which plan, and which of its executions to count.
#[derive(Args, Debug)]
pub(crate) struct PlanStatusArgs {
    #[command(flatten)]
    show: ShowPlanArgs,
    /// Count only executions that need this capability; repeat for more.
    #[arg(long = "capability", value_name = "KEY=VALUE")]
    capabilities: Vec<Capability>,
}

/// `testplan plan …`.
pub(crate) async fn run(command: PlanCommand, context: &Context) -> CommandResult {
    match command {
        PlanCommand::Show(show) => {
            let client = show.service.connect(context)?;
            let plan = lookup::plan(&client, show.plan_id).await?;
            print_plan(&context.screen, show.format, &plan);
        }
        PlanCommand::Status(PlanStatusArgs { show, capabilities }) => {
            let client = show.service.connect(context)?;
            let status = lookup::status(&client, show.plan_id, &capabilities.into()).await?;
            print_status(&context.screen, show.format, show.plan_id, status);
        }
    }
    Ok(Conclusion::Passed)
}

/// Prints a plan or template.
pub(crate) fn print_plan(screen: &Screen, format: OutputFormat, plan: &Plan) {
    let kind = match plan.kind {
        PlanKind::Template => "template",
        PlanKind::Instance => "plan",
    };
    screen.data(
        format,
        || {
            format!(
                "{kind} {}: {}\nproject {}\nbatch {}\npassed {}, failed {}, skipped {} of {}\n",
                plan.id, plan.title, plan.project, plan.batch, plan.passes, plan.failed, plan.skipped, plan.count
            )
        },
        || {
            json!({
                "schema": 1, "id": plan.id, "type": plan.kind, "title": plan.title, "project": plan.project,
                "description": plan.description, "batch": plan.batch, "tags": plan.tags, "passed": plan.passes,
                "failed": plan.failed, "skipped": plan.skipped, "count": plan.count, "planned": plan.planned,
            })
        },
    );
}

/// Prints a status.
pub(crate) fn print_status(
    screen: &Screen,
    format: OutputFormat,
    plan: PlanId,
    status: PlanStatus,
) {
    screen.data(
        format,
        || format!("plan {plan}: {} open, {} reserved, {} done\n", status.open, status.reserved, status.done),
        || {
            json!({
                "schema": 1, "plan_id": plan, "open": status.open, "reserved": status.reserved, "done": status.done,
            })
        },
    );
}
