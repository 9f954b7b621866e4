//! The key `discover`: a command that lists tests, the suites of Squish on disk, or all tests of the preset.

use std::{borrow::Cow, fmt, iter, sync::LazyLock};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    marked::{Marked, Plain},
    one_or_many::{Numbers, OneOrMany},
};
use crate::preset::{self, Preset};

/// All suites of the runner.
const SQUISH: &str = "squish";

/// What may stand in place of keys.
static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    iter::once(SQUISH)
        .chain(preset::NAMES.iter().copied())
        .collect()
});

/// How tests are found.
#[derive(Debug)]
pub(super) enum Discover {
    /// `squish`.
    Squish,
    /// All tests of a preset.
    Preset(&'static Preset),
    /// Keys with values.
    Section(Box<DiscoverSection>),
}

/// A command that lists tests, one in a line; or folders with Squish suites.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Discover", transform = command_or_squish)]
pub(super) struct DiscoverSection {
    /// The program and its arguments; no shell in between, no placeholders.
    #[schemars(length(min = 1))]
    pub(super) command: Option<Marked<Vec<Plain>>>,
    /// A regular expression for a line that names a test, with the groups `(?<suite>…)` and
    /// `(?<testcase>…)`.
    pub(super) line: Option<Marked<String>>,
    /// How long the command may take; 5m by default.
    #[schemars(extend("examples" = ["30s", "5m"]))]
    pub(super) timeout: Option<Marked<String>>,
    /// Whether other lines are left out (the default), with a warning if they look like tests; with `false` every
    /// line that is not blank, not ignored and does not match is an error.
    pub(super) skip_unmatched: Option<bool>,
    /// Whether a line that does not match is an error if it looks like a test or reports an error; a warning by default.
    pub(super) strict: Option<bool>,
    /// Regular expressions for lines that are not tests, one or a list; they win over `line`.
    pub(super) ignore: Option<Marked<Patterns>>,
    /// Folders that Squish suites are in, in place of a command.
    #[schemars(length(min = 1))]
    pub(super) squish: Option<Marked<Vec<Plain>>>,
}

impl DiscoverSection {
    /// Whether it has no key that belongs to a command beside `command` and `line`.
    pub(super) fn is_for_squish_alone(&self) -> bool {
        self.timeout.is_none()
            && self.skip_unmatched.is_none()
            && self.strict.is_none()
            && self.ignore.is_none()
    }
}

/// One regular expression, or a list of them.
#[derive(Debug)]
pub(super) struct Patterns(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a regular expression, or a list of them";
        Ok(Self(
            match OneOrMany::read(deserializer, expected, Numbers::Refused)? {
                OneOrMany::One(pattern) => vec![pattern],
                OneOrMany::Many(patterns) => patterns,
            },
        ))
    }
}

impl JsonSchema for Patterns {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Patterns".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 }
        ] })
    }
}

fn command_or_squish(schema: &mut Schema) {
    schema.insert(
        "oneOf".to_owned(),
        serde_json::json!([{ "required": ["command", "line"] }, { "required": ["squish"], "maxProperties": 1 }]),
    );
}

impl<'de> Deserialize<'de> for Discover {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrSection;

        impl<'de> Visitor<'de> for WordOrSection {
            type Value = Discover;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`squish`, the name of a preset, or `command` with `line`,")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Discover, E> {
                if word == SQUISH {
                    return Ok(Discover::Squish);
                }
                match Preset::named(word) {
                    Some(preset) => Ok(Discover::Preset(preset)),
                    None => Err(E::unknown_variant(word, &WORDS)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Discover, A::Error> {
                let section = DiscoverSection::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Discover::Section(Box::new(section)))
            }
        }

        deserializer.deserialize_any(WordOrSection)
    }
}

impl JsonSchema for Discover {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DiscoverOrWord".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let section = generator.subschema_for::<DiscoverSection>();
        json_schema!({ "anyOf": [{ "enum": *WORDS }, section] })
    }
}
