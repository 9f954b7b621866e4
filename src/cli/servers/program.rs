//! Where squishserver is: where a flag says, below `SQUISH_PREFIX`, or in `PATH`; and its command lines.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use super::super::failure::Failure;
use crate::{
    config::environment::Environment,
    runner::{
        command::CommandLine,
        squish::program::{self, Places},
    },
};

/// Finds it.
pub(super) fn find(flag: Option<&Path>, environment: &Environment) -> Result<PathBuf, Failure> {
    let places = Places {
        by: "--squishserver",
        configured: flag,
        folder: Path::new(""),
        prefix: environment.get("SQUISH_PREFIX").map(OsStr::new),
        path: environment.get("PATH").map(OsStr::new),
    };
    program::find("squishserver", places).map_err(|error| {
        Failure::usage(error).help(
            "set SQUISH_PREFIX to the folder that Squish is installed in, or name the program with --squishserver",
        )
    })
}

/// `squishserver`, with more arguments than the port. The port is always there: without it, the server of whoever works
/// on this machine would be meant. Our credentials are not passed on.
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
