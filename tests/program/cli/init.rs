//! `testplan init`.

use crate::support::{Ended, Stage, skip};

/// A project with pytest and two files of tests; `None` if pytest is not there.
fn pytest_project() -> Option<Stage> {
    let python = std::env::var("TESTPLAN_PYTEST").ok();
    let Some(python) = python.filter(|path| !path.is_empty()) else {
        skip::missing("no TESTPLAN_PYTEST");
        return None;
    };
    let stage = Stage::new();
    std::fs::create_dir_all(stage.path(".venv/bin")).unwrap();
    let pytest = std::path::Path::new(&python).with_file_name("pytest");
    std::os::unix::fs::symlink(pytest, stage.path(".venv/bin/pytest")).unwrap();
    stage.write(
        "tests/test_a.py",
        "def test_a(): pass\ndef test_b(): assert 0\n",
    );
    stage.write("tests/test_b.py", "def test_c(): pass\n");
    Some(stage)
}

fn init(stage: &Stage, flags: &str) -> Ended {
    stage.testplan("init").flags(flags).run()
}

#[test]
fn init_writes_a_file_that_runs_all_tests() {
    let Some(stage) = pytest_project() else {
        return;
    };
    let ended = init(&stage, "");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stderr.contains("pytest lists 3 tests"), "{ended}");
    for mode in ["session", "batch"] {
        let line = ended
            .stderr
            .lines()
            .find(|line| line.trim_start().starts_with(mode));
        assert!(line.unwrap().contains("ran 2 tests"), "{ended}");
    }
    let text = stage.read("testplan.yml");
    assert!(
        text.lines().count() <= 15 && text.contains(".venv/bin/pytest"),
        "{text}"
    );
    assert!(
        !stage.path("testplan-out").exists(),
        "the proof leaves nothing behind"
    );

    let ended = stage.testplan("run").flags("--workers 2").run();
    assert_eq!(ended.code, Some(1), "{ended}");
    assert!(
        ended.stderr.contains("3 tests") && ended.stderr.contains("1 failed, 2 passed"),
        "{ended}"
    );
}

#[test]
fn init_changes_no_file_that_is_there() {
    let Some(stage) = pytest_project() else {
        return;
    };
    stage.write("testplan.yml", "runner: jest\n");
    let ended = init(&stage, "");
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(ended.stderr.contains("is there already"), "{ended}");
    let ended = init(&stage, "--dry-run");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stdout.contains("preset: pytest"), "{ended}");
    assert_eq!(stage.read("testplan.yml"), "runner: jest\n");
    std::fs::remove_file(stage.path("testplan.yml")).unwrap();
    stage.write("Jenkinsfile", "mine");
    let ended = init(&stage, "--ci jenkins");
    assert_eq!(ended.code, Some(2), "{ended}");
    assert_eq!(stage.read("Jenkinsfile"), "mine");
    assert!(
        !stage.path("testplan.yml").exists(),
        "neither of both is written"
    );
}

#[test]
fn init_leaves_out_tools_that_do_not_start() {
    let Some(stage) = pytest_project() else {
        return;
    };
    stage.write("web/package.json", r#"{"devDependencies":{"vitest":"5"}}"#);
    // npx asks the registry for what is not there.
    let ended = stage
        .testplan("init")
        .flags("--yes")
        .with("npm_config_offline", "true")
        .run();
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stderr.contains("left out vitest in web"), "{ended}");
    assert!(
        stage
            .read("testplan.yml")
            .contains("\nrunner:\n  preset: pytest\n"),
        "{ended}"
    );
}

#[test]
fn init_without_a_tool_writes_nothing() {
    let stage = Stage::new();
    stage.write("Package.swift", "// swift-tools-version: 6.0");
    let ended = init(&stage, "");
    assert_eq!(ended.code, Some(4), "{ended}");
    assert!(
        ended.stderr.contains("Package.swift") && ended.stderr.contains("--preset"),
        "{ended}"
    );
    let ended = init(&stage, "--preset jst");
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(ended.stderr.contains("did you mean jest?"), "{ended}");
    assert!(!stage.path("testplan.yml").exists());
}

/// Each is checked by the system's own schema elsewhere; here that all templates are in it.
#[test]
fn ci_files_run_each_template() {
    let stage = Stage::new();
    stage.write(
        "package.json",
        r#"{"devDependencies":{"vitest":"5","@playwright/test":"1"}}"#,
    );
    stage.write("package-lock.json", "{}");
    for system in ["github", "gitlab", "jenkins", "azure"] {
        let ended = init(&stage, &format!("--dry-run --ci {system}"));
        assert_eq!(ended.code, Some(0), "{ended}");
        for part in ["vitest", "playwright", "npm ci", "npx playwright install"] {
            assert!(ended.stdout.matches(part).count() > 0, "{part}: {ended}");
        }
    }
}
