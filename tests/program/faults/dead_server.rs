//! Squish servers that are gone: one of two in the middle of a plan, and the only one. Told, bounded, never for ever.

use std::time::Duration;

use serde_json::json;
use testplan::model::record::RecordEvent;

use crate::support::{Records, Service, Stage, Tap, alive, free_port, stand_in, until};

/// A suite of so many test cases; each says that it began, and goes on once there is a file `go`.
fn suite(stage: &Stage, testcases: usize) {
    let names: Vec<String> = (1..=testcases)
        .map(|number| format!("tst_{number}"))
        .collect();
    let conf = format!("LANGUAGE=Python\nTEST_CASES={}\n", names.join(" "));
    stage.write("suite_s/suite.conf", &conf);
    let folder = stage.folder().display();
    for name in &names {
        let script = format!(
            "# stand-in: touch {folder}/begun_{name}\n# stand-in: wait {folder}/go\ntest.verify(True)\n"
        );
        stage.write(&format!("suite_s/{name}/test.py"), &script);
    }
    let plan = json!({
        "project": "p",
        "runner": { "squish": { "squishrunner": stand_in("squishrunner") } },
        "templates": [{ "title": "T", "tests": [{ "suite": "suite_s", "testcases": names }] }],
    });
    stage.write("testplan.yml", plan.to_string());
}

/// A squishserver that `servers start` started; ended with the test.
struct SquishServer {
    pid: u32,
    address: String,
}

impl SquishServer {
    fn start(stage: &Stage, service: &Service) -> Self {
        let ended = stage
            .testplan("servers start")
            .at(service)
            .flags(&format!(
                "--port {} --format json --squishserver",
                free_port()
            ))
            .arg(stand_in("squishserver"))
            .run()
            .code_is(0);
        let told = ended.json();
        Self {
            pid: u32::try_from(told["pid"].as_u64().unwrap()).unwrap(),
            address: format!("127.0.0.1:{}", told["port"]),
        }
    }

    fn kill(&self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid).unwrap()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        until("the end of a squishserver", || {
            (!alive(self.pid)).then_some(())
        });
    }
}

impl Drop for SquishServer {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn second_squish_server_takes_over_from_a_dead_one() {
    let stage = Stage::new();
    suite(&stage, 5);
    let service = Service::start(&stage);
    let dies = SquishServer::start(&stage, &service);
    let lives = SquishServer::start(&stage, &service);
    let plan = service.start_plan(&stage);
    let worker = stage
        .testplan("work")
        .named("w")
        .at(&service)
        .on(plan)
        .flags("--workers 2 --out out")
        .start();
    let records = Records::below(stage.path("out"));
    let on = until("both servers to be in use", || {
        let taken = records.pick(|event| match event {
            RecordEvent::Reserved {
                execution,
                squish_server,
                ..
            } => Some((squish_server.clone().unwrap(), execution.0)),
            _ => None,
        });
        let begun = |name| stage.path(name).exists();
        let both = begun("begun_tst_1") && begun("begun_tst_2");
        (both && taken.len() == 2).then_some(taken)
    });
    let (_, lost) = on
        .iter()
        .find(|(address, _)| *address == dies.address)
        .unwrap();
    dies.kill();
    records.wait_for("the lost one to be given back", |event| match event {
        RecordEvent::Released { execution, .. } if execution.0 == *lost => Some(()),
        _ => None,
    });
    stage.write("go", "");
    let ended = worker.end().code_is(0);
    let told = format!("Squish server {} unreachable", dies.address);
    assert!(ended.stderr.contains(&told), "{ended}");
    assert_eq!(
        service.history(plan, *lost),
        [
            "reserved",
            "server-trouble",
            "released",
            "reserved",
            "finished"
        ]
    );
    let report = stage
        .testplan("report")
        .at(&service)
        .on(plan)
        .flags("--records out --out report")
        .run()
        .code_is(0);
    assert!(report.stderr.contains("5 passed"), "{report}");
    assert!(!report.stderr.contains("flaky"), "{report}");
    let summary = stage.read("report/summary.md");
    assert!(summary.contains("given back: Squish server"), "{summary}");
    let rests = stage.testplan("servers list").at(&service).run().code_is(0);
    let line = rests
        .stdout
        .lines()
        .find(|line| line.contains(&dies.address))
        .unwrap();
    assert!(line.contains("(unreachable)"), "{rests}");
    drop(lives);
}

#[test]
fn run_ends_when_its_only_squish_server_is_gone() {
    let stage = Stage::new();
    suite(&stage, 4);
    let service = Service::start_with(&stage, |serve| serve.flags("--server-rest 1s"));
    let port = free_port();
    stage
        .testplan("servers add")
        .at(&service)
        .flags(&format!("--host 127.0.0.1 --port {port}"))
        .run()
        .code_is(0);
    let plan = service.start_plan(&stage);
    let tap = Tap::before(&service);
    let ended = stage
        .testplan("work")
        .named("w")
        .through(&tap, &service)
        .on(plan)
        .flags("--workers 2 --out out")
        .start()
        .end_within(Duration::from_secs(40))
        .code_is(3);
    let gone = format!(
        "Squish server 127.0.0.1:{port} unreachable, 3 times in a row, and no other one that fits"
    );
    assert!(ended.stderr.contains(&format!("error: {gone}")), "{ended}");
    assert!(ended.stderr.contains("help: start it again"), "{ended}");
    let tried = service
        .events(plan)
        .iter()
        .filter(|event| event.kind == "reserved")
        .count();
    assert_eq!(
        tried, 3,
        "two rests of one and two seconds between three tries"
    );
    let asked = tap.requests().matches("/execution/v1/reserve/").count();
    assert!(asked <= 15, "{asked} reservations in a few seconds");
    let report = stage
        .testplan("report")
        .at(&service)
        .on(plan)
        .flags("--records out --out report")
        .run()
        .code_is(5);
    assert!(report.stderr.contains("3 missing"), "{report}");
    let summary = stage.read("report/summary.md");
    for word in ["given back: Squish server", &gone] {
        assert!(summary.contains(word), "{word}: {summary}");
    }
}
