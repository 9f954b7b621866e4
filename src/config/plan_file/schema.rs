//! The JSON Schema of `testplan.yml`, for editors.

use schemars::generate::SchemaSettings;

use super::document::Document;

/// The schema as text, with a line break at its end. Draft 7: editors' YAML support reads nothing newer.
pub fn json_schema() -> String {
    let mut schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<Document>();
    // Where it would be written as a comment, `# yaml-language-server: $schema=…`, no id is needed.
    schema.remove("$id");
    let mut text = format!("{:#}", schema.to_value());
    text.push('\n');
    text
}
