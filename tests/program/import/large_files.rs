//! Uploads as large as they come, and the memory of processes that they go through.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write},
    path::PathBuf,
    time::Duration,
};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::stage::JUNIT;
use crate::support::Stage;

/// How large the large upload is, in bytes.
pub(super) fn large() -> u64 {
    size_of("TESTPLAN_LARGE_IMPORT")
}

/// The same for an upload to a bucket.
pub(super) fn large_in_bucket() -> u64 {
    size_of("TESTPLAN_LARGE_BUCKET_IMPORT")
}

fn size_of(variable: &str) -> u64 {
    let mebibytes = std::env::var(variable).ok().map_or(64, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number of MiB"))
    });
    mebibytes * 1024 * 1024
}

/// More than the large upload takes on a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(900);

/// A file whose zeros take no room.
struct Sparse(File);

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.iter().all(|byte| *byte == 0) {
            self.0
                .seek(SeekFrom::Current(i64::try_from(bytes.len()).unwrap()))?;
            return Ok(bytes.len());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl std::io::Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

/// A results folder with a long video, zipped.
pub(super) fn large_zip(stage: &Stage, size: u64) -> PathBuf {
    let path = stage.path("large.zip");
    let mut zip = ZipWriter::new(Sparse(File::create(&path).unwrap()));
    let stored = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(true);
    zip.start_file("results.xml", stored).unwrap();
    zip.write_all(JUNIT.as_bytes()).unwrap();
    zip.start_file("video.mp4", stored).unwrap();
    let block = vec![0; 1024 * 1024];
    for _ in 0..size / (1024 * 1024) {
        zip.write_all(&block).unwrap();
    }
    zip.finish().unwrap();
    path
}

/// The most memory that a process had so far, in KiB.
pub(super) fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
