//! Capabilities, and the one function that says whether one set covers another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A key and a value that an execution needs and a worker or Squish server offers, as `OS=Linux`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Capability {
    /// What it is about, as `OS`.
    pub key: String,
    /// Which of it, as `Linux`.
    pub value: String,
}

impl Capability {
    /// Makes one from its parts.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// Why a text is not a capability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACapability {
    /// Key or value is missing.
    #[error("{0:?} is not a capability: write KEY=VALUE, as OS=Linux")]
    Form(String),
    /// It holds a line break or another control character, as several capabilities given as one do.
    #[error("{0:?} is not one line: write each KEY=VALUE by itself")]
    Lines(String),
    /// Key or value is longer than 256 characters.
    #[error("a key or value is longer than {LONGEST} characters")]
    TooLong,
}

/// Most characters of a key or value; a service refuses more.
const LONGEST: usize = 256;

impl FromStr for Capability {
    type Err = NotACapability;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let (key, value) = (key.trim(), value.trim());
        if key.chars().count().max(value.chars().count()) > LONGEST {
            return Err(NotACapability::TooLong);
        }
        if key.is_empty() || value.is_empty() {
            return Err(NotACapability::Form(text.to_owned()));
        }
        if [key, value]
            .iter()
            .any(|part| part.contains(char::is_control))
        {
            return Err(NotACapability::Lines(text.to_owned()));
        }
        Ok(Self::new(key, value))
    }
}

/// How keys and values are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelCase {
    /// `Chrome` is `chrome`: the vendor's own examples mix the two.
    #[default]
    Folded,
    /// Character by character (`--strict-labels`).
    Strict,
}

/// A set of capabilities, sorted and without repetition, so that equal sets compare and print equal.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(from = "Vec<Capability>", into = "Vec<Capability>")]
pub struct Capabilities(Vec<Capability>);

impl Capabilities {
    /// Whether `self`, what is offered, has every capability of `required`.
    ///
    /// This function decides in all three directions of the protocol: a worker covers an execution,
    /// a Squish server covers a request, an execution's requirements cover a status query.
    pub fn covers(&self, required: &Self, case: LabelCase) -> bool {
        required
            .0
            .iter()
            .all(|wanted| self.0.iter().any(|offered| same(offered, wanted, case)))
    }

    /// The capabilities of `required` that `self` does not offer.
    pub fn missing(&self, required: &Self, case: LabelCase) -> Self {
        required
            .0
            .iter()
            .filter(|wanted| !self.0.iter().any(|offered| same(offered, wanted, case)))
            .cloned()
            .collect()
    }

    /// In order of key, then value.
    pub fn iter(&self) -> impl Iterator<Item = &Capability> {
        self.0.iter()
    }

    /// The value of a key, compared without case.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|c| c.key.eq_ignore_ascii_case(key))
            .map(|c| c.value.as_str())
    }

    /// ` with OS=Linux`, to stand behind who has them; nothing for the empty set.
    pub fn with(&self) -> String {
        if self.0.is_empty() {
            String::new()
        } else {
            format!(" with {self}")
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn same(a: &Capability, b: &Capability, case: LabelCase) -> bool {
    match case {
        LabelCase::Strict => a == b,
        LabelCase::Folded => folded(&a.key, &b.key) && folded(&a.value, &b.value),
    }
}

fn folded(a: &str, b: &str) -> bool {
    a == b
        || a.chars()
            .flat_map(char::to_lowercase)
            .eq(b.chars().flat_map(char::to_lowercase))
}

impl From<Vec<Capability>> for Capabilities {
    fn from(mut list: Vec<Capability>) -> Self {
        list.sort();
        list.dedup();
        Self(list)
    }
}

impl From<Capabilities> for Vec<Capability> {
    fn from(set: Capabilities) -> Self {
        set.0
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(list: I) -> Self {
        list.into_iter().collect::<Vec<_>>().into()
    }
}

impl fmt::Display for Capabilities {
    /// `OS=Linux, browser=chrome`, or `any` for the empty set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("any");
        }
        for (index, capability) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{capability}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(list: &[&str]) -> Capabilities {
        list.iter()
            .map(|text| text.parse::<Capability>().unwrap())
            .collect()
    }

    #[test]
    fn covers_by_subset_with_and_without_case() {
        let table = [
            (vec![], vec![], true, true),
            (vec!["OS=Linux"], vec![], true, true),
            (vec![], vec!["OS=Linux"], false, false),
            (
                vec!["OS=Linux", "browser=chrome"],
                vec!["OS=Linux"],
                true,
                true,
            ),
            (
                vec!["OS=Linux"],
                vec!["OS=Linux", "browser=chrome"],
                false,
                false,
            ),
            (vec!["os=linux"], vec!["OS=Linux"], true, false),
            (vec!["OS=LİNUX"], vec!["OS=linux"], false, false),
            (vec!["OS=Linux", "OS=Debian"], vec!["OS=Debian"], true, true),
        ];
        for (offered, required, folded, strict) in table {
            assert_eq!(
                set(&offered).covers(&set(&required), LabelCase::Folded),
                folded,
                "{offered:?} {required:?}"
            );
            assert_eq!(
                set(&offered).covers(&set(&required), LabelCase::Strict),
                strict,
                "{offered:?} {required:?}"
            );
        }
    }

    #[test]
    fn names_what_is_missing() {
        let missing =
            set(&["OS=Linux"]).missing(&set(&["OS=Linux", "browser=chrome"]), LabelCase::Folded);
        assert_eq!(missing.to_string(), "browser=chrome");
        assert_eq!(set(&[]).to_string(), "any");
    }

    #[test]
    fn parses_key_and_value() {
        assert_eq!(
            "a = b=c".parse::<Capability>().unwrap(),
            Capability::new("a", "b=c")
        );
        for bad in ["", "OS", "=x", "OS=", " = "] {
            assert!(bad.parse::<Capability>().is_err(), "{bad:?}");
        }
    }
}
