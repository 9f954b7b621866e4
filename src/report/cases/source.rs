//! Where record files are, to read their cases again.

use std::{
    fmt,
    io::{self, Cursor, Read, Seek, SeekFrom},
    ptr,
    sync::Arc,
};

use super::{
    Cases,
    line::{CaseLine, StopReading, each_case},
};

/// Most record files that are open at once.
const MAX_OPEN: usize = 32;

/// A seekable reader.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// A record file. It is read more than once, so bytes that were read must not change.
pub trait RecordSource: fmt::Debug + Send + Sync {
    /// Its name in messages, usually its path.
    fn name(&self) -> &str;

    /// A reader at its beginning.
    fn open(&self) -> io::Result<Box<dyn ReadSeek>>;
}

/// Records in memory.
#[derive(Clone, Debug)]
pub(in crate::report) struct TextSource {
    pub(in crate::report) name: String,
    pub(in crate::report) text: Arc<[u8]>,
}

impl RecordSource for TextSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(Cursor::new(Arc::clone(&self.text))))
    }
}

/// Location of the JSON array of an attempt's cases, in bytes.
#[derive(Clone, Debug)]
pub(in crate::report) struct CasesLocation {
    pub(in crate::report) source: Arc<dyn RecordSource>,
    pub(in crate::report) offset: u64,
    pub(in crate::report) length: usize,
}

impl CasesLocation {
    /// An array in memory.
    pub(in crate::report) fn of_text(name: &str, text: &str) -> Self {
        Self {
            source: Arc::new(TextSource {
                name: name.to_owned(),
                text: text.as_bytes().into(),
            }),
            offset: 0,
            length: text.len(),
        }
    }
}

/// The cases of a record cannot be read a second time.
#[derive(Debug, thiserror::Error)]
#[error(
    "the cases in {file} cannot be read again: {cause}; the file was changed while the report was written: write the \
     report again"
)]
pub struct ReadAgainError {
    pub file: String,
    pub cause: String,
}

/// Reads cases again. Keeps the record files that were read last open.
#[derive(Default)]
pub(in crate::report) struct CaseReader {
    open: Vec<(Arc<dyn RecordSource>, Box<dyn ReadSeek>)>,
    buffer: Vec<u8>,
}

impl CaseReader {
    /// Passes each case of an attempt to `take`, until it fails.
    pub(in crate::report) fn each<E, F>(&mut self, cases: &Cases, mut take: F) -> Result<(), E>
    where
        E: From<ReadAgainError>,
        F: FnMut(CaseLine<'_>) -> Result<(), E>,
    {
        let Some(location) = cases.location.as_ref().filter(|_| !cases.is_empty()) else {
            return Ok(());
        };
        let lost = |cause: String| ReadAgainError {
            file: location.source.name().to_owned(),
            cause,
        };
        self.fill(location)
            .map_err(|error| lost(error.to_string()))?;
        let text = str::from_utf8(&self.buffer).map_err(|error| lost(error.to_string()))?;
        let (mut count, mut failed) = (0, None);
        let read = each_case(text, |case| {
            count += 1;
            if count > cases.len() {
                return Err(StopReading);
            }
            take(case).map_err(|error| {
                failed = Some(error);
                StopReading
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        read.map_err(|error| lost(error.to_string()))?;
        if count != cases.len() {
            return Err(lost(format!("{count} cases instead of {}", cases.len())).into());
        }
        Ok(())
    }

    fn fill(&mut self, location: &CasesLocation) -> io::Result<()> {
        let known = self.open.iter().position(|(source, _)| {
            ptr::addr_eq(Arc::as_ptr(source), Arc::as_ptr(&location.source))
        });
        let at = if let Some(at) = known {
            at
        } else {
            if self.open.len() >= MAX_OPEN {
                self.open.remove(0);
            }
            let file = location.source.open()?;
            self.open.push((Arc::clone(&location.source), file));
            self.open.len() - 1
        };
        let file = &mut self.open[at].1;
        file.seek(SeekFrom::Start(location.offset))?;
        self.buffer.resize(location.length, 0);
        file.read_exact(&mut self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CaseResult, outcome::CaseVerdict};

    fn some() -> Vec<CaseResult> {
        let names = ["a", "b \"quoted\""];
        names
            .map(|name| CaseResult {
                classname: "c".into(),
                name: name.into(),
                verdict: CaseVerdict::Passed { flaky: false },
                duration_ms: Some(7),
                file: None,
                line: None,
                output: String::new(),
                attachments: Vec::new(),
            })
            .to_vec()
    }

    #[test]
    fn cases_are_read_again_in_order() {
        let mut names = Vec::new();
        CaseReader::default()
            .each::<ReadAgainError, _>(&Cases::of(&some()), |case| {
                names.push(case.name.into_owned());
                Ok(())
            })
            .unwrap();
        assert_eq!(names, ["a", "b \"quoted\""]);
    }

    #[test]
    fn a_changed_record_is_an_error() {
        let mut cases = Cases::of(&some());
        let changes = [
            ("", "failed to fill"),
            ("[]", "0 cases instead of 2"),
            ("[{}]", "missing field"),
        ];
        for (text, cause) in changes {
            let location = CasesLocation::of_text("a.ndjson", text);
            let length = if text.is_empty() { 9 } else { text.len() };
            cases.location = Some(CasesLocation { length, ..location });
            let error = CaseReader::default()
                .each::<ReadAgainError, _>(&cases, |_| Ok(()))
                .unwrap_err();
            assert!(error.cause.contains(cause), "{error}");
            assert!(error.to_string().contains("a.ndjson"), "{error}");
        }
    }
}
