//! Reads result files from a zip as streams: no file is written, and no name becomes a path.
//!
//! Everything that a small zip can make large is bounded: entries, the directory, the unpacked size.

use std::{
    cell::Cell,
    io::{self, BufReader, Read, Seek, SeekFrom},
    rc::Rc,
};

use zip::ZipArchive;

use crate::result_file::{self, ResultFile, Scenarios};

/// Most entries of a zip.
const MAX_ENTRIES: usize = 20_000;
/// Most bytes read to find and read the directory.
const MAX_DIRECTORY: u64 = 8 * 1024 * 1024;
/// Most unpacked bytes of all result files.
const MAX_UNPACKED: u64 = 1024 * 1024 * 1024;
/// Highest ratio of unpacked to packed bytes of an entry larger than [`SMALL`].
const MAX_RATIO: u64 = 400;
/// Entries up to this size may have any ratio.
const SMALL: u64 = 16 * 1024 * 1024;
/// Most notes about files that could not be read.
const MAX_NOTES: usize = 8;

/// Passes each result file in a zip to `take`; returns notes about XML files that are not result files. A broken or
/// suspicious zip is an error.
pub(super) fn read(
    file: impl Read + Seek,
    mut take: impl FnMut(ResultFile),
) -> Result<Vec<String>, String> {
    let left = Rc::new(Cell::new(MAX_DIRECTORY));
    let source = Budgeted {
        inner: BufReader::new(file),
        left: Rc::clone(&left),
    };
    let mut archive = ZipArchive::new(source).map_err(|error| {
        if left.get() == 0 {
            format!(
                "its directory has more than {} MiB, or it is not a zip",
                MAX_DIRECTORY / (1024 * 1024)
            )
        } else {
            format!("it is not a readable zip: {error}")
        }
    })?;
    if archive.len() > MAX_ENTRIES {
        return Err(format!(
            "it has {} entries, at most {MAX_ENTRIES} are read",
            archive.len()
        ));
    }
    left.set(u64::MAX);
    let mut notes = Vec::new();
    let mut unpacked = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index(index);
        let entry = match entry {
            Ok(entry) => entry,
            // Encrypted, or an unknown compression method.
            Err(error) => {
                note(&mut notes, format!("entry {}: {error}", index + 1));
                continue;
            }
        };
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        let is_xml = name
            .rsplit_once('.')
            .is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("xml"));
        if !is_xml || !entry.is_file() {
            continue;
        }
        let packed = entry.compressed_size();
        let max = packed.saturating_mul(MAX_RATIO).max(SMALL);
        let max = max.min(MAX_UNPACKED - unpacked);
        let mut unpacking = Unpacking {
            inner: entry,
            read: 0,
            max,
            exceeded: false,
        };
        let source = BufReader::with_capacity(64 * 1024, &mut unpacking);
        let found = result_file::read(&shown(&name), source, Scenarios::Together);
        unpacked += unpacking.read;
        if unpacking.exceeded {
            return Err(format!(
                "its entry {} unpacks to more than {max} bytes: refused as a zip bomb",
                shown(&name)
            ));
        }
        match found {
            Ok(file) => take(file),
            Err(error) => note(&mut notes, error.to_string()),
        }
    }
    Ok(notes)
}

fn note(notes: &mut Vec<String>, text: String) {
    if notes.len() < MAX_NOTES {
        notes.push(text);
    }
}

/// The name of an entry for a message.
fn shown(name: &str) -> String {
    name.chars()
        .take(100)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// A file of which only a bounded number of bytes is read.
struct Budgeted<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(target)?;
        let left = self.left.get();
        if left != u64::MAX {
            self.left.set(left.saturating_sub(read as u64));
            if self.left.get() == 0 {
                return Err(io::Error::other("too many bytes to read"));
            }
        }
        Ok(read)
    }
}

impl<R: Seek> Seek for Budgeted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// An entry that fails once it unpacks to more than `max` bytes.
struct Unpacking<R> {
    inner: R,
    read: u64,
    max: u64,
    exceeded: bool,
}

impl<R: Read> Read for Unpacking<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(target)?;
        self.read += read as u64;
        if self.read > self.max {
            self.exceeded = true;
            return Err(io::Error::other("too many unpacked bytes"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    const JUNIT: &str = r#"<testsuite name="s"><testcase classname="s" name="t"/></testsuite>"#;

    fn zipped(entries: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut zip = ZipWriter::new(file.reopen().unwrap());
        for (name, content) in entries {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap();
        file
    }

    fn cases(file: &tempfile::NamedTempFile) -> Result<(usize, Vec<String>), String> {
        let mut count = 0;
        let notes = read(file.reopen().unwrap(), |file| count += file.cases.len())?;
        Ok((count, notes))
    }

    #[test]
    fn result_files_are_read_in_any_folder() {
        let file = zipped(&[
            ("a/results.xml", JUNIT.as_bytes()),
            ("../../etc/b.XML", JUNIT.as_bytes()),
            ("shot.png", b"not looked at"),
            ("settings.xml", b"<settings/>"),
        ]);
        let (count, notes) = cases(&file).unwrap();
        assert_eq!(count, 2);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].starts_with("settings.xml: "), "{notes:?}");
    }

    #[test]
    fn zip_bomb_is_refused() {
        let mut bomb = JUNIT.replace("</testsuite>", "").into_bytes();
        bomb.extend(std::iter::repeat_n(b' ', 64 * 1024 * 1024));
        let file = zipped(&[("results.xml", &bomb)]);
        assert!(file.as_file().metadata().unwrap().len() < 128 * 1024);
        let error = cases(&file).unwrap_err();
        assert!(error.contains("zip bomb"), "{error}");
    }

    #[test]
    fn broken_zips_and_too_many_entries_are_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"PK\x03\x04 and nothing else").unwrap();
        assert!(cases(&file).unwrap_err().contains("not a readable zip"));
        let names: Vec<String> = (0..=MAX_ENTRIES).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
        assert!(cases(&zipped(&many)).unwrap_err().contains("entries"));
    }
}
