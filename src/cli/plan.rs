//! `testplan plan show | status`: one look at a plan.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    args::{Format, ServiceArgs},
    context::Context,
    lookup,
    screen::Screen,
};
use crate::{
    exit_code::Conclusion,
    failure::CommandResult,
    model::{self, Capability, PlanId, PlanKind, PlanStatus},
};

/// Shows a plan.
#[derive(Debug, Subcommand)]
pub(crate) enum Plan {
    /// Show a plan or template by its number
    Show(Show),
    /// Count the open, reserved and done executions of a plan
    Status(Status),
}

/// Which plan, and how to print it.
#[derive(Args, Debug)]
pub(crate) struct Show {
    #[command(flatten)]
    service: ServiceArgs,
    /// Show this plan.
    #[arg(long, value_name = "N", help_heading = "Plan")]
    plan_id: PlanId,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
}

/// Which plan, and which of its executions to count.
#[derive(Args, Debug)]
pub(crate) struct Status {
    #[command(flatten)]
    show: Show,
    /// Count only executions that need this capability; repeat for more.
    #[arg(long = "capability", value_name = "KEY=VALUE")]
    capabilities: Vec<Capability>,
}

/// `testplan plan …`.
pub(crate) async fn run(command: Plan, context: &Context) -> CommandResult {
    match command {
        Plan::Show(show) => {
            let client = show.service.connect(context)?;
            let plan = lookup::plan(&client, show.plan_id).await?;
            print_plan(&context.screen, show.format, &plan);
        }
        Plan::Status(Status { show, capabilities }) => {
            let client = show.service.connect(context)?;
            let status = lookup::status(&client, show.plan_id, &capabilities.into()).await?;
            print_status(&context.screen, show.format, show.plan_id, status);
        }
    }
    Ok(Conclusion::Passed)
}

/// Prints a plan or template.
pub(crate) fn print_plan(screen: &Screen, format: Format, plan: &model::Plan) {
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
pub(crate) fn print_status(screen: &Screen, format: Format, plan: PlanId, status: PlanStatus) {
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
