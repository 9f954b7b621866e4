//! A command as a process group: started, its output captured within a limit, killed as a whole.
//!
//! Output goes into a file, on Unix through a pipe. The group is a Unix process group or a Windows job. When its first
//! process ends, the rest of the group is killed.
#![expect(
    clippy::disallowed_methods,
    reason = "this module owns starting processes"
)]

mod capture;
pub(crate) mod detached;
#[cfg(unix)]
mod drain;
#[cfg(unix)]
mod group_member;
pub mod orphans;
mod output;
mod printed_output;
mod spawn_error;
#[cfg(unix)]
mod survivors;

use std::{
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::{process::Command, time};

use self::output::CommandOutput;
use crate::runner::{
    command_line::{CommandLine, is_private},
    process_end::ProcessEnd,
};

#[cfg(unix)]
pub(crate) use self::group_member::MemberSignal;
pub use self::{
    printed_output::{OutputError, PrintedOutput, PrintedTo, run_reading, run_to_end},
    spawn_error::SpawnError,
};

/// Variable that marks every process of one attempt, wherever it goes.
pub const ATTEMPT: &str = "TESTPLAN_ATTEMPT";

/// How long a killed process may take to disappear.
const DEATH: Duration = Duration::from_secs(5);

#[cfg(unix)]
const SIGTERM: i32 = 15;

/// Starts a command with its output, both kinds of it in one file, in `capture`, which is appended to.
///
/// Beyond `limit` bytes (at least 4 KiB) the middle of the output is left out, with a line that says how much. Has no
/// input. Blocks for as long as starting takes, well under a millisecond; must be called inside a tokio runtime.
pub fn spawn(command: &CommandLine, capture: &Path, limit: u64) -> Result<Running, SpawnError> {
    let mark = mark().map_err(|error| SpawnError::explain(command, error))?;
    spawn_marked(command, capture, limit, mark)
}

/// Like [`spawn`], with a [`mark`] that the caller has stored, to find the processes by it later.
pub(crate) fn spawn_marked(
    command: &CommandLine,
    capture: &Path,
    limit: u64,
    mark: String,
) -> Result<Running, SpawnError> {
    let (output, [stdout, stderr]) = CommandOutput::open(capture, limit)
        .map_err(|error| SpawnError::no_capture(capture, error))?;
    let mut running = start(command, stdout, stderr, mark)?;
    running.output = Some(output);
    Ok(running)
}

fn start(
    command: &CommandLine,
    stdout: Stdio,
    stderr: Stdio,
    mark: String,
) -> Result<Running, SpawnError> {
    let mut prepared = prepared(command)?;
    prepared.env(ATTEMPT, &mark).stdout(stdout).stderr(stderr);
    let mut wrapped = CommandWrap::from(prepared);
    group(&mut wrapped);
    let child = wrapped
        .wrap(KillOnDrop)
        .spawn()
        .map_err(|error| SpawnError::explain(command, error))?;
    Ok(Running {
        pid: child.id().unwrap_or_default(),
        child,
        mark,
        output: None,
        leader: None,
        group_ended: false,
    })
}

#[cfg(unix)]
fn group(command: &mut CommandWrap) {
    command.wrap(process_wrap::tokio::ProcessGroup::leader());
}

/// A job, and a console group of its own: Ctrl-C is for us, we stop the command in our own time.
#[cfg(windows)]
fn group(command: &mut CommandWrap) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    let mut flags = process_wrap::tokio::CreationFlags(<_>::default());
    flags.0.0 = CREATE_NEW_PROCESS_GROUP;
    command.wrap(flags).wrap(process_wrap::tokio::JobObject);
}

/// A command with its arguments, folder and environment, and without any input.
fn prepared(command: &CommandLine) -> Result<Command, SpawnError> {
    let Some((program, arguments)) = command.argv.split_first() else {
        return Err(SpawnError::no_program());
    };
    let mut prepared = Command::new(&*located(program, command.cwd.as_deref()));
    prepared.args(arguments);
    if let Some(cwd) = &command.cwd {
        prepared.current_dir(cwd);
    }
    let inherited = std::env::vars_os().map(|(name, _)| name);
    for name in inherited.filter(|name| is_private(name)) {
        prepared.env_remove(name);
    }
    for name in &command.env_remove {
        prepared.env_remove(name);
    }
    prepared
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null());
    Ok(prepared)
}

/// Unix looks for `./x` in the folder that the command runs in, Windows in the folder of this process: there the command's
/// folder is put in front.
fn located<'a>(
    program: &'a std::ffi::OsStr,
    cwd: Option<&Path>,
) -> std::borrow::Cow<'a, std::ffi::OsStr> {
    match cwd {
        Some(cwd) if cfg!(windows) && Path::new(program).components().nth(1).is_some() => {
            cwd.join(program).into_os_string().into()
        }
        _ => program.into(),
    }
}

