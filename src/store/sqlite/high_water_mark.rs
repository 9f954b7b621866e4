//! The high-water mark: a small file beside the database that counts the acknowledged changes that the database has.
//!
//! It is written after a commit and without waiting for the disk, so it may be behind the database, but it is ahead only if
//! the database lost something. Two slots are written in turn: a write that a power loss interrupts costs one of them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::files_in_place::side_file;
use crate::fs::{WriteError, write_durable};

/// Which store a file belongs to.
pub(super) type StoreId = [u8; 16];

const MAGIC: [u8; 7] = *b"tp-mark";
const VERSION: u8 = 1;
/// Apart, so that no sector holds both.
const SLOT: usize = 4096;
const BYTES: usize = 56;

/// What the mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) store: StoreId,
    /// How many changes were acknowledged.
    pub(super) acknowledged: u64,
    /// The running system that may have them in memory only; 0 if they were on stable storage.
    pub(super) in_memory_of: u64,
}

/// What is found beside a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoundMark {
    None,
    Damaged,
    Mark(Mark),
}

/// Where the mark of a database is.
pub(super) fn mark_path(database: &Path) -> PathBuf {
    side_file(database, ".mark")
}

/// Reads the mark of a database.
pub(super) fn read(database: &Path) -> io::Result<FoundMark> {
    let mut bytes = Vec::new();
    match File::open(mark_path(database)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(FoundMark::None),
        file => file?.take(2 * SLOT as u64).read_to_end(&mut bytes)?,
    };
    Ok(decode(&bytes))
}

/// Replaces the mark of a database, on stable storage.
pub(super) fn replace(database: &Path, mark: Mark) -> Result<(), WriteError> {
    let mut bytes = vec![0; SLOT + BYTES];
    bytes[..BYTES].copy_from_slice(&encode(mark));
    bytes[SLOT..].copy_from_slice(&encode(mark));
    write_durable(&mark_path(database), &bytes)
}

/// The number of the running system, which changes with a power loss; 0 if it has none.
pub(super) fn running_system() -> u64 {
    let id = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    if id.is_empty() {
        return 0;
    }
    number(&Sha256::digest(id))
}

/// The open file of a mark.
#[derive(Debug)]
pub(super) struct MarkFile {
    file: File,
    mark: Mark,
    second: bool,
}

impl MarkFile {
    /// Opens the mark that [`replace`] wrote.
    pub(super) fn open(database: &Path, mark: Mark) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).open(mark_path(database))?;
        Ok(Self {
            file,
            mark,
            second: false,
        })
    }

    /// Raises the mark. A failure leaves it behind the database, which is allowed.
    pub(super) fn raise(&mut self, acknowledged: u64) {
        if acknowledged <= self.mark.acknowledged {
            return;
        }
        let mark = Mark {
            acknowledged,
            ..self.mark
        };
        if let Err(error) = self.write(mark) {
            tracing::debug!(%error, "the high-water mark was not raised");
        }
    }

    fn write(&mut self, mark: Mark) -> io::Result<()> {
        let slot = if self.second { SLOT as u64 } else { 0 };
        self.file.seek(SeekFrom::Start(slot))?;
        self.file.write_all(&encode(mark))?;
        self.second = !self.second;
        self.mark = mark;
        Ok(())
    }
}

fn encode(mark: Mark) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..7].copy_from_slice(&MAGIC);
    bytes[7] = VERSION;
    bytes[8..24].copy_from_slice(&mark.store);
    bytes[24..32].copy_from_slice(&mark.acknowledged.to_le_bytes());
    bytes[32..40].copy_from_slice(&mark.in_memory_of.to_le_bytes());
    let sum = Sha256::digest(&bytes[..40]);
    bytes[40..].copy_from_slice(&sum[..16]);
    bytes
}

fn decode(bytes: &[u8]) -> FoundMark {
    let first = bytes.get(..BYTES).and_then(decode_slot);
    let second = bytes.get(SLOT..SLOT + BYTES).and_then(decode_slot);
    first
        .into_iter()
        .chain(second)
        .max_by_key(|mark| mark.acknowledged)
        .map_or(FoundMark::Damaged, FoundMark::Mark)
}

fn decode_slot(bytes: &[u8]) -> Option<Mark> {
    let store = bytes[8..24].try_into().ok()?;
    let mark = Mark {
        store,
        acknowledged: number(&bytes[24..32]),
        in_memory_of: number(&bytes[32..40]),
    };
    // Also compares the magic bytes, the version and the checksum.
    (bytes == encode(mark)).then_some(mark)
}

fn number(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(eight)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark {
        store: [7; 16],
        acknowledged: 40,
        in_memory_of: 3,
    };

    #[test]
    fn mark_is_read_as_it_was_raised() {
        let place = tempfile::tempdir().unwrap();
        let database = place.path().join("store.db");
        assert_eq!(read(&database).unwrap(), FoundMark::None);
        replace(&database, MARK).unwrap();
        let mut file = MarkFile::open(&database, MARK).unwrap();
        for acknowledged in [41, 45, 44, 46] {
            file.raise(acknowledged);
            let most = acknowledged.max(if acknowledged == 44 { 45 } else { 0 });
            let expected = Mark {
                acknowledged: most,
                ..MARK
            };
            assert_eq!(read(&database).unwrap(), FoundMark::Mark(expected));
        }
    }

    #[test]
    fn one_damaged_slot_costs_one_step_and_two_are_noticed() {
        let place = tempfile::tempdir().unwrap();
        let database = place.path().join("store.db");
        replace(&database, MARK).unwrap();
        let mut file = MarkFile::open(&database, MARK).unwrap();
        file.raise(41);
        let mut bytes = fs::read(mark_path(&database)).unwrap();
        bytes[30] ^= 1;
        assert_eq!(decode(&bytes), FoundMark::Mark(MARK), "the slot before");
        bytes[SLOT + 7] = 2;
        assert_eq!(decode(&bytes), FoundMark::Damaged, "an unknown version");
        assert_eq!(decode(&[]), FoundMark::Damaged);
        assert_eq!(decode(&bytes[..20]), FoundMark::Damaged);
    }
}
