//! `testplan wait`: until a plan is drained, and told for what.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{
    args::{GraceArgs, OutputFormat, ServiceArgs},
    context::Context,
    results::ResultsWatch,
    screen::Screen,
    watch::{DrainWatch, Watched},
};
use crate::{
    client::Client,
    config::duration,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    model::{Capability, PlanId, PlanStatus},
    publication::step_outputs::StepOutput,
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
    let watch = DrainWatch::new(
        client.clone(),
        command.plan_id,
        command.grace.span(),
        command.capabilities.clone(),
        screen,
    );
    let waiting = async {
        let watched = watch.until_drained().await?;
        let missing = match &watched {
            Watched::Drained(status) => results(&command, &client, *status, screen).await?,
            Watched::Starved { .. } => None,
        };
        Ok::<_, Failure>((watched, missing))
    };
    let (watched, missing) = match command.deadline {
        None => waiting.await?,
        Some(deadline) => {
            if let Ok(watched) = tokio::time::timeout(deadline, waiting).await {
                watched?
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
    let status = watched.status();
    print(screen, command.format, command.plan_id, &watched);
    screen.output(StepOutput::PlanId, command.plan_id);
    screen.output(StepOutput::Total, status.total());
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

/// Waits until as many results are counted as executions are done. Returns what is missing after the patience.
async fn results(
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
    let mut watch = ResultsWatch::new(client, command.plan_id, screen);
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

fn print(screen: &Screen, format: OutputFormat, plan: PlanId, watched: &Watched) {
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
