//! Listings by a real shell: every line is accounted for, on every surface, and what may be a test is never lost in
//! silence.

use std::fs;

use serde_json::json;

use super::{
    mistakes::helps,
    support::{Desk, Service},
};

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

fn desk(line: &str, more: &str, listing: &str) -> Desk {
    let desk = Desk::with(&plan(line, more));
    desk.write("listing", listing);
    desk
}

const LISTING: &str = "tests/test_a.py::test_a\n\
    my tests/test_x.py::test_b\n\
    tests/test_a.py::test_a\n\
    tests/test_a.py::test_c\n\
    \n\
    3 tests collected in 0.01s\n";

#[test]
fn a_folder_with_a_blank_is_named_on_every_surface() {
    let desk = desk(NARROW, "", LISTING);
    let missed = "my tests/test_x.py::test_b";

    let list = desk.run(&["list"]);
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

    let list = desk.run(&["list", "--format", "json", "--template", "all"]);
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
    assert!(!desk.path("testplan-out").exists());

    let run = desk.run(&["run"]);
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
    let summary = desk.read("testplan-out/summary.md");
    assert!(
        summary.contains("#### Tests may be missing (1)"),
        "{summary}"
    );
    assert!(summary.contains("line 2: my tests/test"), "{summary}");
    assert!(
        summary.contains("Discovery: 5 listed: 2 taken, 2 left out, 1 duplicate"),
        "{summary}"
    );
    let html = desk.read("testplan-out/report.html");
    assert!(html.contains("Tests may be missing"), "{html}");
    assert!(html.contains(missed), "{html}");

    // A report over the records alone says the same.
    let report = desk.run(&["report", "--format", "json"]);
    let json = report.json();
    assert_eq!(json["discovery"]["left_out"][0]["line"], missed);
    assert_eq!(json["discovery"]["taken"], 2);
}

