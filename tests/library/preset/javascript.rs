//! vitest, jest, mocha, the test runners of Node, bun and deno, cucumber-js and Playwright.

use std::{ffi::OsString, path::Path};

use testplan::model::Test;

use super::preset_project::{PresetProject, assert_exact, called, test};
use crate::skip;

/// Titles that a pattern, a list or a command line could mistake.
const TITLES: &[&str] = &[
    "a",
    "a b",
    "-x",
    "[1-b] (c|d) {e}",
    "$^.* + ?",
    "it's \\\"q\\\" \\\\ `b`",
    "with :: and, comma / slash",
    "ü 日本 🎉",
    "x > y",
    "x › y",
    "%s %d",
    "@tag #1",
];

/// A project for a tool from the folder that `TESTPLAN_JS_TOOLS` names.
fn project(preset: &str, packages: &str, program: &str) -> Option<PresetProject> {
    let folder = std::env::var_os("TESTPLAN_JS_TOOLS").filter(|path| !path.is_empty());
    let packages = folder.map(|it| Path::new(&it).join(packages).join("node_modules"));
    let Some(packages) = packages.filter(|it| it.join(program).exists()) else {
        skip::missing(&format!("no {program} in TESTPLAN_JS_TOOLS"));
        return None;
    };
    let node = std::env::var_os("TESTPLAN_NODE").filter(|path| !path.is_empty());
    let mut argv = vec![node.unwrap_or_else(|| OsString::from("node"))];
    if !program.is_empty() {
        argv.push(packages.join(program).into());
    }
    let project = PresetProject::new(preset, argv);
    std::os::unix::fs::symlink(&packages, project.path("node_modules")).unwrap();
    project.write("package.json", "{}");
    Some(project)
}

/// Tests of all titles in a group, and of a few outside.
fn tests(head: &str) -> String {
    let long = "l".repeat(300);
    let mut text = format!("{head}\ndescribe('S (x)', () => {{\n");
    for title in TITLES.iter().chain([&long.as_str()]) {
        text += &["it(\"", title, "\", () => {});\n"].concat();
    }
    text.push_str("});\nit('late', () => {});\n");
    text
}

/// Each start takes a second or two: only these run alone. The program's tests have more of them.
fn is_odd(test: &Test) -> bool {
    test.testcase.contains('›') || test.testcase.contains("{e}")
}

const COUNT: usize = TITLES.len() + 2;

#[test]
fn vitest_lists_and_selects_exactly() {
    for packages in ["current", "vitest-4"] {
        let Some(project) = project("vitest", packages, "vitest/vitest.mjs") else {
            return;
        };
        let head = "import { describe, it } from 'vitest';";
        project.write("d/a.test.mjs", &tests(head));
        let listing = project.list();
        assert_eq!(listing.tests.len(), COUNT, "{listing:?}");
        assert_exact(&project, &listing, is_odd);
        project.write("d/b.test.mjs", &format!("{head} it('dup', () => {{}}); it('dup', () => {{}}); it.each([1, 2])('row %i', () => {{}});"));
        let listing = project.list();
        assert_eq!(listing.tests.len(), COUNT + 3);
        assert_eq!(listing.duplicates, [test("d/b.test.mjs", "dup")]);
    }
}

#[test]
fn jest_lists_and_selects_exactly() {
    let Some(project) = project("jest", "current", "jest/bin/jest.js") else {
        return;
    };
    project.write("d/a.test.js", &tests(""));
    let listing = project.list();
    assert_eq!(listing.tests.len(), COUNT, "{listing:?}");
    assert_exact(&project, &listing, is_odd);
    // Two nestings that one pattern selects have names of their own in the results.
    project.write(
        "d/b.test.js",
        "describe('a b', () => { it('c', () => {}); }); describe('a', () => { it('b c', () => {}); });",
    );
    let one = test("d/b.test.js", "a > b c");
    let (ran, _) = project.run(std::slice::from_ref(&one));
    assert_eq!(ran[&called(&one)], "passed");
}

