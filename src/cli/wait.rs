//! `testplan wait`: waits until a plan is drained, and prints what it waits for.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{
    args::{GraceArgs, OutputFormat, ServiceArgs},
    context::Context,
    lookup,
    screen::Screen,
};
use crate::{
    client::Client,
    config::duration,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    model::{Capabilities, Capability, Lack, PlanId, PlanStatus},
    publication::step_outputs::StepOutput,
    wait::{DrainEnd, DrainWatch, ResultsWatch},
};

/// Waits until a plan is drained.
#[derive(Args, Debug)]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Wait for this plan.
    #[arg(long, value_name = "N", help_heading = "Plan")]
    plan_id: PlanId,
    /// Stop waiting after this time (exit code 5).
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    deadline: Option<Duration>,
    #[command(flatten)]
    grace: GraceArgs,
    /// With Test Center (which cannot list executions): report how many open executions need this capability; repeat for
    /// more.
    #[arg(long = "capability", value_name = "KEY=VALUE")]
    capabilities: Vec<Capability>,
    /// Once all executions are done, wait this long for their results: Test Center may mark a test done before its result
    /// is counted. The timer restarts with each new result. Missing results are exit code 5 if this flag is set, else a
    /// warning [default: 10s; 0s with testplan's own service].
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    results_patience: Option<Duration>,
    /// Accept an empty plan (exit code 0 instead of 4).
    #[arg(long)]
    allow_empty: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// The default of --results-patience for Test Center, which counts an upload a moment later. It is short because a plan
/// without uploads, or with executions that could not run, never has all results.
const RESULTS_PATIENCE: Duration = Duration::from_secs(10);

/// `testplan wait`.
pub(crate) async fn run(command: WaitArgs, context: &Context) -> CommandResult {
    let screen = &context.screen;
    let client = command.service.connect(context)?;
    let waiting = async {
        let end = until_drained(&command, &client, screen).await?;
        let missing = match &end {
            DrainEnd::Drained(status) => {
                missing_results(&command, &client, *status, screen).await?
            }
            DrainEnd::GaveUp(_) => None,
        };
        Ok::<_, Failure>((end, missing))
    };
    let (end, missing) = match command.deadline {
        None => waiting.await?,
        Some(deadline) => {
            if let Ok(end) = tokio::time::timeout(deadline, waiting).await {
                end?
            } else {
                screen.always(format_args!(
                    "plan {} is not drained, or its results are not there, after {}",
                    command.plan_id,
                    duration::format(deadline)
                ));
                screen.conclude(Conclusion::Incomplete);
                return Ok(Conclusion::Incomplete);
            }
        }
    };
    let status = end.status();
    print(screen, command.format, command.plan_id, &end);
    screen.output(StepOutput::PlanId, command.plan_id);
    screen.output(StepOutput::Total, status.total());
    if let DrainEnd::GaveUp(_) = end {
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
    if let Some(missing) = missing {
        let is_fatal = command.results_patience.is_some();
        let word = if is_fatal { "incomplete" } else { "warning" };
        screen.always(format_args!("{word}: {missing}"));
        if is_fatal {
            screen.conclude(Conclusion::Incomplete);
            return Ok(Conclusion::Incomplete);
        }
    }
    Ok(Conclusion::Passed)
}

async fn until_drained(
    command: &WaitArgs,
    client: &Client,
    screen: &Screen,
) -> Result<DrainEnd, Failure> {
    let status = lookup::status(client, command.plan_id, &Capabilities::default()).await?;
    if status.is_drained() {
        return Ok(DrainEnd::Drained(status));
    }
    let watch = DrainWatch::new(
        client.clone(),
        command.plan_id,
        command.grace.span(),
        command.capabilities.clone(),
    );
    let end = watch.until_drained(|lines, is_last| {
        for line in lines {
            if is_last {
                screen.always(line);
            } else {
                screen.info(line);
            }
        }
    });
    Ok(end.await?)
}

/// Waits until as many results are counted as executions are done. Returns what is missing after the patience.
async fn missing_results(
    command: &WaitArgs,
    client: &Client,
    status: PlanStatus,
    screen: &Screen,
) -> Result<Option<String>, Failure> {
    let ours = client.is_testplan();
    let patience = command.results_patience;
    let patience = patience.unwrap_or(if ours {
        Duration::ZERO
    } else {
        RESULTS_PATIENCE
    });
    if patience.is_zero() || status.total() == 0 {
        return Ok(None);
    }
    let counts = ResultsWatch::new(client, command.plan_id)
        .until_complete(patience, Duration::ZERO, |line| screen.info(line))
        .await?;
    Ok((!counts.is_complete()).then(|| {
        format!(
            "plan {} has {} results of {} executions, {} without a new one: {}",
            command.plan_id,
            counts.plan.results(),
            counts.status.total(),
            duration::format(patience),
            counts.text()
        )
    }))
}

fn print(screen: &Screen, format: OutputFormat, plan: PlanId, end: &DrainEnd) {
    let PlanStatus {
        open,
        reserved,
        done,
    } = end.status();
    let lacking = match end {
        DrainEnd::Drained(_) => Vec::new(),
        DrainEnd::GaveUp(waiting) => waiting.lacking().collect(),
    };
    screen.data(
        format,
        || format!("plan {plan}: {open} open, {reserved} reserved, {done} done\n"),
        || {
            json!({
                "schema": 1, "plan_id": plan, "open": open, "reserved": reserved, "done": done,
                "waiting_for": lacking.iter().map(|need| json!({
                    "capabilities": need.required.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "open": need.open,
                    "reason": match need.lack {
                        Some(Lack::SquishServer) => "squish-server",
                        Some(Lack::Worker) | None => "worker",
                    },
                })).collect::<Vec<_>>(),
            })
        },
    );
}
