//! The results of an event stream. Each end of a test is a result, however the process ended.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use crate::{
    model::{CaseCounts, CaseResult},
    preset::MESON_LOG,
    result_file::{EventStream, LiveEvents, StreamedTest, read_events, read_meson_log},
    text::counted,
};

/// The stream in the results folder.
pub(crate) const EVENTS_FILE: &str = "events.jsonl";

/// What a stream says: its cases, how many were not kept, and why some may be missing.
pub(super) struct StreamedResults {
    pub(super) cases: Vec<CaseResult>,
    pub(super) not_kept: CaseCounts,
    pub(super) disorder: Option<String>,
}

/// Reads the stream of a call that is expected to have come to its end; `None` if there is none. An error says why it
/// cannot be read.
pub(super) fn gather(folder: &Path) -> Result<Option<StreamedResults>, String> {
    let Some(stream) = read(folder)? else {
        return Ok(None);
    };
    Ok(Some(StreamedResults {
        not_kept: stream.results.not_kept(),
        disorder: disorder(&stream),
        cases: stream.results.cases,
    }))
}

/// The results that the stream has, also if the tool did not come to its end.
pub(super) fn proved(folder: &Path) -> Vec<CaseResult> {
    match read(folder) {
        Ok(Some(stream)) => stream.results.cases,
        Ok(None) | Err(_) => Vec::new(),
    }
}

/// The tests of a stream that have started and not ended, as presets call them.
pub(super) fn suspects(folder: &Path) -> Vec<String> {
    let stream = read(folder).ok().flatten();
    let suspects = stream.map(|it| it.suspects).unwrap_or_default();
    let called = |it: &StreamedTest| format!("{}::{}", it.file, it.name);
    suspects.iter().map(called).collect()
}

/// The last test of a stream that has ended, in the order in which tests began, as presets call it.
pub(super) fn last_ended(folder: &Path) -> Option<String> {
    let stream = read(folder).ok().flatten()?;
    let last = stream.results.cases.last()?;
    Some(format!("{}::{}", last.classname, last.name))
}

/// The stream of a call that runs.
pub(crate) struct RunningStream {
    path: PathBuf,
    file: Option<File>,
    events: LiveEvents,
}

impl RunningStream {
    /// Of the call with this results folder.
    pub(crate) fn of(folder: &Path) -> Self {
        Self {
            path: folder.join(EVENTS_FILE),
            file: None,
            events: LiveEvents::default(),
        }
    }

    /// The results that became final since the last time. What cannot be read now is read at the end. Blocks on the file
    /// system.
    pub(crate) fn take_final(&mut self) -> Vec<CaseResult> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        match &self.file {
            Some(file) if self.events.read(file).is_ok() => self.events.take_final(),
            _ => Vec::new(),
        }
    }
}

fn read(folder: &Path) -> Result<Option<EventStream>, String> {
    if let Some(file) = open(&folder.join(EVENTS_FILE))? {
        let stream = read_events(EVENTS_FILE, BufReader::new(file));
        return stream.map(Some).map_err(|error| error.to_string());
    }
    let log = open(&folder.join(MESON_LOG))?;
    let stream = log.map(|file| read_meson_log(MESON_LOG, BufReader::new(file)));
    stream.transpose().map_err(|error| error.to_string())
}

/// `None` if there is no such file.
fn open(path: &Path) -> Result<Option<File>, String> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Why results may be missing.
fn disorder(stream: &EventStream) -> Option<String> {
    if stream.damaged_lines > 0 {
        let lines = counted(stream.damaged_lines, "line");
        return Some(format!("{lines} of its event stream cannot be read"));
    }
    if stream.has_ended {
        return None;
    }
    Some(match &stream.suspects[..] {
        [] => "the tool did not come to the end of its run".to_owned(),
        [one] => format!(
            "the tool did not come to the end of its run: {:?} was running",
            one.name
        ),
        [one, more @ ..] => format!(
            "the tool did not come to the end of its run: {:?} was running, and {} more",
            one.name,
            more.len()
        ),
    })
}
