//! Recognises the test tools of JavaScript and TypeScript by what a package depends on, and by their configuration files.

use serde_json::Value;

use super::{found_tool::FoundTool, project_files::Folder};

/// Packages, with their presets and configuration files.
const PACKAGES: [(&str, &str, &[&str]); 6] = [
    (
        "ava",
        "ava",
        &["ava.config.js", "ava.config.mjs", "ava.config.cjs"],
    ),
    (
        "@playwright/test",
        "playwright",
        &[
            "playwright.config.ts",
            "playwright.config.js",
            "playwright.config.mjs",
        ],
    ),
    (
        "vitest",
        "vitest",
        &[
            "vitest.config.ts",
            "vitest.config.js",
            "vitest.config.mts",
            "vitest.config.mjs",
        ],
    ),
    (
        "jest",
        "jest",
        &[
            "jest.config.js",
            "jest.config.ts",
            "jest.config.mjs",
            "jest.config.cjs",
        ],
    ),
    (
        "mocha",
        "mocha",
        &[
            ".mocharc.json",
            ".mocharc.js",
            ".mocharc.cjs",
            ".mocharc.yml",
            ".mocharc.yaml",
        ],
    ),
    (
        "@cucumber/cucumber",
        "cucumber-js",
        &["cucumber.json", "cucumber.js", "cucumber.mjs"],
    ),
];

pub(super) fn find(folder: &Folder<'_>) -> Vec<FoundTool> {
    let text = folder.text("package.json").unwrap_or_default();
    let package: Value = serde_json::from_str(&text).unwrap_or_default();
    let mut tools = Vec::new();
    for (name, preset, files) in PACKAGES {
        let reason = if depends_on(&package, name) {
            format!("package.json has {name}")
        } else if let Some(file) = folder.first_of(files) {
            file.to_owned()
        } else {
            continue;
        };
        let tool = FoundTool::of(preset, folder, reason);
        tools.extend(tool.map(|it| it.started_as(without_modules(folder, preset))));
    }
    let script = |words: &str| {
        let scripts = package["scripts"].as_object()?.iter();
        let mut texts = scripts.filter_map(|(name, text)| Some((name, text.as_str()?)));
        texts
            .find(|(_, text)| has_words(text, words))
            .map(|(name, _)| name.clone())
    };
    if let Some(name) = script("node --test") {
        let reason = format!("script {name} of package.json");
        tools.extend(FoundTool::of("node-test", folder, reason));
    }
    if let Some(name) = script("bun test") {
        let reason = format!("script {name} of package.json");
        tools.extend(FoundTool::of("bun", folder, reason));
    }
    if let Some(file) = folder.first_of(&["deno.json", "deno.jsonc"]) {
        let text = folder.text(file).unwrap_or_default();
        // With comments in it, it names none.
        let config: Value = serde_json::from_str(&text).unwrap_or_default();
        let tool = FoundTool::of("deno", folder, file);
        tools.extend(tool.map(|it| FoundTool {
            args: permissions_of_deno(&config),
            ..it
        }));
    }
    tools
}

fn depends_on(package: &Value, name: &str) -> bool {
    let groups = ["devDependencies", "dependencies"];
    groups
        .iter()
        .any(|group| package[group].get(name).is_some())
}

/// Whether a command has these words, perhaps with options between them.
fn has_words(command: &str, words: &str) -> bool {
    let mut wanted = words.split(' ').peekable();
    for word in command.split_whitespace() {
        match wanted.peek() {
            Some(next) if word == *next => {
                wanted.next();
            }
            // Another command begins.
            Some(_) if matches!(word, "&&" | "||" | ";") => wanted = words.split(' ').peekable(),
            Some(_) => {}
            None => break,
        }
    }
    wanted.peek().is_none()
}

/// The permissions that a deno.json names for its tests, as options.
fn permissions_of_deno(config: &Value) -> Vec<String> {
    // Deno refuses to test without the option.
    if config["test"].get("permissions").is_some() {
        return vec!["-P".to_owned()];
    }
    let tasks = config["tasks"].as_object().into_iter().flatten();
    let commands = tasks.filter_map(|(_, task)| task.as_str().or(task["command"].as_str()));
    let is_permission = |word: &&str| {
        ["-A", "-P"].contains(word)
            || word.starts_with("--allow-")
            || word.starts_with("--permission-set")
    };
    commands
        .filter(|it| has_words(it, "deno test"))
        .map(|it| it.split_whitespace().filter(is_permission))
        .next()
        .map(|words| words.map(str::to_owned).collect())
        .unwrap_or_default()
}

/// How a tool is started where Yarn has put no modules into a folder.
fn without_modules(folder: &Folder<'_>, preset: &str) -> Option<Vec<String>> {
    folder
        .has(".pnp.cjs")
        .then(|| vec!["yarn".to_owned(), preset.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_of_deno_are_those_of_its_test_task() {
        for (config, expected) in [
            ("{}", ""),
            (r#"{ "test": { "permissions": { "read": true } } }"#, "-P"),
            (
                r#"{ "tasks": { "a": "deno run -A a.ts", "test": "deno test --allow-read=. -q -A" } }"#,
                "--allow-read=. -A",
            ),
            (
                r#"{ "tasks": { "test": { "command": "deno test -P" } } }"#,
                "-P",
            ),
        ] {
            let config = serde_json::from_str(config).unwrap();
            assert_eq!(permissions_of_deno(&config).join(" "), expected);
        }
    }

    #[test]
    fn words_of_a_script_may_have_options_between_them() {
        for (command, is_test) in [
            ("node --test", true),
            ("tsc && node --import tsx --test test/", true),
            ("node build.js && jest --test", false),
            ("node server.js", false),
            ("", false),
        ] {
            assert_eq!(has_words(command, "node --test"), is_test, "{command}");
        }
    }
}
