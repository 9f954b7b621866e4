//! `testplan reserve | heartbeat | finish | reset`: one API call each, for scripts and debugging.
//!
//! A lease is never given in a flag, where the process list would show it: it is read from `TESTPLAN_LEASE_TOKEN`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{
    args::{Format, ServiceArgs},
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
pub(crate) struct Reserve {
    #[command(flatten)]
    service: ServiceArgs,
    /// The plan.
    #[arg(long, value_name = "N")]
    plan_id: PlanId,
    /// What you offer; repeat for more.
    #[arg(long = "capability", value_name = "KEY=VALUE")]
    capabilities: Vec<Capability>,
    /// How long the lease shall be.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    lease: Duration,
    /// Ask for a Squish server too.
    #[arg(long)]
    allocate_server: bool,
    /// How long to wait at the service for something to fit.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    wait: Duration,
    /// How to print; JSON holds the lease.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Which execution.
#[derive(Args, Debug)]
pub(crate) struct Which {
    #[command(flatten)]
    service: ServiceArgs,
    /// The execution. Its lease is read from `TESTPLAN_LEASE_TOKEN`.
    #[arg(long, value_name = "N")]
    execution: ExecutionId,
}

/// Keeps a lease.
#[derive(Args, Debug)]
pub(crate) struct Heartbeat {
    #[command(flatten)]
    which: Which,
    /// How long the lease shall be from now on.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    lease: Duration,
    /// Give it back instead.
    #[arg(long)]
    release: bool,
}

/// Tells a result.
#[derive(Args, Debug)]
pub(crate) struct Finish {
    #[command(flatten)]
    which: Which,
    /// What the test said.
    #[arg(long, value_enum, conflicts_with = "message")]
    verdict: Option<Verdict>,
    /// How long it took.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    took: Duration,
    /// It could not run, and this is why.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// More of the same.
    #[arg(long, value_name = "TEXT", requires = "message", default_value = "")]
    details: String,
}

/// What a test can say.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Verdict {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It did not run, by its own wish.
    Skipped,
}

/// Opens an execution again.
#[derive(Args, Debug)]
pub(crate) struct Reset {
    #[command(flatten)]
    which: Which,
    /// Only if it was reset exactly this often; past that, nothing happens.
    #[arg(long, value_name = "N")]
    generation: Option<u32>,
}

/// `testplan reserve`.
pub(crate) async fn reserve(command: Reserve, context: &Context) -> CommandResult {
    let client = command.service.connect(context)?;
    // Learns whether the service is ours, which decides what a lost answer may be answered with.
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
        Reservation::NoExecution { pending } => {
            Err(nothing("no execution fits these capabilities now", pending))
        }
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
pub(crate) async fn heartbeat(command: Heartbeat, context: &Context) -> CommandResult {
    let client = command.which.service.connect(context)?;
    let (execution, lease) = (command.which.execution, lease(context));
    if command.release {
        client.release(execution, lease.as_ref()).await?;
        context
            .screen
            .info(format_args!("execution {execution} was given back"));
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
            "execution {execution} is kept for {}",
            duration::format(command.lease)
        ));
    }
    Ok(Conclusion::Passed)
}

/// `testplan finish`.
pub(crate) async fn finish(command: Finish, context: &Context) -> CommandResult {
    let client = command.which.service.connect(context)?;
    let duration_ms = millis(command.took);
    let outcome = match (command.message, command.verdict) {
        (Some(message), _) => Outcome::ExecutionError {
            message,
            details: command.details,
        },
        (None, None) => Outcome::Completed { result: None },
        (None, Some(verdict)) => {
            let verdict = match verdict {
                Verdict::Passed => TestVerdict::Passed,
                Verdict::Failed => TestVerdict::Failed,
                Verdict::Skipped => TestVerdict::Skipped,
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
        .finish(command.which.execution, lease(context).as_ref(), &outcome)
        .await?;
    context.screen.info(format_args!(
        "execution {} is finished",
        command.which.execution
    ));
    Ok(Conclusion::Passed)
}

/// `testplan reset`.
pub(crate) async fn reset(command: Reset, context: &Context) -> CommandResult {
    let client = command.which.service.connect(context)?;
    client
        .reset(command.which.execution, command.generation)
        .await?;
    context.screen.info(format_args!(
        "execution {} is open",
        command.which.execution
    ));
    Ok(Conclusion::Passed)
}

fn lease(context: &Context) -> Option<LeaseToken> {
    let environment = &context.environment;
    environment.get("TESTPLAN_LEASE_TOKEN").map(LeaseToken::new)
}
