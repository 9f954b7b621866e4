//! One warm process: its command, its log, its connection, and what happens to it.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::time;

use super::{
    channel::{Channel, Door},
    hung_output,
    message::{FromProcess, VERSION},
};
use crate::{
    clock, random,
    run::process::{self, Running},
    runner::{command_line::CommandLine, process_end::ProcessEnd},
};

/// How long a process may live on after its connection ended. The plugin closes it last, so it is a matter of an instant
/// unless a test closed it.
const END_GRACE: Duration = Duration::from_secs(10);
/// How long to read what the process sent before its end.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How long an aborted process may take to write where it was.
const ABORT_GRACE: Duration = Duration::from_secs(2);

/// What a process is started with.
#[derive(Clone, Debug)]
pub(crate) struct WarmCommand {
    pub(crate) command: CommandLine,
    /// The folder of the plugin and of its socket.
    pub(crate) folder: PathBuf,
    /// Unique in the run.
    pub(crate) name: String,
    /// Of the worker's processes.
    pub(crate) mark: String,
    /// The worker, as tests see it.
    pub(crate) worker: String,
    /// Of the run.
    pub(crate) run: String,
    pub(crate) seed: u32,
    /// `PYTHONPATH` as the tests shall see it.
    pub(crate) python_path: Option<OsString>,
    pub(crate) log: PathBuf,
    pub(crate) capture_limit: u64,
}

/// What happens to a process.
#[derive(Debug)]
pub(crate) enum ProcessEvent {
    /// It sent a message.
    Message(FromProcess),
    /// It ended, and everything that it sent was read.
    Ended(ProcessEnd),
    /// It does not keep to the protocol, or the system cannot say what became of it.
    Broken(String),
}

/// A warm process. Dropping it kills its group.
#[derive(Debug)]
pub(crate) struct WarmProcess {
    running: Running,
    door: Option<Door>,
    channel: Option<Channel>,
    secret: String,
    /// The process of the tool, which may be another than the first one of the group.
    pid: Option<u32>,
    ended: Option<ProcessEnd>,
    /// When to give up waiting: for the end after the connection's, or for messages after the end.
    until: Option<Instant>,
    log: PathBuf,
}

impl WarmProcess {
    pub(crate) async fn start(with: &WarmCommand) -> Result<Self, String> {
        let secret = random::hex(4).map_err(|error| error.to_string())?;
        let no_door = |error: io::Error| format!("no connection can be offered to it: {error}");
        let door = Door::open(&with.folder, &with.name)
            .await
            .map_err(no_door)?;
        let command = with_plugin(with, door.address(), &secret);
        let running =
            process::spawn_marked(&command, &with.log, with.capture_limit, with.mark.clone())
                .map_err(|error| error.to_string())?;
        Ok(Self {
            running,
            door: Some(door),
            channel: None,
            secret,
            pid: None,
            ended: None,
            until: None,
            log: with.log.clone(),
        })
    }

    /// Number of the group.
    pub(crate) fn group(&self) -> u32 {
        self.running.pid()
    }

    /// The process of the tool, once it is known.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Sends messages. A process that is gone is noticed by its end.
    pub(crate) async fn send(&mut self, lines: &[u8]) {
        if let Some(channel) = &mut self.channel
            && let Err(error) = channel.send(lines).await
        {
            tracing::debug!(%error, "a warm process does not read");
        }
    }

    /// Waits for what happens next. May be dropped and called again; not to be called after the end.
    pub(crate) async fn event(&mut self) -> ProcessEvent {
        loop {
            let message = match self.line_or_end().await {
                Err(why) => return ProcessEvent::Broken(why),
                Ok(None) => continue,
                Ok(Some(Incoming::End(end))) => return ProcessEvent::Ended(end),
                Ok(Some(Incoming::Line(line))) => FromProcess::read(&line),
            };
            match message {
                Err(why) => {
                    return ProcessEvent::Broken(format!(
                        "it sent a line that is no message: {why}"
                    ));
                }
                Ok(FromProcess::Open { v, pid, secret }) => {
                    if let Err(why) = self.opened(v, pid, &secret) {
                        return ProcessEvent::Broken(why);
                    }
                }
                Ok(_) if self.pid.is_none() => self.channel = None,
                Ok(message) => return ProcessEvent::Message(message),
            }
        }
    }

    fn opened(&mut self, version: u32, pid: u32, secret: &str) -> Result<(), String> {
        if secret != self.secret {
            tracing::warn!("a connection without the secret is refused");
            self.channel = None;
            return Ok(());
        }
        if version != VERSION {
            return Err(format!(
                "it speaks version {version} of the protocol, this testplan version {VERSION}"
            ));
        }
        self.pid = Some(pid);
        self.door = None;
        Ok(())
    }

