//! `testplan action` where no runner is played: what it must get right before a command begins, and after the step.

use super::{
    plan::{PASSES, plan},
    support::{Desk, run},
};

/// The post step finds files by the inputs of its step, which start in the step's working directory.
#[test]
fn relative_paths_of_the_post_step_start_where_the_step_did() {
    let desk = Desk::new();
    desk.write("gui/token", "canary\n");
    desk.write("held/none.txt", "");
    let post = |folder: &str| {
        let mut command = desk.testplan(&["action", "--post"]);
        command
            .env("INPUT_WORKING-DIRECTORY", folder)
            .env("INPUT_TOKEN-FILE", "token")
            .env("INPUT_URL", "http://127.0.0.1:1")
            .env("STATE_held", desk.path("held"));
        run(&mut command)
    };
    let ended = post("gui");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ended = post("elsewhere");
    assert_eq!(
        ended.code,
        Some(2),
        "a token that is not there: {}",
        ended.stderr
    );
}

/// A later step that reads an empty output must not take the plan for done.
#[test]
fn an_output_that_cannot_be_set_is_no_success() {
    let desk = Desk::with(&plan(&[PASSES]));
    let mut command = desk.testplan(&["action"]);
    command.env("GITHUB_OUTPUT", desk.path("no/such/file"));
    let ended = run(&mut command);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("could not be set"),
        "{}",
        ended.stderr
    );
}
