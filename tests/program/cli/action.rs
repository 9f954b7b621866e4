//! `testplan action` where no runner is played: what it must get right before a command begins, and after the step.

use super::plan::{PASSES, plan};
use crate::support::Stage;

/// The post step finds files by the inputs of its step, which start in the step's working directory.
#[test]
fn post_step_resolves_paths_as_the_step_did() {
    let stage = Stage::new();
    stage.write("gui/token", "canary\n");
    let lease = r#"{"v":1,"plan":1,"execution":1,"mark":"of no process"}"#;
    stage.write("held/1.json", lease);
    let post = |folder: &str| {
        let command = stage
            .command(["action", "--post"])
            .with("INPUT_WORKING-DIRECTORY", folder)
            .with("INPUT_TOKEN-FILE", "token")
            .with("INPUT_URL", "http://127.0.0.1:1")
            .with("STATE_held", stage.path("held"));
        // What it cannot give back it says, and the job goes on.
        command.run().code_is(0).stderr
    };
    let said = post("gui");
    assert!(
        said.contains("its lease expires by itself") && !said.contains("cannot read"),
        "{said}"
    );
    let said = post("elsewhere");
    assert!(said.contains("cannot read the token file"), "{said}");
}

/// A later step that reads an empty output must not take the plan for done.
#[test]
fn unwritable_github_output_is_an_error() {
    let stage = Stage::with(&plan(&[PASSES]));
    let command = stage.command(["action"]);
    let ended = command
        .with("GITHUB_OUTPUT", stage.path("no/such/file"))
        .run();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("could not be set"),
        "{}",
        ended.stderr
    );
}
