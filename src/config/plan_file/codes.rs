//! `exit-codes` as they are written: one entry or a list of them.

use std::{borrow::Cow, fmt, ops::Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use super::marked::{Marked, Plain};

/// Codes as they are written; with `COUNT` the schema offers `count` too.
#[derive(Debug)]
pub(super) enum Codes<const COUNT: bool> {
    /// `3`, `2-250` or `count` without a list around it.
    One(String),
    /// A list of them.
    Many(Vec<Plain>),
}

impl<const COUNT: bool> Codes<COUNT> {
    /// Each entry and where it stands; `place` is that of the whole.
    pub(super) fn entries(&self, place: Range<usize>) -> Vec<(&str, Range<usize>)> {
        match self {
            Self::One(text) => vec![(text, place)],
            Self::Many(list) => list
                .iter()
                .map(|entry| (Marked::get(entry).as_str(), entry.place()))
                .collect(),
        }
    }
}

impl<'de, const COUNT: bool> Deserialize<'de> for Codes<COUNT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany<const COUNT: bool>;

        impl<'de, const COUNT: bool> Visitor<'de> for OneOrMany<COUNT> {
            type Value = Codes<COUNT>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of codes and ranges, as [1, 101-199],")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Codes::One(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, code: i64) -> Result<Self::Value, E> {
                Ok(Codes::One(code.to_string()))
            }

            fn visit_u64<E: Error>(self, code: u64) -> Result<Self::Value, E> {
                Ok(Codes::One(code.to_string()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = list.next_element()? {
                    entries.push(entry);
                }
                Ok(Codes::Many(entries))
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

impl<const COUNT: bool> JsonSchema for Codes<COUNT> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        if COUNT { "CodesOrCount" } else { "Codes" }.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let code = r"-?[0-9]+|0[xX][0-9a-fA-F]+";
        let count = if COUNT { "count|" } else { "" };
        let entry = serde_json::json!({
            "type": ["integer", "string"],
            "pattern": format!(r"^\s*({count}({code})(\s*-\s*({code}))?)\s*$"),
        });
        json_schema!({ "anyOf": [entry, { "type": "array", "items": entry }] })
    }
}
