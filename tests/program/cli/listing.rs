//! Listings by a real shell: every line is accounted for, on every surface, and what may be a test is never lost in
//! silence.

use std::fs;

use serde_json::json;

use super::mistakes::helps;
use crate::support::{Service, Stage};

/// The pattern of a README of long ago, which misses folders with a blank in their name.
const NARROW: &str = r"^(?<suite>[^: ]+\.py)::(?<testcase>.+)$";
const PYTEST: &str = r"^(?<suite>[^:]+\.py)::(?<testcase>.+)$";

/// A plan whose one template `all` lists what the file `listing` holds; `more` are keys of `discover`.
fn plan(line: &str, more: &str) -> String {
    let line = serde_json::Value::from(line);
    format!(
        "project: example\n\
         runner:\n\
         \x20 command: [/bin/sh, -c, 'printf \"%s|%s\\n\" \"$1\" \"$2\" >> ran', sh, \"{{suite}}\", \"{{testcase}}\"]\n\
         \x20 results: {{ format: exit-code }}\n\
         templates:\n\
         \x20 - title: all\n\
         \x20   tests:\n\
         \x20     - discover: {{ command: [/bin/sh, -c, \"cat listing\"], line: {line}{more} }}\n"
    )
}

fn stage(line: &str, more: &str, listing: &str) -> Stage {
    let stage = Stage::with(&plan(line, more));
    stage.write("listing", listing);
    stage
}

const LISTING: &str = "tests/test_a.py::test_a\n\
    my tests/test_x.py::test_b\n\
    tests/test_a.py::test_a\n\
    tests/test_a.py::test_c\n\
    \n\
    3 tests collected in 0.01s\n";

