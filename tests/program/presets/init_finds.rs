//! `testplan init` in a small project of each tool: it recognises the tool, and the file that it writes runs all tests.

use std::path::{Path, PathBuf};

use testplan::preset::Preset;

use super::{
    tool::{Does, Tool},
    tool_project::{ToolProject, brief},
    tools::for_each_tool,
};

/// What a project of the tool has beside its tests.
fn manifest(preset: &str) -> Option<(&'static str, &'static str)> {
    Some(match preset {
        "vitest" => (
            "package.json",
            r#"{ "devDependencies": { "vitest": "5" } }"#,
        ),
        "ava" => ("package.json", r#"{ "devDependencies": { "ava": "7" } }"#),
        "jest" => ("package.json", r#"{ "devDependencies": { "jest": "30" } }"#),
        "mocha" => (
            "package.json",
            r#"{ "devDependencies": { "mocha": "12" } }"#,
        ),
        "playwright" => (
            "package.json",
            r#"{ "devDependencies": { "@playwright/test": "1" } }"#,
        ),
        "cucumber-js" => (
            "package.json",
            r#"{ "devDependencies": { "@cucumber/cucumber": "13" } }"#,
        ),
        "node-test" => (
            "package.json",
            r#"{ "scripts": { "test": "node --test" } }"#,
        ),
        "bun" => ("package.json", r#"{ "scripts": { "test": "bun test" } }"#),
        "deno" => (
            "deno.json",
            r#"{ "tasks": { "test": "deno test --allow-all" } }"#,
        ),
        "pytest" => ("pytest.ini", "[pytest]\n"),
        "nextest" => (".config/nextest.toml", ""),
        "rspec" => (".rspec", ""),
        _ => return None,
    })
}

/// A folder with a program that starts the tool as its preset does; `None` if it is started so anyway.
fn program_folder(project: &ToolProject, preset: &Preset) -> Option<PathBuf> {
    if project.program[0] == preset.program[0] {
        return None;
    }
    let words = preset.program.len() - 1;
    let quoted = project.program.iter().map(|word| format!("'{word}'"));
    let program = quoted.collect::<Vec<_>>().join(" ");
    // Not itself, where the tool is on the path.
    let path = std::env::var("PATH").unwrap();
    // The script begins in the folder of the project.
    let text =
        format!("cd \"$OLDPWD\" || exit 99\nshift {words}\nPATH='{path}' exec {program} \"$@\"\n");
    let script = project
        .stage
        .script(&format!(".bin/{}", preset.program[0]), &text);
    script.parent().map(ToOwned::to_owned)
}

fn init_finds(tool: &'static Tool) {
    let preset = Preset::named(tool.preset).unwrap();
    // A test program of the project is not recognised, and pytest has two modes.
    if preset.program.is_empty() || tool.mode == "session" {
        return;
    }
    let tests = [
        ("c1", Does::Passes),
        ("c2", Does::Fails),
        ("c3", Does::Passes),
    ];
    let Some(project) = ToolProject::new(tool, &tests) else {
        return;
    };
    if let Some((name, text)) = manifest(tool.preset) {
        project.stage.write(name, text);
    }
    let folder = program_folder(&project, preset);
    let path = std::env::var("PATH").unwrap();
    // With it, a Cargo.toml means nextest.
    let has_nextest = |folder: &&str| Path::new(folder).join("cargo-nextest").exists();
    let path = match tool.preset {
        "libtest" => {
            let folders = path.split(':').filter(|folder| !has_nextest(folder));
            folders.collect::<Vec<_>>().join(":")
        }
        _ => path,
    };
    let path = match folder {
        Some(folder) => format!("{}:{path}", folder.display()),
        None => path,
    };
    let ended = project
        .stage
        .testplan("init")
        .flags("--yes")
        .with("PATH", &path)
        .start()
        .end_within(project.patience());
    assert_eq!(ended.code, Some(0), "{ended}");
    let lists = format!("{} lists 3 tests", tool.preset);
    assert!(ended.stderr.contains(&lists), "{ended}");
    for mode in ["batch", "single"] {
        let line = ended
            .stderr
            .lines()
            .find(|line| line.trim_start().starts_with(mode));
        assert!(
            line.is_some_and(|line| line.contains("ran ")),
            "{mode}: {ended}"
        );
    }
    let text = project.stage.read("testplan.yml");
    assert!(text.lines().count() <= 15, "{text}");
    let _ = project.take_ran();

    let run = project.command().with("PATH", &path).start();
    let ended = run.end_within(project.patience());
    assert_eq!(ended.code, Some(1), "{ended}");
    let outcomes = project.outcomes(&ended);
    let expected = [("c1", "passed"), ("c2", "failed"), ("c3", "passed")]
        .map(|(name, outcome)| format!("{}: {outcome}", (tool.testcase)(name)));
    assert_eq!(brief(&outcomes), expected, "{ended}");
}

for_each_tool!(init_writes_a_file_that_runs, init_finds);
