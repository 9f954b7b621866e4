//! Starts squishserver on this machine, detached, and registers it once it listens.

use std::{path::Path, time::Duration};

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
    model::{Capabilities, NewSquishServer, Port, SquishServer, SquishServerChange},
    report::sanitise::console_line,
    run::process::detached::Detached,
    signal::{SignalKind, Signals},
};

/// How long squishserver may take to print its port.
const STARTS: Duration = Duration::from_secs(30);
/// How often its output is read.
const POLL: Duration = Duration::from_millis(50);
/// How much of its output an error shows.
const TAIL_LINES: usize = 10;
const LONGEST_LINE: usize = 500;

#[derive(Debug)]
pub(crate) struct StartRequest<'a> {
    pub(crate) local: &'a LocalServer,
    /// Empty keeps the registered ones.
    pub(crate) labels: &'a Capabilities,
    /// File for the output of squishserver.
    pub(crate) log: &'a Path,
    /// `None` registers the server nowhere.
    pub(crate) registry: Option<&'a Registry>,
}

/// How a start ended.
#[derive(Debug)]
pub(crate) enum StartOutcome {
    /// The port was open and registered before.
    AlreadyRunning(SquishServer),
    Started {
        pid: Option<u32>,
        server: Option<SquishServer>,
    },
    /// A signal arrived first; squishserver was killed.
    Interrupted(SignalKind),
}

/// Starts squishserver unless it already runs. If it cannot be registered, it is killed; `warn` gets what prevented that.
pub(crate) async fn start(
    request: StartRequest<'_>,
    environment: &Environment,
    warn: impl FnOnce(String),
) -> Result<StartOutcome, Failure> {
    let StartRequest {
        local,
        labels,
        log,
        registry,
    } = request;
    let port = local.port;
    let known = match registry {
        Some(registry) => registry.registered(port).await?.into_iter().next(),
        None => None,
    };
    if local.is_open().await {
        return match (registry, known) {
            (Some(registry), Some(known)) => {
                let server = update(registry, known, labels).await?;
                Ok(StartOutcome::AlreadyRunning(server))
            }
            _ => Err(Failure::infrastructure_text(format_args!(
                "port {port} of this machine is in use"
            ))
            .help(format!(
                "choose another with --port; stop it with `testplan servers stop --port {port}`; or register it with `testplan servers add`",
            ))),
        };
    }
    let program = squishserver::find(local, environment)?;
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let line = squishserver::command(&program, port.get(), &[]);
    let mut process = Detached::start(&line, log).map_err(|error| {
        Failure::infrastructure(error).help("check the program and the file for its output")
    })?;
    let pid = process.pid();
    let registered = async {
        listens(&mut process, port.get(), STARTS)
            .await
            .map_err(NotStarted::Server)?;
        let registered = register(registry, known.as_ref(), port, labels).await;
        registered.map_err(|error| NotStarted::Service(Box::new(error)))
    };
    let registered = tokio::select! {
        registered = registered => registered,
        kind = signals.next() => Err(NotStarted::Interrupted(kind)),
    };
    let reason = match registered {
        Ok(server) => return Ok(StartOutcome::Started { pid, server }),
        Err(reason) => reason,
    };
    let output = process.output().unwrap_or_default();
    if let Err(error) = process.kill().await {
        warn(format!("squishserver could not be killed: {error}"));
    }
    match reason {
        NotStarted::Interrupted(kind) => Ok(StartOutcome::Interrupted(kind)),
        NotStarted::Service(error) => Err(Failure::from(*error)
            .context("squishserver listens, but could not be registered, and was killed")),
        NotStarted::Server(what) => Err(did_not_listen(&program, log, &what, &output)),
    }
}

enum NotStarted {
    Server(String),
    Service(Box<ClientError>),
    Interrupted(SignalKind),
}

