//! A worker is killed while its process holds dozens of tests, fifty with our own service: what had ended counts, the rest runs elsewhere.

use std::process::Command;

use serde_json::json;

use super::lease_holders::Workers;
use crate::{
    scenarios::house::Kind,
    support::{Stage, skip, until},
};

const TESTS: usize = 120;
/// How many tests of a tenth of a millisecond a worker reserves with one call. If the service has no such call, the worker reserves
/// one test at a time, and stops at 26 tests beside the running one.
const HELD: usize = 50;

/// A process by docs/session-protocol.md. After the first test, which is very short, the worker gives it as many as it ever does; the
/// next one never ends.
const PROCESS: &str = r#"
import json, os, socket, time

facts = json.loads(os.environ["TESTPLAN_SESSION"])
connection = socket.socket(socket.AF_UNIX)
connection.connect(facts["address"].removeprefix("unix:"))
lines = connection.makefile("r", encoding="utf-8")


def send(kind, **more):
    connection.sendall((json.dumps({"t": kind, **more}) + "\n").encode())


send("open", v=1, pid=os.getpid(), secret=facts["secret"])
send("hello", tool="short 1", tests=TESTS, hash="all")
send("next", teardown=False)
for line in lines:
    message = json.loads(line)
    if message["t"] == "run":
        name = message["id"].split("::")[1]
        send("started", n=message["n"])
        if os.path.exists("ran") and not os.path.exists("hung"):
            os.mkdir("hung")
            # Without the stage the test is over.
            while os.path.exists("hung"):
                time.sleep(0.05)
        with open("ran", "a") as ran:
            ran.write(name + "\n")
        send("result", n=message["n"], phases=[{"when": "call", "outcome": "passed", "ms": 0.1}])
        send("next", teardown=False)
    elif message["t"] == "end":
        break
send("bye", exit=0)
"#;

fn kill(kind: Kind) {
    if Command::new("python3").arg("--version").output().is_err() {
        skip::missing("no python3 on PATH");
        return;
    }
    let stage = Stage::new();
    let process = PROCESS.replace("TESTS", &TESTS.to_string());
    stage.write("process.py", process);
    let testcases: Vec<String> = (0..TESTS).map(|number| format!("test_{number}")).collect();
    let file = json!({
        "project": "p",
        "runner": { "preset": "pytest", "mode": "session", "program": ["python3", stage.path("process.py")] },
        "templates": [{ "title": "T", "tests": [{ "suite": "suite.py", "testcases": testcases }] }],
    });
    stage.write("testplan.yml", file.to_string());
    let workers = Workers::new(kind, stage);
    let stage = &workers.house.stage;
    let mut doomed = workers.work("doomed", "3s");
    let reserved = || {
        let held = workers.house.held(workers.plan);
        held.values().filter(|it| it.state == "reserved").count()
    };
    let expected = match kind {
        Kind::Ours | Kind::OnPostgres => HELD,
        Kind::TestCenter => HELD / 2 + 2,
    };
    until(
        "a process that hangs and holds as many tests as it ever does",
        || (stage.path("hung").exists() && reserved() == expected).then_some(()),
    );
    let confirmed = until("the first result to be confirmed", || {
        Some(workers.confirmed("doomed")).filter(|confirmed| confirmed.len() == 1)
    });
    doomed.kill();
    workers.work("heir", "60s").end().code_is(0);
    workers.all_done_once(TESTS, &confirmed);
}

#[test]
fn fifty_tests_of_a_killed_warm_worker_run_elsewhere_and_its_result_counts() {
    kill(Kind::Ours);
}

#[test]
fn dozens_of_tests_of_a_killed_warm_worker_run_elsewhere_at_test_center() {
    kill(Kind::TestCenter);
}
