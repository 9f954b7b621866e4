//! Digests of requests and results, by which the store recognises a repeated one, possibly after an upgrade.
//!
//! A digest has 33 bytes: the version of the canonical form and the SHA-256 of that form. Another form gets another
//! version, and the former one stays readable.
//!
//! Canonical form of version 1. A *number* is 8 bytes, least significant byte first, in two's complement. A *text* is
//! the number of its bytes in UTF-8 and then these bytes, unchanged. A *flag* is one byte, 0 or 1. An *option* is a flag
//! and, if that is 1, the value. *Labels* are their number, then key and value of each as texts, in the order of the set.
//! Every form begins with the byte 1 and a text that names its kind; [`super::payload`] lists the fields that follow.
//!
//! Rows of earlier releases have digests without a version, of 32 bytes. [`super::legacy_digest`] makes these again, to
//! compare them.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::legacy_digest::LegacyDigest;
use crate::model::Capability;

/// Version of the canonical form.
const VERSION: u8 = 1;
/// Bytes of a digest with a version.
const LENGTH: usize = 33;

/// A value whose digest is stored.
pub trait Digested {
    /// Names the kind of value, so that values of two kinds never have the same form.
    const KIND: &'static str;

    /// Writes the fields that make two values the same.
    fn write(&self, form: &mut CanonicalForm);

    /// The digest that releases before versioned digests stored.
    fn legacy(&self) -> LegacyDigest;
}

/// The canonical form of a value, hashed while it is written.
#[derive(Debug)]
pub struct CanonicalForm(Sha256);

impl CanonicalForm {
    fn new(kind: &str) -> Self {
        let mut form = Self(Sha256::new_with_prefix([VERSION]));
        form.text(kind);
        form
    }

    /// Writes a number.
    pub fn number(&mut self, number: i64) {
        self.0.update(number.to_le_bytes());
    }

    /// Writes how many items follow.
    pub fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_le_bytes());
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Writes bytes as a text is written.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    /// Writes a flag.
    pub fn flag(&mut self, flag: bool) {
        self.0.update([u8::from(flag)]);
    }

    /// Writes an option.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// Writes labels.
    pub fn labels<'a>(&mut self, labels: impl IntoIterator<Item = &'a Capability>) {
        let labels: Vec<_> = labels.into_iter().collect();
        self.count(labels.len());
        for Capability { key, value } in labels {
            self.text(key);
            self.text(value);
        }
    }

    /// Writes a duration: the numbers of its seconds and of the nanoseconds beyond them.
    pub fn duration(&mut self, duration: Duration) {
        self.0.update(duration.as_secs().to_le_bytes());
        self.number(duration.subsec_nanos().into());
    }
}

/// A digest as the database holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoredDigest {
    /// Of version 1.
    Versioned([u8; LENGTH]),
    /// Of a release before versioned digests.
    Legacy(LegacyDigest),
}

impl StoredDigest {
    /// The digest of a value, to be stored.
    pub fn of<T: Digested>(value: &T) -> Self {
        let mut form = CanonicalForm::new(T::KIND);
        value.write(&mut form);
        let mut bytes = [VERSION; LENGTH];
        bytes[1..].copy_from_slice(&form.0.finalize());
        Self::Versioned(bytes)
    }

    /// Whether this is the digest of a value, in whichever form it was stored.
    pub fn matches<T: Digested>(&self, value: &T) -> bool {
        match self {
            Self::Versioned(_) => *self == Self::of(value),
            Self::Legacy(digest) => *digest == value.legacy(),
        }
    }

    /// The bytes to store.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Versioned(bytes) => bytes,
            Self::Legacy(digest) => digest,
        }
    }

    /// Reads stored bytes; `None` for a version that is not known here.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Ok(digest) = bytes.try_into() {
            return Some(Self::Legacy(digest));
        }
        let bytes: [u8; LENGTH] = bytes.try_into().ok()?;
        (bytes[0] == VERSION).then_some(Self::Versioned(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_bytes_are_read_back_and_unknown_versions_are_not() {
        let legacy = StoredDigest::Legacy([7; 32]);
        let versioned = StoredDigest::Versioned([VERSION; LENGTH]);
        for digest in [legacy, versioned] {
            assert_eq!(StoredDigest::from_bytes(digest.bytes()), Some(digest));
        }
        for unknown in [&[2; LENGTH][..], &[1; LENGTH + 1], &[]] {
            assert_eq!(StoredDigest::from_bytes(unknown), None, "{unknown:?}");
        }
    }
}
