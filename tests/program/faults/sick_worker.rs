//! A machine that cannot start the tool gives its executions back and leaves; one whose tests end by a stop signal does not
//! count them.

use rustix::process::Signal;

use crate::support::{PlanFile, Service, Stage};

#[test]
fn a_worker_without_the_tool_leaves_its_executions_to_others() {
    let stage = Stage::new();
    let tool = stage.script("tool", "exit 0");
    PlanFile::run_with("mytool".as_ref())
        .numbered("s", 6)
        .on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let work = |name: &str, path: &str| {
        let command = stage.testplan("work").named(name).at(&service).on(plan);
        command
            .with("PATH", path)
            .flags(&format!("--workers 1 --out {name}"))
            .run()
    };
    let sick = work("sick", "/nowhere").code_is(3);
    assert!(
        sick.stderr.contains("this machine cannot start the tests")
            && sick
                .stderr
                .contains("mytool was not found in any folder of PATH"),
        "{sick}"
    );
    assert_eq!(
        service
            .executions(plan)
            .iter()
            .filter(|it| it.error.is_some())
            .count(),
        0,
        "nothing is counted"
    );
    std::fs::rename(&tool, stage.path("mytool")).unwrap();
    let path = format!("{}:/usr/bin:/bin", stage.folder().display());
    work("well", &path).code_is(0);
    let report = stage.testplan("report").at(&service).on(plan);
    report
        .flags("--records sick --records well --out report")
        .run()
        .code_is(0);
}

#[test]
fn lone_run_counts_tests_that_cannot_start() {
    let stage = Stage::new();
    PlanFile::run_with("mytool".as_ref())
        .numbered("s", 5)
        .on(&stage);
    let ended = stage.testplan("run").run().code_is(3);
    assert!(ended.stderr.contains("mytool was not found"), "{ended}");
    assert!(ended.stderr.contains("5 could not run"), "{ended}");
}

#[test]
fn missing_script_of_one_test_is_its_own_error() {
    let stage = Stage::new();
    stage.script("t1", "exit 0");
    PlanFile::run_with("./{testcase}".as_ref())
        .runner("command", serde_json::json!(["./{testcase}"]))
        .numbered("s", 2)
        .on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let work = stage.testplan("work").at(&service).on(plan);
    work.flags("--workers 1").run().code_is(3);
    let errors: Vec<bool> = service
        .executions(plan)
        .iter()
        .map(|it| it.error.is_some())
        .collect();
    assert_eq!(errors, [false, true]);
}

#[test]
fn tests_that_a_stop_ended_before_their_worker_are_given_back() {
    for signal in ["TERM", "INT", "HUP"] {
        let stage = Stage::new();
        let test = stage.script("test.sh", "echo $$ >> tests\nexec sleep 60");
        PlanFile::run_with(&test).numbered("s", 2).on(&stage);
        let service = Service::start(&stage);
        let plan = service.start_plan(&stage);
        let command = stage.testplan("work").at(&service).on(plan);
        let worker = command.flags("--workers 2").start();
        let tests = stage.wait_for_lines("tests", 2);
        let number = match signal {
            "TERM" => Signal::TERM,
            "INT" => Signal::INT,
            _ => Signal::HUP,
        };
        for pid in &tests {
            let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
            rustix::process::kill_process(pid, number).unwrap();
        }
        worker.send(Signal::TERM);
        worker.end().code_is(143);
        for execution in service.executions(plan) {
            let history = service.history(plan, execution.execution_id.0);
            assert_eq!(history, ["reserved", "released"], "{signal}");
        }
    }
}