#[test]
fn mocha_lists_and_selects_exactly() {
    for packages in ["current", "mocha-11"] {
        let Some(project) = project("mocha", packages, "mocha/bin/mocha.js") else {
            return;
        };
        project.write("test/a.js", &tests(""));
        // Settings of a project that would print otherwise, run less or run elsewhere.
        project.write(
            ".mocharc.json",
            r#"{ "reporter": "json", "parallel": true, "forbid-pending": true, "spec": ["test", "more/*.mjs"] }"#,
        );
        let listing = project.list();
        assert_eq!(listing.tests.len(), COUNT, "{listing:?}");
        assert_exact(&project, &listing, is_odd);
        project.write(
            "more/-b.mjs",
            "it('dup', () => {}); it('dup', () => { throw new Error('second'); });\n\
             it.skip('is skipped', () => {}); it('is todo');\n\
             describe('B', () => { before(() => { throw new Error('in before'); }); it('t1', () => {}); it('t2', () => {}); });",
        );
        let listing = project.list();
        assert_eq!(listing.tests.len(), COUNT + 5, "{listing:?}");
        assert_eq!(listing.duplicates, [test("more/-b.mjs", "dup")]);
        let one = test("more/-b.mjs", "B > t2");
        let (ran, code) = project.run(std::slice::from_ref(&one));
        let names: Vec<&str> = ran.keys().map(String::as_str).collect();
        assert_eq!(names, ["more/-b.mjs::(outside any test case) B"], "{code}");
        project.write(".mocharc.json", "{}");
        project.write(
            "test/c.js",
            "it.only('only', () => {}); it('other', () => {});",
        );
        let listing = project.list();
        assert_eq!(listing.tests, [test("test/c.js", "only")]);
        let both = [test("test/c.js", "only"), test("test/c.js", "other")];
        let (ran, code) = project.run(&both);
        assert_eq!((ran.len(), code), (1, 0), "{ran:?}");
        project.write(".mocharc.json", r#"{ "delay": true, "spec": "test/d.js" }"#);
        project.write(
            "test/d.js",
            "setTimeout(() => { it('late', () => {}); it('later', () => {}); run(); }, 10);",
        );
        assert_eq!(project.list().tests.len(), 2);
        let (ran, code) = project.run(&[test("test/d.js", "later")]);
        assert_eq!((ran.len(), code), (1, 0), "{ran:?}");
    }
}

#[test]
fn node_lists_and_selects_exactly() {
    let Some(project) = project("node-test", "current", "") else {
        return;
    };
    let head = "const { describe, it } = require('node:test');";
    project.write("{d,e}/[a] (x)+.test.js", &tests(head));
    let listing = project.list();
    assert_eq!(listing.tests.len(), COUNT, "{listing:?}");
    assert_exact(&project, &listing, is_odd);
    // Titles that Node trims, tests that a helper defines, and a server that a hook closes.
    project.write(
        "d/helper.mjs",
        "import test, { describe } from 'node:test'; export const both = (name) => describe(name, () => { test('h', () => {}); test(' t ', () => {}); });",
    );
    project.write(
        "d/b.test.mjs",
        "import { both } from './helper.mjs'; both('B');",
    );
    project.write(
        "d/c.test.mjs",
        "import { it, describe, after } from 'node:test'; import http from 'node:http'; import { both } from './helper.mjs';\n\
         const server = http.createServer().listen(0); after(() => server.close());\n\
         await new Promise((done) => setTimeout(done, 10)); both('C'); it('dup', () => {}); it('dup', () => {});\n\
         it.skip('is skipped', () => {}); it.todo('is todo'); describe.skip('off', () => { it('none', () => {}); });\n\
         describe('late', async () => { await null; it('in it', () => {}); });\n\
         it(function named() {}); it({ name: 'by options' }, () => {}); it('parent', (t) => t.test('step', () => {}));",
    );
    project.write("d/bad.test.js", "throw new TypeError('at load');");
    let all = project.list();
    assert_eq!(all.tests.len(), COUNT + 11, "{all:?}");
    assert_eq!(all.duplicates, [test("d/c.test.mjs", "dup")]);
    assert_eq!(all.broken, ["d/bad.test.js: TypeError: at load"]);
    let of_files = |it: &&Test| ["d/b.test.mjs", "d/c.test.mjs"].contains(&it.suite.as_str());
    let some: Vec<Test> = all.tests.iter().filter(of_files).cloned().collect();
    let unique = |it: &&Test| it.testcase != "dup";
    let some: Vec<Test> = some.iter().filter(unique).cloned().collect();
    let (ran, code) = project.run(&some);
    let mut expected: Vec<String> = some.iter().map(called).collect();
    expected.push("d/c.test.mjs::parent > step".to_owned());
    expected.sort();
    assert_eq!(ran.keys().cloned().collect::<Vec<_>>(), expected, "{code}");
}

#[test]
fn bun_lists_and_selects_exactly() {
    let Some(packages) = project("bun", "current", "@oven/bun-linux-x64/bin/bun") else {
        return;
    };
    let bun = packages.path("node_modules/@oven/bun-linux-x64/bin/bun");
    let project = PresetProject::new("bun", vec![bun.into()]);
    let head = "const { describe, it } = require('bun:test');";
    project.write("d/[a] (x).test.js", &tests(head));
    let listing = project.list();
    assert_eq!(listing.tests.len(), COUNT, "{listing:?}");
    assert_exact(&project, &listing, |_| true);
    project.write(
        "d/b.test.js",
        "import { describe, it, beforeAll } from 'bun:test'; it('dup', () => {}); it('dup', () => {}); it.skip('is skipped', () => {}); it.todo('is todo');\n\
         describe('S', () => { it('says', () => { throw new Error('<testcase name=\"evil\"/>'); }); });\n\
         describe('B', () => { beforeAll(() => { throw new Error('in before'); }); it('t1', () => {}); }); it.each([1, 2])('row %i', () => {});",
    );
    project.write("bad.test.js", "throw new TypeError('at load');");
    let all = project.list();
    assert_eq!(all.tests.len(), COUNT + 7, "{all:?}");
    assert_eq!(all.duplicates, [test("d/b.test.js", "dup")]);
    assert_eq!(all.broken, ["bad.test.js: TypeError: at load"]);
    let some = ["is skipped", "S > says", "B > t1", "row 2"].map(|it| test("d/b.test.js", it));
    let (ran, code) = project.run(&some);
    let ran: Vec<(&str, &str)> = ran
        .iter()
        .map(|(name, it)| (&name[13..], it.as_str()))
        .collect();
    assert_eq!(
        ran,
        [
            ("(outside any test case) B", "failed in before"),
            ("S > says", "failed <testcase name=\"evil\"/>"),
            ("is skipped", "skipped "),
            ("row 2", "passed")
        ],
        "{code}"
    );
}

#[test]
fn deno_lists_and_selects_exactly() {
    let Some(packages) = project("deno", "current", "@deno/linux-x64-glibc/deno") else {
        return;
    };
    let deno = packages.path("node_modules/@deno/linux-x64-glibc/deno");
    let project = PresetProject::new("deno", vec![deno.into()]);
    let head = "const it = Deno.test; const describe = (_, body) => body();";
    project.write("d/[a] (x)*{b}_test.js", &tests(head));
    let listing = project.list();
    assert_eq!(listing.tests.len(), COUNT, "{listing:?}");
    assert_exact(&project, &listing, |_| true);
    project.write(
        "d/b_test.ts",
        "Deno.test('dup', () => {}); Deno.test('dup', () => {}); Deno.test.ignore('is ignored', () => {}); Deno.test('x\\ty\\n', () => {});\n\
         Deno.test('says', () => { throw new Error('</testcase><testcase name=\"evil\"/>'); }); Deno.test('exits', () => Deno.exit(0));\n\
         Deno.test('p', async (t) => { await t.step('s', () => {}); await t.step('q', async (t) => { await t.step('deep', () => { throw new Error('in step'); }); }); });\n\
         Deno.test('p > s', () => {}); Deno.test({ name: 'retried', retry: 1, fn() {} });",
    );
    project.write(
        "d/hook_test.js",
        "Deno.test.beforeAll(() => { throw new Error('in before'); }); Deno.test('t1', () => {});",
    );
    project.write(
        "d/only_test.js",
        "Deno.test.only('one', () => {}); Deno.test('other', () => {});",
    );
    project.write("bad_test.js", "throw new TypeError('at load');");
    project.write("odd/syntax_test.js", "Deno.test('x', () => {");
    project.write(
        "type_test.ts",
        "const x: number = 'text'; Deno.test('x', () => {});",
    );
    let all = project.list();
    assert_eq!(all.tests.len(), COUNT + 11, "{all:?}");
    assert_eq!(all.duplicates, [test("d/b_test.ts", "dup")]);
    assert_eq!(
        all.broken,
        [
            "odd/syntax_test.js: SyntaxError: Expected ',', got '<eof>'",
            "type_test.ts: Type 'string' is not assignable to type 'number'.",
            "bad_test.js: TypeError: at load",
            "d/hook_test.js: Error: in before"
        ]
    );
    let some: Vec<Test> = ["is ignored", "x\\ty\\n", "says", "exits", "p", "gone"]
        .iter()
        .map(|it| test("d/b_test.ts", it))
        .chain([test("d/hook_test.js", "t1"), test("gone_test.js", "t")])
        .collect();
    let (ran, code) = project.run(&some);
    let ran: Vec<(&str, &str)> = ran
        .iter()
        .map(|(name, it)| (&name[13..], it.as_str()))
        .collect();
    assert_eq!(
        ran,
        [
            (
                "exits",
                "failed Uncaught Error: Test case attempted to exit with exit code: 0"
            ),
            ("is ignored", "skipped "),
            ("p", "failed p > q > deep: Uncaught Error: in step"),
            (
                "says",
                "failed Uncaught Error: </testcase><testcase name=\"evil\"/>"
            ),
            ("x\\ty\\n", "passed")
        ],
        "{code}"
    );
    // A step is no test, whatever its name is.
    let (ran, code) = project.run(&[test("d/b_test.ts", "p > s")]);
    assert_eq!((ran["d/b_test.ts::p > s"].as_str(), code), ("passed", 0));
    let (ran, _) = project.run(&["p", "p > s"].map(|it| test("d/b_test.ts", it)));
    assert_eq!(ran.into_keys().collect::<Vec<_>>(), ["d/b_test.ts::p"]);
    let (ran, code) = project.run(&["one", "other"].map(|it| test("d/only_test.js", it)));
    assert_eq!((ran.len(), code), (1, 1), "{ran:?}");
    // One file that cannot be loaded, and none that is there.
    let bad = [test("d/b_test.ts", "p"), test("odd/syntax_test.js", "x")];
    let (ran, code) = project.run(&bad);
    assert_eq!((ran.len(), code), (0, 90));
    let (ran, code) = project.run(&[test("gone_test.js", "t")]);
    assert_eq!((ran.len(), code), (0, 1));
}

const STEPS: &str = "const { Given } = require('@cucumber/cucumber'); let n = 0;
Given('ok', () => {}); Given('bad', () => { throw new Error('boom'); }); Given('row {int}', (number) => {});
Given('pending', () => 'pending'); Given('flaky', () => { if (n++ < 1) throw new Error('once'); });
";

#[test]
fn cucumber_js_lists_and_selects_exactly() {
    let Some(project) = project(
        "cucumber-js",
        "current",
        "@cucumber/cucumber/bin/cucumber.js",
    ) else {
        return;
    };
    project.write("features/steps.js", STEPS);
    let mut text = "Feature: S (x)\n".to_owned();
    for title in TITLES {
        text += &["  Scenario: ", title, "\n    Given ok\n"].concat();
    }
    project.write("features/{d,e}/@[a] (x)+.feature", &text);
    // Settings of a project that would print elsewhere, run more or at once.
    project.write(
        "cucumber.js",
        "module.exports = { default: { format: ['summary', 'json:own.json'], parallel: 2, paths: ['features'], order: 'random', tags: 'not @wip' } };",
    );
    let listing = project.list();
    assert_eq!(listing.tests.len(), TITLES.len(), "{listing:?}");
    let odd = |it: &Test| is_odd(it) || it.testcase.ends_with("> a");
    assert_exact(&project, &listing, odd);
    project.write(
        "features/b.feature",
        "Feature: B\n  Scenario: dup\n    Given ok\n  Scenario: dup\n    Given bad\n  @wip\n  Scenario: left out\n    Given ok\n\
         \x20 Rule: R\n    Scenario Outline: out <x>\n      Given row <x>\n      Examples:\n        | x | y |\n        | 1 | a |\n        | 2 | b |\n        | 2 | c |\n\
         \x20   Scenario Outline: same\n      Given row <x>\n      Examples:\n        | x |\n        | 7 |\n        | 8 |\n",
    );
    let all = project.list();
    let names: Vec<&str> = all
        .tests
        .iter()
        .filter(|it| it.suite == "features/b.feature")
        .map(|it| it.testcase.as_str())
        .collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "B > R > out 1",
            "B > R > out 2 > x=2, y=b",
            "B > R > out 2 > x=2, y=c",
            "B > R > same > x=7",
            "B > R > same > x=8",
            "B > dup"
        ]
    );
    assert_eq!(all.duplicates, [test("features/b.feature", "B > dup")]);
    // Rows of an outline, one of them and one that is there no more.
    let rows = ["B > R > same > x=8", "B > R > same > x=9"];
    let (ran, code) = project.run(&rows.map(|row| test("features/b.feature", row)));
    assert_eq!(
        ran.into_iter().collect::<Vec<_>>(),
        [(
            format!("features/b.feature::{}", rows[0]),
            "passed".to_owned()
        )],
        "{code}"
    );
}

