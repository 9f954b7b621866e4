//! Why a command did not start, and what to do.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use crate::runner::command_line::CommandLine;

/// A command did not start.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SpawnError {
    message: String,
    #[source]
    source: Option<io::Error>,
    /// The output could not be captured.
    is_of_the_output: bool,
}

/// Number of "exec format error" on every Unix.
const ENOEXEC: i32 = 8;
/// Numbers of "too many open files", in a process and in the system, on every Unix.
const TOO_MANY_FILES: [i32; 2] = [24, 23];

impl SpawnError {
    pub(super) fn no_program() -> Self {
        Self {
            message: "the command names no program".to_owned(),
            source: None,
            is_of_the_output: false,
        }
    }

    pub(super) fn no_capture(path: &Path, error: io::Error) -> Self {
        Self {
            message: format!(
                "the output file {} cannot be opened: {error}",
                path.display()
            ),
            source: Some(error),
            is_of_the_output: true,
        }
    }

    /// Whether the arguments and the environment are too long for the system.
    pub(crate) fn is_too_long(&self) -> bool {
        let source = self.source.as_ref();
        source.is_some_and(|error| error.kind() == ErrorKind::ArgumentListTooLong)
    }

    /// Whether the machine lacks something, whatever the program is: files, memory, processes, or room on the disk.
    pub(crate) fn is_of_the_machine(&self) -> bool {
        let Some(error) = &self.source else {
            return false;
        };
        self.is_of_the_output
            || matches!(
                error.kind(),
                ErrorKind::OutOfMemory
                    | ErrorKind::WouldBlock
                    | ErrorKind::StorageFull
                    | ErrorKind::QuotaExceeded
                    | ErrorKind::ReadOnlyFilesystem
            )
            || error
                .raw_os_error()
                .is_some_and(|number| TOO_MANY_FILES.contains(&number))
    }

    /// Finds the reason behind the error of the system.
    pub(super) fn explain(command: &CommandLine, error: io::Error) -> Self {
        let program = command.argv.first().map(PathBuf::from).unwrap_or_default();
        Self {
            message: reason(&program, command, &error),
            source: Some(error),
            is_of_the_output: false,
        }
    }
}

fn reason(program: &Path, command: &CommandLine, error: &io::Error) -> String {
    let (name, cwd) = (program.display(), command.cwd.as_deref());
    if let Some(cwd) = cwd.filter(|cwd| !cwd.is_dir()) {
        let what = if cwd.exists() {
            "is no folder"
        } else {
            "does not exist"
        };
        return format!(
            "{name} was not started: its working directory {} {what}",
            cwd.display()
        );
    }
    let folder = cwd.unwrap_or(Path::new("."));
    let file = folder.join(program);
    let is_path = program.components().count() > 1 || program.is_absolute();
    match error.kind() {
        ErrorKind::NotFound if !is_path && file.is_file() => format!(
            "{name} was not found in any folder of PATH; there is one in {}: write ./{name}",
            folder.display()
        ),
        ErrorKind::NotFound if !is_path => match in_path(program, command) {
            Some(found) => bad_interpreter(&found),
            None => format!(
                "{name} was not found in any folder of PATH: install it, or correct the command"
            ),
        },
        ErrorKind::NotFound if !file.exists() => match near(&file) {
            Some(near) => format!("{} does not exist: did you mean {near}?", file.display()),
            None => format!("{} does not exist", file.display()),
        },
        ErrorKind::NotFound => bad_interpreter(&file),
        ErrorKind::PermissionDenied if file.is_dir() => format!("{} is a folder", file.display()),
        ErrorKind::PermissionDenied => format!(
            "{name} may not be executed: make it executable (chmod +x) or name its interpreter first"
        ),
        ErrorKind::ArgumentListTooLong => format!(
            "{name} was not started: its arguments and environment are larger than the system takes"
        ),
        ErrorKind::ExecutableFileBusy => {
            format!("{name} was not started: another process is still writing to it")
        }
        _ if error.raw_os_error() == Some(ENOEXEC) => format!(
            "{name} is no program of this system: a script needs a first line such as `#!/bin/sh`, a binary must be \
             built for this processor"
        ),
        _ => format!("{name} was not started: {error}"),
    }
}

/// The first file of this name in the folders that are searched for programs.
fn in_path(program: &Path, command: &CommandLine) -> Option<PathBuf> {
    let set = command.env.iter().rev().find(|(name, _)| name == "PATH");
    let path = match set {
        Some((_, path)) => path.clone(),
        None => std::env::var_os("PATH")?,
    };
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(program));
    files.find(|file| file.is_file())
}

/// The file exists, so the program in its first line is missing, or its loader.
fn bad_interpreter(file: &Path) -> String {
    let mut line = Vec::new();
    if let Ok(opened) = fs::File::open(file) {
        // An unreadable file is treated as empty.
        let _ = BufReader::new(opened)
            .take(256)
            .read_until(b'\n', &mut line);
    }
    let file = file.display();
    let Some(interpreter) = line.strip_prefix(b"#!") else {
        return format!("{file} needs a loader that is not here: it was built for another system");
    };
    let interpreter = String::from_utf8_lossy(interpreter);
    if interpreter.trim_end_matches('\n').ends_with('\r') {
        return format!(
            "{file} has Windows line endings, which its first line must not have: save it with LF"
        );
    }
    let interpreter = interpreter
        .split_ascii_whitespace()
        .next()
        .unwrap_or_default();
    format!("{file} asks for {interpreter:?} in its first line, which does not exist")
}

/// The file of the same folder with the most similar name.
fn near(file: &Path) -> Option<String> {
    const MAX_LOOKED_AT: usize = 1000;
    let wanted = file.file_name()?.to_string_lossy();
    fs::read_dir(file.parent()?)
        .ok()?
        .take(MAX_LOOKED_AT)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .map(|name| (strsim::jaro_winkler(&name, &wanted), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
