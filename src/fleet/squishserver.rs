//! Finds the program squishserver and makes its command lines.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use super::local::LocalServer;
use crate::{
    config::environment::Environment,
    failure::Failure,
    runner::{
        command_line::CommandLine,
        squishrunner::find_program::{self, SearchPlaces},
    },
};

/// The program of `--squishserver`, else below `SQUISH_PREFIX`, else in `PATH`.
pub(super) fn find(local: &LocalServer, environment: &Environment) -> Result<PathBuf, Failure> {
    let places = SearchPlaces {
        by: "--squishserver",
        configured: local.program.as_deref(),
        folder: Path::new(""),
        prefix: environment.get("SQUISH_PREFIX").map(OsStr::new),
        path: environment.get("PATH").map(OsStr::new),
    };
    find_program::find("squishserver", places).map_err(|error| {
        Failure::usage(error).help(
            "set SQUISH_PREFIX to the installation folder of Squish, or name the program with --squishserver",
        )
    })
}

/// The port is always named: squishserver's default port may belong to another user of this machine. Our credentials are
/// not passed on.
pub(super) fn command(program: &Path, port: u16, more: &[&str]) -> CommandLine {
    let port = port.to_string();
    let arguments = more.iter().copied().chain(["--port", &port]);
    CommandLine {
        argv: std::iter::once(program.as_os_str().to_owned())
            .chain(arguments.map(OsString::from))
            .collect(),
        env: Vec::new(),
        env_remove: Vec::new(),
        cwd: None,
    }
}
