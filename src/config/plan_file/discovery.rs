//! `discover` as it is written: a command that lists tests, or the suites of Squish on disk.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::marked::{Marked, Plain};

/// The word that means all suites of the runner.
const SQUISH: &str = "squish";

/// How tests are found.
#[derive(Debug)]
pub(super) enum Discover {
    /// `squish`.
    Squish,
    /// Keys with values.
    Section(Box<Section>),
}

/// A command that lists tests, one in a line; or folders with Squish suites.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Discover", transform = command_or_squish)]
pub(super) struct Section {
    /// The program and its arguments; no shell in between, no placeholders.
    #[schemars(length(min = 1))]
    pub(super) command: Option<Marked<Vec<Plain>>>,
    /// A regular expression for a line that names a test, with the groups `(?<suite>…)` and
    /// `(?<testcase>…)`.
    pub(super) line: Option<Marked<String>>,
    /// How long the command may take; 5m by default.
    #[schemars(extend("examples" = ["30s", "5m"]))]
    pub(super) timeout: Option<Marked<String>>,
    /// Whether other lines are passed over (the default) or are a mistake.
    pub(super) skip_unmatched: Option<bool>,
    /// Folders that Squish suites are in, in place of a command.
    #[schemars(length(min = 1))]
    pub(super) squish: Option<Marked<Vec<Plain>>>,
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
                f.write_str("`squish`, or `command` with `line`,")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Discover, E> {
                if word == SQUISH {
                    return Ok(Discover::Squish);
                }
                Err(E::unknown_variant(word, &[SQUISH]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Discover, A::Error> {
                let section = Section::deserialize(MapAccessDeserializer::new(map))?;
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
        let section = generator.subschema_for::<Section>();
        json_schema!({ "anyOf": [{ "const": SQUISH }, section] })
    }
}
