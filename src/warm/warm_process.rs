//! A warm pytest: how it is started with testplan's plugin, and what is known about it where it hangs.

use std::{
    ffi::OsString,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
};

use super::{hung_output, message::FromProcess, session_folder::PLUGIN_NAME};
use crate::{
    resident::{self, ResidentProcess, ResidentStart},
    runner::command_line::CommandLine,
};

/// What happens to a process.
pub(crate) type ProcessEvent = resident::ProcessEvent<FromProcess>;

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

/// A warm process. Dropping it kills its group.
#[derive(Debug)]
pub(crate) struct WarmProcess {
    process: ResidentProcess,
    log: PathBuf,
}

impl WarmProcess {
    pub(crate) async fn start(with: &WarmCommand) -> Result<Self, String> {
        let process = ResidentProcess::start(&start(with)).await;
        Ok(Self {
            process: process.map_err(|error| error.to_string())?,
            log: with.log.clone(),
        })
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Ends a process that hangs. Returns what can be found out about where.
    pub(crate) async fn abort(&mut self) -> String {
        #[cfg(unix)]
        let found = (self.process.member())
            .map(hung_output::captured)
            .unwrap_or_default();
        #[cfg(not(unix))]
        let found = String::new();
        self.process.abort().await;
        let stack = hung_output::stack(&self.log);
        match (stack.is_empty(), found.is_empty()) {
            (true, _) => found,
            (false, true) => stack,
            (false, false) => format!("{stack}\n{found}"),
        }
    }
}

impl Deref for WarmProcess {
    type Target = ResidentProcess;

    fn deref(&self) -> &ResidentProcess {
        &self.process
    }
}

impl DerefMut for WarmProcess {
    fn deref_mut(&mut self) -> &mut ResidentProcess {
        &mut self.process
    }
}

/// The command with the plugin, and the settings of the plugin.
fn start(with: &WarmCommand) -> ResidentStart {
    let mut command = with.command.clone();
    command.argv.extend(["-p", PLUGIN_NAME].map(OsString::from));
    let text = |path: &std::ffi::OsStr| path.to_string_lossy().into_owned();
    let settings = [
        ("worker", with.worker.as_str().into()),
        ("process", with.name.as_str().into()),
        ("run", with.run.as_str().into()),
        ("seed", with.seed.into()),
        ("folder", text(with.folder.as_os_str()).into()),
        ("pythonpath", with.python_path.as_deref().map(text).into()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    let mut python_path = with.folder.clone().into_os_string();
    if let Some(before) = &with.python_path {
        python_path.push(if cfg!(windows) { ";" } else { ":" });
        python_path.push(before);
    }
    command.env.push(("PYTHONPATH".to_owned(), python_path));
    ResidentStart {
        command,
        settings: settings.into_iter().collect(),
        folder: with.folder.clone(),
        name: with.name.clone(),
        mark: with.mark.clone(),
        log: with.log.clone(),
        capture_limit: with.capture_limit,
    }
}
