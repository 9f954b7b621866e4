//! The key `runner`: a preset by its name, or keys with values.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::marked::Marked;
use crate::preset::{self, Preset};

/// The presets by name, for messages.
const PRESETS: [&str; 7] = [
    "cargo-nextest",
    "ctest",
    "googletest",
    "jest",
    "playwright",
    "pytest",
    "vitest",
];

/// How every test is run.
#[derive(Debug)]
pub(super) enum RunnerKey<S> {
    /// A preset with all its defaults.
    Preset(PresetKey),
    /// Keys with values.
    Section(Box<S>),
}

/// A tool that testplan knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PresetKey {
    /// cargo-nextest.
    CargoNextest,
    /// `CTest`.
    Ctest,
    /// A program with `GoogleTest`.
    Googletest,
    /// Jest 30.
    Jest,
    /// Playwright 1.65 or later.
    Playwright,
    /// pytest 7 or later.
    Pytest,
    /// Vitest 4 or later.
    Vitest,
}

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
        match word {
            "cargo-nextest" => Ok(Self::CargoNextest),
            "ctest" => Ok(Self::Ctest),
            "googletest" => Ok(Self::Googletest),
            "jest" => Ok(Self::Jest),
            "playwright" => Ok(Self::Playwright),
            "pytest" => Ok(Self::Pytest),
            "vitest" => Ok(Self::Vitest),
            _ => Err(E::unknown_variant(word, &PRESETS)),
        }
    }

    /// How its tool is listed and called.
    pub(super) fn preset(self) -> &'static Preset {
        match self {
            Self::CargoNextest => &preset::NEXTEST,
            Self::Ctest => &preset::CTEST,
            Self::Googletest => &preset::GOOGLETEST,
            Self::Jest => &preset::JEST,
            Self::Playwright => &preset::PLAYWRIGHT,
            Self::Pytest => &preset::PYTEST,
            Self::Vitest => &preset::VITEST,
        }
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
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RunnerOrPreset".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let preset = generator.subschema_for::<PresetKey>();
        let section = generator.subschema_for::<S>();
        json_schema!({ "anyOf": [preset, section] })
    }
}
