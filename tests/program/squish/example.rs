//! The example, as its README runs it where there is no Squish.

use std::{path::Path, process::Command};

use crate::support::Stage;

#[test]
fn the_example_runs_every_test_case_on_both_squish_servers() {
    let stage = Stage::new();
    let testplan = Path::new(env!("CARGO_BIN_EXE_testplan"));
    let ran = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/squish/run.sh"))
        .arg(stage.folder())
        .env("TESTPLAN", testplan)
        .env("STAND_INS", testplan.parent().unwrap().join("examples"))
        .env_remove("SQUISH_PREFIX")
        .env_remove("TESTCENTER_URL")
        .env_remove("GITHUB_ACTIONS")
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&ran.stderr).into_owned() + &String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("suite_addressbook: 4 test cases"), "{said}");
    // One of the test cases has two scenarios.
    assert!(said.contains("5 tests in"), "{said}");
    let junit = stage.read("out/junit.xml");
    for scenario in [
        "An entry is found by a part of its name",
        "What is not there is not found",
    ] {
        assert!(junit.contains(scenario), "{junit}");
    }
    let mut suites = 0;
    for port in [4322, 4323] {
        let log = stage.read(&format!("squishserver-{port}.log"));
        suites += log.matches("began suite_addressbook").count();
        assert!(log.ends_with("stopped\n"), "{log}");
    }
    assert_eq!(suites, 4);
}
