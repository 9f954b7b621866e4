//! The JSON Schemas of `testplan.yml` and of a quarantine file, for editors.

use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform as _},
};
use serde_json::Value;

use super::{document::Document, quarantine_document::QuarantineDocument};

/// The schema of `testplan.yml` as text, with a line break at its end. Draft 7: editors' YAML support reads nothing newer.
pub fn json_schema() -> String {
    schema_of::<Document>()
}

/// The same for a quarantine file.
pub fn quarantine_json_schema() -> String {
    schema_of::<QuarantineDocument>()
}

fn schema_of<T: JsonSchema>() -> String {
    let mut schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<T>();
    RecursiveTransform(without_null).transform(&mut schema);
    let mut text = format!("{:#}", schema.to_value());
    text.push('\n');
    text
}

/// A key without a value is read as if it were missing, but is a mistake, and where null is possible
/// editors say nothing more of a mistake than that no alternative fits.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(kinds)) = schema.get_mut("anyOf") {
        kinds.retain(|kind| kind.get("type").is_none_or(|kind| kind != "null"));
        if kinds.len() == 1
            && let Some(only) = schema.remove("anyOf")
        {
            schema.insert("allOf".to_owned(), only);
        }
    }
}
