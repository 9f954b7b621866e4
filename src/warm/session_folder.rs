//! The temporary folder of a run's warm processes: the plugin, and the sockets of the processes.

use std::{io, path::Path};

use tempfile::TempDir;

use crate::fs::{private_folder, write_private};

/// The plugin for pytest, and the name that pytest loads it by.
const PLUGIN: &str = include_str!("pytest/testplan_session.py");
pub(crate) const PLUGIN_NAME: &str = "testplan_session";

/// The folder; dropping it removes it.
#[derive(Debug)]
pub(crate) struct SessionFolder(TempDir);

impl SessionFolder {
    /// Makes it, for the present user alone, and writes the plugin into it.
    pub(crate) fn make() -> io::Result<Self> {
        // Short: the path of a socket has room for about a hundred bytes.
        let folder = private_folder("testplan-")?;
        let plugin = folder.path().join(format!("{PLUGIN_NAME}.py"));
        write_private(&plugin, PLUGIN.as_bytes()).map_err(io::Error::other)?;
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}