    async fn line_or_end(&mut self) -> Result<Option<Incoming>, String> {
        let until = self.until;
        let out_of_time = async {
            match until {
                Some(until) => time::sleep_until(until.into()).await,
                None => std::future::pending().await,
            }
        };
        let has_ended = self.ended.is_some();
        let lines = async {
            match (&mut self.channel, &self.door) {
                (Some(channel), _) => Seen::Line(channel.line().await),
                (None, Some(door)) if !has_ended => Seen::Connection(door.connection().await),
                _ => std::future::pending().await,
            }
        };
        let seen = tokio::select! {
            biased;
            seen = lines => seen,
            end = self.running.wait(), if !has_ended => Seen::End(end),
            () = out_of_time => Seen::OutOfTime,
        };
        match seen {
            Seen::Line(Ok(Some(line))) => Ok(Some(Incoming::Line(line))),
            Seen::Line(ending) => {
                if let Err(error) = ending
                    && error.kind() == io::ErrorKind::InvalidData
                {
                    return Err(error.to_string());
                }
                self.channel = None;
                match self.ended {
                    Some(end) => Ok(Some(Incoming::End(end))),
                    // Before the first message it was no process of ours.
                    None if self.pid.is_none() => Ok(None),
                    None => {
                        self.until = Some(clock::monotonic() + END_GRACE);
                        Ok(None)
                    }
                }
            }
            Seen::Connection(Ok(channel)) => {
                self.channel = Some(channel);
                Ok(None)
            }
            Seen::Connection(Err(error)) => Err(format!("it could not connect: {error}")),
            Seen::End(Ok(end)) => {
                self.ended = Some(end);
                self.until = Some(clock::monotonic() + LAST_WORDS);
                Ok(self.channel.is_none().then_some(Incoming::End(end)))
            }
            Seen::End(Err(error)) => Err(format!("the system cannot say how it ended: {error}")),
            Seen::OutOfTime => match self.ended {
                Some(end) => Ok(Some(Incoming::End(end))),
                None => Err("it closed its connection and runs on".to_owned()),
            },
        }
    }

    /// Asks it to end in order, then kills its group. Its messages are no longer read.
    pub(crate) async fn stop(&mut self, grace: Duration) {
        #[cfg(unix)]
        if !grace.is_zero()
            && let Some(pid) = self.pid
            && self
                .running
                .signal_member(pid, process::MemberSignal::Interrupt)
        {
            // A process in order tears down its fixtures first.
            let _ = time::timeout(grace, self.running.wait()).await;
        }
        if let Err(error) = self.running.stop(Duration::ZERO).await {
            tracing::error!(%error, "a warm process could not be ended");
        }
    }

    /// Ends a process that hangs. Returns what can be found out about where.
    pub(crate) async fn abort(&mut self) -> String {
        let mut found = String::new();
        #[cfg(unix)]
        if let Some(pid) = self.pid
            && self.running.has_member(pid)
        {
            found = hung_output::captured(pid);
            if self
                .running
                .signal_member(pid, process::MemberSignal::Abort)
            {
                let _ = time::timeout(ABORT_GRACE, self.running.wait()).await;
            }
        }
        self.stop(Duration::ZERO).await;
        let stack = hung_output::stack(&self.log);
        match (stack.is_empty(), found.is_empty()) {
            (true, _) => found,
            (false, true) => stack,
            (false, false) => format!("{stack}\n{found}"),
        }
    }
}

enum Incoming {
    Line(Vec<u8>),
    End(ProcessEnd),
}

enum Seen {
    Line(io::Result<Option<Vec<u8>>>),
    Connection(io::Result<Channel>),
    End(io::Result<ProcessEnd>),
    OutOfTime,
}

/// The command with the plugin, and with the way to this process in its environment.
fn with_plugin(with: &WarmCommand, address: &str, secret: &str) -> CommandLine {
    let mut command = with.command.clone();
    let plugin = super::session_folder::PLUGIN_NAME;
    command.argv.extend(["-p", plugin].map(OsString::from));
    let text = |path: &std::ffi::OsStr| path.to_string_lossy().into_owned();
    let settings = serde_json::json!({
        "address": address,
        "secret": secret,
        "worker": with.worker,
        "process": with.name,
        "run": with.run,
        "seed": with.seed,
        "folder": text(with.folder.as_os_str()),
        "pythonpath": with.python_path.as_deref().map(text),
    });
    let mut python_path = with.folder.clone().into_os_string();
    if let Some(before) = &with.python_path {
        python_path.push(if cfg!(windows) { ";" } else { ":" });
        python_path.push(before);
    }
    let set = [
        ("PYTHONPATH", python_path),
        ("TESTPLAN_SESSION", settings.to_string().into()),
    ];
    let set = set.map(|(name, value)| (name.to_owned(), value));
    command.env.extend(set);
    command
}
