//! The temporary folder of a run's warm processes: the plugin, and the sockets of the processes.

use std::{
    fs::{self, DirBuilder},
    io,
    path::{Path, PathBuf},
};

use crate::{fs::write_private, random};

/// The plugin for pytest, and the name that pytest loads it by.
const PLUGIN: &str = include_str!("pytest/testplan_session.py");
pub(crate) const PLUGIN_NAME: &str = "testplan_session";

/// The folder; dropping it removes it.
#[derive(Debug)]
pub(crate) struct SessionFolder(PathBuf);

impl SessionFolder {
    /// Makes it, for the present user alone, and writes the plugin into it.
    pub(crate) fn make() -> io::Result<Self> {
        // Short: the path of a socket has room for about a hundred bytes.
        let path = std::env::temp_dir().join(format!("testplan-{}", random::hex(2)?));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        let folder = Self(path);
        let plugin = folder.0.join(format!("{PLUGIN_NAME}.py"));
        write_private(&plugin, PLUGIN.as_bytes()).map_err(io::Error::other)?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SessionFolder {
    fn drop(&mut self) {
        // What stays is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
