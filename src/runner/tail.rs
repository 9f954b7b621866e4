//! The last lines of a captured output.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

/// The last `lines` lines of a file, at most `bytes` bytes of it; text that is not UTF-8 is marked as such.
///
/// Empty where the file is missing or unreadable: it decorates a report and must not fail one.
pub fn tail(path: &Path, lines: usize, bytes: usize) -> String {
    let Ok(end) = read_end(path, bytes as u64) else {
        return String::new();
    };
    let text = String::from_utf8_lossy(&end);
    let text = text.trim_end();
    let start = text
        .rmatch_indices('\n')
        .nth(lines.saturating_sub(1))
        .map_or(0, |(at, _)| at + 1);
    if lines == 0 {
        return String::new();
    }
    text[start..].to_owned()
}

/// Reads the last `bytes` bytes, from the first whole line among them if there is one.
fn read_end(path: &Path, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let skipped = file.metadata()?.len().saturating_sub(bytes);
    file.seek(SeekFrom::Start(skipped))?;
    let mut end = Vec::new();
    file.take(bytes).read_to_end(&mut end)?;
    if skipped > 0
        && let Some(newline) = end.iter().position(|byte| *byte == b'\n')
        && newline + 1 < end.len()
    {
        end.drain(..=newline);
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn of(content: &[u8], lines: usize, bytes: usize) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        tail(file.path(), lines, bytes)
    }

    #[test]
    fn takes_the_last_lines_within_the_bytes() {
        assert_eq!(of(b"a\nb\nc\n", 2, 100), "b\nc");
        assert_eq!(of(b"a\nb\nc", 2, 100), "b\nc");
        assert_eq!(of(b"a\nb\nc\n", 9, 100), "a\nb\nc");
        assert_eq!(of(b"first\nsecond\nthird\n", 9, 15), "second\nthird");
        assert_eq!(of(b"one line without an end", 9, 6), "an end");
        assert_eq!(of(b"a\nb", 0, 100), "");
        assert_eq!(of(b"", 3, 100), "");
        assert_eq!(of(b"x\xff\n", 3, 100), "x\u{fffd}");
    }

    #[test]
    fn a_missing_file_is_empty() {
        assert_eq!(tail(Path::new("/nonexistent/log"), 3, 100), "");
    }
}
