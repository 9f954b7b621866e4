//! The test tools that a project seems to have.

use std::{io, path::Path};

use super::{
    compiled_tools,
    found_tool::FoundTool,
    javascript_tools,
    project_files::{ProjectFiles, is_below},
    python_tools, script_tools, setup_commands,
};

/// Files that begin a project of its own, in a repository with several.
const MANIFESTS: [&str; 23] = [
    "package.json",
    "deno.json",
    "deno.jsonc",
    "pyproject.toml",
    "pytest.ini",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "requirements.txt",
    "Cargo.toml",
    "Package.swift",
    "go.mod",
    "composer.json",
    "Gemfile",
    "meson.build",
    "intro-tests.json",
    "CTestTestfile.cmake",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    "settings.gradle.kts",
    "mix.exs",
];

/// What was found in a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FoundTools {
    /// In the order of their folders.
    pub(crate) tools: Vec<FoundTool>,
    /// Tools that were seen and have no preset, or are not ready: what was seen, and what to do.
    pub(crate) notes: Vec<String>,
}

/// Looks for tools in a folder and the projects below it. `is_installed` says whether a program is on this machine.
pub(crate) fn find(root: &Path, is_installed: &dyn Fn(&str) -> bool) -> io::Result<FoundTools> {
    let files = ProjectFiles::scan(root)?;
    let mut found = FoundTools::default();
    let folders = files.folders_with(&MANIFESTS);
    for folder in &folders {
        let tools = [
            python_tools::find(folder, is_installed),
            javascript_tools::find(folder),
            compiled_tools::find(folder, is_installed),
            script_tools::find(folder),
        ];
        for tool in tools.into_iter().flatten() {
            found.add(tool);
        }
    }
    for folder in &folders {
        let is_below =
            |tool: &FoundTool| tool.folder == folder.path || is_below(&tool.folder, folder.path);
        let builds = found.tools.iter().filter(|tool| is_below(tool));
        let has_build = |name: &str| builds.clone().any(|tool| tool.tool == name);
        let notes = compiled_tools::notes(folder, has_build);
        found.notes.extend(notes);
    }
    Ok(found)
}

impl FoundTools {
    /// Adds a tool, unless it was found in a folder around: that one runs the tests below it.
    fn add(&mut self, tool: FoundTool) {
        let is_around = |outer: &FoundTool| {
            outer.folder.is_empty()
                || tool.folder == outer.folder
                || is_below(&tool.folder, &outer.folder)
        };
        let mut same = self.tools.iter().filter(|it| it.tool == tool.tool);
        if !same.any(is_around) {
            self.tools.push(tool);
        }
    }

    /// Commands that a fresh checkout needs before its tests can run, by the project's lock files.
    pub(crate) fn setup(&self, root: &Path) -> Vec<String> {
        setup_commands::of(root, &self.tools)
    }

    /// Keeps the tools of a name. Returns whether there are any.
    pub(crate) fn keep(&mut self, name: &str) -> bool {
        self.tools.retain(|tool| tool.tool == name);
        !self.tools.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::project_files::tests::project;

    /// `TOOL in FOLDER: PROGRAM ARGS (REASON)` of each.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let folder = project(files);
        let found = find(folder.path(), &|_| false).unwrap();
        let tools = found.tools.into_iter().map(|it| {
            let words = [it.program, it.args, it.paths].concat().join(" ");
            format!("{} in {:?}: {words} ({})", it.tool, it.folder, it.reason)
        });
        tools.chain(found.notes).collect()
    }

    #[test]
    fn python_projects_are_recognised() {
        assert_eq!(
            found(&[
                ("pyproject.toml", "[tool.pytest.ini_options]\n"),
                ("uv.lock", "")
            ]),
            ["pytest in \"\": uv run pytest (pyproject.toml has [tool.pytest…])"]
        );
        assert_eq!(
            found(&[("tests/test_a.py", "import os\ndef test_a():\n  pass\n")]),
            ["pytest in \"\":  (tests/test_a.py has a function test_…)"]
        );
        assert_eq!(
            found(&[
                ("setup.cfg", "[metadata]\n"),
                ("a/conftest.py", ""),
                (".venv/bin/pytest", "")
            ]),
            ["pytest in \"\": .venv/bin/pytest (a/conftest.py)"]
        );
        assert!(found(&[("a.py", "print('test_')")]).is_empty());
    }

