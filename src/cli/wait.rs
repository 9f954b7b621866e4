//! `testplan wait`: until a plan is drained, and told for what.

use std::time::Duration;

use clap::Args;

use super::{
    args::{Format, ServiceArgs},
    connect,
    failure::{Ended, Failure},
    results::Watch,
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
    /// How long results may take to come once the plan is drained: Test Center has a test done that it is still counting,
    /// or running itself. Each new one begins it anew. What has none by then is exit code 5 if this is given, else
    /// a warning [default: 10s; 0s for a service of testplan's own, which counts at once].
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    results_patience: Option<Duration>,
    /// An empty plan is fine (exit code 0 instead of 4).
    #[arg(long)]
    allow_empty: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How long one question waits at the service, and how often people hear of a wait.
const LONG_POLL: Duration = Duration::from_secs(25);
/// How long results are waited for where nobody says. Test Center counts what was uploaded a moment later; but a plan whose
/// results nobody uploads, or whose executions could not run, never has them all.
const RESULTS_PATIENCE: Duration = Duration::from_secs(10);
/// The pause between questions to a service that cannot let a client wait.
const POLL: Duration = Duration::from_secs(5);

/// `testplan wait`.
pub async fn run(command: Wait, environment: &Environment, screen: &Screen) -> Ended {
    let client = connect::client(&command.service, environment, screen)?;
    let waiting = async {
        let status = drained(&client, command.plan_id, screen).await?;
        let missing = results(&command, &client, status, screen).await?;
        Ok::<_, Failure>((status, missing))
    };
    let (status, missing) = match command.deadline {
        None => waiting.await?,
        Some(deadline) => {
            if let Ok(waited) = tokio::time::timeout(deadline, waiting).await {
                waited?
            } else {
                screen.insist(&format!(
                    "plan {} is not drained, or its results are not there, after {}",
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
    if let Some(missing) = missing {
        let is_fatal = command.results_patience.is_some();
        let word = if is_fatal { "incomplete" } else { "warning" };
        screen.insist(&format!("{word}: {missing}"));
        if is_fatal {
            screen.conclude(Conclusion::Incomplete);
            return Ok(Conclusion::Incomplete);
        }
    }
    Ok(Conclusion::Passed)
}

/// Waits until as many results are counted as executions are done. Returns what is missing after the patience.
async fn results(
    command: &Wait,
    client: &Client,
    status: PlanStatus,
    screen: &Screen,
) -> Result<Option<String>, Failure> {
    let ours = client.is_ours() == Some(true);
    let patience = command.results_patience;
    let patience = patience.unwrap_or(if ours {
        Duration::ZERO
    } else {
        RESULTS_PATIENCE
    });
    if patience.is_zero() || status.total() == 0 {
        return Ok(None);
    }
    let mut watch = Watch::new(client, command.plan_id, screen);
    let seen = watch.results(patience, Duration::ZERO).await?;
    Ok((!seen.is_complete()).then(|| {
        format!(
            "plan {} has {} results of {} executions, {} without a new one: {}",
            command.plan_id,
            seen.plan.results(),
            seen.status.total(),
            duration::format(patience),
            seen.words()
        )
    }))
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
