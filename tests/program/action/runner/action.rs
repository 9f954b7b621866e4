//! An action: its `action.yml`, and how its stages are started.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::support::{Stage, skip};

/// What a step can use.
#[derive(Clone)]
pub(crate) struct Action {
    /// Declared inputs with their defaults, expressions as they are.
    pub(super) inputs: Vec<(String, String)>,
    /// Declared outputs.
    pub(crate) outputs: Vec<String>,
    pub(super) main: Vec<OsString>,
    pub(super) post: Vec<OsString>,
    /// What each step says by `with:` that does not say otherwise.
    pub(super) with: Vec<(String, String)>,
}

impl Action {
    /// This project's own, of the binary under test. Without a Node of the version that it asks for, its launcher is
    /// left out.
    pub(crate) fn ours() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(folder.join("action.yml")).unwrap();
        let manifest = load(&text).unwrap();
        let runs = &manifest["runs"];
        let version = runs["using"].as_str().unwrap().strip_prefix("node");
        let binary = env!("CARGO_BIN_EXE_testplan");
        let node = node(version.unwrap());
        let stage = |key: &str, otherwise: &[&str]| match &node {
            Some(node) => {
                let script = folder.join(runs[key].as_str().unwrap());
                vec![node.clone().into(), script.into()]
            }
            None => otherwise.iter().map(OsString::from).collect(),
        };
        let main = stage("main", &[binary, "action"]);
        let post = stage("post", &[binary, "action", "--post"]);
        Self {
            with: vec![("binary-path".to_owned(), binary.to_owned())],
            ..Self::new(&manifest, main, post)
        }
    }

    /// Whether a launcher starts the binary.
    pub(crate) fn is_launched(&self) -> bool {
        self.main[0] != env!("CARGO_BIN_EXE_testplan")
    }

    /// One with shell scripts as its stages, and inputs as in `action.yml`.
    pub(crate) fn of_scripts(stage: &Stage, manifest: &str, main: &str, post: &str) -> Self {
        let script = |name, body| vec![stage.script(name, body).into()];
        Self::new(
            &load(manifest).unwrap(),
            script("main.sh", main),
            script("post.sh", post),
        )
    }

    /// One with a program as both its stages.
    pub(crate) fn of_words(manifest: &str, words: &[&str]) -> Self {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        Self::new(&load(manifest).unwrap(), words.clone(), words)
    }

    fn new(manifest: &Value, main: Vec<OsString>, post: Vec<OsString>) -> Self {
        let entries = |key: &str| manifest[key].as_object().cloned().unwrap_or_default();
        let inputs = entries("inputs").into_iter().map(|(name, input)| {
            let default = match &input["default"] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (name, default)
        });
        Self {
            inputs: inputs.collect(),
            outputs: entries("outputs")
                .into_iter()
                .map(|(name, _)| name)
                .collect(),
            main,
            post,
            with: Vec::new(),
        }
    }
}

/// Reads an `action.yml`. The runner looks for expressions in every text of it, and does not load an action that has one
/// where none is allowed: only defaults of inputs may, and know no secrets.
pub(crate) fn load(text: &str) -> Result<Value, String> {
    let manifest: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let mut wrong = Vec::new();
    check(&manifest, "", &mut wrong);
    if wrong.is_empty() {
        Ok(manifest)
    } else {
        Err(wrong.join("\n"))
    }
}

fn check(value: &Value, place: &str, wrong: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains("${{") => {
            let names: Vec<&str> = place.split('/').collect();
            let default = matches!(names[..], ["", "inputs", _, "default"]);
            let allowed = [
                "github.",
                "runner.",
                "job.",
                "strategy.",
                "matrix.",
                "toJSON(matrix)",
            ];
            let mut expressions = text.split("${{").skip(1).map(str::trim_start);
            if !default || !expressions.all(|it| allowed.iter().any(|name| it.starts_with(name))) {
                wrong.push(format!(
                    "{place}: an expression is not allowed here: {text}"
                ));
            }
        }
        Value::Object(entries) => {
            for (name, value) in entries {
                check(value, &format!("{place}/{name}"), wrong);
            }
        }
        Value::Array(items) => {
            for item in items {
                check(item, &format!("{place}/-"), wrong);
            }
        }
        _ => {}
    }
}

/// Node of a major version: `TESTPLAN_NODE`, or the one on `PATH`.
fn node(major: &str) -> Option<PathBuf> {
    let node = std::env::var_os("TESTPLAN_NODE").unwrap_or_else(|| "node".into());
    let version = Command::new(&node).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let fits = |version: &String| version.starts_with(&format!("v{major}."));
    if version.as_ref().is_ok_and(fits) {
        return Some(node.into());
    }
    skip::missing(&format!(
        "the launcher's part, for want of Node {major} on PATH or as TESTPLAN_NODE"
    ));
    None
}
