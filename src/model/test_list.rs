//! Lists of the tests that a plan runs, and the digest that names a list.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

use super::{Capabilities, Test};

/// One test in one configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTest {
    /// The test.
    pub test: Test,
    /// What it needs.
    pub required: Capabilities,
}

/// Version of the canonical form below.
const VERSION: u8 = 1;
/// Bytes of a digest: the version and a SHA-256.
const LENGTH: usize = 33;

/// Names a list of planned tests by what is in it. Services keep it for as long as the plan, so the form never changes:
/// another form gets another version.
///
/// The digest has 33 bytes: the version, which is 1, and the SHA-256 of the list's canonical form. As text it is 66
/// lower-case hexadecimal digits.
///
/// Canonical form of version 1. A *number* is 8 bytes, unsigned, least significant byte first. A *text* is the number
/// of its bytes in UTF-8 and then these bytes, unchanged.
///
/// ```text
/// byte     1, the version
/// number   of planned tests
/// for each planned test, in the order of the list
///     text     suite
///     text     test case
///     number   of capabilities
///     for each capability, sorted by the bytes of its key, then of its value, equal ones once
///         text     key
///         text     value
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TestListDigest([u8; LENGTH]);

/// A text or bytes that are not a digest of a version known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest of a test list is 66 lower-case hexadecimal digits that begin with 01")]
pub struct NotADigest;

impl TestListDigest {
    /// The digest of a list.
    pub fn of(list: &[PlannedTest]) -> Self {
        let mut form = Form(Sha256::new());
        form.0.update([VERSION]);
        form.number(list.len());
        for PlannedTest { test, required } in list {
            form.text(&test.suite);
            form.text(&test.testcase);
            form.number(required.len());
            // A set iterates in the order of key, then value, and has no capability twice.
            for capability in required.iter() {
                form.text(&capability.key);
                form.text(&capability.value);
            }
        }
        let mut bytes = [VERSION; LENGTH];
        bytes[1..].copy_from_slice(&form.0.finalize());
        Self(bytes)
    }

    /// The 33 bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads what [`Self::bytes`] gave.
    ///
    /// # Errors
    /// [`NotADigest`] for another length or version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotADigest> {
        let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| NotADigest)?;
        if bytes[0] == VERSION {
            Ok(Self(bytes))
        } else {
            Err(NotADigest)
        }
    }
}

/// What is hashed, as it is written.
struct Form(Sha256);

impl Form {
    fn number(&mut self, number: usize) {
        self.0.update((number as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.update(text.as_bytes());
    }
}

impl fmt::Display for TestListDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TestListDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestListDigest({self})")
    }
}

impl FromStr for TestListDigest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 2 * LENGTH || !text.as_bytes().iter().all(is_digit) {
            return Err(NotADigest);
        }
        let mut bytes = [0; LENGTH];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let pair = &text[2 * index..2 * index + 2];
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotADigest)?;
        }
        Self::from_bytes(&bytes)
    }
}

impl Serialize for TestListDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TestListDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl schemars::JsonSchema for TestListDigest {
    fn schema_name() -> Cow<'static, str> {
        "TestListDigest".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^01[0-9a-f]{64}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Capability;

    fn planned(suite: &str, testcase: &str, labels: &[(&str, &str)]) -> PlannedTest {
        let labels = labels.iter();
        PlannedTest {
            test: Test {
                suite: suite.to_owned(),
                testcase: testcase.to_owned(),
            },
            required: labels
                .map(|(key, value)| Capability::new(*key, *value))
                .collect(),
        }
    }

    /// Written out by hand from the definition, so that no change of the code goes unseen.
    #[test]
    fn the_form_is_the_documented_one() {
        let list = [
            planned("s", "tü", &[("b", "2"), ("a", "1"), ("b", "2")]),
            planned("", "x", &[]),
        ];
        let number = |number: u64| number.to_le_bytes().to_vec();
        let text = |text: &str| [number(text.len() as u64), text.as_bytes().to_vec()].concat();
        let form = [
            vec![1],
            number(2),
            text("s"),
            [number(3), vec![b't', 0xc3, 0xbc]].concat(),
            number(2),
            text("a"),
            text("1"),
            text("b"),
            text("2"),
            text(""),
            text("x"),
            number(0),
        ]
        .concat();
        let digest = TestListDigest::of(&list);
        assert_eq!(digest.bytes()[0], 1);
        assert_eq!(digest.bytes()[1..], *Sha256::digest(form));
    }

    #[test]
    fn the_digest_of_the_empty_list_stays_the_same() {
        assert_eq!(
            TestListDigest::of(&[]).to_string(),
            "01a536aa3cede6ea3c1f3e0357c3c60e0f216a8c89b853df13b29daa8f85065dfb",
            "kept digests would name nothing any more"
        );
    }

    #[test]
    fn what_differs_has_another_digest() {
        let (a, b) = (planned("s", "a", &[]), planned("s", "b", &[]));
        let lists = [
            vec![],
            vec![a.clone()],
            vec![a.clone(), b.clone()],
            vec![b.clone(), a.clone()],
            vec![a.clone(), a.clone()],
            vec![planned("sa", "", &[])],
            vec![planned("s", "a", &[("OS", "Linux")])],
            vec![planned("s", "a", &[("OS", "linux")])],
            vec![planned("s", "a", &[("OSL", "inux")])],
        ];
        let digests: std::collections::BTreeSet<_> =
            lists.iter().map(|list| TestListDigest::of(list)).collect();
        assert_eq!(digests.len(), lists.len());
    }

    #[test]
    fn texts_are_read_back_and_others_refused() {
        let digest = TestListDigest::of(&[planned("s", "a", &[])]);
        let text = digest.to_string();
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(TestListDigest::from_bytes(digest.bytes()), Ok(digest));
        let other_version = format!("02{}", &text[2..]);
        for bad in ["", "01", &text.to_uppercase(), &text[1..], &other_version] {
            assert_eq!(bad.parse::<TestListDigest>(), Err(NotADigest), "{bad}");
        }
    }
}