/// A random value of [`ATTEMPT`], unique for this attempt.
pub fn mark() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// A command that was started. Dropping it kills the group.
#[derive(Debug)]
pub struct Running {
    child: Box<dyn ChildWrapper>,
    pid: u32,
    #[cfg_attr(
        not(unix),
        expect(
            dead_code,
            reason = "a job object has all processes; none has to be found by its mark"
        )
    )]
    mark: String,
    /// The file of its output, if there is one.
    output: Option<CommandOutput>,
    /// How the first process ended, once it has.
    leader: Option<ProcessEnd>,
    /// The rest of the group was killed: its number may soon be another group's.
    group_ended: bool,
}

impl Running {
    /// Number of the first process, which is the group's on Unix.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for the first process to end, then kills the rest of its group. May be dropped and called again; returns at
    /// once if it has ended. Fails only if the system cannot tell.
    pub async fn wait(&mut self) -> io::Result<ProcessEnd> {
        let ending = self.leader().await?;
        if !self.group_ended {
            self.kill_group();
            self.group_ended = true;
            self.settle().await;
        }
        Ok(ending)
    }

    /// Asks the group to end (SIGTERM, not on Windows), and kills it after `grace`, on Linux also processes that left it.
    /// Returns how the first process ended, once it is gone.
    pub async fn stop(&mut self, grace: Duration) -> io::Result<ProcessEnd> {
        if !self.group_ended {
            #[cfg(unix)]
            let gone = self.asked_to_end(grace).await;
            #[cfg(not(unix))]
            let (gone, _) = (false, grace);
            if !gone {
                self.kill_group();
            }
        }
        let ending = time::timeout(DEATH, self.leader()).await.map_err(|_| {
            io::Error::new(
                io::ErrorKind::TimedOut,
                format!("process {} was killed but does not end", self.pid),
            )
        })??;
        if !self.group_ended {
            self.group_ended = true;
            #[cfg(unix)]
            self.kill_survivors().await;
            self.settle().await;
        }
        Ok(ending)
    }

    /// Puts its output into another file from now on, within `limit` bytes as [`spawn`] does. Returns once everything that it
    /// wrote before is in the file before; `false` where the system cannot do that, and all goes into the first file.
    pub(crate) async fn continue_in(&mut self, capture: &Path, limit: u64) -> io::Result<bool> {
        match &mut self.output {
            Some(output) => output.continue_in(capture, limit).await,
            None => Ok(false),
        }
    }

    /// Returns once everything that it has written is in its file.
    pub(crate) async fn flush_output(&mut self) {
        if let Some(output) = &mut self.output {
            output.flush().await;
        }
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<ProcessEnd> {
        self.leader
    }

    /// Waits for the first process and meanwhile keeps the output within its limit.
    async fn leader(&mut self) -> io::Result<ProcessEnd> {
        if let Some(ending) = self.leader {
            return Ok(ending);
        }
        let output = self.output.as_ref();
        let keep_within = async {
            match output {
                Some(output) => output.keep_within().await,
                None => std::future::pending().await,
            }
        };
        // Not the wrapper's own wait: that one also waits for the rest of the group.
        let status = tokio::select! {
            status = self.child.inner_mut().wait() => status?,
            never = keep_within => match never {},
        };
        let ending = ending(status);
        self.leader = Some(ending);
        Ok(ending)
    }

    /// Asks the group to end and waits up to `grace`. Returns whether no process of it lives.
    #[cfg(unix)]
    async fn asked_to_end(&mut self, grace: Duration) -> bool {
        if grace.is_zero() {
            return false;
        }
        // Fails only if no process is left.
        let _ = self.child.signal(SIGTERM);
        let gone = async {
            self.leader().await?;
            // There is no event for the end of a group.
            while survivors::in_group(self.pid) {
                time::sleep(Duration::from_millis(20)).await;
            }
            io::Result::Ok(())
        };
        matches!(time::timeout(grace, gone).await, Ok(Ok(())))
    }

    fn kill_group(&mut self) {
        // Fails only if no process is left.
        let _ = self.child.start_kill();
    }

    #[cfg(unix)]
    async fn kill_survivors(&self) {
        let (group, mark) = (self.pid, format!("{ATTEMPT}={}", self.mark));
        let left =
            tokio::task::spawn_blocking(move || survivors::kill(Some(group), &mark).left).await;
        if let Ok(left @ 1..) = left {
            tracing::warn!(
                pid = self.pid,
                left,
                "processes of a stopped command live on"
            );
        }
    }

    async fn settle(&mut self) {
        if let Some(output) = &mut self.output {
            output.settle().await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.group_ended {
            self.kill_group();
        }
    }
}

fn ending(status: ExitStatus) -> ProcessEnd {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return ProcessEnd::Signalled(signal);
    }
    ProcessEnd::Exited(status.code().unwrap_or(-1))
}
