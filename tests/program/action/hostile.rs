//! Tests that try to give the runner orders, by their names and by what they print.

use std::collections::BTreeSet;

use super::runner::{Action, Event, Job, Level};
use crate::support::{PlanFile, Stage, runner_commands::all_commands};

const ORDERS: [&str; 12] = [
    "::error::forged",
    " \t::warning file=a,line=1::forged",
    "x ##[notice]forged",
    "\r::add-mask::passed\r",
    "a\n::set-output name=conclusion::forged\nb",
    "##[set-env name=A]forged",
    "::add-path::forged",
    "::stop-commands::forged",
    "::save-state name=held::/forged",
    "::group::forged",
    "%0A::error::forged",
    "::error:\u{200d}:forged",
];

#[test]
fn test_output_holds_no_workflow_commands() {
    let stage = Stage::new();
    stage.write("orders", ORDERS.join("\n"));
    let test = stage.script("test.sh", "cat orders; cat orders >&2; exit 1");
    PlanFile::run_with(&test)
        .tests("suite", ORDERS)
        .tests("::error::suite", ["t"])
        .on(&stage);
    let action = Action::ours();
    let push = Event::some_push();
    let job = Job::new(&stage, "j", &push).checked_out(&stage, &push.sha);
    let step = job
        .uses(&action)
        .with("commit-status", false)
        .with("workers", 2);
    let done = step.env("RUNNER_DEBUG", 1).run();
    assert_eq!(done.output("conclusion"), "failed", "{done}");
    assert_eq!(done.output("failed"), (ORDERS.len() + 1).to_string());

    assert_eq!(done.errors, [""; 0], "{done}");
    assert_eq!(done.masks, [""; 0], "{done}");
    assert_eq!(done.groups, [""; 0], "{done}");
    let state: Vec<&str> = done.state.keys().map(String::as_str).collect();
    assert!(
        state
            .iter()
            .all(|it| ["binary", "held", "pid"].contains(it)),
        "{state:?}"
    );
    assert!(
        !done.state.values().any(|it| it.contains("forged")),
        "{done}"
    );

    let ours: BTreeSet<&str> = ["debug", "error", "warning"].into();
    let output = format!("{}\n{}", done.stdout, done.stderr);
    assert!(
        output.contains("forged"),
        "what they print is shown: {done}"
    );
    for command in all_commands(output.as_bytes()) {
        assert!(ours.contains(command.name.as_str()), "{command:?}: {done}");
    }
    // Every one is about a test, and says so: what was forged has no title of ours.
    assert!(done.messages(Level::Error).len() > 1, "{done}");
    for annotation in &done.annotations {
        let title = annotation
            .properties
            .get("title")
            .map_or("", String::as_str);
        assert!(
            !title.is_empty() && annotation.message != "forged",
            "{annotation:?}: {done}"
        );
        assert_eq!(annotation.properties.get("file"), None, "{annotation:?}");
    }
}
