//! What a command gets, and why it does not start.

use std::{collections::HashSet, fs, process::Command};

use testplan::run::process::{ATTEMPT, spawn};

use crate::process::stage::{Stage, within};

/// Writes a file by another process: while one of ours has it open, no thread could start it.
fn put(stage: &Stage, name: &str, content: &str, mode: &str) {
    let made = Command::new("sh")
        .args([
            "-c",
            "printf '%s' \"$2\" >\"$1\" && chmod \"$3\" \"$1\"",
            "sh",
        ])
        .arg(stage.path(name))
        .args([content, mode])
        .status()
        .unwrap();
    assert!(made.success());
}

fn refusal(stage: &Stage, program: &str) -> String {
    spawn(&stage.command(&[program]), &stage.log(), 0)
        .unwrap_err()
        .to_string()
        .replace(
            stage.path("").to_str().unwrap().trim_end_matches('/'),
            "DIR",
        )
}

#[tokio::test]
async fn the_environment_is_ours_plus_what_was_asked() {
    let stage = Stage::new();
    let mut command = stage.command(&["env"]);
    command.env = vec![
        ("A".into(), "first".into()),
        ("A".into(), "x=y\nz".into()),
        ("KEPT".into(), "yes".into()),
    ];
    command.env_remove = vec!["CARGO_MANIFEST_DIR".into(), "KEPT".into()];
    let mut marks = HashSet::new();
    for _ in 0..3 {
        let mut running = spawn(&command, &stage.log(), 1 << 20).unwrap();
        within(running.wait()).await.unwrap();
        let text = stage.logged();
        assert!(
            text.contains("\nA=x=y\nz\n") || text.starts_with("A=x=y\nz\n"),
            "{text}"
        );
        assert!(text.contains("KEPT=yes\n") && text.contains("PATH="));
        assert!(!text.contains("CARGO_MANIFEST_DIR="), "{text}");
        marks.extend(
            text.lines()
                .filter(|line| line.starts_with(ATTEMPT))
                .map(str::to_owned),
        );
        fs::remove_file(stage.log()).unwrap();
    }
    assert_eq!(
        marks.len(),
        3,
        "each attempt has a mark of its own: {marks:?}"
    );
}

#[tokio::test]
async fn a_program_is_found_from_the_folder_it_runs_in() {
    let stage = Stage::new();
    fs::create_dir(stage.path("sub")).unwrap();
    put(&stage, "sub/run.sh", "#!/bin/sh\npwd\n", "755");
    let mut command = stage.command(&["./run.sh"]);
    command.cwd = Some(stage.path("sub"));
    let mut running = spawn(&command, &stage.log(), 0).unwrap();
    within(running.wait()).await.unwrap();
    assert!(stage.logged().ends_with("/sub\n"));
}

#[tokio::test]
async fn listing_command_that_does_not_start_is_explained() {
    let stage = Stage::new();
    put(&stage, "run_tests.sh", "#!/bin/sh\n", "644");
    put(&stage, "crlf.sh", "#!/bin/sh\r\necho\r\n", "755");
    put(&stage, "lost.sh", "#!/opt/no/such/python3 -u\n", "755");
    put(&stage, "plain.txt", "just text\n", "755");
    let table = [
        (
            "no-such-program-x",
            "no-such-program-x was not found in any folder of PATH: install it, or correct the command",
        ),
        (
            "run_tests.sh",
            "run_tests.sh was not found in any folder of PATH; there is one in DIR: write ./run_tests.sh",
        ),
        (
            "./run_test.sh",
            "DIR/./run_test.sh does not exist: did you mean run_tests.sh?",
        ),
        ("./zzz", "DIR/./zzz does not exist"),
        (
            "./run_tests.sh",
            "./run_tests.sh may not be executed: make it executable (chmod +x) or name its interpreter first",
        ),
        (
            "./crlf.sh",
            "DIR/./crlf.sh has Windows line endings, which its first line must not have: save it with LF",
        ),
        (
            "./lost.sh",
            "DIR/./lost.sh asks for \"/opt/no/such/python3\" in its first line, which does not exist",
        ),
        ("/", "/ is a folder"),
    ];
    for (program, message) in table {
        assert_eq!(refusal(&stage, program), message);
    }
    assert!(refusal(&stage, "./plain.txt").contains("is no program of this system"));
    assert!(refusal(&stage, "\0").contains("was not started"));
}

#[tokio::test]
async fn a_missing_folder_and_a_missing_program_have_different_errors() {
    let stage = Stage::new();
    let mut command = stage.command(&["true"]);
    command.cwd = Some(stage.path("gone"));
    let message = spawn(&command, &stage.log(), 0).unwrap_err().to_string();
    assert!(
        message.contains("its working directory") && message.ends_with("gone does not exist"),
        "{message}"
    );
    command.cwd = None;
    let message = spawn(&command, &stage.path("no/log"), 0)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("the output file") && message.contains("no/log cannot be opened"),
        "{message}"
    );
    command.argv.clear();
    assert!(spawn(&command, &stage.log(), 0).is_err());
}
