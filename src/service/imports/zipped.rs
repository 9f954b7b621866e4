//! Reads result files out of a zipped results folder, as streams: nothing is unpacked, no name becomes a path.
//!
//! Everything that a small zip can make large is bounded: entries, their directory, what they unpack to.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
    rc::Rc,
};

use zip::ZipArchive;

use crate::result_file::{self, ResultFile, Scenarios};

/// Most entries of a zip.
const ENTRIES: usize = 20_000;
/// Most bytes of its directory, with what has to be looked at to find it.
const DIRECTORY: u64 = 8 * 1024 * 1024;
/// Most bytes that all result files in it unpack to.
const UNPACKED: u64 = 1024 * 1024 * 1024;
/// Most bytes that one byte of it unpacks to, beyond [`HARMLESS`].
const RATIO: u64 = 400;
/// Files of this size may be packed as tightly as they like.
const HARMLESS: u64 = 16 * 1024 * 1024;
/// Most sentences about what could not be read.
const NOTES: usize = 8;

/// Hands each result file in a zip to `take`; gives sentences about files that look like one and are none.
/// An error is a zip that is not to be trusted, or none at all.
pub(super) fn read(path: &Path, mut take: impl FnMut(ResultFile)) -> Result<Vec<String>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let left = Rc::new(Cell::new(DIRECTORY));
    let source = Budgeted {
        inner: BufReader::new(file),
        left: Rc::clone(&left),
    };
    let mut archive = ZipArchive::new(source).map_err(|error| {
        if left.get() == 0 {
            format!(
                "its directory has more than {} MiB, or it is no zip",
                DIRECTORY / (1024 * 1024)
            )
        } else {
            format!("it is no readable zip: {error}")
        }
    })?;
    if archive.len() > ENTRIES {
        return Err(format!(
            "it has {} entries, at most {ENTRIES} are read",
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
            // Encrypted, or of a method that nobody uses: it may be no result file at all.
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
        let most = packed.saturating_mul(RATIO).max(HARMLESS);
        let most = most.min(UNPACKED - unpacked);
        let mut unpacking = Unpacking {
            inner: entry,
            read: 0,
            most,
            burst: false,
        };
        let source = BufReader::with_capacity(64 * 1024, &mut unpacking);
        let found = result_file::read(&shown(&name), source, Scenarios::Together);
        unpacked += unpacking.read;
        if unpacking.burst {
            return Err(format!(
                "its entry {} unpacks to more than {most} bytes: it is refused like a zip bomb",
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
    if notes.len() < NOTES {
        notes.push(text);
    }
}

/// A name of an entry as a sentence may show it.
fn shown(name: &str) -> String {
    name.chars()
        .take(100)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// A file of which only so much is read.
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
                return Err(io::Error::other("too much to look at"));
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

/// An entry that ends in an error where it unpacks to too much.
struct Unpacking<R> {
    inner: R,
    read: u64,
    most: u64,
    burst: bool,
}

impl<R: Read> Read for Unpacking<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(target)?;
        self.read += read as u64;
        if self.read > self.most {
            self.burst = true;
            return Err(io::Error::other("it unpacks to too much"));
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
        let notes = read(file.path(), |file| count += file.cases.len())?;
        Ok((count, notes))
    }

    #[test]
    fn reads_result_files_wherever_they_are_in_it() {
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
    fn a_bomb_is_refused_before_it_goes_off() {
        let mut bomb = JUNIT.replace("</testsuite>", "").into_bytes();
        bomb.extend(std::iter::repeat_n(b' ', 64 * 1024 * 1024));
        let file = zipped(&[("results.xml", &bomb)]);
        assert!(file.as_file().metadata().unwrap().len() < 128 * 1024);
        let error = cases(&file).unwrap_err();
        assert!(error.contains("zip bomb"), "{error}");
    }

    #[test]
    fn what_is_no_zip_or_has_no_end_of_entries_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"PK\x03\x04 and nothing else").unwrap();
        assert!(cases(&file).unwrap_err().contains("no readable zip"));
        let names: Vec<String> = (0..=ENTRIES).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
        assert!(cases(&zipped(&many)).unwrap_err().contains("entries"));
    }
}
