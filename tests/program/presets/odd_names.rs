//! Names that a pattern, a list, a filter or a command line could mistake: the listing has them all, and each test is run by
//! its own name, with the others and alone.

use super::{
    tool::{Does, Tool},
    tool_project::ToolProject,
    tools::for_each_tool,
};

/// Each of them is nearly that of another test.
const ALONE: [&str; 2] = ["it's \"q\" \\ `b` <c> &amp; #", "x > y"];

const NAMES: [&str; 14] = [
    "plain",
    "plain 2",
    "Plain",
    "a b",
    "a-b",
    "[1-b] (c|d) {e}",
    "$^.* + ?",
    "it's \"q\" \\ `b` <c> &amp; #",
    "with :: and, comma / slash; %s %d",
    "ü 日本 🎉",
    "x > y",
    "x y",
    "x › y",
    "-k=~1",
];

fn check(tool: &'static Tool) {
    let long = "l".repeat(300);
    let names = NAMES.iter().copied().chain([long.as_str()]);
    let names: Vec<&str> = names.filter(|it| (tool.can_have)(it)).collect();
    let tests: Vec<(&str, Does)> = names.iter().map(|name| (*name, Does::Passes)).collect();
    let Some(project) = ToolProject::new(tool, &tests) else {
        return;
    };
    let own = project.own_run();
    assert_eq!(own.len(), names.len());

    project.plan(tool.mode, None);
    let (ended, outcomes) = project.run();
    let listed: Vec<&String> = outcomes.keys().collect();
    assert_eq!(listed, own.iter().collect::<Vec<_>>(), "{ended}");
    let selectable: Vec<&String> = own.iter().filter(|it| !(tool.refuses)(it)).collect();
    let ran = project.take_ran();
    assert_eq!(ran.iter().collect::<Vec<_>>(), selectable, "{outcomes:#?}");
    for (name, (outcome, why)) in &outcomes {
        if (tool.refuses)(name) {
            assert_eq!(outcome, "error", "{name}: {why}");
            assert!(why.contains("cannot be selected"), "{why}");
        } else {
            assert_eq!(outcome, "passed", "{name}: {why}");
        }
    }
    // How many tests a call gets follows from what they and a start took.
    let calls = project.calls();
    assert!(
        calls <= names.len() / 2,
        "{calls} calls do not share processes: {ended}"
    );

    // A start of a tool takes up to three seconds.
    let alone = ALONE.map(tool.testcase);
    // pytest escapes backslashes.
    let is_alone = |name: &String| alone.contains(name) || name.contains(" `b` <c>");
    let few: Vec<String> = own
        .into_iter()
        .filter(|it| !(tool.refuses)(it) && is_alone(it))
        .collect();
    assert_eq!(few.len(), 2, "{few:?}");
    project.plan("single", Some(&few));
    let (ended, outcomes) = project.run();
    let mut ran = project.take_ran();
    if ["bun", "jest", "node-test"].contains(&tool.preset) {
        // Their patterns do not tell groups from blanks; results of tests that were not asked for do not count.
        ran.retain(|it| it != "x y");
    }
    assert_eq!(ran, few, "{ended}\n{outcomes:#?}");
    assert!(
        outcomes.values().all(|it| it.0 == "passed"),
        "{outcomes:#?}"
    );
    assert_eq!(project.calls(), few.len());
}

for_each_tool!(odd_names_are_listed_and_selected_exactly, check);
