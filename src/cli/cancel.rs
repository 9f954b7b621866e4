//! `testplan cancel`: ends the open executions of a plan; running tests may finish or are stopped.

use clap::Args;
use serde_json::json;

use super::{
    args::{OutputFormat, ServiceArgs},
    context::Context,
    lookup,
};
use crate::{
    api::actions::CancelResponse,
    client::ErrorKind,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    model::PlanId,
    text::counted,
};

/// Cancels a plan.
#[derive(Args, Debug)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Cancel this plan.
    #[arg(long, value_name = "N", help_heading = "Plan")]
    plan_id: PlanId,
    /// Why; the report, the pages and the log of each worker repeat it.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        help_heading = "Plan"
    )]
    reason: String,
    /// Stop running tests too; their workers notice with the next heartbeat [default: running tests finish and count].
    #[arg(long, help_heading = "Plan")]
    stop_running: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// `testplan cancel`. A plan that has nothing left is no failure.
pub(crate) async fn run(command: CancelArgs, context: &Context) -> CommandResult {
    let client = command.service.connect(context)?;
    let id = lookup::plan(&client, command.plan_id).await?.id;
    let cancelled = client.cancel_plan(id, &command.reason, command.stop_running);
    let cancelled = cancelled.await.map_err(|error| match error.kind {
        ErrorKind::Unsupported { .. } if !client.is_testplan() => Failure::infrastructure(
            anyhow::anyhow!("plan {id} is not cancelled: the API of Test Center has no such call"),
        )
        .help("stop the workers, or cancel the CI run; what they give back stays open"),
        _ => Failure::from(error),
    })?;
    context.screen.data(
        command.format,
        || text(&cancelled),
        || {
            json!({
                "schema": 1, "plan_id": id, "open": cancelled.open, "running": cancelled.running,
                "stopped": cancelled.stopped,
            })
        },
    );
    Ok(Conclusion::Passed)
}

fn text(cancelled: &CancelResponse) -> String {
    let CancelResponse {
        plan_id,
        open,
        running,
        stopped,
    } = *cancelled;
    if open == 0 && running == 0 {
        return format!("plan {plan_id} has no open or running executions: nothing to cancel\n");
    }
    let fate = match (running, stopped) {
        (0, _) => String::new(),
        (_, true) => format!(", {running} running stopped"),
        (_, false) => format!(", {running} running may finish"),
    };
    format!(
        "plan {plan_id} is cancelled: {} ended{fate}\n",
        counted(open, "open execution")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_says_what_ended_and_what_runs() {
        let text = |open, running, stopped| {
            text(&CancelResponse {
                plan_id: PlanId(7),
                open,
                running,
                stopped,
            })
        };
        assert_eq!(
            text(340, 4, false),
            "plan 7 is cancelled: 340 open executions ended, 4 running may finish\n"
        );
        assert_eq!(
            text(1, 4, true),
            "plan 7 is cancelled: 1 open execution ended, 4 running stopped\n"
        );
        assert_eq!(
            text(2, 0, true),
            "plan 7 is cancelled: 2 open executions ended\n"
        );
        assert_eq!(
            text(0, 0, false),
            "plan 7 has no open or running executions: nothing to cancel\n"
        );
    }
}
