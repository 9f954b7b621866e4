//! Appends records to the file of this process, one line each.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    clock,
    model::{
        Record,
        record::{RECORD_VERSION, RecordEvent},
    },
};

/// The record file of one worker process.
#[derive(Debug)]
pub(crate) struct Recorder {
    file: File,
    path: PathBuf,
}

impl Recorder {
    /// Creates `FOLDER/NAME.ndjson`; `name` must be unique among all workers of a plan and safe as a file name.
    pub(crate) fn create(folder: &Path, name: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("{name}.ndjson"));
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(&path)?;
        Ok(Self { file, path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one line with one call, so that a crash tears at most the last line. It reaches the kernel, which is
    /// enough for a killed process; a power loss ends the machine's run as well.
    pub(crate) fn write(&mut self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record).map_err(io::Error::other)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }
}

/// A record of now.
pub(crate) fn record(worker: String, event: RecordEvent) -> Record {
    Record {
        v: RECORD_VERSION,
        at: clock::wall(),
        worker,
        event,
    }
}
