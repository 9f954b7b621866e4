//! `testplan servers stop`: takes a squishserver of this machine from the registry and ends it.

use std::time::Duration;

use clap::Args;
use tokio::time;

use super::{
    super::{
        failure::{Ended, Failure},
        screen::Screen,
    },
    local::{LocalArgs, Registry},
    program,
};
use crate::{
    client::ClientError,
    clock,
    config::environment::Environment,
    exit_code::Conclusion,
    report::sanitise::console_line,
    run::process,
    runner::outcome::{Ending, words},
};

/// How long `squishserver --stop` may take.
const STOPS: Duration = Duration::from_secs(30);
/// How long the port may stay open after that.
const CLOSES: Duration = Duration::from_secs(10);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Most bytes of what `squishserver --stop` prints.
const MOST_SAID: usize = 64 * 1024;

/// Removes a squishserver of this machine from the registry and ends it.
#[derive(Args, Debug)]
pub struct Stop {
    #[command(flatten)]
    local: LocalArgs,
}

/// `testplan servers stop`.
pub(super) async fn run(command: Stop, environment: &Environment, screen: &Screen) -> Ended {
    let local = &command.local;
    let registry = local.registry(environment, screen)?;
    let runs = local.is_open().await;
    let program = if runs {
        Some(program::find(local.squishserver.as_deref(), environment)?)
    } else {
        None
    };
    // First, so that nobody gets it any more. A service that is gone must not keep it alive.
    let removed = match &registry {
        Some(registry) => remove(registry, local.port, screen).await,
        None => Ok(()),
    };
    match program {
        Some(program) => {
            stop(local, &program::command(&program, local.port, &["--stop"])).await?;
            screen.say(&format!(
                "the squishserver on port {} is stopped",
                local.port
            ));
        }
        None => screen.say(&format!(
            "nobody listens on port {} of this machine: there is nothing to stop",
            local.port
        )),
    }
    removed.map_err(|error| {
        Failure::from(error).context("the Squish server may still be registered")
    })?;
    Ok(Conclusion::Passed)
}

async fn remove(registry: &Registry, port: u16, screen: &Screen) -> Result<(), ClientError> {
    let registered = registry.registered(port).await?;
    if registered.is_empty() {
        screen.say(&format!("{}:{port} is not registered", registry.host));
    }
    for server in registered {
        if let Some(execution) = server.busy_with {
            screen.insist(&format!(
                "warning: Squish server {} is busy with execution {execution}, which will not get to its end",
                server.id
            ));
        }
        registry.client.remove_squish_server(server.id).await?;
        screen.say(&format!("Squish server {} is removed", server.id));
    }
    Ok(())
}

async fn stop(
    local: &LocalArgs,
    command: &crate::runner::command::CommandLine,
) -> Result<(), Failure> {
    let port = local.port;
    let help = format!("is what listens on port {port} a squishserver?");
    let said = process::run_to_end(command, STOPS, MOST_SAID)
        .await
        .map_err(|error| {
            Failure::infrastructure(error)
                .context("squishserver --stop")
                .help(help.clone())
        })?;
    if said.ending != Ending::Exited(0) {
        let error = console_line(&said.stderr_tail, 1000);
        return Err(Failure::infrastructure(anyhow::anyhow!(
            "squishserver --stop --port {port}: {}: {error}",
            words(said.ending)
        ))
        .help(help));
    }
    let began = clock::monotonic();
    while local.is_open().await {
        if began.elapsed() >= CLOSES {
            return Err(Failure::infrastructure(anyhow::anyhow!(
                "port {port} is still open {} s after squishserver was told to stop",
                CLOSES.as_secs()
            ))
            .help(help));
        }
        time::sleep(LOOK).await;
    }
    Ok(())
}
