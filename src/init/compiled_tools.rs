//! Recognises test tools of compiled languages, and those of Squish suites.

use super::{
    found_tool::{FoundTool, SQUISH},
    project_files::{Folder, base_name, first_folder},
};

pub(super) fn find(folder: &Folder<'_>, is_installed: &dyn Fn(&str) -> bool) -> Vec<FoundTool> {
    [
        cargo(folder, is_installed),
        go(folder),
        ctest(folder),
        meson(folder),
        squish(folder),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What was seen and cannot be used as it is.
/// `has_build`: there is the folder of a build.
pub(super) fn notes(folder: &Folder<'_>, has_build: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let here = |name: &str| match folder.path {
        "" => name.to_owned(),
        path => format!("{path}/{name}"),
    };
    let without_preset = [
        ("pom.xml", "Maven"),
        ("build.gradle", "Gradle"),
        ("build.gradle.kts", "Gradle"),
        ("mix.exs", "ExUnit"),
        ("Package.swift", "Swift"),
    ];
    for (name, tool) in without_preset {
        if folder.has(name) {
            notes.push(format!(
                "{}: testplan has no preset for {tool}; write `runner: {{ command: [...] }}`, as docs/testplan-yml.md shows",
                here(name)
            ));
        }
    }
    let cmake = folder.text("CMakeLists.txt").unwrap_or_default();
    let has_tests = cmake.contains("enable_testing") || cmake.contains("include(CTest)");
    if has_tests && !has_build {
        notes.push(format!(
            "{} has tests, and no folder of a build: configure and build the project, then run `testplan init` again",
            here("CMakeLists.txt")
        ));
    }
    notes
}

fn cargo(folder: &Folder<'_>, is_installed: &dyn Fn(&str) -> bool) -> Option<FoundTool> {
    if !folder.has("Cargo.toml") {
        return None;
    }
    if let Some(file) = folder.first_of(&[".config/nextest.toml"]) {
        return FoundTool::of("nextest", folder, file);
    }
    if is_installed("cargo-nextest") {
        return FoundTool::of(
            "nextest",
            folder,
            "Cargo.toml, and cargo-nextest is installed",
        );
    }
    FoundTool::of("libtest", folder, "Cargo.toml")
        .or_else(|| FoundTool::of("nextest", folder, "Cargo.toml"))
}

fn go(folder: &Folder<'_>) -> Option<FoundTool> {
    let is_test = |file: &str| file.ends_with("_test.go");
    let has_tests = folder.has("go.mod") && folder.files().any(is_test);
    has_tests
        .then(|| FoundTool::of("go", folder, "go.mod"))
        .flatten()
}

/// The folder of a build has the file, and those below it have more of them.
fn ctest(folder: &Folder<'_>) -> Option<FoundTool> {
    let file = "CTestTestfile.cmake";
    folder
        .has(file)
        .then(|| FoundTool::of("ctest", folder, file))?
}

fn meson(folder: &Folder<'_>) -> Option<FoundTool> {
    let text = folder.text("meson.build")?;
    text.contains("test(")
        .then(|| FoundTool::of("meson", folder, "meson.build has tests"))?
}

fn squish(folder: &Folder<'_>) -> Option<FoundTool> {
    let is_suite = |file: &&str| base_name(file) == "suite.conf" && file.contains("suite_");
    let file = folder.files().find(is_suite)?;
    let mut tool = FoundTool::of(SQUISH, folder, file)?;
    let suites = first_folder(file).filter(|first| !first.starts_with("suite_"));
    tool.paths = suites.map(str::to_owned).into_iter().collect();
    Some(tool)
}
