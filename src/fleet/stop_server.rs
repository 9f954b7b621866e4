//! Removes a squishserver of this machine from the registry and stops it.

use std::time::Duration;

use tokio::time;

use super::{
    local::{LocalServer, Registry},
    squishserver,
};
use crate::{
    client::ClientError,
    clock,
    config::environment::Environment,
    failure::Failure,
    model::{ExecutionId, Port, SquishServerId},
    report::sanitise::console_line,
    run::process,
    runner::{command_line::CommandLine, process_end::ProcessEnd},
};

/// How long `squishserver --stop` may take.
const STOPS: Duration = Duration::from_secs(30);
/// How long the port may stay open after that.
const CLOSES: Duration = Duration::from_secs(10);
/// How often the port is tried.
const POLL: Duration = Duration::from_millis(100);
/// Most bytes of what `squishserver --stop` prints.
const LARGEST_OUTPUT: usize = 64 * 1024;

/// What happens during a stop.
#[derive(Debug)]
pub(crate) enum StopEvent {
    NotRegistered,
    /// An execution uses the server and will be cut off.
    Busy(SquishServerId, ExecutionId),
    Removed(SquishServerId),
    Stopped,
    NotRunning,
}

/// Removes the registration before the process is stopped, so that the service does not allocate it any more. A service
/// that is down does not keep the process alive.
pub(crate) async fn stop(
    local: &LocalServer,
    registry: Option<&Registry>,
    environment: &Environment,
    report: impl Fn(StopEvent),
) -> Result<(), Failure> {
    let program = if local.is_open().await {
        Some(squishserver::find(local, environment)?)
    } else {
        None
    };
    let removed = match registry {
        Some(registry) => remove(registry, local.port, &report).await,
        None => Ok(()),
    };
    match program {
        Some(program) => {
            let command = squishserver::command(&program, local.port.get(), &["--stop"]);
            stop_process(local, &command).await?;
            report(StopEvent::Stopped);
        }
        None => report(StopEvent::NotRunning),
    }
    removed
        .map_err(|error| Failure::from(error).context("the Squish server may still be registered"))
}

async fn remove(
    registry: &Registry,
    port: Port,
    report: impl Fn(StopEvent),
) -> Result<(), ClientError> {
    let registered = registry.registered(port).await?;
    if registered.is_empty() {
        report(StopEvent::NotRegistered);
    }
    for server in registered {
        if let Some(execution) = server.busy_with {
            report(StopEvent::Busy(server.id, execution));
        }
        registry.client.remove_squish_server(server.id).await?;
        report(StopEvent::Removed(server.id));
    }
    Ok(())
}

async fn stop_process(local: &LocalServer, command: &CommandLine) -> Result<(), Failure> {
    let port = local.port;
    let help = format!("check whether the process on port {port} is a squishserver");
    let ran = process::run_to_end(command, STOPS, LARGEST_OUTPUT).await;
    let ran = ran.map_err(|error| {
        Failure::infrastructure(error)
            .context("squishserver --stop")
            .help(help.clone())
    })?;
    if ran.ending != ProcessEnd::Exited(0) {
        let error = console_line(&ran.tail, 1000);
        return Err(Failure::infrastructure_text(format_args!(
            "squishserver --stop --port {port}: {}: {error}",
            ran.ending
        ))
        .help(help));
    }
    let began = clock::monotonic();
    while local.is_open().await {
        if began.elapsed() >= CLOSES {
            return Err(Failure::infrastructure_text(format_args!(
                "port {port} is still open {} s after `squishserver --stop`",
                CLOSES.as_secs()
            ))
            .help(help));
        }
        time::sleep(POLL).await;
    }
    Ok(())
}
