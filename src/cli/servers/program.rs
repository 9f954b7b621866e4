//! Where squishserver is: where a flag says, below `SQUISH_PREFIX`, or in `PATH`; and its command lines.

use std::{
    env::consts::EXE_SUFFIX,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::super::failure::Failure;
use crate::{
    config::environment::Environment,
    runner::command::{CommandLine, SECRET_VARIABLES},
};

/// Finds it. The first place that is named decides: another Squish never takes its place quietly.
pub(super) fn find(flag: Option<&Path>, environment: &Environment) -> Result<PathBuf, Failure> {
    let file = format!("squishserver{EXE_SUFFIX}");
    if let Some(path) = flag {
        if path.is_file() {
            return Ok(path.to_owned());
        }
        return Err(Failure::usage_text(format_args!(
            "--squishserver {}: no such file",
            path.display()
        ))
        .help(format!("name the program itself, as SQUISH/bin/{file}")));
    }
    if let Some(prefix) = environment.get("SQUISH_PREFIX") {
        let path = Path::new(prefix).join("bin").join(&file);
        if path.is_file() {
            return Ok(path);
        }
        return Err(Failure::usage_text(format_args!(
            "SQUISH_PREFIX is {prefix}, and {} is no file",
            path.display()
        ))
        .help("set SQUISH_PREFIX to the folder that Squish is installed in"));
    }
    let path = environment.get("PATH").unwrap_or_default();
    std::env::split_paths(path)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            Failure::usage_text(format_args!("{file} is not in PATH, and SQUISH_PREFIX is not set"))
                .help("set SQUISH_PREFIX to the folder that Squish is installed in, or name the program with --squishserver")
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
        env_remove: SECRET_VARIABLES.map(str::to_owned).into(),
        cwd: None,
    }
}
