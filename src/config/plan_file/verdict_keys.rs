//! The keys `flaky` and `quarantine`: one word, or keys with values.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    marked::{Marked, Plain},
    one_or_many::{Numbers, OneOrMany},
};

/// What a flaky test counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FlakyWord {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
}

/// What flaky tests count as: one word for all, or rules.
#[derive(Debug)]
pub(super) enum FlakyKey {
    /// `pass` or `fail`.
    Word(FlakyWord),
    /// Keys with values.
    Section(Box<FlakySection>),
}

/// What flaky tests count as, by patterns of their names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Flaky")]
pub(super) struct FlakySection {
    /// Where no rule matches; pass by default.
    pub(super) default: Option<FlakyWord>,
    /// The first rule that matches a test decides.
    #[schemars(length(min = 1))]
    pub(super) rules: Option<Marked<Vec<FlakyRuleSection>>>,
}

/// What some flaky tests count as.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "FlakyRule")]
pub(super) struct FlakyRuleSection {
    /// Patterns on suite/testcase, one or a list; * matches / too.
    pub(super) tests: Marked<Globs>,
    /// What they count as.
    pub(super) verdict: FlakyWord,
}

/// Where the tests in quarantine are listed.
#[derive(Debug)]
pub(super) enum QuarantineKey {
    /// The file.
    File(String),
    /// Keys with values.
    Section(Box<QuarantineSection>),
}

/// Where the tests in quarantine are listed, and when a test of them is broken.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "QuarantineSource")]
pub(super) struct QuarantineSection {
    /// The file, relative to the folder of testplan.yml.
    pub(super) file: Marked<String>,
    /// A test that failed in so many runs in a row is broken, and decides again: 2 to 50, 5 by default. `off` asks no history;
    /// Test Center has none.
    #[schemars(with = "BrokenAfterSchema")]
    pub(super) broken_after: Option<Plain>,
}

/// A number of runs in the schema.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the schema; read as text")]
enum BrokenAfterSchema {
    Number(#[schemars(range(min = 2, max = 50))] u16),
    Off(#[schemars(regex(pattern = "^off$"))] String),
}

/// One pattern of names, or a list of them.
#[derive(Debug)]
pub(super) struct Globs(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Globs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a pattern as \"suite/*\", or a list of them";
        Ok(Self(
            match OneOrMany::read(deserializer, expected, Numbers::Refused)? {
                OneOrMany::One(pattern) => vec![pattern],
                OneOrMany::Many(patterns) => patterns,
            },
        ))
    }
}

impl JsonSchema for Globs {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Globs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 }
        ] })
    }
}

impl<'de> Deserialize<'de> for FlakyKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrSection;

        impl<'de> Visitor<'de> for WordOrSection {
            type Value = FlakyKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`pass`, `fail`, or `default` with `rules`,")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<FlakyKey, E> {
                match word {
                    "pass" => Ok(FlakyKey::Word(FlakyWord::Pass)),
                    "fail" => Ok(FlakyKey::Word(FlakyWord::Fail)),
                    _ => Err(E::unknown_variant(word, &["pass", "fail"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FlakyKey, A::Error> {
                let section = FlakySection::deserialize(MapAccessDeserializer::new(map))?;
                Ok(FlakyKey::Section(Box::new(section)))
            }
        }

        deserializer.deserialize_any(WordOrSection)
    }
}

impl JsonSchema for FlakyKey {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "FlakyKey".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let section = generator.subschema_for::<FlakySection>();
        json_schema!({ "anyOf": [{ "enum": ["pass", "fail"] }, section] })
    }
}

impl<'de> Deserialize<'de> for QuarantineKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FileOrSection;

        impl<'de> Visitor<'de> for FileOrSection {
            type Value = QuarantineKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file, or `file` with `broken-after`,")
            }

            fn visit_str<E: Error>(self, file: &str) -> Result<QuarantineKey, E> {
                Ok(QuarantineKey::File(file.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<QuarantineKey, A::Error> {
                let section = QuarantineSection::deserialize(MapAccessDeserializer::new(map))?;
                Ok(QuarantineKey::Section(Box::new(section)))
            }
        }

        deserializer.deserialize_any(FileOrSection)
    }
}

impl JsonSchema for QuarantineKey {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "QuarantineKey".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let section = generator.subschema_for::<QuarantineSection>();
        json_schema!({ "anyOf": [{ "type": "string", "minLength": 1 }, section] })
    }
}
