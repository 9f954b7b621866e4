//! The file that takes a command's output, kept within a limit while it is written to.
//!
//! It is open for appending, so that after a cut the next line goes to the new end: the end of the output can be moved to
//! where the middle began. Where the command writes into the file itself (Windows), what it writes in the few microseconds
//! between the last read and the cut is lost with the middle.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Mutex,
};

use crate::sync::ignore_poison;

/// Least limit, so that head, note and end fit.
const LEAST: u64 = 4096;

/// How often to copy what the command wrote during the last copy.
const MAX_ROUNDS: usize = 16;

/// An output file.
#[derive(Debug)]
pub(super) struct Capture {
    path: PathBuf,
    file: File,
    limit: u64,
    cut: Mutex<Cut>,
}

/// What was cut out so far.
#[derive(Debug, Default)]
struct Cut {
    /// Where the head ends, once something was cut.
    head: Option<u64>,
    /// Length of the note behind it.
    note: u64,
    /// Bytes left out.
    dropped: u64,
    /// Cutting failed once; it is not tried again.
    broken: bool,
}

impl Capture {
    /// Opens a file to append to.
    pub(super) fn open(path: &Path, limit: u64) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: OpenOptions::new().append(true).create(true).open(path)?,
            limit: limit.max(LEAST),
            cut: Mutex::default(),
        })
    }

    #[cfg(any(unix, test))]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A handle to write with.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Cuts the middle out if the file is longer than its limit, on a thread that may block.
    #[cfg(not(unix))]
    pub(super) async fn keep_within(capture: &std::sync::Arc<Self>) {
        if capture.is_over() {
            let capture = std::sync::Arc::clone(capture);
            // It ends in a panic only with the runtime itself.
            let _ = tokio::task::spawn_blocking(move || capture.cut()).await;
        }
    }

    /// Cuts the middle out if the file is half as long again as its limit, or longer than that at all with `trim`. Whether
    /// it is longer than its limit afterwards. Blocks.
    #[cfg(unix)]
    pub(super) fn keep(&self, trim: bool) -> bool {
        let length = self.file.metadata().map_or(0, |metadata| metadata.len());
        if length <= self.limit {
            return false;
        }
        if !trim && length <= self.limit + self.limit / 2 {
            return true;
        }
        self.cut();
        self.is_over()
    }

    fn is_over(&self) -> bool {
        self.file
            .metadata()
            .is_ok_and(|metadata| metadata.len() > self.limit)
    }

    /// Cuts the middle out if the file is longer than its limit. Blocks.
    fn cut(&self) {
        let mut cut = ignore_poison(self.cut.lock());
        if cut.broken || !self.is_over() {
            return;
        }
        if let Err(error) = self.cut_middle(&mut cut) {
            cut.broken = true;
            tracing::warn!(path = %self.path.display(), %error, "the output cannot be kept short");
        }
    }

    /// Keeps a quarter of the limit from the beginning and half of it from the end.
    fn cut_middle(&self, cut: &mut Cut) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        let head = match cut.head {
            Some(head) => head,
            None => after_newline_before(&mut file, self.limit / 4)?,
        };
        let length = file.metadata()?.len();
        let end = newline_after(&mut file, length - self.limit / 2, length)?;
        let dropped = cut.dropped + end.saturating_sub(head + cut.note);
        let note = format!("\n[testplan: {dropped} bytes of output left out here]\n");
        file.seek(SeekFrom::Start(head))?;
        file.write_all(note.as_bytes())?;
        let mut to = head + note.len() as u64;
        let mut from = end;
        let mut buffer = vec![0; 64 * 1024];
        for _ in 0..MAX_ROUNDS {
            let length = file.metadata()?.len();
            if from >= length {
                break;
            }
            while from < length {
                file.seek(SeekFrom::Start(from))?;
                let count = file.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                file.seek(SeekFrom::Start(to))?;
                file.write_all(&buffer[..count])?;
                from += count as u64;
                to += count as u64;
            }
        }
        file.set_len(to)?;
        *cut = Cut {
            head: Some(head),
            note: note.len() as u64,
            dropped,
            broken: false,
        };
        Ok(())
    }
}

/// The place after the last newline in the 4 KiB before `at`, or `at`.
fn after_newline_before(file: &mut File, at: u64) -> io::Result<u64> {
    let start = at.saturating_sub(LEAST);
    let block = block(file, start, at)?;
    let newline = block.iter().rposition(|byte| *byte == b'\n');
    Ok(newline.map_or(at, |newline| start + newline as u64 + 1))
}

/// The place after the first newline in the 4 KiB after `at` but not beyond `end`, or `at`.
fn newline_after(file: &mut File, at: u64, end: u64) -> io::Result<u64> {
    let block = block(file, at, end.min(at + LEAST / 4))?;
    let newline = block.iter().position(|byte| *byte == b'\n');
    Ok(newline.map_or(at, |newline| at + newline as u64 + 1))
}

fn block(file: &mut File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut block = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(to - from).read_to_end(&mut block)?;
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(limit: u64) -> (tempfile::TempDir, Capture) {
        let dir = tempfile::tempdir().unwrap();
        let capture = Capture::open(&dir.path().join("log"), limit).unwrap();
        (dir, capture)
    }

    fn left_out(text: &str) -> (u64, u64) {
        let note = text
            .lines()
            .find(|line| line.starts_with("[testplan:"))
            .unwrap();
        let dropped = note.split(' ').nth(1).unwrap().parse().unwrap();
        (dropped, note.len() as u64 + 2)
    }

    #[test]
    fn keeps_the_beginning_the_end_and_the_count() {
        let (_dir, capture) = capture(16 * 1024);
        let mut child = capture.handle().unwrap();
        let mut written = 0;
        for line in 0..20_000 {
            let line = format!("line {line}\n");
            child.write_all(line.as_bytes()).unwrap();
            written += line.len() as u64;
            if written % 7 == 0 {
                capture.cut();
            }
        }
        capture.cut();
        let text = std::fs::read_to_string(capture.path()).unwrap();
        assert!(text.len() as u64 <= capture.limit, "{}", text.len());
        assert!(text.starts_with("line 0\nline 1\n"));
        assert!(text.ends_with("line 19998\nline 19999\n"));
        let (dropped, note) = left_out(&text);
        assert_eq!(dropped + text.len() as u64 - note, written);
        assert_eq!(text.matches("[testplan:").count(), 1);
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('['))
        {
            assert!(line.starts_with("line "), "cut within a line: {line:?}");
        }
    }

    #[test]
    fn one_endless_line_is_cut_too() {
        let (_dir, capture) = capture(4096);
        let mut child = capture.handle().unwrap();
        for _ in 0..100 {
            child.write_all(&[b'x'; 1000]).unwrap();
        }
        capture.cut();
        let text = std::fs::read_to_string(capture.path()).unwrap();
        assert!(text.len() <= 4096, "{}", text.len());
        let (dropped, note) = left_out(&text);
        assert_eq!(dropped + text.len() as u64 - note, 100_000);
    }

    #[test]
    fn output_within_the_limit_is_left_alone() {
        let (_dir, capture) = capture(4096);
        capture.handle().unwrap().write_all(&[b'x'; 4096]).unwrap();
        capture.cut();
        assert_eq!(std::fs::read(capture.path()).unwrap().len(), 4096);
    }
}
