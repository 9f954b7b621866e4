//! A stored object as a file: blocks of it are read when they are needed.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use object_store::{ObjectStoreExt as _, path::Path};
use tokio::runtime::Handle;

use super::{bucket::Bucket, bucket_fault::BucketFault};
use crate::sync::ignore_poison;

/// The first block after a jump, in bytes. A file that is read on gets larger ones.
const FIRST_BLOCK: u64 = 64 * 1024;
/// The largest block, in bytes.
const MAX_BLOCK: u64 = 1024 * 1024;

/// The fault that ended a reading: readers of files make other errors of it.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadFault(Arc<Mutex<Option<BucketFault>>>);

impl ReadFault {
    pub(super) fn take(&self) -> Option<BucketFault> {
        ignore_poison(self.0.lock()).take()
    }
}

/// Reads an object. Only for threads that may block.
#[derive(Debug)]
pub(super) struct BucketReader {
    bucket: Bucket,
    path: Path,
    length: u64,
    position: u64,
    block: Bytes,
    block_start: u64,
    next_block: u64,
    fault: ReadFault,
    runtime: Handle,
}

impl BucketReader {
    /// Reads an object of `length` bytes, on the runtime that this is called in.
    pub(super) fn new(bucket: Bucket, path: Path, length: u64, fault: ReadFault) -> Self {
        Self {
            bucket,
            path,
            length,
            position: 0,
            block: Bytes::new(),
            block_start: 0,
            next_block: FIRST_BLOCK,
            fault,
            runtime: Handle::current(),
        }
    }

    /// Has the block that begins at the position.
    fn fetch(&mut self) -> io::Result<()> {
        let block_end = self.block_start + self.block.len() as u64;
        self.next_block = if self.position == block_end {
            (self.next_block * 2).min(MAX_BLOCK)
        } else {
            FIRST_BLOCK
        };
        let end = (self.position + self.next_block).min(self.length);
        let range = self.position..end;
        let read = self.bucket.objects.get_range(&self.path, range);
        self.block = self.runtime.block_on(read).map_err(|error| {
            let fault = self.bucket.fault(&error);
            let text = fault.to_string();
            ignore_poison(self.fault.0.lock()).get_or_insert(fault);
            io::Error::other(text)
        })?;
        self.block_start = self.position;
        Ok(())
    }
}

impl Read for BucketReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.length || target.is_empty() {
            return Ok(0);
        }
        let is_in_block =
            (self.block_start..self.block_start + self.block.len() as u64).contains(&self.position);
        if !is_in_block {
            self.fetch()?;
        }
        let begin = usize::try_from(self.position - self.block_start).map_err(io::Error::other)?;
        let rest = self.block.get(begin..).unwrap_or_default();
        let count = rest.len().min(target.len());
        target[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for BucketReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the beginning"))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::bucket::tests::in_memory;

    #[tokio::test]
    async fn object_reads_like_a_file() {
        let bucket = in_memory();
        let path = bucket.folder("a").join("001-x");
        let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        bucket.put(&path, content.clone().into()).await.unwrap();
        let reading = move || {
            let length = content.len() as u64;
            let mut reader = BucketReader::new(bucket, path, length, ReadFault::default());
            let mut whole = Vec::new();
            reader.read_to_end(&mut whole).unwrap();
            assert!(whole == content);
            for (to, at) in [
                (SeekFrom::End(-5), 2_999_995),
                (SeekFrom::Start(70_000), 70_000),
                (SeekFrom::Current(-10_000), 60_000),
                (SeekFrom::Start(0), 0),
            ] {
                assert_eq!(reader.seek(to).unwrap(), at);
                let mut bytes = [0; 5];
                reader.read_exact(&mut bytes).unwrap();
                let at = usize::try_from(at).unwrap();
                assert_eq!(bytes, content[at..at + 5]);
                reader.seek(SeekFrom::Current(-5)).unwrap();
            }
            reader.seek(SeekFrom::Start(length + 7)).unwrap();
            assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
            reader.seek(SeekFrom::Start(3)).unwrap();
            reader.seek(SeekFrom::Current(-4)).unwrap_err();
        };
        tokio::task::spawn_blocking(reading).await.unwrap();
    }

    #[tokio::test]
    async fn failed_reading_keeps_the_fault_of_the_bucket() {
        let bucket = in_memory();
        let path = bucket.folder("a").join("gone");
        let fault = ReadFault::default();
        let kept = fault.clone();
        let reading = move || {
            let mut reader = BucketReader::new(bucket, path, 9, fault);
            reader.read(&mut [0; 9]).unwrap_err();
        };
        tokio::task::spawn_blocking(reading).await.unwrap();
        assert!(kept.take().unwrap().to_string().contains("s3://memory"));
        assert_eq!(kept.take(), None);
    }
}
