//! `testplan servers start`: a squishserver on this machine that goes on by itself, registered once it listens.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use serde_json::json;
use tokio::time;

use super::{
    super::{
        args::Format,
        failure::{Ended, Failure},
        screen::Screen,
    },
    local::{LocalArgs, Registry},
    program,
};
use crate::{
    client::{ClientError, NewSquishServer, SquishServerChange},
    clock,
    config::environment::Environment,
    exit_code::Conclusion,
    model::{Capabilities, Capability, SquishServer},
    report::sanitise::console_line,
    run::process::detached::Detached,
    runner::outcome::words,
    signal::{SignalKind, Signals},
};

/// How long it may take to say its port.
const LISTENS: Duration = Duration::from_secs(30);
/// How often its output is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How much of its output an error shows.
const TAIL_LINES: usize = 10;
const LONGEST_LINE: usize = 500;

/// Starts a squishserver on this machine and registers it.
#[derive(Args, Debug)]
pub struct Start {
    #[command(flatten)]
    local: LocalArgs,
    /// What it offers; repeat for more [default: what is registered].
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Capability>,
    /// File for its output [default: squishserver-PORT.log].
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `testplan servers start`.
pub(super) async fn run(command: Start, environment: &Environment, screen: &Screen) -> Ended {
    let local = &command.local;
    let registry = local.registry(environment, screen)?;
    let labels: Capabilities = command.labels.clone().into();
    let known = match &registry {
        Some(registry) => registry.registered(local.port).await?,
        None => Vec::new(),
    };
    if local.is_open().await {
        return match (&registry, known.first()) {
            (Some(registry), Some(known)) => {
                let server = keep(registry, known, &labels).await?;
                screen.say(&format!(
                    "port {} is open and registered already, as Squish server {}: it is used as it is",
                    local.port, server.id
                ));
                show(&command, screen, None, Some(&server));
                Ok(Conclusion::Passed)
            }
            _ => Err(Failure::infrastructure(anyhow::anyhow!(
                "somebody listens on port {} of this machine already",
                local.port
            ))
            .help(format!(
                "choose another with --port; stop it with `testplan servers stop --port {}`; or register it with `testplan servers add`",
                local.port
            ))),
        };
    }
    let program = program::find(local.squishserver.as_deref(), environment)?;
    let log = command
        .log
        .clone()
        .unwrap_or_else(|| format!("squishserver-{}.log", local.port).into());
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let line = program::command(&program, local.port, &[]);
    let mut started = Detached::start(&line, &log).map_err(|error| {
        Failure::infrastructure(error).help("look at the program and at the file for its output")
    })?;
    let listening = tokio::select! {
        listening = listens(&mut started, local.port, LISTENS) => listening.map_err(Trouble::Server),
        kind = signals.next() => Err(Trouble::Signal(kind)),
    };
    let (pid, said) = (started.pid(), started.said().unwrap_or_default());
    let registered = match listening {
        Ok(()) => tokio::select! {
            registered = register(registry.as_ref(), &known, local.port, &labels) => {
                registered.map_err(|error| Trouble::Service(Box::new(error)))
            }
            kind = signals.next() => Err(Trouble::Signal(kind)),
        },
        Err(trouble) => Err(trouble),
    };
    match registered {
        Ok(server) => {
            if registry.is_none() {
                screen.say("no service is named: it runs, but is registered nowhere (--url or TESTCENTER_URL)");
            }
            let process = pid.map(|pid| (pid, log.as_path()));
            show(&command, screen, process, server.as_ref());
            Ok(Conclusion::Passed)
        }
        Err(trouble) => {
            if let Err(error) = started.kill().await {
                screen.insist(&format!(
                    "warning: squishserver could not be ended: {error}"
                ));
            }
            trouble.end(&program, &log, &said, screen)
        }
    }
}

/// Why it is ended again.
enum Trouble {
    Server(String),
    Service(Box<ClientError>),
    Signal(SignalKind),
}

impl Trouble {
    fn end(self, program: &Path, log: &Path, said: &str, screen: &Screen) -> Ended {
        match self {
            Self::Signal(kind) => Ok(screen.cancelled(kind)),
            Self::Service(error) => Err(Failure::from(*error)
                .context("it listens, but could not be registered, and was ended again")),
            Self::Server(what) => {
                let lines: Vec<&str> = said.lines().collect();
                let last = lines.iter().skip(lines.len().saturating_sub(TAIL_LINES));
                let said = last.fold(String::new(), |text, line| {
                    text + "\n  | " + &console_line(line, LONGEST_LINE)
                });
                let said = if said.is_empty() {
                    "; it said nothing".to_owned()
                } else {
                    format!("; it last said:{said}")
                };
                Err(
                    Failure::infrastructure(anyhow::anyhow!("{}: {what}{said}", program.display()))
                        .help(format!(
                            "its whole output is in {}; a licence and a free port are what it needs",
                            log.display()
                        )),
                )
            }
        }
    }
}

/// Waits until it says that it listens on the port.
async fn listens(started: &mut Detached, port: u16, limit: Duration) -> Result<(), String> {
    let began = clock::monotonic();
    loop {
        // Asked before its output is read: what it said before its end is not missed.
        let ended = started.ended().map_err(|error| error.to_string())?;
        let said = started.said().map_err(|error| error.to_string())?;
        match (port_in(&said), ended) {
            (_, Some(ending)) => {
                return Err(format!("{} before it listened for good", words(ending)));
            }
            (Some(other), None) if other != port => {
                return Err(format!(
                    "it listens on port {other} instead of {port}, and was ended"
                ));
            }
            (Some(_), None) => return Ok(()),
            (None, None) if began.elapsed() >= limit => {
                let seconds = limit.as_secs();
                return Err(format!(
                    "it did not say its port within {seconds} s, and was ended"
                ));
            }
            (None, None) => time::sleep(LOOK).await,
        }
    }
}

/// The port of a line `Port: N` that is complete.
fn port_in(said: &str) -> Option<u16> {
    let complete = &said[..said.rfind('\n')?];
    complete
        .lines()
        .find_map(|line| line.trim().strip_prefix("Port:")?.trim().parse().ok())
}

async fn register(
    registry: Option<&Registry>,
    known: &[SquishServer],
    port: u16,
    labels: &Capabilities,
) -> Result<Option<SquishServer>, ClientError> {
    let Some(registry) = registry else {
        return Ok(None);
    };
    let Some(known) = known.first() else {
        let new = NewSquishServer {
            host: Some(registry.host.clone()),
            port,
            enabled: true,
            labels: labels.clone(),
        };
        return registry.client.add_squish_server(&new).await.map(Some);
    };
    // Enabling it says that it is fine again, whatever it was before.
    let change = SquishServerChange {
        enabled: Some(true),
        labels: relabelled(known, labels),
        ..SquishServerChange::default()
    };
    let changed = registry.client.change_squish_server(known.id, &change);
    changed.await.map(Some)
}

/// Brings a registration up to date, if it is not.
async fn keep(
    registry: &Registry,
    known: &SquishServer,
    labels: &Capabilities,
) -> Result<SquishServer, ClientError> {
    if known.enabled && relabelled(known, labels).is_none() {
        return Ok(known.clone());
    }
    let change = SquishServerChange {
        enabled: (!known.enabled).then_some(true),
        labels: relabelled(known, labels),
        ..SquishServerChange::default()
    };
    registry
        .client
        .change_squish_server(known.id, &change)
        .await
}

/// The labels that a registration is to get, if it lacks them. Who names none means what is registered.
fn relabelled(known: &SquishServer, labels: &Capabilities) -> Option<Capabilities> {
    (!labels.is_empty() && known.labels != *labels).then(|| labels.clone())
}

fn show(
    command: &Start,
    screen: &Screen,
    started: Option<(u32, &Path)>,
    server: Option<&SquishServer>,
) {
    let port = command.local.port;
    screen.data(
        command.format,
        || {
            let process = started.map_or_else(String::new, |(pid, log)| {
                format!(", process {pid}, output in {}", log.display())
            });
            let place = server.map_or_else(
                || format!("port {port}"),
                |server| format!("Squish server {} at {}", server.id, server.address()),
            );
            format!("squishserver listens: {place}{process}\n")
        },
        || {
            json!({
                "schema": 1, "port": port, "started": started.is_some(),
                "pid": started.map(|(pid, _)| pid), "log": started.map(|(_, log)| log),
                "server": server.map(super::list::as_json),
            })
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[tokio::test]
    async fn one_that_never_says_its_port_is_given_up_and_ended() {
        let folder = tempfile::tempdir().unwrap();
        let line = crate::runner::command::CommandLine {
            argv: [
                "sh",
                "-c",
                "echo waiting for a licence; while [ -d . ]; do sleep 0.1; done",
            ]
            .map(Into::into)
            .to_vec(),
            env: Vec::new(),
            env_remove: Vec::new(),
            cwd: Some(folder.path().to_owned()),
        };
        let log = folder.path().join("log");
        let mut started = Detached::start(&line, &log).unwrap();
        let gave_up = listens(&mut started, 4322, Duration::from_secs(1)).await;
        assert!(
            gave_up
                .unwrap_err()
                .contains("did not say its port within 1 s")
        );
        assert_eq!(started.said().unwrap(), "waiting for a licence\n");
        let pid = started.pid().unwrap();
        started.kill().await.unwrap();
        let group = Path::new("/proc").join(pid.to_string());
        assert!(!group.exists(), "it is gone");
    }

    #[test]
    fn the_port_is_read_from_a_whole_line() {
        assert_eq!(port_in("Squish Server 9\nPort: 4322\r\n"), Some(4322));
        assert_eq!(port_in("Port: 43"), None, "more may come");
        assert_eq!(port_in("Report: 7\nPort: x\n"), None);
        assert_eq!(port_in(""), None);
    }
}