#[test]
fn pending_step_of_cucumber_js_counts_as_the_tool_says() {
    let Some(project) = project(
        "cucumber-js",
        "current",
        "@cucumber/cucumber/bin/cucumber.js",
    ) else {
        return;
    };
    project.write("features/steps.js", STEPS);
    project.write(
        "features/a.feature",
        "Feature: F\n  Scenario: pending\n    Given pending\n  Scenario: bad\n    Given bad\n  Scenario: flaky\n    Given flaky\n",
    );
    let named = |name: &str| test("features/a.feature", &format!("F > {name}"));
    for (settings, expected) in [
        ("strict: true", "failed a step is pending"),
        ("strict: false", "skipped a step is pending"),
    ] {
        project.write(
            "cucumber.js",
            &format!("module.exports = {{ default: {{ {settings}, retry: 1 }} }};"),
        );
        let (ran, _) = project.run(&[named("pending"), named("flaky")]);
        assert_eq!(ran[&called(&named("pending"))], expected);
        assert_eq!(ran[&called(&named("flaky"))], "passed");
        let (ran, code) = project.run(&[named("pending"), named("bad")]);
        let names: Vec<&String> = ran.keys().collect();
        assert_eq!((names, code), (vec![&called(&named("bad"))], 1));
    }
}

