//! Values that remember where in the file they stand.

use std::{borrow::Cow, fmt, ops::Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};

/// A value and its place. In the schema it is the value alone.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Marked<T>(Spanned<T>);

impl<T> Marked<T> {
    pub(super) fn get(&self) -> &T {
        &self.0.value
    }

    pub(super) fn into_inner(self) -> T {
        self.0.value
    }

    /// Where it stands, in bytes; for an alias, where it is used.
    pub(super) fn place(&self) -> Range<usize> {
        place(&self.0.referenced)
    }
}

/// The bytes of a location; empty at the start of the file where it is unknown.
pub(super) fn place(location: &Location) -> Range<usize> {
    let number = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let start = number(location.span().byte_offset());
    start..start.saturating_add(number(location.span().byte_len()))
}

impl<T: JsonSchema> JsonSchema for Marked<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A text that may be written without quotes where it looks like a number or a boolean: `11`, `3.10`, `no`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Plain(Marked<String>);

impl std::ops::Deref for Plain {
    type Target = Marked<String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl JsonSchema for Plain {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Plain".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// A mapping of names to texts in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Pairs(pub(super) Vec<(Marked<String>, Plain)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of names to texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

impl JsonSchema for Pairs {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Pairs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<Plain>();
        json_schema!({ "type": "object", "additionalProperties": value })
    }
}
