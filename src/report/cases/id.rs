//! An id of a case in 16 bytes: the names of all cases would take as much memory as the records.

use crate::report::sanitise::xml_line;

/// Longest name or class name of a case, in bytes.
pub(in crate::report) const MAX_NAME: usize = 1000;

/// Start and factor of FNV-1a. Its state can be extended by more text.
const START: u64 = 0xcbf2_9ce4_8422_2325;
const FACTOR: u64 = 0x0000_0100_0000_01b3;

/// The hashes of class name and name in JUnit. Cases with the same id count as equal; a collision gives a name an
/// unnecessary suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::report) struct CaseId {
    pub(in crate::report) classname: u64,
    pub(in crate::report) name: u64,
}

impl CaseId {
    /// A blank part counts as empty.
    pub(in crate::report) fn of(classname: &str, name: &str) -> Self {
        let part = |text: &str| {
            let clean = xml_line(text, MAX_NAME);
            hash(START, if clean.trim().is_empty() { "" } else { &clean })
        };
        Self {
            classname: part(classname),
            name: part(name),
        }
    }

    /// Replaces blank parts by those of `otherwise`.
    pub(in crate::report) fn or(self, otherwise: Self) -> Self {
        let or = |own, other| if own == START { other } else { own };
        Self {
            classname: or(self.classname, otherwise.classname),
            name: or(self.name, otherwise.name),
        }
    }

    /// The id with `more` at the end of the class name.
    pub(in crate::report) fn with_classname(self, more: &str) -> Self {
        Self {
            classname: hash(self.classname, more),
            ..self
        }
    }

    /// The id with `more` at the end of the name.
    pub(in crate::report) fn with_name(self, more: &str) -> Self {
        Self {
            name: hash(self.name, more),
            ..self
        }
    }
}

fn hash(start: u64, text: &str) -> u64 {
    text.bytes().fold(start, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(FACTOR)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_can_be_added_later() {
        let id = CaseId::of("class", "name");
        assert_eq!(
            id.with_classname(" [OS=Linux]").with_name(" #2"),
            CaseId::of("class [OS=Linux]", "name #2")
        );
    }

    #[test]
    fn blank_parts_take_those_of_another() {
        let other = CaseId::of("suite", "case");
        assert_eq!(CaseId::of(" ", "").or(other), other);
        assert_eq!(CaseId::of("a", " ").or(other), CaseId::of("a", "case"));
    }
}