    #[test]
    fn javascript_projects_are_recognised() {
        assert_eq!(
            found(&[
                (
                    "package.json",
                    r#"{"devDependencies":{"vitest":"5","@playwright/test":"1"}}"#
                ),
                (
                    "web/package.json",
                    r#"{"devDependencies":{"vitest":"5","jest":"30"}}"#
                ),
            ]),
            [
                "playwright in \"\":  (package.json has @playwright/test)",
                "vitest in \"\":  (package.json has vitest)",
                "jest in \"web\":  (package.json has jest)",
            ]
        );
        assert!(found(&[("package.json", "no json")]).is_empty());
    }

    #[test]
    fn tests_of_perl_find_their_module() {
        let module = ("lib/A.pm", "package A;");
        let test = ("t/a.t", "use A;");
        assert_eq!(found(&[module, test]), ["prove in \"\": -l (t/a.t)"]);
        assert_eq!(
            found(&[module, test, (".proverc", "-l")]),
            ["prove in \"\":  (t/a.t)"]
        );
    }

    #[test]
    fn tools_without_a_preset_are_noted() {
        let notes = found(&[("Package.swift", "")]);
        assert!(
            notes[0].contains("Swift") && notes[0].contains("Package.swift"),
            "{notes:?}"
        );
    }

    #[test]
    fn projects_below_have_their_own_tests() {
        assert_eq!(
            found(&[
                ("package.json", r#"{"devDependencies":{"vitest":"5"}}"#),
                ("py/requirements.txt", ""),
                ("py/tests/test_a.py", "def test_a(): pass\n"),
                ("CMakeLists.txt", "enable_testing()"),
                ("build/CTestTestfile.cmake", ""),
                ("build/sub/CTestTestfile.cmake", ""),
            ]),
            [
                "vitest in \"\":  (package.json has vitest)",
                "ctest in \"build\":  (CTestTestfile.cmake)",
                "pytest in \"py\":  (tests/test_a.py has a function test_…)",
            ]
        );
        let notes = found(&[("CMakeLists.txt", "enable_testing()")]);
        assert!(notes[0].contains("build the project"), "{notes:?}");
    }

    #[test]
    fn meson_runs_in_the_folder_of_a_build() {
        let source = ("meson.build", "project('p')\nsubdir('tests')\n");
        let notes = found(&[source, ("tests/meson.build", "test('a', a)")]);
        assert!(
            notes.len() == 1 && notes[0].contains("meson setup build"),
            "{notes:?}"
        );
        assert_eq!(
            found(&[source, ("build/meson-info/intro-tests.json", "[]")]),
            ["meson in \"build\":  (meson-info/intro-tests.json)"]
        );
    }

    #[test]
    fn modules_of_maven_and_gradle_are_one_project() {
        let (pom, module) = (("pom.xml", "<project/>"), ("core/pom.xml", "<project/>"));
        assert_eq!(found(&[pom, module]), ["maven in \"\":  (pom.xml)"]);
        let (settings, module) = (("settings.gradle.kts", ""), ("core/build.gradle.kts", ""));
        assert_eq!(
            found(&[settings, module, ("gradlew", "")]),
            ["gradle in \"\": ./gradlew (settings.gradle.kts)"]
        );
        assert_eq!(
            found(&[pom, ("mvnw", "")]),
            ["maven in \"\": ./mvnw (pom.xml)"]
        );
    }

    #[test]
    fn applications_of_elixir_are_recognised() {
        let test = |app: &str| format!("{app}test/a_test.exs");
        assert_eq!(
            found(&[("mix.exs", ""), (&test(""), "")]),
            ["exunit in \"\":  (mix.exs)"]
        );
        let umbrella = [
            ("mix.exs", ""),
            ("apps/a/mix.exs", ""),
            (&*test("apps/a/"), ""),
        ];
        assert_eq!(found(&umbrella), ["exunit in \"apps/a\":  (mix.exs)"]);
    }

    #[test]
    fn cargo_projects_are_recognised() {
        let manifest = ("Cargo.toml", "[package]");
        assert_eq!(found(&[manifest]), ["libtest in \"\":  (Cargo.toml)"]);
        assert_eq!(
            found(&[manifest, (".config/nextest.toml", "")]),
            ["nextest in \"\":  (.config/nextest.toml)"]
        );
    }

    #[test]
    fn squish_suites_are_recognised() {
        assert_eq!(
            found(&[
                ("gui/suite_a/suite.conf", "TEST_CASES=tst_a"),
                ("gui/suite_b/suite.conf", "")
            ]),
            ["squish in \"\": gui (gui/suite_a/suite.conf)"]
        );
    }
}