fn did_not_listen(program: &Path, log: &Path, what: &str, output: &str) -> Failure {
    let lines: Vec<&str> = output.lines().collect();
    let tail = lines.iter().skip(lines.len().saturating_sub(TAIL_LINES));
    let tail = tail.fold(String::new(), |text, line| {
        text + "\n  | " + &console_line(line, LONGEST_LINE)
    });
    let tail = if tail.is_empty() {
        "; it printed nothing".to_owned()
    } else {
        format!("; the end of its output:{tail}")
    };
    Failure::infrastructure_text(format_args!("{}: {what}{tail}", program.display())).help(format!(
        "its whole output is in {}; it needs a licence and a free port",
        log.display()
    ))
}

/// Waits until squishserver prints that it listens on the port.
async fn listens(process: &mut Detached, port: u16, limit: Duration) -> Result<(), String> {
    let began = clock::monotonic();
    loop {
        // Asked before its output is read, so that its last lines are not missed.
        let ended = process.ended().map_err(|error| error.to_string())?;
        let output = process.output().map_err(|error| error.to_string())?;
        match (port_in(&output), ended) {
            (_, Some(ending)) => {
                return Err(format!("{ending} before it listened"));
            }
            (Some(other), None) if other != port => {
                return Err(format!(
                    "it listens on port {other} instead of {port}, and was killed"
                ));
            }
            (Some(_), None) => return Ok(()),
            (None, None) if began.elapsed() >= limit => {
                let seconds = limit.as_secs();
                return Err(format!(
                    "it did not print its port within {seconds} s, and was killed"
                ));
            }
            (None, None) => time::sleep(POLL).await,
        }
    }
}

/// The port of a complete line `Port: N`.
fn port_in(output: &str) -> Option<u16> {
    let complete = &output[..output.rfind('\n')?];
    complete
        .lines()
        .find_map(|line| line.trim().strip_prefix("Port:")?.trim().parse().ok())
}

async fn register(
    registry: Option<&Registry>,
    known: Option<&SquishServer>,
    port: Port,
    labels: &Capabilities,
) -> Result<Option<SquishServer>, ClientError> {
    let Some(Registry { client, host }) = registry else {
        return Ok(None);
    };
    let Some(known) = known else {
        let new = NewSquishServer {
            host: Some(host.clone()),
            port,
            enabled: true,
            labels: labels.clone(),
        };
        return client.add_squish_server(&new).await.map(Some);
    };
    // Enabling it ends a cool-down, too.
    let change = SquishServerChange {
        enabled: Some(true),
        labels: changed_labels(known, labels),
        ..SquishServerChange::default()
    };
    client
        .change_squish_server(known.id, &change)
        .await
        .map(Some)
}

/// Enables a registered server and sets its labels, if that changes anything.
async fn update(
    registry: &Registry,
    known: SquishServer,
    labels: &Capabilities,
) -> Result<SquishServer, ClientError> {
    let labels = changed_labels(&known, labels);
    if known.enabled && labels.is_none() {
        return Ok(known);
    }
    let change = SquishServerChange {
        enabled: (!known.enabled).then_some(true),
        labels,
        ..SquishServerChange::default()
    };
    registry
        .client
        .change_squish_server(known.id, &change)
        .await
}

/// The labels to send, if the registration has others. Without labels the registered ones are kept.
fn changed_labels(known: &SquishServer, labels: &Capabilities) -> Option<Capabilities> {
    (!labels.is_empty() && known.labels != *labels).then(|| labels.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[tokio::test]
    async fn squishserver_that_never_prints_its_port_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let line = crate::runner::command_line::CommandLine {
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
                .contains("did not print its port within 1 s")
        );
        assert_eq!(started.output().unwrap(), "waiting for a licence\n");
        let pid = started.pid().unwrap();
        started.kill().await.unwrap();
        let group = Path::new("/proc").join(pid.to_string());
        assert!(!group.exists(), "the process has ended");
    }

    #[test]
    fn port_is_read_from_a_complete_line() {
        assert_eq!(port_in("Squish Server 9\nPort: 4322\r\n"), Some(4322));
        assert_eq!(port_in("Port: 43"), None, "more may come");
        assert_eq!(port_in("Report: 7\nPort: x\n"), None);
        assert_eq!(port_in(""), None);
    }
}
