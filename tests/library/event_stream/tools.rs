//! The reporters in the real tools: every kind of result, and what is left of a process that ends too early.

use testplan::reporter::ReportedTool;

use super::tool_project::{
    CUCUMBER, Call, JEST, MOCHA, NODE_TEST, PLAYWRIGHT, Tool, ToolProject, VITEST_4, VITEST_5,
};

/// A name that would break a command line, a pattern or a list.
pub(crate) const ODD: &str = "odd 'q' \\\"d\\\" [1-b] (c|d), $^.* :: ü 日本 {x} > y › z";

/// What a file of tests begins with, and its extension.
fn language(tool: Tool) -> (&'static str, &'static str) {
    match tool.reported {
        ReportedTool::Vitest => (
            "import { describe, it, beforeAll, beforeEach, afterEach } from 'vitest'; import fs from 'node:fs';\n",
            ".test.mjs",
        ),
        ReportedTool::Jest => ("const fs = require('fs');\n", ".test.js"),
        ReportedTool::Mocha => (
            "const fs = require('fs'); const beforeAll = before;\n",
            ".spec.cjs",
        ),
        ReportedTool::NodeTest => (
            "const { describe, it, before: beforeAll, beforeEach, afterEach } = require('node:test'); const fs = require('fs');\n",
            ".test.cjs",
        ),
        ReportedTool::Playwright => (
            "const { test } = require('@playwright/test'); const fs = require('fs'); const it = test, describe = test.describe, { beforeAll, beforeEach, afterEach } = test;\n",
            ".spec.js",
        ),
        // Those of other languages have no project here.
        _ => ("", ".feature"),
    }
}

/// Writes a file of tests and returns its name.
pub(crate) fn file(project: &ToolProject, name: &str, text: &str) -> String {
    let (head, extension) = language(project.tool);
    let name = format!("{name}{extension}");
    project.write(&name, &format!("{head}{text}"));
    name
}

/// Runs one file with every kind of result.
fn results(tool: Tool, more: &str) -> Option<(Vec<String>, Call)> {
    let project = ToolProject::new(tool)?;
    let text = format!(
        "describe('S (x)', () => {{\n\
         it('passes', () => {{}});\n\
         it('fails', () => {{ throw new Error('boom'); }});\n\
         it.skip('is skipped', () => {{}});\n\
         it(\"{ODD}\", () => {{}});\n\
         {more}\n}});\n\
         describe('B', () => {{ beforeAll(() => {{ throw new Error('in before'); }}); it('t1', () => {{}}); it('t2', () => {{}}); }});\n\
         describe('E', () => {{ beforeEach(() => {{ throw new Error('in each'); }}); it('t1', () => {{}}); }});\n\
         describe('A', () => {{ afterEach(() => {{ throw new Error('in after'); }}); it('t1', () => {{}}); }});\n"
    );
    let name = file(&project, "all", &text);
    let call = project.run(&[&name]);
    assert!(call.stream.has_ended, "{}", project.events());
    assert_eq!(call.stream.damaged_lines, 0, "{}", project.events());
    assert!(call.suspects().is_empty(), "{:?}", call.suspects());
    assert!(call.stream.open_files.is_empty());
    assert!(
        call.stream
            .results
            .cases
            .iter()
            .all(|case| case.classname == name),
        "{:?}",
        call.stream.results.cases
    );
    assert_ne!(call.exit, Some(0), "{}", call.output);
    Some((call.results(), call))
}

fn odd() -> String {
    format!("S (x) > {}: passed", ODD.replace("\\\"", "\""))
}

