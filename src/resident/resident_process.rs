//! One process of a test tool that stays: its command, its log, its connection, and what happens to it.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tokio::time;

use super::channel::{Channel, Door};
use crate::{
    clock, random,
    run::process::{self, Running, SpawnError},
    runner::{command_line::CommandLine, process_end::ProcessEnd},
};

/// The variable with the settings of testplan's file in the tool.
const SESSION: &str = "TESTPLAN_SESSION";

/// The version of the protocol that this testplan speaks.
const VERSION: u32 = 1;

/// How long a process may live on after its connection ended. The plugin closes it last, so it is a matter of an instant
/// unless a test closed it.
const END_GRACE: Duration = Duration::from_secs(10);
/// How long to read what the process sent before its end.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How long an aborted process may take to write where it was.
const ABORT_GRACE: Duration = Duration::from_secs(2);

/// What a process is started with.
#[derive(Clone, Debug)]
pub(crate) struct ResidentStart {
    /// Starts the tool with testplan's file for it.
    pub(crate) command: CommandLine,
    /// What [`SESSION`] tells that file, beside the address and the secret.
    pub(crate) settings: Map<String, Value>,
    /// The folder of the socket.
    pub(crate) folder: PathBuf,
    /// Of the socket: unique in the folder.
    pub(crate) name: String,
    /// What its processes are marked with.
    pub(crate) mark: String,
    /// Where its output goes.
    pub(crate) log: PathBuf,
    /// Most bytes kept of the output.
    pub(crate) capture_limit: u64,
}

/// What happens to a process. `M` is what its tool sends.
#[derive(Debug)]
pub(crate) enum ProcessEvent<M> {
    /// It sent a message.
    Message(M),
    /// It ended, and everything that it sent was read.
    Ended(ProcessEnd),
    /// It does not keep to the protocol, or the system cannot say what became of it.
    Broken(String),
}

/// The first message of a connection.
#[derive(Deserialize)]
struct Opening {
    t: String,
    v: u32,
    pid: u32,
    secret: String,
}

/// Why there is no process.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotStarted {
    /// The system offers no connection.
    #[error("no connection can be offered to it: {0}")]
    NoDoor(io::Error),
    /// The command was not started.
    #[error(transparent)]
    Spawn(SpawnError),
}

/// A process that stays. Dropping it kills its group.
#[derive(Debug)]
pub(crate) struct ResidentProcess {
    running: Running,
    door: Option<Door>,
    channel: Option<Channel>,
    secret: String,
    /// The process of the tool, which may be another than the first one of the group.
    pid: Option<u32>,
    ended: Option<ProcessEnd>,
    /// When to give up waiting: for the end after the connection's, or for messages after the end.
    until: Option<Instant>,
}

impl ResidentProcess {
    pub(crate) async fn start(with: &ResidentStart) -> Result<Self, NotStarted> {
        let secret = random::hex(4).map_err(NotStarted::NoDoor)?;
        let door = Door::open(&with.folder, &with.name)
            .await
            .map_err(NotStarted::NoDoor)?;
        let mut settings = with.settings.clone();
        settings.insert("address".to_owned(), door.address().into());
        settings.insert("secret".to_owned(), secret.as_str().into());
        let mut command = with.command.clone();
        let settings = Value::Object(settings).to_string().into();
        command.env.push((SESSION.to_owned(), settings));
        let running =
            process::spawn_marked(&command, &with.log, with.capture_limit, with.mark.clone())
                .map_err(NotStarted::Spawn)?;
        Ok(Self {
            running,
            door: Some(door),
            channel: None,
            secret,
            pid: None,
            ended: None,
            until: None,
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

    /// Puts its output into another file from now on; `false` where the system cannot do that.
    pub(crate) async fn continue_in(&mut self, log: &Path, limit: u64) -> io::Result<bool> {
        self.running.continue_in(log, limit).await
    }

    /// Returns once everything that it has written is in its file.
    pub(crate) async fn flush_output(&mut self) {
        self.running.flush_output().await;
    }

    /// Sends messages. A process that is gone is noticed by its end.
    pub(crate) async fn send(&mut self, lines: &[u8]) {
        if let Some(channel) = &mut self.channel
            && let Err(error) = channel.send(lines).await
        {
            tracing::debug!(%error, "a process that stays does not read");
        }
    }

    /// Waits for what happens next. May be dropped and called again; not to be called after the end.
    pub(crate) async fn event<M: DeserializeOwned>(&mut self) -> ProcessEvent<M> {
        loop {
            let line = match self.line_or_end().await {
                Err(why) => return ProcessEvent::Broken(why),
                Ok(None) => continue,
                Ok(Some(Incoming::End(end))) => return ProcessEvent::Ended(end),
                Ok(Some(Incoming::Line(line))) => line,
            };
            if self.pid.is_none() {
                if let Err(why) = self.opened(&line) {
                    return ProcessEvent::Broken(why);
                }
                continue;
            }
            return match serde_json::from_slice(&line) {
                Ok(message) => ProcessEvent::Message(message),
                Err(why) => {
                    ProcessEvent::Broken(format!("it sent a line that is no message: {why}"))
                }
            };
        }
    }

    /// Reads the first line of a connection, which may be that of another process.
    fn opened(&mut self, line: &[u8]) -> Result<(), String> {
        let opening: Option<Opening> = serde_json::from_slice(line).ok();
        let Some(Opening {
            t,
            v: version,
            pid,
            secret,
        }) = opening
        else {
            self.channel = None;
            return Ok(());
        };
        if t != "open" || secret != self.secret {
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
            tracing::error!(%error, "a process that stays could not be ended");
        }
    }

    /// Asks its group to end, and kills it after `grace`. Returns how its first process ended.
    pub(crate) async fn terminate(&mut self, grace: Duration) -> io::Result<ProcessEnd> {
        self.running.stop(grace).await
    }

    /// Has it end with what its tool writes at SIGABRT, then kills its group.
    pub(crate) async fn abort(&mut self) {
        #[cfg(unix)]
        if let Some(pid) = self.pid
            && self
                .running
                .signal_member(pid, process::MemberSignal::Abort)
        {
            let _ = time::timeout(ABORT_GRACE, self.running.wait()).await;
        }
        self.stop(Duration::ZERO).await;
    }

    /// The process of the tool, if it still is one of the group: its number may be another process's otherwise.
    #[cfg(unix)]
    pub(crate) fn member(&self) -> Option<u32> {
        self.pid.filter(|pid| self.running.has_member(*pid))
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
