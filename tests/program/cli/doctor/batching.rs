//! `testplan doctor --batch`, with a script whose tests share a variable if they share a process, and with real tools.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Ended, Stage, alive, files_below, node_with_test_runner, skip, until};

/// Runs the tests of its arguments in their order, and reports them as JUnit. `$dirty` is what a test leaves behind.
const SCRIPT: &str = r#"
results=$1
shift
dirty=no
begun=0
count() { echo x >> "counter-$1"; echo $(($(wc -l < "counter-$1") % 2)); }
echo $# >> calls
# A start costs more than a test, so that batches are faster.
sleep 0.03
{
    echo '<testsuite>'
    for test in "$@"; do
        verdict=passed
        case $test in
            *::leaves) dirty=yes ;;
            *::wants-clean) [ $dirty = no ] || verdict=failed ;;
            *::wants-dirty) [ $dirty = yes ] || verdict=failed ;;
            *::wants-no-late) [ $begun = 0 ] || verdict=failed ;;
            *::late) begun=1 ;;
            *::flaky) [ "$(count flaky)" = 1 ] || verdict=failed ;;
            *::always-fails) verdict=failed ;;
            *::skipped) verdict=skipped ;;
            *::hangs) echo $$ >> hanging; hang ;;
        esac
        echo "<testcase classname='${test%%::*}' name='${test#*::}'>"
        case $verdict in
            failed) echo '<failure message="no"/>' ;;
            skipped) echo '<skipped/>' ;;
        esac
        echo '</testcase>'
    done
    echo '</testsuite>'
} > "$results/junit.xml"
"#;

/// A project whose tests are run by the script: files with their tests, in this order.
fn stage(files: &[(&str, &[&str])]) -> Stage {
    let stage = Stage::new();
    let script = stage.script("run-tests", SCRIPT);
    let tests = files.iter();
    let plan = json!({
        "project": "p",
        "runner": {
            "command": [script, "{results}", "{tests}"],
            "test": "{suite}::{testcase}",
            "case": "{classname}::{name}",
            "results": { "format": "junit" },
        },
        "templates": [{
            "title": "T",
            "tests": tests.map(|(suite, tests)| json!({ "suite": suite, "testcases": tests })).collect::<Vec<_>>(),
        }],
    });
    stage.write("testplan.yml", plan.to_string());
    stage
}

