//! The temporary folder with the files of the reporters.

use std::{
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::fs::{private_folder, write_private};

/// Names and texts of all files. They load what they share from beside them.
const FILES: &[(&str, &str)] = &[
    ("event-stream.cjs", include_str!("files/event-stream.cjs")),
    ("session.cjs", include_str!("files/session.cjs")),
    ("junit.mjs", include_str!("files/junit.mjs")),
    ("bun.mjs", include_str!("files/bun.mjs")),
    ("deno.mjs", include_str!("files/deno.mjs")),
    ("vitest.mjs", include_str!("files/vitest.mjs")),
    ("jest.cjs", include_str!("files/jest.cjs")),
    ("jest-session.cjs", include_str!("files/jest-session.cjs")),
    ("mocha.cjs", include_str!("files/mocha.cjs")),
    ("node-hook.mjs", include_str!("files/node-hook.mjs")),
    ("node-listing.mjs", include_str!("files/node-listing.mjs")),
    ("node-reporter.mjs", include_str!("files/node-reporter.mjs")),
    ("playwright.mjs", include_str!("files/playwright.mjs")),
    (
        "cucumber-names.mjs",
        include_str!("files/cucumber-names.mjs"),
    ),
    (
        "cucumber-plugin.mjs",
        include_str!("files/cucumber-plugin.mjs"),
    ),
    ("cucumber.mjs", include_str!("files/cucumber.mjs")),
    (
        "testplan_events.py",
        include_str!("files/testplan_events.py"),
    ),
    (
        "unittest_runner.py",
        include_str!("files/unittest_runner.py"),
    ),
    ("robot_listener.py", include_str!("files/robot_listener.py")),
    (
        "robot_selection.py",
        include_str!("files/robot_selection.py"),
    ),
    ("behave_runner.py", include_str!("files/behave_runner.py")),
    ("prove_runner.pl", include_str!("files/prove_runner.pl")),
    ("bats_listing.bash", include_str!("files/bats_listing.bash")),
    ("bats_formatter.sh", include_str!("files/bats_formatter.sh")),
    ("ava_runner.mjs", include_str!("files/ava_runner.mjs")),
    ("exunit_runner.exs", include_str!("files/exunit_runner.exs")),
    ("libtest_runner.sh", include_str!("files/libtest_runner.sh")),
    (
        "TestplanPrinter.php",
        include_str!("files/TestplanPrinter.php"),
    ),
    (
        "testplan_events.rb",
        include_str!("files/testplan_events.rb"),
    ),
    (
        "rspec_formatter.rb",
        include_str!("files/rspec_formatter.rb"),
    ),
    (
        "minitest_runner.rb",
        include_str!("files/minitest_runner.rb"),
    ),
];

/// The folder; dropping it removes it.
#[derive(Debug)]
pub struct ReporterFolder {
    path: PathBuf,
    /// Removes it.
    _folder: TempDir,
}

impl ReporterFolder {
    /// Makes it, for the present user alone, and writes the files into it.
    pub fn make() -> io::Result<Self> {
        let folder = private_folder("testplan-")?;
        for (name, text) in FILES.iter().copied() {
            let path = folder.path().join(name);
            write_private(&path, text.as_bytes()).map_err(io::Error::other)?;
            #[cfg(unix)]
            if text.starts_with("#!") {
                use std::os::unix::fs::PermissionsExt as _;
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
            }
        }
        Ok(Self {
            // Tools resolve links in the paths of their reporters.
            path: folder.path().canonicalize()?,
            _folder: folder,
        })
    }

    /// Where it is; absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
