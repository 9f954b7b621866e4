//! Without a service: this machine, its files and its variables.

use super::{
    super::plan::{PASSES, plan, plan_for},
    Diagnosis,
};
use crate::support::Stage;

#[test]
fn all_but_the_service_is_checked_without_a_url() {
    let stage = Stage::with(&plan(&[PASSES]));
    let diagnosis = Diagnosis::with(&stage, &[], &[]);
    diagnosis.has(
        "service.url",
        "not checked",
        &["no service is named", "TESTCENTER_URL"],
    );
    diagnosis.has("plan.template", "ok", &["\\\"all\\\" is in testplan.yml"]);
    diagnosis.has("configuration.file", "ok", &["1 template", "a runner"]);
    diagnosis.has("capabilities.worker", "ok", &[]);
    diagnosis.has("runner.program", "ok", &["testplan"]);
    diagnosis.has("output.folder", "ok", &["testplan-out can be made"]);
    diagnosis.ends(0);
    let left: Vec<_> = std::fs::read_dir(stage.path("")).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing is left behind: {left:?}");

    let unknown = Diagnosis::with(&stage, &["--template=al"], &[]);
    unknown.has(
        "plan.template",
        "problem",
        &[
            "no template \\\"al\\\" in testplan.yml",
            "--template \\\"all",
        ],
    );
    unknown.ends(4);
}

#[test]
fn squish_servers_of_the_file_count_without_a_url() {
    let servers = "servers:\n  - { host: lab, port: 4322, labels: { OS: Linux } }\n";
    let stage = Stage::with(&(plan_for("[{ OS: Linux }]", &[PASSES]) + servers));
    let diagnosis = Diagnosis::with(&stage, &["--capability=OS=Linux", "--allocate-server"], &[]);
    diagnosis.has(
        "capabilities.servers",
        "ok",
        &["1 Squish server registered: 1 free"],
    );
    diagnosis.ends(0);
    let other = Diagnosis::with(
        &stage,
        &["--capability=OS=Windows", "--allocate-server"],
        &[],
    );
    other.has("capabilities.servers", "problem", &["OS=Windows"]);
    other.has("capabilities.worker", "problem", &["OS=Linux"]);
    other.ends(3);
}

#[test]
fn invalid_files_are_problems() {
    let stage = Stage::with("runer: {}\n");
    let diagnosis = Diagnosis::with(&stage, &[], &[]);
    diagnosis.has(
        "configuration.file",
        "problem",
        &[
            "testplan.yml:1:1: there is no key `runer` here (did you mean `runner`?)\"",
            "validate",
        ],
    );
    diagnosis.has("plan.template", "not checked", &["no project is named"]);
    diagnosis.ends(2);
    let missing = Diagnosis::with(&Stage::new(), &["--config=none.yml"], &[]);
    missing.has("configuration.file", "problem", &["none.yml"]);
    missing.ends(2);
    let empty = Diagnosis::with(&Stage::new(), &[], &[]);
    empty.has("configuration.file", "warning", &["--config"]);
    empty.ends(0);
}

#[test]
fn invalid_flags_and_variables_are_reported() {
    let stage = Stage::with(&plan(&[PASSES]));
    let bad = Diagnosis::with(&stage, &[], &[("TESTPLAN_WORKERS", "many")]);
    bad.has(
        "configuration.workers",
        "problem",
        &["TESTPLAN_WORKERS", "1 to 1024"],
    );
    bad.ends(2);
    let slip = Diagnosis::with(&stage, &[], &[("TESTPLAN_URL", "http://CanaryCanary")]);
    slip.has(
        "configuration.variables",
        "warning",
        &["TESTPLAN_URL", "TESTCENTER_URL"],
    );
    slip.ends(0);
    let flag = stage.run(["doctor", "--plan-id=x"]);
    assert_eq!(
        (flag.code, flag.stdout.as_str()),
        (Some(2), ""),
        "{flag:#?}"
    );
}

#[test]
fn programs_that_cannot_start_are_problems() {
    let with = |command: &str| {
        let stage = Stage::with(&format!("runner: {{ command: {command} }}\n"));
        stage.write("here.sh", "#!/bin/sh\n");
        let diagnosis = Diagnosis::with(&stage, &[], &[]);
        (diagnosis, stage)
    };
    let (missing, _) = with("[no-such-program, \"{testcase}\"]");
    missing.has(
        "runner.program",
        "problem",
        &["no-such-program", "no folder of PATH", "install"],
    );
    missing.ends(3);
    let (beside, _) = with("[here.sh]");
    beside.has("runner.program", "problem", &["but in", "./here.sh"]);
    let (gone, _) = with("[./gone.sh]");
    gone.has("runner.program", "problem", &["gone.sh does not exist"]);
    if cfg!(unix) {
        let (closed, _) = with("[./here.sh]");
        closed.has(
            "runner.program",
            "problem",
            &["may not be executed", "chmod"],
        );
    }
    let stage = Stage::with("project: x\ntemplates: []\n");
    let none = Diagnosis::with(&stage, &[], &[]);
    none.has("runner.program", "warning", &["no runner", "add"]);
}

#[test]
fn unwritable_out_folder_is_a_problem() {
    let stage = Stage::with(&plan(&[PASSES]));
    stage.write("file", "x");
    let diagnosis = Diagnosis::with(&stage, &["--out=file/out"], &[]);
    diagnosis.has("output.folder", "problem", &["file/out", "--out"]);
    diagnosis.ends(3);
}

#[test]
fn help_lists_the_exit_codes() {
    let help = Stage::new().run(["doctor", "--help"]);
    for part in [
        "Exit codes",
        "2    a bad flag",
        "3    a problem",
        "4    the template",
    ] {
        assert!(help.stdout.contains(part), "{}", help.stdout);
    }
    let ended = Stage::new().command(["doctor", "--quiet"]).run();
    assert_eq!(ended.stderr, "", "{ended:#?}");
}