#[test]
fn a_folder_with_a_blank_is_named_on_every_surface() {
    let stage = stage(NARROW, "", LISTING);
    let missed = "my tests/test_x.py::test_b";

    let list = stage.run(["list"]);
    assert_eq!(list.code, Some(0), "{list:#?}");
    for part in [
        "tests/test_a.py\n  test_a\n  test_c\n",
        "left out, but looks like a test or reports an error (1):\n  line 2: my tests/test_x.py::test_b\n    does not match `line`, but contains its separator \"::\"\n",
        "left out (1):\n  line 6: 3 tests collected in 0.01s\n    is a heading or a sum\n",
        "listed more than once (1):\n  tests/test_a.py / test_a\n",
        "all: 2 tests in 1 suite, 2 executions\n5 listed: 2 taken, 2 left out, 1 duplicate\n",
    ] {
        assert!(list.stdout.contains(part), "{part}: {list:#?}");
    }

    let list = stage.run(["list", "--format", "json", "--template", "all"]);
    let json = list.json();
    let test = |suite, testcase| json!({ "suite": suite, "testcase": testcase });
    assert_eq!(json["schema"], 1);
    assert_eq!(
        json["tests"],
        json!([
            test("tests/test_a.py", "test_a"),
            test("tests/test_a.py", "test_c")
        ])
    );
    assert_eq!((&json["listed"], &json["taken"]), (&json!(5), &json!(2)));
    assert_eq!(json["left_out"][0]["line"], missed);
    assert_eq!(json["left_out"][0]["number"], 2);
    assert_eq!(json["left_out"][0]["suspicious"], true);
    assert_eq!(json["left_out"][1]["reason"], "is a heading or a sum");
    assert_eq!(
        json["duplicates"],
        json!([test("tests/test_a.py", "test_a")])
    );
    assert!(list.stderr.contains(missed), "{list:#?}");
    assert!(!stage.path("testplan-out").exists());

    let run = stage.run(["run"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    // Before the first test, and again at the end.
    assert_eq!(
        run.stderr.matches(&format!("line 2: {missed}")).count(),
        2,
        "{run:#?}"
    );
    assert!(
        run.stderr
            .contains("warning: template \"all\": tests may be missing"),
        "{run:#?}"
    );
    let summary = stage.read("testplan-out/summary.md");
    assert!(
        summary.contains("#### Tests may be missing (1)"),
        "{summary}"
    );
    assert!(summary.contains("line 2: my tests/test"), "{summary}");
    assert!(
        summary.contains("Discovery: 5 listed: 2 taken, 2 left out, 1 duplicate"),
        "{summary}"
    );
    let html = stage.read("testplan-out/report.html");
    assert!(html.contains("Tests may be missing"), "{html}");
    assert!(html.contains(missed), "{html}");

    // A report over the records alone says the same.
    let report = stage.run(["report", "--format", "json"]);
    let json = report.json();
    assert_eq!(json["discovery"]["left_out"][0]["line"], missed);
    assert_eq!(json["discovery"]["taken"], 2);
}

#[test]
fn strict_discovery_rejects_unmatched_lines() {
    let stage = stage(NARROW, ", strict: true", LISTING);
    for command in ["run", "serve"] {
        helps(
            &stage.run([command]),
            2,
            &[
                "\"all\"",
                "strict",
                "line 2: my tests/test_x.py::test_b",
                "widen `line`",
            ],
        );
    }
    assert!(!stage.path("ran").exists());
    // `list` shows what there is all the same.
    let list = stage.run(["list"]);
    assert_eq!(list.code, Some(2), "{list:#?}");
    assert!(list.stdout.contains("test_c"), "{list:#?}");

    stage.write(
        "testplan.yml",
        plan(NARROW, ", strict: true, ignore: \"^my tests/\""),
    );
    let run = stage.run(["run"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(!run.stderr.contains("may be missing"), "{run:#?}");
    stage.write("testplan.yml", plan(PYTEST, ", strict: true"));
    let list = stage.run(["list", "--format", "json"]).json();
    assert_eq!(list["taken"], 3);
    assert_eq!(list["suspicious_lines"], 0);
}

#[test]
fn ignored_lines_are_those_that_skip_unmatched_tolerates() {
    let stage = stage(PYTEST, ", skip-unmatched: false", LISTING);
    helps(
        &stage.run(["list"]),
        2,
        &["line 6", "3 tests collected", "`ignore`"],
    );
    stage.write(
        "testplan.yml",
        plan(
            PYTEST,
            ", skip-unmatched: false, ignore: [\"^x\", \" collected in \"]",
        ),
    );
    assert_eq!(stage.run(["list"]).code, Some(0));
}

#[test]
fn names_arrive_as_they_were_listed() {
    let stage = stage(
        PYTEST,
        "",
        "\u{FEFF}t.py::x \r\nt.py:: x\r\nt.py::x\r\n t.py::x\r\nt.py::i[trail ]\r\n",
    );
    let run = stage.run(["run", "--workers", "1"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let ran = stage.read("ran");
    let mut names: Vec<&str> = ran.lines().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [" t.py|x", "t.py| x", "t.py|i[trail ]", "t.py|x", "t.py|x "]
    );
    let report = stage.run(["report", "--format", "json"]).json();
    let executions = report["executions"].as_array().unwrap();
    let named = |suite: &str, testcase: &str| {
        executions
            .iter()
            .filter(|it| it["suite"] == suite && it["testcase"] == testcase)
            .count()
    };
    for name in &names {
        let (suite, testcase) = name.split_once('|').unwrap();
        assert_eq!(named(suite, testcase), 1, "{name:?}: {report}");
    }
    let junit = stage.read("testplan-out/junit.xml");
    assert!(junit.contains("name=\"x \""), "{junit}");
    assert!(junit.contains("name=\" x\""), "{junit}");
}

#[test]
fn unmatched_lines_are_errors() {
    let stage = Stage::with(&plan(PYTEST, ""));
    for (listing, says) in [
        (
            &b"t.py::a\nt.py::gr\xFCn\n"[..],
            &["line 2", "not UTF-8"][..],
        ),
        (b"t.py::a\0t.py::b\0", &["line 1", "NUL"]),
        (
            b"\xFF\xFEt\0.\0p\0y\0:\0:\0a\0\r\0\n\0",
            &["UTF-16", "Out-File -Encoding utf8"],
        ),
    ] {
        stage.write("listing", listing);
        helps(&stage.run(["list"]), 2, says);
    }
}

#[test]
fn a_failed_listing_shows_both_streams() {
    let stage = Stage::with(&plan(PYTEST, "").replace(
        "cat listing",
        "echo t.py::a; echo; echo ERROR bad.py; printf '\\\\033[31mred'; echo some warning >&2; exit 2",
    ));
    helps(
        &stage.run(["run"]),
        2,
        &[
            "exit code 2",
            "stdout ended with:",
            "| ERROR bad.py",
            "| red",
            "stderr ended with:",
            "| some warning",
        ],
    );
    stage.write(
        "testplan.yml",
        plan(PYTEST, "").replace("cat listing", "exit 3"),
    );
    helps(
        &stage.run(["run"]),
        2,
        &["exit code 3, and it printed nothing"],
    );
    stage.write(
        "testplan.yml",
        plan(PYTEST, ", timeout: 300ms").replace("cat listing", "echo collecting; exec sleep 60"),
    );
    helps(
        &stage.run(["run"]),
        2,
        &["300ms", "| collecting", "`timeout`"],
    );
    // The same lines with exit code 0 are a warning.
    stage.write("testplan.yml", plan(PYTEST, ""));
    stage.write(
        "listing",
        "t.py::a\n\nERROR bad.py\n1 test collected, 1 error in 0.05s\n",
    );
    let run = stage.run(["run"]);
    assert!(
        run.stderr
            .contains("line 3: ERROR bad.py (reports an error"),
        "{run:#?}"
    );
}

#[test]
fn absolute_paths_below_the_folder_become_relative() {
    const JEST: &str = r"^(?<suite>.*/(?<testcase>[^/]+)\.test\.js)$";
    let stage = Stage::with(&plan(JEST, "").replace(
        "cat listing",
        "ls $PWD/src/*.test.js; ls $PWD/../link/src/c.test.js",
    ));
    for name in ["w/src/a b.test.js", "w/src/c.test.js"] {
        stage.write(name, "");
    }
    fs::rename(stage.path("testplan.yml"), stage.path("w/testplan.yml")).unwrap();
    std::os::unix::fs::symlink(stage.path("w"), stage.path("link")).unwrap();
    let list = stage.run(["list", "--config", "link/testplan.yml", "--format", "json"]);
    let json = list.json();
    assert_eq!(
        json["tests"],
        json!([{ "suite": "src/a b.test.js", "testcase": "a b" }, { "suite": "src/c.test.js", "testcase": "c" }]),
        "{list:#?}"
    );
    let run = stage.run(["run", "--config", "w/testplan.yml"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    // The same file by two paths is one test.
    assert_eq!(stage.read("w/ran").lines().count(), 2);

    let text = stage
        .read("w/testplan.yml")
        .replace("ls $PWD/src", "echo /elsewhere/b.test.js; ls $PWD/src");
    stage.write("w/testplan.yml", text);
    helps(
        &stage.run(["run", "--config", "w/testplan.yml"]),
        2,
        &[
            "line 1",
            "/elsewhere/b.test.js",
            "absolute path",
            "working-directory",
        ],
    );
    // Tests written by hand get the same treatment where it makes them runnable.
    let suite = serde_json::Value::from(stage.path("w/src/c.test.js").to_str().unwrap());
    let written = plan(JEST, "")
        .split("      - discover")
        .next()
        .unwrap()
        .to_owned();
    stage.write(
        "w/testplan.yml",
        written + &format!("      - {{ suite: {suite}, testcases: [c] }}\n"),
    );
    let json = stage
        .run(["list", "--config", "w/testplan.yml", "--format", "json"])
        .json();
    assert_eq!(json["tests"][0]["suite"], "src/c.test.js");
}

#[test]
fn only_the_template_that_is_asked_for_is_listed() {
    let other = "  - title: other\n    tests:\n      - discover: { command: [/bin/sh, -c, \"touch listed; echo a::b\"], line: \"(?<suite>a)::(?<testcase>b)\" }\n";
    let stage = stage(PYTEST, "", LISTING);
    stage.write("testplan.yml", plan(PYTEST, "") + other);
    for command in ["list", "run"] {
        let ended = stage.run([command, "--template", "all"]);
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        assert!(!stage.path("listed").exists(), "{command}");
    }
    // A template that an earlier run knew is not started from memory.
    stage.write(
        "testplan.yml",
        plan(PYTEST, "").replace("title: all", "title: more") + other,
    );
    helps(
        &stage.run(["run", "--template", "all"]),
        4,
        &["no template \"all\"", "\"more\", \"other\""],
    );
    let _service = Service::start(&stage);
    assert!(stage.path("listed").exists());
}

#[test]
fn an_empty_listing_is_nothing_to_run() {
    for listing in ["", "\n\n", "no tests collected in 0.01s\n"] {
        let stage = stage(PYTEST, "", listing);
        helps(
            &stage.run(["run"]),
            4,
            &["\"all\" has no tests", "--allow-empty"],
        );
        let ended = stage.run(["run", "--allow-empty"]);
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        let ended = Service::start(&stage).run(&stage, &["execute"]);
        assert_eq!(ended.code, Some(4), "{ended:#?}");
        let list = stage.run(["list", "--format", "json"]);
        assert_eq!(list.code, Some(4), "{list:#?}");
        assert_eq!(list.json()["tests"], json!([]));
    }
    let stage = stage(PYTEST, "", "collected nothing of use\n");
    helps(
        &stage.run(["run", "--allow-empty"]),
        2,
        &["no line", "collected nothing of use"],
    );
}