/// With other tests around up to three of interest, so that these share a call: the first one has a quarter of all tests, the
/// second one most of the others.
fn stage_of(tests: &[&'static str]) -> Stage {
    let mut all = vec!["1", "2", "3"];
    all.extend(tests);
    all.extend(["4", "5", "6", "7", "8", "9"]);
    stage(&[("a", &all)])
}

fn checked(stage: &Stage, flags: &str, code: i32) -> (Ended, Value) {
    let ended = stage.testplan("doctor --batch --format json");
    let ended = ended.flags(flags).run().code_is(code);
    let json = ended.json();
    assert_eq!(json["schema"], 1);
    (ended, json)
}

/// `TESTCASE DIFFERENCE` of each test whose verdicts differ.
fn differences(json: &Value) -> Vec<String> {
    let differing = json["differences"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    differing
        .map(|it| format!("{} {}", text(&it["testcase"]), text(&it["difference"])))
        .collect()
}

fn way(json: &Value, at: usize, key: &str) -> u64 {
    json["ways"][at][key].as_u64().unwrap()
}

#[test]
fn tests_that_agree_are_recommended_to_share_a_process() {
    let stage = stage_of(&["always-fails", "skipped"]);
    let ended = stage.testplan("doctor --batch").flags("--seed 5").run();
    let ended = ended.code_is(0);
    for line in [
        "template T: 11 tests in 1 file",
        "  single        11        9        1        1        0",
        "  batched       11        9        1        1        0",
        "  shuffled      11        9        1        1        0",
        "the random order has the seed 5: --seed 5 repeats it",
        "1 test fails or cannot run in all ways, so batching is not the cause",
        "no verdict differs",
        "recommendation: batching is safe as far as seen: leave testplan.yml as it is",
    ] {
        let has = ended.stdout.lines().any(|it| it.starts_with(line));
        assert!(has, "{line}\n{ended}");
    }
    let calls = stage.lines("calls");
    assert_eq!(calls[..11], ["1"; 11], "single: {calls:?}");
    assert!(calls[11..].iter().any(|it| it != "1"), "batched: {calls:?}");
    assert!(
        !stage.path("testplan-out").exists(),
        "the folder is a temporary one"
    );
}

#[test]
fn tests_that_depend_on_others_are_named_with_the_way_in_which_they_fail() {
    let stage = stage_of(&["leaves", "wants-dirty", "wants-clean"]);
    let (ended, json) = checked(&stage, "--seed 1", 1);
    let named = differences(&json);
    assert_eq!(
        named,
        ["wants-dirty fails-alone", "wants-clean fails-after-others"],
        "{ended}"
    );
    let first = &json["differences"][0];
    assert_eq!(
        [&first["single"], &first["batched"], &first["alone"]],
        ["failed", "passed", "failed"]
    );
    assert_eq!(json["recommendation"]["id"], "fix-dependent-tests");
    let ended = stage.testplan("doctor --batch --seed 1").run().code_is(1);
    assert!(
        ended
            .stdout
            .contains("a / wants-clean: fails after others\n"),
        "{ended}"
    );
    assert!(
        ended
            .stdout
            .contains("one test per process does not help those that fail alone"),
        "{ended}"
    );
}

#[test]
fn seed_repeats_an_order_in_which_a_test_fails() {
    let stage = stage_of(&["wants-no-late", "late"]);
    // Two calls, whatever they take: the second one has all but two tests.
    let mut plan: Value = serde_json::from_str(&stage.read("testplan.yml")).unwrap();
    plan["runner"]["batch"] = json!({ "target": "1h" });
    stage.write("testplan.yml", plan.to_string());
    // Half of the orders have `late` first, and most of these have both tests in one call.
    let found = (0..40).find_map(|seed| {
        let ended = stage.testplan("doctor --batch --format json");
        let ended = ended.flags(&format!("--seed {seed}")).run();
        (ended.code == Some(1)).then(|| (seed, differences(&ended.json())))
    });
    let (seed, named) = found.unwrap();
    assert_eq!(named, ["wants-no-late fails-in-another-order"]);
    let (ended, json) = checked(&stage, &format!("--seed {seed}"), 1);
    assert_eq!(differences(&json), named, "{ended}");
    assert_eq!(json["seed"], seed);
    let text = json["recommendation"]["text"].as_str().unwrap();
    assert!(text.contains("`batch: { most: 1 }`"), "{text}");
}

#[test]
fn test_that_differs_between_two_processes_of_its_own_is_flaky() {
    let stage = stage_of(&["flaky"]);
    let (ended, json) = checked(&stage, "", 1);
    assert_eq!(differences(&json), ["flaky flaky"], "{ended}");
    let test = &json["differences"][0];
    // Each second one fails.
    assert_eq!(
        [
            &test["single"],
            &test["batched"],
            &test["shuffled"],
            &test["alone"]
        ],
        ["passed", "failed", "passed", "failed"]
    );
    assert_eq!(json["recommendation"]["id"], "fix-flaky-tests");
    assert_eq!(stage.lines("counter-flaky").len(), 4);
}

#[test]
fn whole_files_are_chosen_up_to_a_number_of_tests() {
    let stage = stage(&[
        ("a", &["1", "2"]),
        ("b", &["1", "2"]),
        ("c", &["1", "2"]),
        ("d", &["1", "2"]),
    ]);
    let (_, json) = checked(&stage, "--tests 4 --out kept", 0);
    assert_eq!(
        json["tests"],
        json!({ "listed": 8, "left_out": 0, "chosen": 4, "compared": 4 })
    );
    let records = files_below(&stage.path("kept/batched/records"));
    let [record] = &records[..] else {
        panic!("{records:?}")
    };
    let record = std::fs::read_to_string(record).unwrap();
    for suite in ["a", "c"] {
        assert!(
            record.contains(&format!("\"suite\":\"{suite}\"")),
            "{record}"
        );
    }
    let ended = stage.testplan("doctor --batch --tests 4 --out kept").run();
    let ended = ended.code_is(0);
    assert!(
        ended
            .stdout
            .starts_with("template T: 4 of 8 tests in 2 of 4 files\n"),
        "{ended}"
    );
    let again = files_below(&stage.path("kept/batched/records"));
    assert_eq!(again.len(), 1, "those of the earlier check are gone");
}

#[test]
fn time_limit_leaves_out_what_has_no_verdict() {
    let stage = stage(&[("a", &["1", "2", "3", "4", "5", "hangs"])]);
    let (ended, json) = checked(&stage, "--time-limit 4s", 0);
    assert_eq!(json["tests"]["chosen"], 6, "{ended}");
    assert_eq!(json["tests"]["compared"], 5, "{ended}");
    assert_eq!(json["ways"][0]["time_limit_reached"], true);
    assert_eq!(json["ways"][1]["time_limit_reached"], false);
    assert_eq!(way(&json, 1, "passed"), 5);
    let none = stage_of(&[]);
    none.write(
        "testplan.yml",
        none.read("testplan.yml").replace("\"1\"", "\"hangs\""),
    );
    let ended = none.testplan("doctor --batch --time-limit 500ms").run();
    let ended = ended.code_is(5);
    assert!(
        ended.stderr.contains("no test ended within the time limit")
            && ended.stderr.contains("--time-limit"),
        "{ended}"
    );
}

#[test]
fn signal_ends_the_tests_and_removes_the_folder() {
    use rustix::process::Signal;
    let stage = stage(&[("a", &["hangs", "1"])]);
    let temporary = stage.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let doctor = stage.testplan("doctor --batch").with("TMPDIR", &temporary);
    let doctor = doctor.start();
    let pid = stage.wait_for_lines("hanging", 1)[0].parse().unwrap();
    doctor.send(Signal::INT);
    let ended = doctor
        .end_within(std::time::Duration::from_secs(7))
        .code_is(130);
    assert!(ended.stdout.is_empty(), "{ended}");
    until("the test has ended", || (!alive(pid)).then_some(()));
    assert_eq!(files_below(&temporary).len(), 0);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn runner_without_batches_is_refused() {
    for (runner, said, help) in [
        (
            "{ command: [echo, '{testcase}'] }",
            "has no `{tests}`",
            "testplan presets",
        ),
        ("{ squish: {} }", "squishrunner", "without --batch"),
    ] {
        let stage = Stage::with(&format!(
            "project: p\nrunner: {runner}\ntemplates: [{{ title: T, tests: [{{ suite: s, testcases: [a] }}] }}]\n"
        ));
        let ended = stage.testplan("doctor --batch").run().code_is(2);
        assert!(
            ended.stderr.contains(said) && ended.stderr.contains(help),
            "{ended}"
        );
    }
    let stage = stage_of(&[]);
    for flags in ["--url=http://localhost:1", "--workers 2", "--plan-id 1"] {
        let ended = stage.testplan("doctor --batch").flags(flags).run();
        let ended = ended.code_is(2);
        assert!(ended.stderr.contains("cannot be used with"), "{ended}");
    }
    let ended = stage.testplan("doctor --seed 1").run().code_is(2);
    assert!(ended.stderr.contains("--batch"), "{ended}");
}

#[test]
fn tool_that_cannot_start_is_no_agreement() {
    let stage = stage_of(&[]);
    std::fs::remove_file(stage.path("run-tests")).unwrap();
    let ended = stage.testplan("doctor --batch").run().code_is(3);
    assert!(ended.stdout.is_empty(), "{ended}");
    assert!(ended.stderr.contains("run-tests"), "{ended}");
    let dead = stage_of(&[]);
    dead.script("run-tests", "exit 9");
    let ended = dead.testplan("doctor --batch").run().code_is(3);
    assert!(
        ended
            .stderr
            .contains("none of 9 tests could run, neither alone nor in batches"),
        "{ended}"
    );
    let missing = Stage::with("runner: { preset: node-test, program: [no-such-node] }\n");
    let ended = missing.testplan("doctor --batch").run().code_is(2);
    assert!(ended.stderr.contains("no-such-node"), "{ended}");
}

#[test]
fn no_test_or_none_that_fits_is_nothing_to_run() {
    let stage = stage_of(&[]);
    let plan = stage.read("testplan.yml");
    let needs = plan.replace(
        "\"title\":\"T\"",
        "\"title\":\"T\",\"configurations\":[{\"OS\":\"Solaris\"},{\"OS\":\"Plan9\"}]",
    );
    stage.write("testplan.yml", needs);
    let ended = stage.testplan("doctor --batch").run().code_is(4);
    assert!(ended.stderr.contains("OS=Plan9; OS=Solaris"), "{ended}");
    let (_, json) = checked(&stage, "--capability=OS=Plan9", 0);
    assert_eq!(json["tests"]["left_out"], 9);
    assert_eq!(json["tests"]["compared"], 9);
    stage.write("testplan.yml", &plan);
    let one = stage.testplan("doctor --batch --tests 1").run().code_is(4);
    assert!(one.stderr.contains("nothing to compare"), "{one}");
    let mut empty: Value = serde_json::from_str(&plan).unwrap();
    empty["templates"][0]["tests"] =
        json!([{ "discover": { "command": ["true"], "line": "(?<suite>.+)::(?<testcase>.+)" } }]);
    stage.write("testplan.yml", empty.to_string());
    let ended = stage.testplan("doctor --batch").run().code_is(4);
    assert!(ended.stderr.contains("no tests"), "{ended}");
}

/// Two tests of a file share its variable if they share a process.
const NODE_TESTS: &str = "
const { it } = require('node:test');
const assert = require('node:assert');
let dirty = false;
for (let n = 0; n < 4; n++) it(`plain ${n}`, () => {});
it('leaves', () => { dirty = true; });
it('needs', () => assert.ok(dirty));
";

#[test]
fn node_test_shows_a_test_that_needs_another_one_of_its_file() {
    let Some(node) = node_with_test_runner() else {
        skip::missing("no Node 22 or newer");
        return;
    };
    let stage = Stage::with(&format!(
        "runner: {{ preset: node-test, program: [{node:?}] }}\n"
    ));
    stage.write("a.test.js", NODE_TESTS);
    let (ended, json) = checked(&stage, "", 1);
    assert_eq!(differences(&json), ["needs fails-alone"], "{ended}");
    assert_eq!(json["tests"]["compared"], 6);
    stage.write("a.test.js", NODE_TESTS.replace("assert.ok(dirty)", "{}"));
    let (ended, json) = checked(&stage, "", 0);
    assert_eq!(json["recommendation"]["id"], "batch", "{ended}");
    assert!(json["saved_ms"].as_i64().unwrap() > 0, "{ended}");
}

/// Tests of two modules that share what one of them imports.
const PYTEST_TESTS: [(&str, &str); 3] = [
    ("shared.py", "dirty = False\n"),
    (
        "test_a.py",
        "import shared\ndef test_leaves():\n    shared.dirty = True\n",
    ),
    (
        "test_b.py",
        "import shared\ndef test_clean():\n    assert not shared.dirty\n",
    ),
];

#[test]
fn session_of_pytest_is_compared_with_a_process_per_test() {
    let python = std::env::var("TESTPLAN_PYTEST").unwrap_or_else(|_| "python3".to_owned());
    let asked = Command::new(&python).args(["-c", "import pytest"]).output();
    if !asked.is_ok_and(|answer| answer.status.success()) {
        skip::missing("no Python with pytest");
        return;
    }
    // The file asks for one test per process; the session is tried all the same.
    let stage = Stage::with(&format!(
        "runner: {{ preset: pytest, program: [{python:?}, -m, pytest], args: [-p, 'no:randomly'], mode: single }}\n"
    ));
    for (name, text) in PYTEST_TESTS {
        stage.write(name, text);
    }
    let (ended, json) = checked(&stage, "", 1);
    assert_eq!(
        differences(&json),
        ["test_clean fails-after-others"],
        "{ended}"
    );
    let text = json["recommendation"]["text"].as_str().unwrap();
    assert!(text.contains("keep one test per process"), "{text}");
    // A project whose settings allow no session has nothing to compare.
    stage.write("pytest.ini", "[pytest]\naddopts = --pdb\n");
    let ended = stage.testplan("doctor --batch").run().code_is(2);
    assert!(
        ended
            .stderr
            .contains("there is nothing to compare: template \"all\": `mode: session`: one process cannot run many tests here: --pdb"),
        "{ended}"
    );
    assert!(ended.stdout.is_empty(), "{ended}");
}
