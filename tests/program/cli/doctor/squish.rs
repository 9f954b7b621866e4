//! A runner for Squish: squishrunner, its licence, suites on disk.

use std::os::unix::fs::PermissionsExt as _;

use super::Diagnosis;
use crate::support::Stage;

const PLAN: &str = "project: example
runner: { squish: { server: local } }
templates:
  - title: all
    tests: [{ discover: squish }]
";

fn stage(squishrunner: &str) -> Stage {
    let stage = Stage::with(PLAN);
    stage.write("squish/bin/squishrunner", squishrunner);
    let program = stage.path("squish/bin/squishrunner");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    stage.write(
        "suite_login/suite.conf",
        "LANGUAGE=Python\nTEST_CASES=tst_good tst_bad\n",
    );
    for name in ["tst_good", "tst_bad"] {
        stage.write(&format!("suite_login/{name}/test.py"), "");
    }
    stage.write("home/.keep", "");
    stage
}

fn look(stage: &Stage, variables: &[(&str, &str)]) -> Diagnosis {
    let (home, prefix) = (stage.path("home"), stage.path("squish"));
    let mut all = vec![
        ("HOME", home.to_str().unwrap()),
        ("SQUISH_PREFIX", prefix.to_str().unwrap()),
        ("SQUISH_LICENSEKEY_DIR", ""),
    ];
    all.extend(variables);
    Diagnosis::with(stage, &[], &all)
}

const SAYS: &str = "#!/bin/sh\n[ \"$1\" = --version ] && echo && echo 'squishrunner 9.2.2'\n";

#[test]
fn squish_passes_every_check() {
    let stage = stage(SAYS);
    stage.write("home/.squish-3-license", "x");
    let diagnosis = look(&stage, &[]);
    diagnosis.has(
        "runner.program",
        "ok",
        &["squish/bin/squishrunner", "by SQUISH_PREFIX"],
    );
    diagnosis.has("runner.version", "ok", &["squishrunner 9.2.2"]);
    diagnosis.has("runner.licence", "ok", &["home/.squish-3-license"]);
    diagnosis.has("runner.suites", "ok", &["1 suite with 2 test cases"]);
    assert_eq!(diagnosis.json["capabilities"][0]["executions"], 2);
    diagnosis.ends(0);
}

#[test]
fn missing_squishrunner_is_a_problem() {
    let stage = stage(SAYS);
    let diagnosis = look(&stage, &[("SQUISH_PREFIX", "/nowhere")]);
    diagnosis.has(
        "runner.program",
        "problem",
        &["SQUISH_PREFIX is /nowhere", "install Squish"],
    );
    diagnosis.has("runner.version", "not checked", &[]);
    diagnosis.ends(3);
}

#[test]
fn failing_squishrunner_is_a_warning() {
    let stage = stage("#!/bin/sh\necho 'no display' >&2\nexit 3\n");
    let diagnosis = look(&stage, &[]);
    diagnosis.has("runner.version", "warning", &["no display", "by hand"]);
    diagnosis.ends(0);
}

#[test]
fn licence_is_searched_for() {
    let stage = stage(SAYS);
    look(&stage, &[]).has(
        "runner.licence",
        "warning",
        &["none was found", "SQUISH_LICENSEKEY_DIR"],
    );
    let folder = [("SQUISH_LICENSEKEY_DIR", "/nowhere")];
    look(&stage, &folder).has(
        "runner.licence",
        "warning",
        &["/nowhere, which is no folder"],
    );
    let home = stage.path("home");
    let folder = [("SQUISH_LICENSEKEY_DIR", home.to_str().unwrap())];
    look(&stage, &folder).has("runner.licence", "ok", &["SQUISH_LICENSEKEY_DIR is"]);
}

#[test]
fn broken_suites_are_reported() {
    let extra = stage(SAYS);
    extra.write("suite_login/tst_forgotten/test.py", "");
    look(&extra, &[]).has("runner.suites", "warning", &["tst_forgotten", "suite.conf"]);
    let broken = stage(SAYS);
    broken.write(
        "suite_login/suite.conf",
        "LANGUAGE=Python\nTEST_CASES=tst_good tst_gone\n",
    );
    let diagnosis = look(&broken, &[]);
    diagnosis.has("runner.suites", "problem", &["tst_gone"]);
    diagnosis.ends(2);
}

/// Squish servers are asked for without a flag, and without any there is nothing to run on.
#[test]
fn allocated_servers_must_be_in_the_file() {
    let stage = stage(SAYS);
    stage.write(
        "testplan.yml",
        PLAN.replace("server: local", "server: allocated"),
    );
    let diagnosis = look(&stage, &[]);
    diagnosis.has(
        "capabilities.servers",
        "problem",
        &["below `servers:` in testplan.yml"],
    );
    diagnosis.ends(3);
}
