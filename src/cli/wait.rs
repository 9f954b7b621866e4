//! `testplan wait`: until a plan is drained, and told for what.

use std::time::Duration;

use clap::Args;

use super::{
    args::{Format, ServiceArgs},
    connect,
    failure::{Ended, Failure},
    screen::Screen,
    step::Output,
};
use crate::{
    client::Client,
    clock,
    config::{duration, environment::Environment},
    exit_code::Conclusion,
    model::{Capabilities, PlanId, PlanStatus},
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
    /// An empty plan is fine (exit code 0 instead of 4).
    #[arg(long)]
    allow_empty: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How long one question waits at the service, and how often people hear of a wait.
const LONG_POLL: Duration = Duration::from_secs(25);
/// The pause between questions to a service that cannot let a client wait.
const POLL: Duration = Duration::from_secs(5);

/// `testplan wait`.
pub async fn run(command: Wait, environment: &Environment, screen: &Screen) -> Ended {
    let client = connect::client(&command.service, environment, screen)?;
    let waiting = drained(&client, command.plan_id, screen);
    let status = match command.deadline {
        None => waiting.await?,
        Some(deadline) => {
            if let Ok(status) = tokio::time::timeout(deadline, waiting).await {
                status?
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
    super::plan::print_status(screen, command.format, command.plan_id, status);
    screen.output(Output::PlanId, command.plan_id);
    screen.output(Output::Total, status.total());
    if status.total() == 0 && !command.allow_empty {
        return Err(Failure::nothing_to_run(format_args!(
            "plan {} has no executions",
            command.plan_id
        ))
        .help("look at the template's tests, or pass --allow-empty"));
    }
    Ok(Conclusion::Passed)
}

async fn drained(client: &Client, plan: PlanId, screen: &Screen) -> Result<PlanStatus, Failure> {
    let began = clock::monotonic();
    let mut status = client.status(plan, &Capabilities::default()).await?;
    let mut told = clock::monotonic();
    while !status.is_drained() {
        let asked = clock::monotonic();
        let next = client.wait_status(plan, LONG_POLL).await?;
        if next == status && told.elapsed() >= LONG_POLL {
            told = clock::monotonic();
            screen.say(&format!(
                "waiting {} for plan {plan}: {} open, {} reserved, {} done",
                duration::format(Duration::from_secs(began.elapsed().as_secs())),
                next.open,
                next.reserved,
                next.done
            ));
        }
        status = next;
        if !status.is_drained() && client.is_ours() != Some(true) {
            tokio::time::sleep(POLL.saturating_sub(asked.elapsed())).await;
        }
    }
    Ok(status)
}
