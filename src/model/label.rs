//! Labels of uploaded results: `key=value` as Test Center takes them, with the characters that it forbids.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Capability;

/// A label of uploaded results, as `OS=Linux`. One whose key begins with a dot is hidden and steers the product.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(try_from = "Capability", into = "Capability")]
pub struct Label(Capability);

/// Why a text is not a label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotALabel {
    /// Key or value is missing.
    #[error("{0:?} is not a label: write KEY=VALUE, as OS=Linux")]
    Form(String),
    /// It holds what a label must not.
    #[error(
        "the label {label:?} contains {what}, which Test Center forbids in labels: leave it out"
    )]
    Character {
        /// Which label.
        label: String,
        /// What it contains.
        what: &'static str,
    },
    /// Longer than [`Label::LONGEST`].
    #[error("the label {0}… is longer than {longest} characters: shorten it", longest = Label::LONGEST)]
    TooLong(String),
}

impl Label {
    /// Most characters of key and value together.
    pub const LONGEST: usize = 1_024;

    /// A label of its parts. The key must not be empty nor contain `=`.
    pub fn new(key: &str, value: &str) -> Result<Self, NotALabel> {
        let (key, value) = (key.trim(), value.trim());
        let label = format!("{key}={value}");
        if key.is_empty() || value.is_empty() || key.contains('=') {
            return Err(NotALabel::Form(label));
        }
        if label.chars().count() > Self::LONGEST {
            return Err(NotALabel::TooLong(label.chars().take(40).collect()));
        }
        let forbidden = label.chars().find_map(|c| match c {
            '\n' | '\r' => Some("a line break"),
            ',' => Some("a comma"),
            '"' => Some("a double quote"),
            c if c.is_control() => Some("a control character"),
            _ => None,
        });
        match forbidden {
            Some(what) => Err(NotALabel::Character { label, what }),
            None => Ok(Self(Capability::new(key, value))),
        }
    }

    /// What it is about.
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// Which of it.
    pub fn value(&self) -> &str {
        &self.0.value
    }
}

impl FromStr for Label {
    type Err = NotALabel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) => Self::new(key, value),
            None => Err(NotALabel::Form(text.to_owned())),
        }
    }
}

impl TryFrom<Capability> for Label {
    type Error = NotALabel;

    fn try_from(capability: Capability) -> Result<Self, Self::Error> {
        Self::new(&capability.key, &capability.value)
    }
}

impl From<Label> for Capability {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_test_center_takes() {
        for (text, key, value) in [
            ("OS=Linux", "OS", "Linux"),
            (" .git.branch = main ", ".git.branch", "main"),
            (
                ".reference.url=[Run 7](https://ci.example.com/7?a=b)",
                ".reference.url",
                "[Run 7](https://ci.example.com/7?a=b)",
            ),
        ] {
            let label: Label = text.parse().unwrap();
            assert_eq!((label.key(), label.value()), (key, value));
        }
    }

    #[test]
    fn refuses_the_rest_by_name() {
        for (text, part) in [
            ("OS", "write KEY=VALUE"),
            ("=x", "write KEY=VALUE"),
            ("OS=", "write KEY=VALUE"),
            ("a=b,c", "a comma"),
            ("a=\"b\"", "a double quote"),
            ("a=b\nc", "a line break"),
            ("a=b\tc", "a control character"),
        ] {
            let error = text.parse::<Label>().unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
            assert!(error.contains(&format!("{text:?}")), "{text:?}: {error}");
        }
        assert!(Label::new("k", &"x".repeat(2000)).is_err());
    }
}
