//! A machine that cannot start the tool gives its executions back and leaves; one whose tests end by a stop signal does not
//! count them.

use rustix::process::Signal;

use testplan::{api::execution_list::ExecutionResponse, model::TestVerdict};

use crate::support::{PlanFile, Service, Stage, Testplan};

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

/// What a machine lacks, and what its worker says about it.
struct Lack {
    name: &'static str,
    command: &'static [&'static str],
    /// Makes the machine that lacks it, in the folder of a stage; afterwards `exec "$@"` starts the worker.
    machine: &'static str,
    says: &'static str,
}

const LACKS: [Lack; 7] = [
    Lack {
        name: "program",
        command: &["mytool"],
        machine: "",
        says: "mytool was not found in any folder of PATH",
    },
    Lack {
        name: "right to execute",
        command: &["mytool"],
        machine: "touch $BAD/mytool",
        says: "mytool may not be executed",
    },
    Lack {
        name: "interpreter",
        command: &["mytool"],
        machine: "echo '#!/nowhere/sh' > $BAD/mytool; chmod +x $BAD/mytool",
        says: "asks for \"/nowhere/sh\" in its first line, which does not exist",
    },
    Lack {
        name: "right kind of program",
        command: &["mytool"],
        machine: "printf '\\001\\002\\003' > $BAD/mytool; chmod +x $BAD/mytool",
        says: "mytool is no program of this system",
    },
    Lack {
        name: "working directory",
        command: &["true"],
        machine: "mkdir elsewhere; cp testplan.yml token elsewhere; cd elsewhere",
        says: "its working directory",
    },
    Lack {
        name: "program in a shell",
        command: &["/bin/sh", "-c", "mytool"],
        machine: "",
        says: "as a shell says: command not found",
    },
    Lack {
        name: "library",
        command: &["mytool"],
        machine: "printf '#!/bin/sh\\necho libfoo.so.1 is missing >&2\\nexit 127' > $BAD/mytool; chmod +x $BAD/mytool",
        says: "libfoo.so.1 is missing",
    },
];

/// A stage with a plan of tests that only a machine with `good` in its `PATH` can run.
fn stage_for(lack: &Lack, tests: usize) -> Stage {
    let stage = Stage::new();
    for folder in ["good", "one", "two", "work"] {
        std::fs::create_dir(stage.path(folder)).unwrap();
    }
    stage.script("good/mytool", "exit 0");
    PlanFile::run_with("x".as_ref())
        .runner("command", serde_json::json!(lack.command))
        .runner("working-directory", "work")
        .numbered("s", tests)
        .on(&stage);
    stage
}

/// A worker of its own folder for programs, which is named as it is.
fn sick_worker(stage: &Stage, lack: &Lack, name: &str) -> Testplan {
    let bad = stage.path(name);
    let machine = format!("{}\nexec \"$@\"", lack.machine);
    stage
        .program("/bin/sh")
        .args(["-c", &machine, "sh", env!("CARGO_BIN_EXE_testplan"), "work"])
        .named(name)
        .with("BAD", &bad)
        .with("PATH", format!("{}:/usr/bin:/bin", bad.display()))
        .flags("--workers 1 --out")
        .arg(stage.path("out").join(name))
}

#[test]
fn whatever_a_machine_lacks_another_one_runs_its_tests() {
    let check = |lack: &Lack| {
        let stage = stage_for(lack, 6);
        let service = Service::start(&stage);
        let plan = service.start_plan(&stage);
        let sick = sick_worker(&stage, lack, "one").at(&service).on(plan);
        let sick = sick.run();
        let says = sick.stderr.contains(lack.says);
        assert!(says && sick.code == Some(3), "{}: {sick}", lack.name);
        let path = format!("{}:/usr/bin:/bin", stage.path("good").display());
        let well = stage.testplan("work").named("well").at(&service).on(plan);
        let well = well.with("PATH", path).flags("--workers 1 --out well");
        well.run().code_is(0);
        let passed = |it: &&ExecutionResponse| it.verdict == Some(TestVerdict::Passed);
        let all = service.executions(plan);
        assert_eq!(all.iter().filter(passed).count(), 6, "{}", lack.name);
        let report = stage.testplan("report").at(&service).on(plan);
        let report = report.flags("--records out --records well --out report");
        report.run().code_is(0);
    };
    std::thread::scope(|scope| {
        let checks: Vec<_> = LACKS
            .iter()
            .map(|lack| scope.spawn(move || check(lack)))
            .collect();
        for check in checks {
            check.join().unwrap();
        }
    });
}

#[test]
fn execution_that_no_worker_can_start_ends_with_all_reasons() {
    let stage = stage_for(&LACKS[0], 1);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let worker = |name, lack| sick_worker(&stage, lack, name).at(&service).on(plan);
    let workers = [("one", &LACKS[0]), ("two", &LACKS[1])];
    let workers = workers.map(|(name, lack)| worker(name, lack).start());
    let ends = workers.map(|worker| worker.end().code);
    assert!(ends.contains(&Some(3)), "{ends:?}");
    let error = service.executions(plan)[0]
        .error
        .clone()
        .unwrap_or_default();
    assert!(error.starts_with("no worker could start it: "), "{error}");
    let reasons = ["not found in any folder of PATH", "may not be executed"];
    assert!(reasons.iter().all(|it| error.contains(it)), "{error}");
    let report = stage.testplan("report").at(&service).on(plan);
    let report = report.flags("--records out --out report").run().code_is(3);
    assert!(
        report.stderr.contains("no worker could start it"),
        "{report}"
    );
}

#[test]
fn worker_whose_tool_breaks_faster_than_any_test_leaves_the_rest_to_others() {
    let stage = Stage::new();
    let tool = stage.script("tool", "sleep 0.3");
    PlanFile::run_with(&tool).numbered("s", 9).on(&stage);
    let service = Service::start(&stage);
    let work = |plan: i64, name: &str| {
        let work = stage.testplan("work").named(name).at(&service).on(plan);
        work.flags(&format!("--workers 3 --out {name}")).run()
    };
    work(service.start_plan(&stage), "first").code_is(0);
    let plan = service.start_plan(&stage);
    stage.script("tool", "echo no licence; exit 9");
    let sick = work(plan, "sick").code_is(3);
    let says = "executions could not run, each in less time than any test of this plan takes";
    assert!(sick.stderr.contains(says), "{sick}");
    let open = |it: &&ExecutionResponse| it.error.is_none() && it.verdict.is_none();
    let left = service.executions(plan);
    // Three ran at the same time.
    assert!(
        (2..=4).contains(&left.iter().filter(open).count()),
        "{left:?}"
    );
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
