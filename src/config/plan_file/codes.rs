//! `exit-codes` as they are written: one entry or a list of them.

use std::{borrow::Cow, ops::Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::{
    marked::{Marked, Plain},
    one_or_many::{Numbers, OneOrMany},
};

/// `3`, `2-250` or `count`, or a list of them; with `COUNT` the schema offers `count` too.
#[derive(Debug)]
pub(super) struct Codes<const COUNT: bool>(OneOrMany<Plain>);

impl<const COUNT: bool> Codes<COUNT> {
    /// Each entry and where it stands; `place` is that of the whole.
    pub(super) fn entries(&self, place: Range<usize>) -> Vec<(&str, Range<usize>)> {
        match &self.0 {
            OneOrMany::One(text) => vec![(text, place)],
            OneOrMany::Many(list) => list
                .iter()
                .map(|entry| (Marked::get(entry).as_str(), entry.place()))
                .collect(),
        }
    }
}

impl<'de, const COUNT: bool> Deserialize<'de> for Codes<COUNT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a list of codes and ranges, as [1, 101-199],";
        OneOrMany::read(deserializer, expected, Numbers::Taken).map(Self)
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
