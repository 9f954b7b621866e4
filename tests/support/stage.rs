//! A folder that a test has for itself.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Testplan, until};

/// A temporary folder in which the processes of a test run.
pub(crate) struct Stage(tempfile::TempDir);

impl Stage {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// What a file holds; nothing if it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.path(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The complete lines of a file that somebody appends to.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = self.read(name);
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete.lines().map(str::to_owned).collect()
    }

    /// Waits until a file has as many complete lines, and returns them.
    #[track_caller]
    pub(crate) fn wait_for_lines(&self, name: &str, count: usize) -> Vec<String> {
        until(&format!("{count} lines in {name}"), || {
            Some(self.lines(name)).filter(|lines| lines.len() >= count)
        })
    }

    /// A shell script that tests can be run with: it starts in this folder, `$1` and on are its arguments. `hang` in
    /// it is a test that never ends: only with this folder, so that a test of ours that fails leaves nothing behind.
    #[cfg(unix)]
    pub(crate) fn script(&self, name: &str, body: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = self.folder().display();
        let text = format!(
            "#!/bin/sh\ncd '{folder}' || exit 99\nhang() {{ while [ -d '{folder}' ]; do sleep 0.1; done; }}\n{body}\n"
        );
        let path = self.write(name, &text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A testplan process to be, as `testplan work`.
    pub(crate) fn testplan(&self, subcommand: &str) -> Testplan {
        Testplan::new(self.folder(), subcommand)
    }
}
