//! What tells a case from others of a report, in 16 bytes: names of all cases at once would take as much memory as
//! the records.

use crate::report::sanitise::xml_line;

/// Longest name or class name of a case, in bytes.
pub(in crate::report) const MAX_NAME: usize = 1000;

/// Start and factor of FNV-1a. Its state after a text is all that it takes to go on with more text.
const START: u64 = 0xcbf2_9ce4_8422_2325;
const FACTOR: u64 = 0x0000_0100_0000_01b3;

/// The hashes of class name and name as JUnit has them. Two cases with the same id count as equal: the worst that a
/// collision does is that a name gets a suffix that it would not need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::report) struct CaseId {
    pub(in crate::report) classname: u64,
    pub(in crate::report) name: u64,
}

impl CaseId {
    /// The id of a case of a result file. A blank part is that of an empty text.
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

    /// The id with other texts in the place of blank ones.
    pub(in crate::report) fn or(self, otherwise: Self) -> Self {
        let or = |own, other| if own == START { other } else { own };
        Self {
            classname: or(self.classname, otherwise.classname),
            name: or(self.name, otherwise.name),
        }
    }

    /// The id after the class name got longer.
    pub(in crate::report) fn with_classname(self, more: &str) -> Self {
        Self {
            classname: hash(self.classname, more),
            ..self
        }
    }

    /// The id after the name got longer.
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
