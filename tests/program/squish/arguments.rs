//! What squishrunner is started with.

use super::told::told;
use crate::support::{Records, Squish, files_below};
use testplan::model::record::RecordEvent;

fn squish() -> Squish {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    squish
}

/// The folder of the only results, and the suite's.
fn places(squish: &Squish) -> (String, String) {
    let folder = squish.stage.folder().canonicalize().unwrap();
    let results = std::fs::read_dir(folder.join("out/results")).unwrap();
    let results: Vec<_> = results.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(results.len(), 1, "{results:?}");
    let text = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
    (
        text(results[0].clone()),
        text(folder.join("suites/suite_a")),
    )
}

/// Paths without links, as a temporary folder may have one.
fn real(squish: &Squish, call: &[String]) -> Vec<String> {
    let folder = squish.stage.folder();
    let (shown, real) = (
        folder.to_str().unwrap().to_owned(),
        folder.canonicalize().unwrap().to_str().unwrap().to_owned(),
    );
    call.iter()
        .map(|word| word.replace(&shown, &real))
        .collect()
}

#[test]
fn an_allocated_server_is_asked_for_and_comes_before_the_suite() {
    let squish = squish();
    let server = squish.server("server");
    let servers = format!("servers: [{{ host: 127.0.0.1, port: {} }}]", server.port);
    squish.plan("", &servers).run().code_is(0);
    let (results, suite) = places(&squish);
    let port = server.port.to_string();
    let report = format!("xml3.4,{results}/squish");
    let [call] = &squish.calls()[..] else {
        panic!()
    };
    assert_eq!(
        real(&squish, call),
        [
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--testsuite",
            &suite,
            "--testcase",
            "tst_one",
            "--reportgen",
            &report,
            "--exitCodeOnFail",
            "44"
        ]
    );
    let given = Records::below(squish.stage.path("out")).pick(|event| match event {
        RecordEvent::Reserved { squish_server, .. } => squish_server.clone(),
        _ => None,
    });
    assert_eq!(given, [server.address()]);
}

#[test]
fn a_local_server_is_a_word_after_the_suite_and_none_is_allocated() {
    let squish = squish();
    squish
        .plan("server: local, report: junit", "")
        .run()
        .code_is(0);
    let (results, suite) = places(&squish);
    let report = format!("junit,{results}/junit.xml");
    let [call] = &squish.calls()[..] else {
        panic!()
    };
    assert_eq!(
        real(&squish, call),
        [
            "--testsuite",
            &suite,
            "--testcase",
            "tst_one",
            "--local",
            "--reportgen",
            &report,
            "--exitCodeOnFail",
            "44"
        ]
    );
}

#[test]
fn scenarios_are_cases_or_together_one() {
    for (choice, cases) in [("each", 2), ("together", 1)] {
        let squish = Squish::new();
        let conf = "LANGUAGE=Python\nTEST_CASES=tst_bdd\n";
        squish.stage.write("suites/suite_a/suite.conf", conf);
        squish.stage.write(
            "suites/suite_a/tst_bdd/test.feature",
            "Feature: F\n  Scenario: One\n    Given x\n  Scenario: Two\n    # stand-in: fail no\n",
        );
        squish
            .plan(&format!("server: local, scenarios: {choice}"), "")
            .run()
            .code_is(1);
        assert_eq!(told(&squish)["tst_bdd"].cases.len(), cases, "{choice}");
    }
}

#[test]
fn tags_and_options_come_last_and_reach_the_report() {
    let squish = Squish::new();
    squish.suite("suite_a", &[]);
    squish.stage.write(
        "suites/suite_a/suite.conf",
        "LANGUAGE=Python\nTEST_CASES=tst_bdd\n",
    );
    squish.stage.write(
        "suites/suite_a/tst_bdd/test.feature",
        "Feature: Addresses\n\n  @smoke\n  Scenario: Add\n    Given a book\n    Then it grows\n\n  @slow\n  Scenario: Many\n    # stand-in: fail too slow\n",
    );
    squish
        .plan(
            "server: local, report: xml3.5, tags: [\"@smoke\", \"~@slow\"], options: [--snoozeFactor, 2, --abortOnFail]",
            "",
        )
        .run()
        .code_is(0);
    let [call] = &squish.calls()[..] else {
        panic!()
    };
    let end: Vec<&str> = call
        .iter()
        .rev()
        .take(9)
        .rev()
        .map(String::as_str)
        .collect();
    assert_eq!(
        end,
        [
            "--exitCodeOnFail",
            "44",
            "--tags",
            "@smoke",
            "--tags",
            "~@slow",
            "--snoozeFactor",
            "2",
            "--abortOnFail"
        ]
    );
    let report = files_below(&squish.stage.path("out/results"));
    let report = std::fs::read_to_string(&report[0]).unwrap();
    assert!(
        report.contains("version=\"3.5\"") && report.contains("Add") && !report.contains("Many"),
        "{report}"
    );
    let junit = squish.stage.read("out/junit.xml");
    assert!(junit.contains("Add"), "{junit}");
}

#[test]
fn squish_s_own_variables_are_inherited_and_the_file_s_are_added() {
    let squish = Squish::new();
    let shown = "show SQUISH_LICENSEKEY_DIR\nshow SQUISH_PREFIX\nshow LICENCE_POOL\nshow TESTCENTER_TOKEN\nshow TESTPLAN_TESTCASE\nfail to keep the log";
    squish.suite("suite_a", &[("tst_one", shown)]);
    squish
        .plan("server: local", "  environment: { LICENCE_POOL: night }")
        .testplan("run")
        .flags("--out out")
        .with("SQUISH_LICENSEKEY_DIR", "/opt/licence")
        .with("TESTCENTER_TOKEN", "canary")
        .run()
        .code_is(1);
    let tail = &told(&squish)["tst_one"].tail;
    let prefix = squish.stage.path("prefix");
    for line in [
        "SQUISH_LICENSEKEY_DIR=/opt/licence",
        &format!("SQUISH_PREFIX={}", prefix.display()),
        "LICENCE_POOL=night",
        "TESTCENTER_TOKEN=",
        "TESTPLAN_TESTCASE=tst_one",
    ] {
        assert!(tail.lines().any(|said| said == line), "{line}: {tail}");
    }
}
