//! docs/api.md, made from the OpenAPI document.

use std::{env, fmt::Write as _, fs, path::Path};

use serde_json::{Map, Value};

use super::document;
use crate::service::operations::operations;

const HEAD: &str = "\
# API of the service

<!-- Made of src/service/operations.rs by `UPDATE_GOLDEN=1 cargo test --lib api_page`. -->

`testplan serve` serves the [Test Plan Execution API of Squish Test Center](https://doc.qt.io/testcenter/execution-api.html)
under `/execution/v1` and `/import`. Paths under `/testplan/v1`, and members called *additive*, are its own.
`GET /openapi.json` returns this page as an OpenAPI 3.1 document. [curl.md](curl.md) has each call of a plan's life with its answer.

Send the access token as `Authorization: Token …`; where the service was started with a user and a password, send both as `Basic`.
Errors are JSON with a number and a sentence: [Problem](#problem).
";

/// The whole page.
fn page(document: &Value) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Operations\n\n| call | does |\n| --- | --- |\n");
    let operations = operations();
    for it in &operations {
        let (method, path, summary) = (&it.method, it.path, it.summary);
        let _ = writeln!(
            text,
            "| [`{method} {path}`](#{}) | {summary} |",
            it.id.to_lowercase()
        );
    }
    for it in &operations {
        let described = &document["paths"][it.path][it.method.as_str().to_lowercase()];
        add_operation(&mut text, &format!("{} {}", it.method, it.path), described);
    }
    text.push_str("\n## Types\n");
    for (name, schema) in members(&document["components"]["schemas"]) {
        add_type(&mut text, name, schema);
    }
    text
}

fn add_operation(text: &mut String, call: &str, described: &Value) {
    let _ = write!(
        text,
        "\n### {}\n\n`{call}`: {}.",
        word(&described["operationId"]),
        cell(word(&described["summary"]))
    );
    if described["security"] == serde_json::json!([]) {
        text.push_str(" Needs no credentials.");
    }
    text.push('\n');
    let parameters = described["parameters"].as_array();
    let parameters = parameters.map_or(&[][..], Vec::as_slice);
    if !parameters.is_empty() {
        text.push_str("\n| parameter | in | type | meaning |\n| --- | --- | --- | --- |\n");
    }
    for it in parameters {
        let required = if it["required"] == true {
            ", required"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "| `{}` | {}{required} | {} | {} |",
            word(&it["name"]),
            word(&it["in"]),
            kind(&it["schema"]),
            cell(word(&it["description"]))
        );
    }
    text.push('\n');
    for (media, content) in members(&described["requestBody"]["content"]) {
        let _ = writeln!(text, "- Body, `{media}`: {}", kind(&content["schema"]));
    }
    let mut failures = Vec::new();
    for (status, answer) in members(&described["responses"]) {
        if status.starts_with('2') {
            let schema = &answer["content"]["application/json"]["schema"];
            let _ = writeln!(text, "- {status}: {}", kind(schema));
        } else {
            failures.push(status.as_str());
        }
    }
    let _ = writeln!(text, "- {}: [Problem](#problem)", failures.join(", "));
}

fn add_type(text: &mut String, name: &str, schema: &Value) {
    let _ = write!(text, "\n### {name}\n");
    let about = schema["description"].as_str().unwrap_or_default();
    if !about.is_empty() {
        let _ = write!(text, "\n{}\n", cell(about));
    }
    if let Some(values) = schema["oneOf"].as_array() {
        text.push_str("\n| value | meaning |\n| --- | --- |\n");
        for it in values {
            let _ = writeln!(
                text,
                "| {} | {} |",
                kind(it),
                cell(word(&it["description"]))
            );
        }
        return;
    }
    let properties = members(&schema["properties"]);
    if properties.is_empty() {
        let _ = write!(text, "\nType: {}\n", kind(schema));
        return;
    }
    text.push_str("\n| member | type | meaning |\n| --- | --- | --- |\n");
    let required = schema["required"].as_array();
    for (member, it) in properties {
        let required = required.is_some_and(|names| names.iter().any(|name| name == member));
        let _ = writeln!(
            text,
            "| `{member}` | {}{} | {} |",
            kind(it),
            if required { ", required" } else { "" },
            cell(word(&it["description"]))
        );
    }
}

/// What a value is, in a few words and with links to types.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or(name);
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(constant) = schema.get("const") {
        return format!("`{}`", constant.as_str().unwrap_or_default());
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().map(|it| format!("`{}`", word(it)));
        return values.collect::<Vec<_>>().join(", ");
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let choices: Vec<String> = choices.iter().map(kind).collect();
        return choices.join(" or ");
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().map(word).collect(),
        _ => return "any JSON".to_owned(),
    };
    let names = names.into_iter().map(|name| match name {
        "array" => format!("list of {}", kind(&schema["items"])),
        name => name.to_owned(),
    });
    let mut text = names.collect::<Vec<_>>().join(" or ");
    for (key, words) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("maxLength", "characters: at most"),
        ("maxItems", "items: at most"),
        ("pattern", "like"),
    ] {
        match &schema[key] {
            Value::Null => {}
            Value::Number(number) if number.as_i64() == Some(0) => {}
            Value::String(pattern) => {
                let _ = write!(text, ", {words} `{pattern}`");
            }
            limit => {
                let _ = write!(text, ", {words} {limit}");
            }
        }
    }
    text
}

fn members(value: &Value) -> Vec<(&String, &Value)> {
    value.as_object().map_or_else(Vec::new, |it: &Map<_, _>| {
        let mut members: Vec<_> = it.iter().collect();
        members.sort_by_key(|(name, _)| *name);
        members
    })
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A text in a cell of a table. Links of rustdoc lead nowhere here.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("[`", "`")
        .replace("`]", "`")
        .replace('|', "\\|")
        .replace('<', "&lt;")
}

/// `UPDATE_GOLDEN=1 cargo test --lib api_page` writes the page.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "writes the golden file on request"
)]
fn api_page_is_made_from_the_operations() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md");
    let text = page(&document(&operations()));
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
    }
    // Not both texts: each has hundreds of lines.
    let written = fs::read_to_string(&path).unwrap();
    let differing = text
        .lines()
        .zip(written.lines())
        .find(|(new, old)| new != old);
    assert!(
        text == written,
        "docs/api.md is not up to date, first here: {differing:?}"
    );
}
