//! `testplan reserve | heartbeat | finish | reset`: one API call each, for scripts and debugging.
//!
//! The lease comes from `TESTPLAN_LEASE_TOKEN`: a flag would show it in the process list.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{
    args::{OutputFormat, ServiceArgs},
    context::Context,
    lookup,
};
use crate::{
    client::{Granted, Reservation, ReserveOptions},
    config::duration,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    model::{
        Capability, ExecutionId, LeaseToken, Outcome, PlanId, SquishServer, TestResult,
        TestVerdict, millis,
    },
};

/// Reserves an execution.
#[derive(Args, Debug)]
pub(crate) struct ReserveArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Reserve an execution of this plan.
    #[arg(long, value_name = "N", help_heading = "Plan")]
    plan_id: PlanId,
    /// Offer this capability; repeat for more.
    #[arg(long = "capability", value_name = "KEY=VALUE")]
    capabilities: Vec<Capability>,
    /// Ask for a lease of this length.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    lease: Duration,
    /// Ask for a Squish server too.
    #[arg(long)]
    allocate_server: bool,
    /// Let the service wait this long for a fitting execution.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    wait: Duration,
    /// Output format; JSON holds the lease.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// An execution, and its service.
#[derive(Args, Debug)]
pub(crate) struct ExecutionArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Select this execution. Its lease is read from `TESTPLAN_LEASE_TOKEN`.
    #[arg(long, value_name = "N")]
    execution: ExecutionId,
}

/// Renews a lease.
#[derive(Args, Debug)]
pub(crate) struct HeartbeatArgs {
    #[command(flatten)]
    target: ExecutionArgs,
    /// Renew the lease for this long.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    lease: Duration,
    /// Release the lease instead.
    #[arg(long)]
    release: bool,
}

/// Reports a result.
#[derive(Args, Debug)]
pub(crate) struct FinishArgs {
    #[command(flatten)]
    target: ExecutionArgs,
    /// Report this verdict.
    #[arg(long, value_enum, conflicts_with = "message")]
    verdict: Option<VerdictArg>,
    /// Report this duration of the test.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    took: Duration,
    /// Report that the test could not run, for this reason.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Add details to --message.
    #[arg(long, value_name = "TEXT", requires = "message", default_value = "")]
    details: String,
}

/// The verdict of a test.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum VerdictArg {
    /// The test passed.
    Passed,
    /// The test failed.
    Failed,
    /// The test skipped itself.
    Skipped,
}

/// Resets an execution.
#[derive(Args, Debug)]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    target: ExecutionArgs,
    /// Reset only if the execution was reset exactly this often; otherwise do nothing.
    #[arg(long, value_name = "N")]
    generation: Option<u32>,
}

/// `testplan reserve`.
pub(crate) async fn reserve(command: ReserveArgs, context: &Context) -> CommandResult {
    let client = command.service.connect(context)?;
    // Shows whether the service is testplan's own, which decides whether a lost answer may be retried.
    lookup::plan(&client, command.plan_id).await?;
    let options = ReserveOptions {
        offered: command.capabilities.into(),
        lease: command.lease,
        allocate_server: command.allocate_server,
        wait: command.wait,
    };
    let name = format!("testplan-reserve-{}", std::process::id());
    match client.reserve(command.plan_id, &options, &name).await? {
        Reservation::Granted(granted) => {
            let text = || format!("execution {}: {}\n", granted.execution, granted.test);
            context
                .screen
                .data(command.format, text, || granted_json(&granted));
            Ok(Conclusion::Passed)
        }
        Reservation::NoExecution { pending } => Err(nothing(
            "no open execution fits these capabilities",
            pending,
        )),
        Reservation::NoServer { pending } => Err(nothing(
            "executions fit, but no Squish server is free",
            pending,
        )),
    }
}

fn nothing(what: &str, pending: Option<u64>) -> Failure {
    match pending {
        Some(pending) if pending > 0 => {
            Failure::nothing_to_run(format_args!("{what}; {pending} are pending"))
                .help("wait for them with --wait 60s")
        }
        _ => Failure::nothing_to_run(what),
    }
}

fn granted_json(granted: &Granted) -> Value {
    json!({
        "schema": 1,
        "execution_id": granted.execution,
        "suite": granted.test.suite,
        "testcase": granted.test.testcase,
        "project": granted.project,
        "batch": granted.batch,
        "attempt": granted.attempt,
        "lease": granted.lease,
        "timeout_ms": millis(granted.timeout),
        "squish_server": granted.server.as_ref().map(SquishServer::address),
    })
}

/// `testplan heartbeat`.
pub(crate) async fn heartbeat(command: HeartbeatArgs, context: &Context) -> CommandResult {
    let client = command.target.service.connect(context)?;
    let (execution, lease) = (command.target.execution, lease(context));
    if command.release {
        client.release(execution, lease.as_ref()).await?;
        context.screen.info(format_args!(
            "the lease of execution {execution} was released"
        ));
    } else {
        client
            .heartbeat(
                execution,
                lease.as_ref(),
                command.lease,
                Duration::from_secs(30),
            )
            .await?;
        context.screen.info(format_args!(
            "the lease of execution {execution} is renewed for {}",
            duration::format(command.lease)
        ));
    }
    Ok(Conclusion::Passed)
}

/// `testplan finish`.
pub(crate) async fn finish(command: FinishArgs, context: &Context) -> CommandResult {
    let client = command.target.service.connect(context)?;
    let duration_ms = millis(command.took);
    let outcome = match (command.message, command.verdict) {
        (Some(message), _) => Outcome::ExecutionError {
            message,
            details: command.details,
        },
        (None, None) => Outcome::Completed { result: None },
        (None, Some(verdict)) => {
            let verdict = match verdict {
                VerdictArg::Passed => TestVerdict::Passed,
                VerdictArg::Failed => TestVerdict::Failed,
                VerdictArg::Skipped => TestVerdict::Skipped,
            };
            Outcome::Completed {
                result: Some(TestResult {
                    verdict,
                    duration_ms,
                    flaky: false,
                }),
            }
        }
    };
    client
        .finish(command.target.execution, lease(context).as_ref(), &outcome)
        .await?;
    context.screen.info(format_args!(
        "execution {} is finished",
        command.target.execution
    ));
    Ok(Conclusion::Passed)
}

/// `testplan reset`.
pub(crate) async fn reset(command: ResetArgs, context: &Context) -> CommandResult {
    let client = command.target.service.connect(context)?;
    client
        .reset(command.target.execution, command.generation)
        .await?;
    context.screen.info(format_args!(
        "execution {} is open",
        command.target.execution
    ));
    Ok(Conclusion::Passed)
}

fn lease(context: &Context) -> Option<LeaseToken> {
    let environment = &context.environment;
    environment.get("TESTPLAN_LEASE_TOKEN").map(LeaseToken::new)
}
