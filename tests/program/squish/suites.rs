//! Suites on disk become executions, or mistakes that are told.

use std::os::unix::fs::symlink;

use crate::support::{Ended, Squish};

fn listed(squish: &Squish) -> Vec<String> {
    let ended = squish.run().code_is(0);
    let finished = ended.stderr.lines().filter(|line| line.contains(" PASS "));
    let mut tests: Vec<String> = finished
        .filter_map(|line| Some(line.split("s  ").nth(1)?.split("  (").next()?.to_owned()))
        .collect();
    tests.sort();
    tests
}

fn mistake(squish: &Squish, parts: &[&str]) -> Ended {
    let ended = squish.testplan("validate").run().code_is(2);
    for part in parts {
        assert!(ended.stderr.contains(part), "no {part:?}: {ended}");
    }
    squish.run().code_is(2)
}

#[test]
fn all_listed_test_cases_of_all_suites_are_run() {
    let squish = Squish::new();
    squish.suite("suite_b", &[("tst_z", "pass"), ("tst_a", "pass")]);
    squish.suite("suite_a", &[("tst_one", "pass"), ("tst_unlisted", "pass")]);
    squish.suite("suite_empty", &[]);
    squish.stage.write(
        "suites/suite_a/suite.conf",
        "\u{feff}LANGUAGE=Python\r\nTEST_CASES=\\\r\n  tst_one\r\n",
    );
    squish.stage.write("suites/suite_bare/readme", "");
    squish.stage.write("suites/shared/x.py", "");
    squish.plan("server: local", "");
    assert_eq!(
        listed(&squish),
        ["suite_a / tst_one", "suite_b / tst_a", "suite_b / tst_z"]
    );
    let ended = squish.testplan("validate").run().code_is(0);
    assert!(
        ended
            .stdout
            .contains("suite_a: 1 test case\nsuite_b: 2 test cases\n"),
        "{ended}"
    );
    for told in [
        "suite_a/suite.conf does not list tst_unlisted",
        "suite_empty/suite.conf lists no TEST_CASES",
        "suite_bare has no suite.conf",
    ] {
        assert!(ended.stderr.contains(told), "no {told:?}: {ended}");
    }
    let json = squish
        .testplan("validate")
        .flags("--format json")
        .run()
        .json();
    assert_eq!(
        json["suites"][1]["testcases"][0], "tst_z",
        "in the order of suite.conf"
    );
    let run = squish.run();
    assert!(run.stderr.contains("does not list tst_unlisted"), "{run}");
}

#[test]
fn other_folders_and_a_suite_itself_can_be_named() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    squish.suite("suite_b", &[("tst_two", "pass")]);
    squish.stage.write(
        "testplan.yml",
        "project: p\nrunner: { squish: { suites: [suites/suite_b, suites], server: local } }\ntemplates:\n  - title: T\n    tests: [discover: { squish: [suites/suite_b] }]\n",
    );
    assert_eq!(listed(&squish), ["suite_b / tst_two"]);
}

#[test]
fn what_is_listed_must_be_there_and_have_a_script() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    squish.plan("server: local", "");
    let conf = |cases: &str| {
        let text = format!("LANGUAGE=Python\nTEST_CASES={cases}\n");
        squish.stage.write("suites/suite_a/suite.conf", &text);
    };
    conf("tst_one tst_onne");
    mistake(
        &squish,
        &[
            "lists \"tst_onne\", but there is no such folder",
            "did you mean \"tst_one\"?",
        ],
    );
    conf("../elsewhere");
    mistake(
        &squish,
        &["\"../elsewhere\", which is no name of a test case"],
    );
    conf("tst_one tst_js");
    squish.stage.write("suites/suite_a/tst_js/test.js", "");
    mistake(
        &squish,
        &["lists \"tst_js\", but that folder has no test.py"],
    );
    conf("tst_one tst_one");
    mistake(&squish, &["lists \"tst_one\" twice"]);
}

#[test]
fn folders_without_suites_are_told_and_deeper_ones_named() {
    let squish = Squish::new();
    squish.suite("gui/suite_a", &[("tst_one", "pass")]);
    squish.plan("server: local", "");
    mistake(
        &squish,
        &["no Squish test case was found", "name suites/gui"],
    );
    squish.stage.write(
        "testplan.yml",
        "runner: { squish: { suites: [nowhere], server: local } }\nproject: p\ntemplates: [{ title: T, tests: [discover: squish] }]\n",
    );
    mistake(&squish, &["nowhere cannot be read"]);
}

#[test]
fn a_suite_in_two_folders_is_ambiguous() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    squish.suite("more/suite_a", &[("tst_two", "pass")]);
    squish.stage.write(
        "testplan.yml",
        "runner: { squish: { suites: [suites, suites/more], server: local } }\nproject: p\ntemplates: [{ title: T, tests: [discover: squish] }]\n",
    );
    mistake(&squish, &["suite_a is in two folders"]);
}

#[test]
fn links_may_not_lead_out_of_the_folders_named() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    squish.suite("../outside/suite_b", &[("tst_two", "pass")]);
    squish.plan("server: local", "");
    let link = squish.stage.path("suites/suite_b");
    symlink(squish.stage.path("outside/suite_b"), &link).unwrap();
    mistake(&squish, &["suite_b is a link to", "outside of"]);
    std::fs::remove_file(&link).unwrap();
    symlink("suite_a", &link).unwrap();
    squish.testplan("validate").run().code_is(0);
}

#[test]
fn a_plan_s_names_are_held_against_the_checkout() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    let run = |suite: &str, testcase: &str, says: &[&str]| {
        squish.stage.write(
            "testplan.yml",
            format!(
                "project: p\nrunner: {{ squish: {{ suites: [suites], server: local }} }}\ntemplates:\n  - title: T\n    tests: [{{ suite: {suite:?}, testcases: [{testcase:?}] }}]\n"
            ),
        );
        let ended = squish.run().code_is(3);
        for part in says {
            assert!(ended.stderr.contains(part), "no {part:?}: {ended}");
        }
        std::fs::remove_dir_all(squish.stage.path("out")).unwrap();
    };
    run(
        "suite_aa",
        "tst_one",
        &[
            "no suite \"suite_aa\"",
            "did you mean \"suite_a\"?",
            "the checkout lacks it",
        ],
    );
    run(
        "suite_a",
        "tst_on",
        &["no test case \"tst_on\"", "did you mean \"tst_one\"?"],
    );
    run("../suites/suite_a", "tst_one", &["climbs with `..`"]);
    run("suite_a", "--help", &["taken for an option"]);
    run("suite_a", "../../suite_a", &["leads out of its suite"]);
    assert!(squish.calls().is_empty(), "nothing of this was started");
}

#[test]
fn what_no_suite_conf_lists_is_named_in_the_account() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    squish.stage.write("suites/suite_a/tst_two/test.py", "");
    squish.plan("server: local", "");
    let ended = squish.testplan("list").flags("--format json").run();
    let listed = ended.code_is(0);
    let json: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(
        (&json["taken"], &json["left_out_lines"]),
        (&1.into(), &1.into())
    );
    let line = json["left_out"][0]["line"].as_str().unwrap();
    assert!(
        line.contains("does not list tst_two in TEST_CASES"),
        "{line}"
    );
    for part in [
        "tests may be missing: 1 finding about Squish suites",
        "TEST_CASES in suite.conf",
    ] {
        assert!(listed.stderr.contains(part), "no {part:?}: {listed}");
    }
}
