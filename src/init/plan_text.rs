//! The `testplan.yml` of the tools that were found.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::found_tool::{FoundTool, SQUISH};

/// How a tool's runner is written, in the order of the keys.
pub(super) fn runner(tool: &FoundTool) -> Vec<(&'static str, Value)> {
    let mut keys = Vec::new();
    if tool.tool == SQUISH {
        let mut squish = json!({ "server": "local" });
        if !tool.paths.is_empty() {
            squish["suites"] = json!(tool.paths);
        }
        keys.push(("squish", squish));
    } else {
        keys.push(("preset", json!(tool.tool)));
        for (key, words) in [
            ("program", &tool.program),
            ("args", &tool.args),
            ("paths", &tool.paths),
        ] {
            if !words.is_empty() {
                keys.push((key, json!(words)));
            }
        }
    }
    if let Some(mode) = tool.mode {
        keys.push(("mode", json!(mode)));
    }
    if !tool.folder.is_empty() {
        keys.push(("working-directory", json!(tool.folder)));
    }
    keys
}

/// The title of a tool's template among those of `tools`.
pub(crate) fn title(tool: &FoundTool, tools: &[FoundTool]) -> String {
    let same = tools.iter().filter(|it| it.tool == tool.tool);
    match same.count() {
        0 | 1 => tool.tool.to_owned(),
        _ if tool.folder.is_empty() => tool.tool.to_owned(),
        _ => format!("{} {}", tool.tool, tool.folder),
    }
}

/// The text of the file. `project` is the name of the project.
pub(crate) fn plan_text(tools: &[FoundTool], project: &str) -> String {
    match tools {
        [only] if only.tool != SQUISH => of_one(only),
        tools => of_several(tools, project),
    }
}

fn of_one(tool: &FoundTool) -> String {
    let mut text = format!(
        "# Written by `testplan init`, which found {} ({}).\n\
         # `testplan list` prints the tests, `testplan run` runs them, `testplan presets {}` prints how.\n",
        tool.tool, tool.reason, tool.tool
    );
    match &runner(tool)[..] {
        [(_, preset)] => {
            let _ = writeln!(text, "runner: {}", flow(preset));
        }
        keys => {
            text.push_str("runner:\n");
            for (key, value) in keys {
                let _ = writeln!(text, "  {key}: {}", flow(value));
            }
        }
    }
    text
}

fn of_several(tools: &[FoundTool], project: &str) -> String {
    let mut text = format!(
        "# Written by `testplan init`. `testplan list --template TITLE` prints the tests of a template, and\n\
         # `testplan run --template TITLE` runs them.\nproject: {}\ntemplates:\n",
        flow(&json!(project))
    );
    for tool in tools {
        let runner = match &runner(tool)[..] {
            [("preset", preset)] => flow(preset),
            keys => {
                let keys = keys
                    .iter()
                    .map(|(key, value)| format!("{key}: {}", flow(value)));
                format!("{{ {} }}", keys.collect::<Vec<_>>().join(", "))
            }
        };
        let title = flow(&json!(title(tool, tools)));
        let _ = writeln!(
            text,
            "  - title: {title} # {}\n    runner: {runner}",
            tool.reason
        );
        if tool.tool == SQUISH {
            text.push_str("    tests: [discover: squish]\n");
        }
    }
    text
}

/// A value on one line of YAML.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(flow).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(keys) => {
            let keys = keys
                .iter()
                .map(|(key, value)| format!("{key}: {}", flow(value)));
            format!("{{ {} }}", keys.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A text, in quotes unless it can only be read as a text.
fn word(text: &str) -> String {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '.' || c == '/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./ ".contains(c);
    let is_other = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", ".", ".inf", ".nan",
    ];
    let is_safe = begins
        && text.chars().all(is_plain)
        && text.trim() == text
        && !is_other.contains(&text.to_ascii_lowercase().as_str());
    if is_safe {
        text.to_owned()
    } else {
        // Strings of JSON are strings of YAML.
        json!(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PlanFile;

    fn tool(name: &'static str, folder: &str, program: &[&str]) -> FoundTool {
        FoundTool {
            tool: name,
            folder: folder.to_owned(),
            program: program.iter().map(|&word| word.to_owned()).collect(),
            args: Vec::new(),
            paths: Vec::new(),
            mode: None,
            reason: "a file: with [signs] # and more".to_owned(),
        }
    }

    #[test]
    fn file_of_one_tool_is_short_and_valid() {
        let text = plan_text(&[tool("pytest", "", &[])], "p");
        assert!(text.ends_with("\nrunner: pytest\n"), "{text}");
        PlanFile::parse("t.yml", &text).unwrap();
        let text = plan_text(&[tool("pytest", "a b", &["uv", "run", "pytest"])], "p");
        let file = PlanFile::parse("t.yml", &text).unwrap();
        assert!(text.lines().count() <= 15, "{text}");
        let folder = file.runner.unwrap().working_directory.unwrap();
        assert_eq!(folder.to_str(), Some("a b"));
    }

    #[test]
    fn several_tools_become_several_templates() {
        let tools = [
            tool("vitest", "", &[]),
            tool("vitest", "web", &[]),
            tool("ctest", "build", &[]),
            tool(SQUISH, "", &[]),
        ];
        let text = plan_text(&tools, "no: \"name\"");
        let file = PlanFile::parse("t.yml", &text).unwrap();
        assert!(text.lines().count() <= 15, "{text}");
        assert_eq!(file.project.as_deref(), Some("no: \"name\""));
        let titles: Vec<&str> = file.templates.iter().map(|it| it.title.as_str()).collect();
        assert_eq!(titles, ["vitest", "vitest web", "ctest", "squish"]);
    }

    #[test]
    fn words_that_are_no_texts_in_yaml_are_quoted() {
        for (text, expected) in [
            ("pytest", "pytest"),
            ("./vendor/bin/x", "./vendor/bin/x"),
            ("-p", "\"-p\""),
            ("no", "\"no\""),
            ("3", "\"3\""),
            ("a: b", "\"a: b\""),
            ("", "\"\""),
            ("ü", "\"ü\""),
        ] {
            assert_eq!(word(text), expected);
        }
    }
}