/// Asserts that these results are there, each once, and no others.
fn assert_results(found: &[String], expected: &[&str]) {
    let mut found = found.to_vec();
    let mut expected: Vec<String> = expected.iter().map(|&it| it.to_owned()).collect();
    expected.push(odd());
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

const DUPLICATES: &str = "it('dup', () => {}); it('dup', () => { throw new Error('second'); });";

#[test]
fn vitest_results_are_streamed() {
    let more = format!(
        "{DUPLICATES} it.todo('is todo'); let n = 0; it('flaky', {{ retry: 2 }}, () => {{ if (n++ < 1) throw new Error('x'); }}); it('says why', (c) => c.skip('why'));"
    );
    for tool in [VITEST_5, VITEST_4] {
        let Some((found, _)) = results(tool, &more) else {
            return;
        };
        assert_results(
            &found,
            &[
                "S (x) > passes: passed",
                "S (x) > fails: failed boom",
                "S (x) > is skipped: skipped",
                "S (x) > is todo: skipped todo",
                "S (x) > says why: skipped why",
                "S (x) > flaky: flaky",
                "S (x) > dup: passed",
                "S (x) > dup: failed second",
                "E > t1: failed in each",
                "A > t1: failed in after",
                "(outside any test case) B: error all.test.mjs in before",
            ],
        );
    }
}

#[test]
fn jest_results_are_streamed() {
    let more = format!("{DUPLICATES} it.todo('is todo');");
    let Some((found, _)) = results(JEST, &more) else {
        return;
    };
    assert_results(
        &found,
        &[
            "S (x) > passes: passed",
            "S (x) > fails: failed Error: boom",
            "S (x) > is skipped: skipped",
            "S (x) > is todo: skipped todo",
            "S (x) > dup: passed",
            "S (x) > dup: failed Error: second",
            "B > t1: failed Error: in before",
            "B > t2: failed Error: in before",
            "E > t1: failed Error: in each",
            "A > t1: failed Error: in after",
        ],
    );
}

#[test]
fn jest_attempts_are_told_from_tests_of_one_name() {
    let Some(project) = ToolProject::new(JEST) else {
        return;
    };
    let name = file(
        &project,
        "retry",
        "jest.retryTimes(2); let n = 0, m = 0;\n\
         it('flaky', () => { if (n++ < 1) throw new Error('once'); });\n\
         it('dup', () => {}); it('dup', () => { if (m++ < 2) throw new Error('twice'); });\n\
         it('never', () => { throw new Error('always'); });\n\
         describe('after all', () => { afterAll(() => { throw new Error('late'); }); it('t', () => {}); });\n",
    );
    let call = project.run(&[&name]);
    assert_eq!(
        call.results(),
        [
            "flaky: flaky",
            "dup: passed",
            "dup: flaky",
            "never: failed Error: always",
            "after all > t: passed",
            "(outside any test case): error retry.test.js Error: late"
        ]
    );
    assert!(call.suspects().is_empty() && call.stream.has_ended);
}

#[test]
fn mocha_results_are_streamed() {
    let more = format!(
        "{DUPLICATES} it('is todo'); let n = 0; it('flaky', function () {{ this.retries(2); if (n++ < 1) throw new Error('x'); }});"
    );
    let Some((found, _)) = results(MOCHA, &more) else {
        return;
    };
    assert_results(
        &found,
        &[
            "S (x) > passes: passed",
            "S (x) > fails: failed boom",
            "S (x) > is skipped: skipped",
            "S (x) > is todo: skipped",
            "S (x) > flaky: flaky",
            "S (x) > dup: passed",
            "S (x) > dup: failed second",
            "E > t1: failed \"before each\" hook for \"t1\": in each",
            "A > t1: failed \"after each\" hook for \"t1\": in after",
            "(outside any test case) B: error all.spec.cjs \"before all\" hook for \"t1\": in before",
            "(outside any test case) E: error all.spec.cjs \"before each\" hook for \"t1\": in each",
            "(outside any test case) A: error all.spec.cjs \"after each\" hook for \"t1\": in after",
        ],
    );
}

#[test]
fn node_test_results_are_streamed() {
    let more = format!(
        "{DUPLICATES} it('is todo', {{ todo: true }}, () => {{ throw new Error('x'); }}); it('says why', {{ skip: 'why' }}, () => {{}});\n\
         it('parent', async (t) => {{ await t.test('step', () => {{}}); await t.test('bad step', () => {{ throw new Error('in step'); }}); }});"
    );
    let Some((found, _)) = results(NODE_TEST, &more) else {
        return;
    };
    let cancelled = "failed test did not finish before its parent and was cancelled";
    assert_results(
        &found,
        &[
            "S (x) > passes: passed",
            "S (x) > fails: failed boom",
            "S (x) > is skipped: skipped",
            "S (x) > is todo: skipped todo",
            "S (x) > says why: skipped why",
            "S (x) > dup: passed",
            "S (x) > dup: failed second",
            "S (x) > parent > step: passed",
            "S (x) > parent > bad step: failed in step",
            "S (x) > parent: failed 1 subtest failed",
            &format!("B > t1: {cancelled}"),
            &format!("B > t2: {cancelled}"),
            "E > t1: failed in each",
            "A > t1: failed in after",
            "(outside any test case) B: error all.test.cjs in before",
        ],
    );
}

#[test]
fn playwright_file_ends_after_the_retries_of_its_groups() {
    let Some(project) = ToolProject::new(PLAYWRIGHT) else {
        return;
    };
    let head = "const { test } = require('@playwright/test');";
    // The third test does not run until the retry of the second one has passed.
    let group = "test.describe.configure({ mode: 'serial', retries: 1 }); test('first', () => {}); test('second', ({}, info) => { if (info.retry < 1) throw new Error('x'); }); test('third', () => {});";
    project.write("a.spec.cjs", &format!("{head} {group}"));
    project.write("b.spec.cjs", &format!("{head} test('last', () => {{}});"));
    let call = project.run(&[]);
    assert_eq!(
        call.results(),
        [
            "first: passed",
            "second: flaky",
            "third: passed",
            "last: passed"
        ]
    );
    let events = project.events();
    let ends = events.matches("file_end").count();
    assert_eq!((call.exit, ends), (Some(0), 2), "{events}");
}

#[test]
fn playwright_results_are_streamed() {
    let more = "it('says why', () => { test.skip(true, 'why'); }); it('fails as it should', () => { test.fail(); throw new Error('x'); }); it('should fail', () => { test.fail(); });\n\
         describe('R', () => { test.describe.configure({ retries: 2 }); it('flaky', ({}, info) => { if (info.retry < 1) throw new Error('x'); }); });";
    let Some((found, _)) = results(PLAYWRIGHT, more) else {
        return;
    };
    assert_results(
        &found,
        &[
            "S (x) > passes: passed",
            "S (x) > fails: failed Error: boom",
            "S (x) > is skipped: skipped",
            "S (x) > says why: skipped why",
            "S (x) > fails as it should: passed",
            "S (x) > should fail: failed expected to be failed, but passed",
            "S (x) > R > flaky: flaky",
            // The second test of the group did not run, so it has no result.
            "B > t1: failed Error: in before",
            "E > t1: failed Error: in each",
            "A > t1: failed Error: in after",
        ],
    );
}

const STEPS: &str = "const { Given } = require('@cucumber/cucumber'); const fs = require('fs'); let n = 0;\n\
    Given('ok', () => {}); Given('bad', () => { throw new Error('boom'); }); Given('pending', () => 'pending');\n\
    Given('skipped', () => 'skipped'); Given('flaky', () => { if (n++ < 1) throw new Error('x'); });\n\
    Given('row {int}', (number) => {}); Given('exit', () => process.exit(0)); Given('wait', () => new Promise(() => setTimeout(() => {}, 1e6)));\n";

#[test]
fn cucumber_results_are_streamed() {
    let Some(project) = ToolProject::new(CUCUMBER) else {
        return;
    };
    project.write("steps.js", STEPS);
    let odd = ODD.replace("\\\"", "\"");
    let name = file(
        &project,
        "all",
        &format!(
            "Feature: F > (x)\n  Scenario: passes\n    Given ok\n  Scenario: fails\n    Given bad\n  Scenario: undefined\n    Given gone\n\
             \x20 Scenario: pending\n    Given pending\n  Scenario: skipped\n    Given skipped\n  @retry\n  Scenario: flaky\n    Given flaky\n\
             \x20 Scenario: {odd}\n    Given ok\n  Scenario: dup\n    Given ok\n  Scenario: dup\n    Given bad\n\
             \x20 Rule: R\n    Scenario Outline: out <x>\n      Given row <x>\n      Examples:\n        | x |\n        | 1 |\n        | 2 |\n"
        ),
    );
    let call = project.run(&["--retry", "1", "--retry-tag-filter", "@retry", &name]);
    assert_eq!(
        call.results(),
        [
            "F > (x) > passes: passed",
            "F > (x) > fails: failed Error: boom",
            "F > (x) > undefined: failed a step is undefined",
            "F > (x) > skipped: skipped",
            "F > (x) > flaky: flaky",
            &format!("F > (x) > {odd}: passed"),
            "F > (x) > dup: passed",
            "F > (x) > dup: failed Error: boom",
            "F > (x) > R > out 1: passed",
            "F > (x) > R > out 2: passed"
        ]
    );
    // Whether the pending one counts as failed, the end of such a run does not show.
    assert!(call.stream.has_ended && call.suspects().is_empty());
    assert_eq!(call.stream.results.cases[9].line, Some(27));
    // A file that cannot be read, and a process that a step ends.
    project.write("bad.feature", "no gherkin");
    let call = project.run(&["bad.feature"]);
    assert!(!call.stream.has_ended && call.results()[0].contains("error bad.feature (1:1)"));
    let early = "Feature: F\n  Scenario: c1\n    Given ok\n  Scenario: c2\n    Given exit\n  Scenario: c3\n    Given ok\n";
    project.write("early.feature", early);
    let call = project.run(&["early.feature"]);
    assert_eq!(
        (call.exit, call.results()),
        (Some(0), vec!["F > c1: passed".to_owned()])
    );
    assert_eq!(call.suspects(), ["F > c2"]);
    assert!(!call.stream.has_ended);
    project.write("early.feature", &early.replace("exit", "wait"));
    let call = project.kill_at(&["early.feature"], "\"c2\"");
    assert_eq!(
        (call.results(), call.suspects()),
        (vec!["F > c1: passed".to_owned()], vec!["F > c2"])
    );
}

#[test]
fn load_errors_name_their_file() {
    for tool in [VITEST_5, VITEST_4, JEST, NODE_TEST, PLAYWRIGHT] {
        let Some(project) = ToolProject::new(tool) else {
            return;
        };
        let good = file(&project, "good", "it('passes', () => {});\n");
        let bad = file(&project, "bad", "throw new Error('at load');\n");
        let call = project.run(&[&good, &bad]);
        let results = call.results();
        let error = format!("(outside any test case): error {bad} ");
        assert!(
            results.iter().any(|line| line.starts_with(&error)),
            "{error}: {results:?}"
        );
        // Playwright runs nothing if one file cannot be loaded.
        let passes = results.iter().any(|line| line == "passes: passed");
        assert_eq!(
            passes,
            tool.reported != ReportedTool::Playwright,
            "{results:?}"
        );
    }
    // Mocha ends before its reporter exists.
    let Some(project) = ToolProject::new(MOCHA) else {
        return;
    };
    let bad = file(&project, "bad", "throw new Error('at load');\n");
    let call = project.run(&[&bad]);
    assert!(
        call.results().is_empty() && !call.stream.has_ended,
        "{}",
        call.output
    );
}

#[test]
fn exit_in_a_test_is_no_end_of_the_run() {
    for tool in [JEST, MOCHA, NODE_TEST, PLAYWRIGHT, VITEST_5, VITEST_4] {
        let Some(project) = ToolProject::new(tool) else {
            return;
        };
        let early = file(
            &project,
            "early",
            "it('c1', () => {});\nit('c2', () => process.exit(0));\nit('c3', () => {});\n",
        );
        let call = project.run(&[&early]);
        let results = call.results();
        let name = format!("{:?}: {results:?}", tool.reported);
        match tool.reported {
            ReportedTool::Jest | ReportedTool::Mocha => {
                assert_eq!(call.exit, Some(0), "{name}");
                assert_eq!(results, ["c1: passed"], "{name}");
                assert_eq!(call.suspects(), ["c2"], "{name}");
                assert!(!call.stream.has_ended);
            }
            // The process of the file ends; that of the reporter goes on and says that all is well.
            ReportedTool::NodeTest => {
                assert_eq!(
                    (call.exit, call.suspects()),
                    (Some(0), vec!["c2"]),
                    "{name}"
                );
                assert!(results.is_empty() && call.stream.has_ended, "{name}");
            }
            // Both see the exit and go on.
            _ => {
                assert_eq!(results.len(), 3, "{name}");
                assert!(results[1].starts_with("c2: failed"), "{name}");
                assert!(results[0] == "c1: passed" && results[2] == "c3: passed");
                assert!(call.stream.has_ended && call.suspects().is_empty());
            }
        }
    }
}

#[test]
fn killed_process_leaves_its_results_and_the_running_test() {
    for tool in [JEST, MOCHA, NODE_TEST, PLAYWRIGHT, VITEST_5, VITEST_4] {
        let Some(project) = ToolProject::new(tool) else {
            return;
        };
        // Their own limit of 5 s can be over before a busy machine kills them.
        let patience = match tool.reported {
            ReportedTool::Jest | ReportedTool::Vitest => ", 1e6",
            _ => "",
        };
        let early = file(
            &project,
            "early",
            &format!(
                "it('c1', () => {{}});\nit('c2', () => new Promise(() => setTimeout(() => {{}}, 1e6)){patience});\nit('c3', () => {{}});\n"
            ),
        );
        let call = project.kill_at(&[&early], "\"c2\"");
        let name = format!("{:?}: {:?}", tool.reported, project.events());
        assert!(!call.stream.has_ended, "{name}");
        assert_eq!(call.suspects(), ["c2"], "{name}");
        // The reporter of node:test may not have heard of the first test yet.
        if tool.reported != ReportedTool::NodeTest {
            assert_eq!(call.results(), ["c1: passed"], "{name}");
        }
    }
}

#[test]
fn killed_worker_of_vitest_leaves_its_file_open() {
    for tool in [VITEST_5, VITEST_4] {
        let Some(project) = ToolProject::new(tool) else {
            return;
        };
        let early = file(
            &project,
            "early",
            "it('c1', () => {});\nit('c2', () => process.kill(process.pid, 'SIGKILL'));\nit('c3', () => {});\n",
        );
        let other = file(&project, "other", "it('passes', () => {});\n");
        let call = project.run(&[&early, &other]);
        assert_eq!(call.stream.open_files, [early]);
        let results = call.results();
        assert!(
            results.contains(&"passes: passed".to_owned()),
            "{results:?}"
        );
        assert!(
            results.iter().all(|line| !line.starts_with('c')),
            "{results:?}"
        );
    }
}