#[test]
fn what_may_be_a_test_is_an_error_in_a_strict_discovery() {
    let desk = desk(NARROW, ", strict: true", LISTING);
    for command in ["run", "serve"] {
        helps(
            &desk.run(&[command]),
            2,
            &[
                "\"all\"",
                "strict",
                "line 2: my tests/test_x.py::test_b",
                "widen `line`",
            ],
        );
    }
    assert!(!desk.path("ran").exists());
    // `list` shows what there is all the same.
    let list = desk.run(&["list"]);
    assert_eq!(list.code, Some(2), "{list:#?}");
    assert!(list.stdout.contains("test_c"), "{list:#?}");

    desk.write(
        "testplan.yml",
        plan(NARROW, ", strict: true, ignore: \"^my tests/\""),
    );
    let run = desk.run(&["run"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(!run.stderr.contains("may be missing"), "{run:#?}");
    desk.write("testplan.yml", plan(PYTEST, ", strict: true"));
    let list = desk.run(&["list", "--format", "json"]).json();
    assert_eq!(list["taken"], 3);
    assert_eq!(list["suspicious_lines"], 0);
}

#[test]
fn ignored_lines_are_those_that_skip_unmatched_tolerates() {
    let desk = desk(PYTEST, ", skip-unmatched: false", LISTING);
    helps(
        &desk.run(&["list"]),
        2,
        &["line 6", "3 tests collected", "`ignore`"],
    );
    desk.write(
        "testplan.yml",
        plan(
            PYTEST,
            ", skip-unmatched: false, ignore: [\"^x\", \" collected in \"]",
        ),
    );
    assert_eq!(desk.run(&["list"]).code, Some(0));
}

#[test]
fn names_arrive_as_they_were_listed() {
    let desk = desk(
        PYTEST,
        "",
        "\u{FEFF}t.py::x \r\nt.py:: x\r\nt.py::x\r\n t.py::x\r\nt.py::i[trail ]\r\n",
    );
    let run = desk.run(&["run", "--workers", "1"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let ran = desk.read("ran");
    let mut names: Vec<&str> = ran.lines().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [" t.py|x", "t.py| x", "t.py|i[trail ]", "t.py|x", "t.py|x "]
    );
    let report = desk.run(&["report", "--format", "json"]).json();
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
    let junit = desk.read("testplan-out/junit.xml");
    assert!(junit.contains("name=\"x \""), "{junit}");
    assert!(junit.contains("name=\" x\""), "{junit}");
}

#[test]
fn lines_that_no_name_can_be_made_of() {
    let desk = Desk::with(&plan(PYTEST, ""));
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
        desk.write("listing", listing);
        helps(&desk.run(&["list"]), 2, says);
    }
}

#[test]
fn a_failed_listing_shows_both_streams() {
    let desk = Desk::with(&plan(PYTEST, "").replace(
        "cat listing",
        "echo t.py::a; echo; echo ERROR bad.py; printf '\\\\033[31mred'; echo some warning >&2; exit 2",
    ));
    helps(
        &desk.run(&["run"]),
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
    desk.write(
        "testplan.yml",
        plan(PYTEST, "").replace("cat listing", "exit 3"),
    );
    helps(
        &desk.run(&["run"]),
        2,
        &["exit code 3, and it printed nothing"],
    );
    desk.write(
        "testplan.yml",
        plan(PYTEST, ", timeout: 300ms").replace("cat listing", "echo collecting; exec sleep 60"),
    );
    helps(
        &desk.run(&["run"]),
        2,
        &["300ms", "| collecting", "`timeout`"],
    );
    // The same lines with exit code 0 are a warning.
    desk.write("testplan.yml", plan(PYTEST, ""));
    desk.write(
        "listing",
        "t.py::a\n\nERROR bad.py\n1 test collected, 1 error in 0.05s\n",
    );
    let run = desk.run(&["run"]);
    assert!(
        run.stderr
            .contains("line 3: ERROR bad.py (reports an error"),
        "{run:#?}"
    );
}

#[test]
fn absolute_paths_below_the_folder_become_relative() {
    const JEST: &str = r"^(?<suite>.*/(?<testcase>[^/]+)\.test\.js)$";
    let desk = Desk::with(&plan(JEST, "").replace(
        "cat listing",
        "ls $PWD/src/*.test.js; ls $PWD/../link/src/c.test.js",
    ));
    for name in ["w/src/a b.test.js", "w/src/c.test.js"] {
        desk.write(name, "");
    }
    fs::rename(desk.path("testplan.yml"), desk.path("w/testplan.yml")).unwrap();
    std::os::unix::fs::symlink(desk.path("w"), desk.path("link")).unwrap();
    let list = desk.run(&["list", "--config", "link/testplan.yml", "--format", "json"]);
    let json = list.json();
    assert_eq!(
        json["tests"],
        json!([{ "suite": "src/a b.test.js", "testcase": "a b" }, { "suite": "src/c.test.js", "testcase": "c" }]),
        "{list:#?}"
    );
    let run = desk.run(&["run", "--config", "w/testplan.yml"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    // The same file by two paths is one test.
    assert_eq!(desk.read("w/ran").lines().count(), 2);

    let text = desk
        .read("w/testplan.yml")
        .replace("ls $PWD/src", "echo /elsewhere/b.test.js; ls $PWD/src");
    desk.write("w/testplan.yml", text);
    helps(
        &desk.run(&["run", "--config", "w/testplan.yml"]),
        2,
        &[
            "line 1",
            "/elsewhere/b.test.js",
            "absolute path",
            "working-directory",
        ],
    );
    // Tests written by hand get the same treatment where it makes them runnable.
    let suite = serde_json::Value::from(desk.path("w/src/c.test.js").to_str().unwrap());
    let written = plan(JEST, "")
        .split("      - discover")
        .next()
        .unwrap()
        .to_owned();
    desk.write(
        "w/testplan.yml",
        written + &format!("      - {{ suite: {suite}, testcases: [c] }}\n"),
    );
    let json = desk
        .run(&["list", "--config", "w/testplan.yml", "--format", "json"])
        .json();
    assert_eq!(json["tests"][0]["suite"], "src/c.test.js");
}

#[test]
fn only_the_template_that_is_asked_for_is_listed() {
    let other = "  - title: other\n    tests:\n      - discover: { command: [/bin/sh, -c, \"touch listed; echo a::b\"], line: \"(?<suite>a)::(?<testcase>b)\" }\n";
    let desk = desk(PYTEST, "", LISTING);
    desk.write("testplan.yml", plan(PYTEST, "") + other);
    for command in ["list", "run"] {
        let ended = desk.run(&[command, "--template", "all"]);
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        assert!(!desk.path("listed").exists(), "{command}");
    }
    // A template that an earlier run knew is not started from memory.
    desk.write(
        "testplan.yml",
        plan(PYTEST, "").replace("title: all", "title: more") + other,
    );
    helps(
        &desk.run(&["run", "--template", "all"]),
        4,
        &["no template \"all\"", "\"more\", \"other\""],
    );
    let _service = Service::start(&desk);
    assert!(desk.path("listed").exists());
}

#[test]
fn an_empty_listing_is_nothing_to_run() {
    for listing in ["", "\n\n", "no tests collected in 0.01s\n"] {
        let desk = desk(PYTEST, "", listing);
        helps(
            &desk.run(&["run"]),
            4,
            &["\"all\" has no tests", "--allow-empty"],
        );
        let ended = desk.run(&["run", "--allow-empty"]);
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        let ended = Service::start(&desk).run(&desk, &["execute"]);
        assert_eq!(ended.code, Some(4), "{ended:#?}");
        let list = desk.run(&["list", "--format", "json"]);
        assert_eq!(list.code, Some(4), "{list:#?}");
        assert_eq!(list.json()["tests"], json!([]));
    }
    let desk = desk(PYTEST, "", "collected nothing of use\n");
    helps(
        &desk.run(&["run", "--allow-empty"]),
        2,
        &["no line", "collected nothing of use"],
    );
}
