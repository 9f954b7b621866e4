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
        maven(folder),
        gradle(folder),
        exunit(folder),
        squish(folder),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a build of Meson writes about its tests.
const MESON_TESTS: &str = "intro-tests.json";

/// What was seen and cannot be used as it is.
/// `has_build`: whether there is a folder of a build of this tool.
pub(super) fn notes(folder: &Folder<'_>, has_build: impl Fn(&str) -> bool) -> Vec<String> {
    let mut notes = Vec::new();
    let here = |name: &str| match folder.path {
        "" => name.to_owned(),
        path => format!("{path}/{name}"),
    };
    if folder.has("Package.swift") {
        notes.push(format!(
            "{}: testplan has no preset for Swift; write `runner: {{ command: [...] }}`, as docs/testplan-yml.md shows",
            here("Package.swift")
        ));
    }
    let cmake = folder.text("CMakeLists.txt").unwrap_or_default();
    let has_tests = cmake.contains("enable_testing") || cmake.contains("include(CTest)");
    if has_tests && !has_build("ctest") {
        notes.push(format!(
            "{} has tests, and no folder of a build: configure and build the project, then run `testplan init` again",
            here("CMakeLists.txt")
        ));
    }
    let meson = folder.text("meson.build").unwrap_or_default();
    if meson.contains("project(") && !has_build("meson") {
        notes.push(format!(
            "{}: no folder of a build: run `meson setup build` and `meson compile -C build`, then `testplan init` again",
            here("meson.build")
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

/// It runs in the folder of a build, whose `meson-info` has the file.
fn meson(folder: &Folder<'_>) -> Option<FoundTool> {
    let build = match folder.path {
        "meson-info" => "",
        path => path.strip_suffix("/meson-info")?,
    };
    let file = folder.first_of(&[MESON_TESTS])?;
    let mut tool = FoundTool::of("meson", folder, format!("meson-info/{file}"))?;
    build.clone_into(&mut tool.folder);
    Some(tool)
}

/// A project is built with that around it.
fn gradle(folder: &Folder<'_>) -> Option<FoundTool> {
    let file = folder.first_of(&[
        "settings.gradle",
        "settings.gradle.kts",
        "build.gradle",
        "build.gradle.kts",
    ])?;
    let wrapper = folder.first_of(&["gradlew"]);
    let wrapper = wrapper.map(|name| vec![format!("./{name}")]);
    Some(FoundTool::of("gradle", folder, file)?.started_as(wrapper))
}

/// An umbrella has an application in each of its folders, and no tests itself.
fn exunit(folder: &Folder<'_>) -> Option<FoundTool> {
    let is_test = |file: &str| file.starts_with("test/") && file.ends_with("_test.exs");
    let has_tests = folder.has("mix.exs") && folder.files().any(is_test);
    has_tests.then(|| FoundTool::of("exunit", folder, "mix.exs"))?
}

/// A module is built with the project around it.
fn maven(folder: &Folder<'_>) -> Option<FoundTool> {
    let tool = FoundTool::of("maven", folder, folder.first_of(&["pom.xml"])?)?;
    let wrapper = folder.first_of(&["mvnw"]);
    Some(tool.started_as(wrapper.map(|name| vec![format!("./{name}")])))
}

fn squish(folder: &Folder<'_>) -> Option<FoundTool> {
    let is_suite = |file: &&str| base_name(file) == "suite.conf" && file.contains("suite_");
    let file = folder.files().find(is_suite)?;
    let mut tool = FoundTool::of(SQUISH, folder, file)?;
    let suites = first_folder(file).filter(|first| !first.starts_with("suite_"));
    tool.paths = suites.map(str::to_owned).into_iter().collect();
    Some(tool)
}
