//! Runs a command and reads its output, such as a list of tests.

use std::{collections::VecDeque, io, pin::pin, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time,
};

use super::{SpawnError, mark, start};
use crate::runner::{command_line::CommandLine, process_end::ProcessEnd};

/// How much of the standard error is kept.
const TAIL: usize = 4096;

/// How long to read the pipes after the command has ended: a process that left its group may hold them open.
const DRAIN: Duration = Duration::from_secs(2);

type Pipe = Box<dyn AsyncRead + Unpin + Send>;

/// What a command printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintedOutput {
    /// How it ended.
    pub ending: ProcessEnd,
    /// Where it was to print.
    pub to: PrintedTo,
    /// What it printed there.
    pub printed: Vec<u8>,
    /// The end of its other output: of standard error, as a rule.
    pub tail: String,
}

/// Where a command prints what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintedTo {
    /// To its standard output.
    Stdout,
    /// To its standard error.
    Stderr,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It did not start.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// It took too long and was stopped.
    #[error("{}: stopped", .0.ending)]
    TimedOut(Box<PrintedOutput>),
    /// It printed too much, and was stopped.
    #[error("it printed more than {0} bytes, which is no list of tests")]
    TooMuch(usize),
    /// The system could not read its output.
    #[error("its output cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Runs a command to its end and reads at most `limit` bytes of its output. Its group is stopped after `timeout`, when it
/// prints too much, or when this future is dropped.
pub async fn run_to_end(
    command: &CommandLine,
    timeout: Duration,
    limit: usize,
) -> Result<PrintedOutput, OutputError> {
    run_reading(command, PrintedTo::Stdout, timeout, limit).await
}

/// The same for a command that may print to its standard error.
pub async fn run_reading(
    command: &CommandLine,
    to: PrintedTo,
    timeout: Duration,
    limit: usize,
) -> Result<PrintedOutput, OutputError> {
    let mark = mark().map_err(|error| SpawnError::explain(command, error))?;
    let mut running = start(command, Stdio::piped(), Stdio::piped(), mark)?;
    let stdout = running.child.stdout().take().map(|it| Box::new(it) as Pipe);
    let stderr = running.child.stderr().take().map(|it| Box::new(it) as Pipe);
    let (asked, other) = match to {
        PrintedTo::Stdout => (stdout, stderr),
        PrintedTo::Stderr => (stderr, stdout),
    };
    let mut printed = Vec::new();
    let mut last = VecDeque::new();
    let outcome = {
        let mut reading = pin!(async {
            tokio::try_join!(
                read_whole(asked, &mut printed, limit),
                read_tail(other, &mut last)
            )
        });
        let mut over = pin!(time::sleep(timeout));
        let mut drained = false;
        let ending = loop {
            tokio::select! {
                done = &mut reading, if !drained => match done {
                    Ok(((), ())) => drained = true,
                    Err(error) => break Err(error),
                },
                ending = running.wait() => break Ok(ending?),
                () = &mut over => break Ok(ProcessEnd::TimedOut(timeout)),
            }
        };
        match ending {
            Ok(ending) if !drained && !matches!(ending, ProcessEnd::TimedOut(_)) => {
                match time::timeout(DRAIN, reading).await {
                    Ok(Err(error)) => Err(error),
                    Ok(Ok(_)) | Err(_) => Ok(ending),
                }
            }
            other => other,
        }
    };
    running.stop(Duration::ZERO).await?;
    let tail = String::from_utf8_lossy(last.make_contiguous())
        .trim_end()
        .to_owned();
    let listed = |ending| PrintedOutput {
        ending,
        to,
        printed,
        tail,
    };
    match outcome {
        Ok(ending @ ProcessEnd::TimedOut(_)) => {
            Err(OutputError::TimedOut(Box::new(listed(ending))))
        }
        Ok(ending) => Ok(listed(ending)),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Err(OutputError::TooMuch(limit))
        }
        Err(error) => Err(error.into()),
    }
}

async fn read_whole(
    pipe: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
    limit: usize,
) -> io::Result<()> {
    if let Some(pipe) = pipe {
        pipe.take(limit as u64 + 1).read_to_end(into).await?;
    }
    if into.len() > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(())
}

async fn read_tail(
    pipe: Option<impl AsyncRead + Unpin>,
    into: &mut VecDeque<u8>,
) -> io::Result<()> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let mut chunk = vec![0; TAIL];
    loop {
        let count = pipe.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        into.extend(&chunk[..count]);
        let excess = into.len().saturating_sub(TAIL);
        into.drain(..excess);
    }
}
