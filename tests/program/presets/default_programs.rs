//! What a preset starts where the project names no program.

use std::collections::BTreeMap;

use crate::support::skip;

use super::{
    tool::{Does, Tool, starts},
    tool_project::ToolProject,
    tools::{CUCUMBER_JS, JEST, MOCHA, PLAYWRIGHT, VITEST},
};

/// npx starts the tool of the project with all options: it keeps some for itself if its own are not ended before the tool.
fn npx_passes_options(tool: &'static Tool) {
    if !starts("npx") {
        return skip::missing("no npx on PATH");
    }
    let tests = [("one", Does::Passes), ("two", Does::Fails)];
    let Some(project) = ToolProject::new(tool, &tests) else {
        return;
    };
    project
        .stage
        .write("testplan.yml", format!("runner: {}\n", tool.preset));
    let listed = project.stage.testplan("list").run().code_is(0);
    assert!(project.take_ran().is_empty(), "{listed}");
    let (ended, outcomes) = project.run();
    let outcomes: BTreeMap<String, String> = outcomes
        .into_iter()
        .map(|(test, (outcome, _))| (test, outcome))
        .collect();
    let expected = [("one", "passed"), ("two", "failed")];
    let expected = expected.map(|(test, outcome)| ((tool.testcase)(test), outcome.to_owned()));
    assert_eq!(outcomes, BTreeMap::from(expected), "{ended}");
}

#[test]
fn npx_starts_cucumber_js_with_its_options() {
    npx_passes_options(&CUCUMBER_JS);
}

#[test]
fn npx_starts_jest_with_its_options() {
    npx_passes_options(&JEST);
}

#[test]
fn npx_starts_mocha_with_its_options() {
    npx_passes_options(&MOCHA);
}

#[test]
fn npx_starts_playwright_with_its_options() {
    npx_passes_options(&PLAYWRIGHT);
}

#[test]
fn npx_starts_vitest_with_its_options() {
    npx_passes_options(&VITEST);
}
