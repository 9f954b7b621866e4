//! `testplan wait`: until a plan is drained, and told for what.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{
    args::{Format, GraceArgs, ServiceArgs},
    connect,
    failure::{Ended, Failure},
    screen::Screen,
    step::Output,
    watch::{Watch, Watched},
};
use crate::{
    config::{duration, environment::Environment},
    exit_code::Conclusion,
    model::{Capability, PlanId, PlanStatus},
};

/// Waits until a plan is drained.
#[derive(Args, Debug)]
pub struct Wait {
    #[command(flatten)]
    service: ServiceArgs,
    /// The plan.
    #[arg(long, value_name = "N")]
    plan_id: PlanId,
    /// Stop waiting after this time (exit code 5).
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    deadline: Option<Duration>,
    #[command(flatten)]
    grace: GraceArgs,
    /// What executions may need, for Test Center, which does not list them: how many do is told; repeat for more.
    #[arg(long = "capability", value_name = "KEY=VALUE")]
    capabilities: Vec<Capability>,
    /// An empty plan is fine (exit code 0 instead of 4).
    #[arg(long)]
    allow_empty: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `testplan wait`.
pub async fn run(command: Wait, environment: &Environment, screen: &Screen) -> Ended {
    let client = connect::client(&command.service, environment, screen)?;
    let watch = Watch::new(
        client,
        command.plan_id,
        command.grace.grace,
        command.capabilities,
        screen,
    );
    let waiting = watch.until_drained();
    let watched = match command.deadline {
        None => waiting.await?,
        Some(deadline) => {
            if let Ok(watched) = tokio::time::timeout(deadline, waiting).await {
                watched?
            } else {
                screen.insist(&format!(
                    "plan {} is not drained after {}",
                    command.plan_id,
                    duration::format(deadline)
                ));
                screen.conclude(Conclusion::Incomplete);
                return Ok(Conclusion::Incomplete);
            }
        }
    };
    let status = watched.status();
    print(screen, command.format, command.plan_id, &watched);
    screen.output(Output::PlanId, command.plan_id);
    screen.output(Output::Total, status.total());
    if let Watched::Starved { .. } = watched {
        screen.conclude(Conclusion::Incomplete);
        return Ok(Conclusion::Incomplete);
    }
    if status.total() == 0 && !command.allow_empty {
        return Err(Failure::nothing_to_run(format_args!(
            "plan {} has no executions",
            command.plan_id
        ))
        .help("look at the template's tests, or pass --allow-empty"));
    }
    Ok(Conclusion::Passed)
}

fn print(screen: &Screen, format: Format, plan: PlanId, watched: &Watched) {
    let PlanStatus {
        open,
        reserved,
        done,
    } = watched.status();
    screen.data(
        format,
        || format!("plan {plan}: {open} open, {reserved} reserved, {done} done\n"),
        || {
            json!({
                "schema": 1, "plan_id": plan, "open": open, "reserved": reserved, "done": done,
                "waiting_for": watched.lacking().iter().map(|need| json!({
                    "capabilities": need.required.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "open": need.open,
                    "reason": need.reason,
                })).collect::<Vec<_>>(),
            })
        },
    );
}
