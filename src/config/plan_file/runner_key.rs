//! The key `runner`: a preset by its name, or keys with values.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::marked::Marked;
use crate::preset::{self, Preset};

/// How every test is run.
#[derive(Debug)]
pub(super) enum RunnerKey<S> {
    /// A preset with all its defaults.
    Preset(PresetKey),
    /// Keys with values.
    Section(Box<S>),
}

/// A tool that testplan knows, by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct PresetKey(pub(super) &'static Preset);

/// How many tests share a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ModeKey {
    /// A session if the tool has one and the project's settings allow it; else batches, or single for pytest.
    Auto,
    /// A process of each worker takes one test after the other.
    Session,
    /// One call of the tool runs many tests.
    Batch,
    /// Each test has a process of its own.
    Single,
}

/// When the process of a preset is replaced by a fresh one. Each bound counts for itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FreshSection {
    /// After so many tests.
    #[schemars(range(min = 1))]
    pub(super) tests: Option<Marked<u32>>,
    /// Once it holds so many MiB of memory; on Linux.
    #[schemars(range(min = 1))]
    pub(super) mib: Option<Marked<u64>>,
    /// After a test that failed.
    pub(super) after_failure: Option<bool>,
}

impl PresetKey {
    pub(super) fn named<E: Error>(word: &str) -> Result<Self, E> {
        let preset = Preset::named(word).map(Self);
        preset.ok_or_else(|| E::unknown_variant(word, &preset::NAMES))
    }
}

impl<'de> Deserialize<'de> for PresetKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<str>::deserialize(deserializer)?;
        Self::named(&word)
    }
}

impl JsonSchema for PresetKey {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Preset".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let presets = preset::PRESETS.iter().map(|preset| {
            let description = format!("tried with {}", preset.versions);
            serde_json::json!({ "const": preset.name, "description": description })
        });
        json_schema!({ "oneOf": presets.collect::<Vec<_>>() })
    }
}

impl<'de, S: Deserialize<'de>> Deserialize<'de> for RunnerKey<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrSection<S>(PhantomData<S>);

        impl<'de, S: Deserialize<'de>> Visitor<'de> for WordOrSection<S> {
            type Value = RunnerKey<S>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a preset, or `command`, `preset` or `squish`,")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<RunnerKey<S>, E> {
                PresetKey::named(word).map(RunnerKey::Preset)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RunnerKey<S>, A::Error> {
                let section = S::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RunnerKey::Section(Box::new(section)))
            }
        }

        deserializer.deserialize_any(WordOrSection(PhantomData))
    }
}

impl<S: JsonSchema> JsonSchema for RunnerKey<S> {
    fn schema_name() -> Cow<'static, str> {
        "RunnerOrPreset".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let preset = generator.subschema_for::<PresetKey>();
        let section = generator.subschema_for::<S>();
        json_schema!({ "anyOf": [preset, section] })
    }
}
