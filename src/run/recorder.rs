//! Appends records to the file of this process, one line each. What cannot be written is kept for a while, and written with
//! the next line for which there is room.

use std::{
    collections::VecDeque,
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
    /// Bytes of whole lines in the file.
    written: u64,
    /// Lines that could not be written.
    unwritten: VecDeque<Vec<u8>>,
    unwritten_bytes: usize,
    /// Lines beyond [`MOST_UNWRITTEN`], which are gone.
    lost: u64,
}

/// Most bytes of lines that are kept.
const MOST_UNWRITTEN: usize = 16 * 1024 * 1024;

impl Recorder {
    /// Creates `FOLDER/NAME.ndjson`; `name` must be unique among all workers of a plan and safe as a file name.
    pub(crate) fn create(folder: &Path, name: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("{name}.ndjson"));
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(&path)?;
        Ok(Self {
            file,
            path,
            written: 0,
            unwritten: VecDeque::new(),
            unwritten_bytes: 0,
            lost: 0,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one line with one call, so that a crash tears at most the last line. It reaches the kernel, which is
    /// enough for a killed process; a power loss ends the machine's run as well.
    pub(crate) fn write(&mut self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record).map_err(io::Error::other)?;
        line.push(b'\n');
        let written = self.write_kept().and_then(|()| self.append(&line));
        if written.is_err() {
            self.keep(line);
        }
        written
    }

    /// How many records are not in the file.
    pub(crate) fn missing(&self) -> u64 {
        self.lost + u64::try_from(self.unwritten.len()).unwrap_or(u64::MAX)
    }

    fn write_kept(&mut self) -> io::Result<()> {
        while let Some(line) = self.unwritten.pop_front() {
            if let Err(error) = self.append(&line) {
                self.unwritten.push_front(line);
                return Err(error);
            }
            self.unwritten_bytes -= line.len();
        }
        Ok(())
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let appended = self.file.write_all(line);
        match &appended {
            Ok(()) => self.written += u64::try_from(line.len()).unwrap_or_default(),
            // A part of it may be there. If it stays, readers skip it as they skip what a crash tore.
            Err(_) => drop(self.file.set_len(self.written)),
        }
        appended
    }

    fn keep(&mut self, line: Vec<u8>) {
        if self.unwritten_bytes + line.len() > MOST_UNWRITTEN {
            self.lost += 1;
            return;
        }
        self.unwritten_bytes += line.len();
        self.unwritten.push_back(line);
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

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::model::ExecutionId;

    fn line(number: i64) -> Record {
        let (execution, pid) = (ExecutionId(number), 1);
        record("w/1".to_owned(), RecordEvent::Started { execution, pid })
    }

    #[test]
    fn what_has_no_room_is_written_with_the_next_line_that_has() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::create(folder.path(), "w").unwrap();
        recorder.write(&line(1)).unwrap();
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let real = std::mem::replace(&mut recorder.file, full);
        for number in [2, 3] {
            let error = recorder.write(&line(number)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
        assert_eq!(recorder.missing(), 2);
        recorder.file = real;
        recorder.write(&line(4)).unwrap();
        assert_eq!(recorder.missing(), 0);
        let text = std::fs::read_to_string(recorder.path()).unwrap();
        let numbers: Vec<i64> = text
            .lines()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                line["execution"].as_i64().unwrap()
            })
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4], "in order");
    }

    #[test]
    fn memory_for_unwritten_lines_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::create(folder.path(), "w").unwrap();
        let long = vec![b'x'; MOST_UNWRITTEN / 2];
        for _ in 0..3 {
            recorder.keep(long.clone());
        }
        assert_eq!((recorder.unwritten.len(), recorder.missing()), (2, 3));
    }
}