#[test]
fn playwright_lists_and_selects_exactly() {
    let Some(project) = project("playwright", "current", "playwright/cli.js") else {
        return;
    };
    let head =
        "const { test } = require('@playwright/test'); const it = test, describe = test.describe;";
    project.write("e2e/a.spec.js", &tests(head));
    project.write(
        "playwright.config.js",
        "module.exports = { testDir: 'e2e', projects: [{ name: 'one' }, { name: 'two x', grep: /late/ }] };",
    );
    let listing = project.list();
    assert_eq!(listing.tests.len(), COUNT + 1, "{listing:?}");
    assert!(
        listing
            .tests
            .contains(&test("e2e/a.spec.js", "[two x] late"))
    );
    // Each start takes seconds: a few names alone, and all at once.
    let mut few = listing.clone();
    few.tests
        .retain(|it| it.testcase.contains("late") || it.testcase.contains("x › y"));
    assert_exact(&project, &few, |_| true);
    let (ran, code) = project.run(&listing.tests);
    assert_eq!((ran.len(), code), (COUNT + 1, 0));
    // A file that cannot be loaded stops only calls that name it.
    project.write("e2e/b.spec.js", "throw new Error('at load');");
    let (ran, code) = project.run(&few.tests);
    assert_eq!((ran.len(), code), (few.tests.len(), 0));
}
