//! Reporters that select: the tests of the list run, and no others.

use super::{
    tool_project::{MOCHA, PLAYWRIGHT, Tool, ToolProject, VITEST_4, VITEST_5},
    tools::{ODD, file},
};

const TESTS: &str = "describe('S (x)', () => { it('a b', () => {}); it('a b c', () => {}); it('a', () => {}); });\n\
    describe('S (x) a', () => { it('b', () => {}); });\n\
    it('late', () => {});\n";

/// The results of what a list of names in two files selects.
fn selected(tool: Tool, names: &[(&str, &str)]) -> Option<Vec<String>> {
    let project = ToolProject::new(tool)?;
    let first = file(
        &project,
        "one",
        &format!("{TESTS}it(\"{ODD}\", () => {{}});\n"),
    );
    let second = file(&project, "two", TESTS);
    let line = |(name, test): &(&str, &str)| {
        let file = if *name == "one" { &first } else { &second };
        format!("{file}\t{test}")
    };
    let list = names.iter().map(line).collect::<Vec<_>>().join("\n");
    let call = project.run_selected(&[&first, &second], &list);
    assert!(call.stream.has_ended, "{}", call.output);
    let mut results: Vec<String> = call
        .stream
        .results
        .cases
        .iter()
        .zip(call.results())
        .map(|(case, words)| format!("{} {words}", case.classname.split('.').next().unwrap()))
        .collect();
    results.sort();
    Some(results)
}

#[test]
fn listed_tests_run_and_no_others() {
    let odd = ODD.replace("\\\"", "\"");
    for tool in [MOCHA, PLAYWRIGHT] {
        let wanted = [
            ("one", "S (x) > a b"),
            ("one", odd.as_str()),
            ("two", "late"),
            ("two", "gone"),
        ];
        let Some(results) = selected(tool, &wanted) else {
            return;
        };
        assert_eq!(
            results,
            [
                "one S (x) > a b: passed".to_owned(),
                format!("one {odd}: passed"),
                "two late: passed".to_owned()
            ]
        );
    }
}

#[test]
fn vitest_selects_by_names_in_all_files() {
    let odd = ODD.replace("\\\"", "\"");
    for tool in [VITEST_5, VITEST_4] {
        let wanted = [
            ("one", "S (x) > a b"),
            ("one", odd.as_str()),
            ("two", "gone"),
        ];
        let Some(mut results) = selected(tool, &wanted) else {
            return;
        };
        // Version 4 joins titles by blanks, so it cannot tell this test from the one that was asked for.
        results.retain(|line| !line.contains("S (x) a > b"));
        assert_eq!(
            results,
            [
                "one S (x) > a b: passed".to_owned(),
                format!("one {odd}: passed"),
                "two S (x) > a b: passed".to_owned()
            ]
        );
    }
}
