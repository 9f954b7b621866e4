//! A folder that a test has for itself.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use super::{Ended, Testplan, until};

/// A temporary folder in which the processes of a test run.
pub(crate) struct Stage(tempfile::TempDir);

impl Stage {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a `testplan.yml`.
    pub(crate) fn with(plan_file: &str) -> Self {
        let stage = Self::new();
        stage.write("testplan.yml", plan_file);
        stage
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The text of a file that is there.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The complete lines of a file that a process appends to; none while it is not there.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read(self.path(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
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
        self.command(subcommand.split(' ')).called(subcommand)
    }

    /// testplan with these arguments.
    pub(crate) fn command<T: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = T>,
    ) -> Testplan {
        self.program(env!("CARGO_BIN_EXE_testplan")).args(arguments)
    }

    /// Another program.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Testplan {
        Testplan::new(self.folder(), program)
    }

    /// Runs testplan to its end.
    #[track_caller]
    pub(crate) fn run<T: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = T>) -> Ended {
        self.command(arguments).run()
    }
}
