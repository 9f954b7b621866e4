//! Where the output of a command goes: into its file, on Unix through a pipe.
//!
//! A program may open its output again by path, as a shell does for `> /dev/stderr`. With a file it would get a second
//! position to write at, the beginning, and truncate the file first. With a pipe it gets the same pipe.

use std::{convert::Infallible, io, path::Path, process::Stdio};

#[cfg(not(unix))]
use std::sync::Arc;

use super::capture::Capture;

/// Where a command's output goes.
#[derive(Debug)]
pub(super) struct CommandOutput {
    #[cfg(unix)]
    drain: super::drain::Drain,
    #[cfg(not(unix))]
    capture: Arc<Capture>,
}

/// The two handles for a command.
pub(super) type Handles = [Stdio; 2];

impl CommandOutput {
    /// Opens the file to append to, and the way to it. Must be called inside a tokio runtime.
    pub(super) fn open(path: &Path, limit: u64) -> io::Result<(Self, Handles)> {
        let capture = Capture::open(path, limit)?;
        Self::into(capture)
    }

    #[cfg(unix)]
    fn into(capture: Capture) -> io::Result<(Self, Handles)> {
        let (reader, stdout) = io::pipe()?;
        let stderr = stdout.try_clone()?;
        let drain = super::drain::Drain::start(reader.into(), capture)?;
        Ok((Self { drain }, [stdout.into(), stderr.into()]))
    }

    /// Elsewhere no path leads to a program's own output, so that the command writes into the file itself.
    #[cfg(not(unix))]
    fn into(capture: Capture) -> io::Result<(Self, Handles)> {
        let capture = Arc::new(capture);
        let handles = [capture.handle()?.into(), capture.handle()?.into()];
        Ok((Self { capture }, handles))
    }

    /// Puts what comes from now on into another file; `false` where the command writes into its file itself.
    #[cfg(unix)]
    pub(super) async fn continue_in(&mut self, path: &Path, limit: u64) -> io::Result<bool> {
        let capture = Capture::open(path, limit)?;
        self.drain.continue_in(capture).await?;
        Ok(true)
    }

    /// Puts what comes from now on into another file; `false` where the command writes into its file itself.
    #[cfg(not(unix))]
    #[expect(clippy::unused_async, reason = "on Unix it waits")]
    pub(super) async fn continue_in(&mut self, _path: &Path, _limit: u64) -> io::Result<bool> {
        Ok(false)
    }

    /// Keeps the file within its limit, now and then, for as long as this is waited for.
    #[cfg(unix)]
    pub(super) async fn keep_within(&self) -> Infallible {
        // The drain does this.
        std::future::pending().await
    }

    /// Keeps the file within its limit, now and then, for as long as this is waited for.
    #[cfg(not(unix))]
    pub(super) async fn keep_within(&self) -> Infallible {
        /// How often the output is held against its limit.
        const CHECK: std::time::Duration = std::time::Duration::from_millis(250);
        loop {
            tokio::time::sleep(CHECK).await;
            Capture::keep_within(&self.capture).await;
        }
    }

    /// Returns once everything that the command has written is in the file, while it runs on.
    pub(super) async fn flush(&mut self) {
        #[cfg(unix)]
        self.drain.flush().await;
        #[cfg(not(unix))]
        Capture::keep_within(&self.capture).await;
    }

    /// Returns once everything that the command wrote before its end is in the file.
    pub(super) async fn settle(&mut self) {
        #[cfg(unix)]
        self.drain.settle().await;
        #[cfg(not(unix))]
        Capture::keep_within(&self.capture).await;
    }
}
