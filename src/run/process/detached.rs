//! A program that runs on after testplan has ended, in a group of its own, with its output in a file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use process_wrap::tokio::{ChildWrapper, CommandWrap};

use super::{SpawnError, ending, group, prepared};
use crate::runner::{command_line::CommandLine, process_end::ProcessEnd};

/// Most bytes of its output that are read.
const MOST: u64 = 64 * 1024;

/// A program that was started. Dropping this does not end it.
#[derive(Debug)]
pub(crate) struct Detached {
    child: Box<dyn ChildWrapper>,
    log: PathBuf,
    /// Where its own output begins.
    from: u64,
}

impl Detached {
    /// Starts a program with its output, both kinds of it, at the end of `log`. Must be called inside a tokio runtime.
    pub(crate) fn start(command: &CommandLine, log: &Path) -> Result<Self, SpawnError> {
        let mut prepared = prepared(command)?;
        let no_log = |error| SpawnError::no_capture(log, error);
        let output = OpenOptions::new()
            .append(true)
            .create(true)
            .open(log)
            .map_err(no_log)?;
        let from = output.metadata().map_err(no_log)?.len();
        let errors = output.try_clone().map_err(no_log)?;
        prepared.stdout(output).stderr(errors);
        let mut wrapped = CommandWrap::from(prepared);
        group(&mut wrapped);
        let child = wrapped
            .spawn()
            .map_err(|error| SpawnError::explain(command, error))?;
        Ok(Self {
            child,
            log: log.to_owned(),
            from,
        })
    }

    /// Number of its process; `None` once it has ended.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// The beginning of its output so far. Text that is not UTF-8 is replaced.
    pub(crate) fn output(&self) -> io::Result<String> {
        let mut file = File::open(&self.log)?;
        file.seek(SeekFrom::Start(self.from))?;
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ProcessEnd>> {
        Ok(self.child.inner_mut().try_wait()?.map(ending))
    }

    /// Kills it with its group, and waits until it is gone.
    pub(crate) async fn kill(mut self) -> io::Result<()> {
        // Fails only if no process is left.
        let _ = self.child.start_kill();
        self.child.inner_mut().wait().await.map(drop)
    }
}
