//! What a fresh checkout needs before its tests can run, by the lock files that it has.

use std::path::Path;

use super::found_tool::FoundTool;

/// Lock files with the command that installs what they name, the surer ones first; one of each language.
const LANGUAGES: [&[(&str, &str)]; 5] = [
    &[
        ("uv.lock", "python3 -m pip install uv && uv sync"),
        (
            "poetry.lock",
            "python3 -m pip install poetry && poetry install",
        ),
        (
            "requirements-dev.txt",
            "python3 -m pip install --requirement requirements-dev.txt",
        ),
        (
            "requirements.txt",
            "python3 -m pip install --requirement requirements.txt",
        ),
    ],
    &[
        (
            "pnpm-lock.yaml",
            "corepack enable && pnpm install --frozen-lockfile",
        ),
        ("yarn.lock", "corepack enable && yarn install --immutable"),
        ("package-lock.json", "npm ci"),
        ("package.json", "npm install"),
    ],
    &[("Gemfile.lock", "bundle install")],
    &[("composer.json", "composer install")],
    &[("mix.exs", "mix local.hex --force && mix deps.get")],
];

pub(super) fn of(root: &Path, tools: &[FoundTool]) -> Vec<String> {
    let mut folders: Vec<&str> = vec![""];
    for tool in tools {
        if !folders.contains(&tool.folder.as_str()) {
            folders.push(&tool.folder);
        }
    }
    let mut commands = Vec::new();
    for folder in folders {
        for files in LANGUAGES {
            let mut files = files.iter();
            let found = files.find(|(file, _)| root.join(folder).join(file).is_file());
            if let Some((_, command)) = found {
                commands.push(match folder {
                    "" => (*command).to_owned(),
                    folder => format!("(cd '{folder}' && {command})"),
                });
            }
        }
    }
    if tools.iter().any(|tool| tool.tool == "playwright") {
        commands.push("npx playwright install --with-deps".to_owned());
    }
    commands
}
