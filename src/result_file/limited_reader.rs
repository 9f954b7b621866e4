//! A reader that counts lines and fails beyond a limit of bytes.

use std::io::{self, BufRead, Read};

/// Counts the bytes and lines read from `inner`.
#[derive(Debug)]
pub(super) struct LimitedReader<R> {
    inner: R,
    newlines: u64,
    consumed: u64,
    limit: u64,
}

impl<R: BufRead> LimitedReader<R> {
    pub(super) fn new(inner: R, limit: u64) -> Self {
        Self {
            inner,
            newlines: 0,
            consumed: 0,
            limit,
        }
    }

    /// The current line, from 1.
    pub(super) fn line(&self) -> u64 {
        self.newlines + 1
    }
}

impl<R: BufRead> Read for LimitedReader<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(target.len());
        target[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for LimitedReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.consumed > self.limit {
            return Err(io::Error::other(format!(
                "the file is larger than {} MiB",
                self.limit / (1024 * 1024)
            )));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // Reads nothing: the buffer was filled before anything of it is consumed.
        if let Ok(buffer) = self.inner.fill_buf() {
            let taken = &buffer[..amount.min(buffer.len())];
            self.newlines += memchr::memchr_iter(b'\n', taken).count() as u64;
        }
        self.consumed += amount as u64;
        self.inner.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_stops_beyond_the_limit() {
        let mut input = LimitedReader::new(&b"a\nb\nc"[..], 100);
        let mut text = String::new();
        input.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), input.line()), ("a\nb\nc", 3));

        let mut input = LimitedReader::new(io::BufReader::with_capacity(4, &[b'x'; 64][..]), 8);
        let error = input.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("larger than"), "{error}");
    }
}
