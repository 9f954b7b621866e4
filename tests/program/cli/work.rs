//! Test tools that cannot be started: the run goes to its end and says for each test why.

use super::plan::{PASSES, plan};
use crate::support::Stage;

fn could_not_run(stage: &Stage, says: &[&str]) {
    let ended = stage.run(["run"]);
    assert_eq!(ended.code, Some(3), "{ended:#?}");
    assert_eq!(ended.stdout, "");
    for part in says {
        assert!(
            ended.stderr.contains(part),
            "not said: {part:?}: {ended:#?}"
        );
    }
    assert!(ended.stderr.contains("1 could not run"), "{ended:#?}");
    assert!(stage.read("testplan-out/junit.xml").contains("<error"));
}

fn with_command(command: &str) -> Stage {
    let lines: Vec<String> = plan(&[PASSES])
        .lines()
        .map(|line| {
            if line.trim_start().starts_with("command:") {
                format!("  command: {command}")
            } else {
                line.to_owned()
            }
        })
        .collect();
    Stage::with(&(lines.join("\n") + "\n"))
}

#[test]
fn missing_runner_command_is_named() {
    let stage = with_command("[no-such-tool, \"{testcase}\"]");
    could_not_run(&stage, &["no-such-tool", "PATH"]);
    let stage = with_command("[./tools/sqiushrunner, \"{testcase}\"]");
    stage.write("tools/squishrunner", "");
    could_not_run(
        &stage,
        &["sqiushrunner does not exist", "did you mean squishrunner?"],
    );
}

#[cfg(unix)]
#[test]
fn non_executable_runner_command_is_named() {
    let stage = with_command("[./tool, \"{testcase}\"]");
    stage.write("tool", "#!/bin/sh\n");
    could_not_run(&stage, &["tool may not be executed", "chmod +x"]);
}

#[test]
fn missing_working_directory_is_named() {
    let text = plan(&[PASSES]).replace("  results:", "  working-directory: nowhere\n  results:");
    could_not_run(
        &Stage::with(&text),
        &["working directory", "nowhere", "does not exist"],
    );
}
