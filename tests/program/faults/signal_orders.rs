//! A machine that shuts down, a cancelled job, a closed terminal: worker and tests get the same signal, in any order. What ran
//! goes back to the plan, and nothing of it is left running.
//!
//! `TESTPLAN_SIGNAL_ROUNDS` repeats each order; it takes about two seconds for each round.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{PlanFile, Process, Service, Stage, alive, skip, until};

/// Tests in flight.
const WORKERS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Order {
    WorkerAlone,
    /// As systemd and a system that shuts down do.
    AllAtOnce,
    /// As Jenkins does.
    TestsFirst,
    WorkerFirst,
}

const ORDERS: [Order; 4] = [
    Order::WorkerAlone,
    Order::AllAtOnce,
    Order::TestsFirst,
    Order::WorkerFirst,
];

const SIGNALS: [(Signal, i32); 3] = [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 143)];

impl Order {
    fn send(self, worker: &Process, tests: &[u32], signal: Signal) {
        let gap = || std::thread::sleep(Duration::from_millis(20));
        let to_tests = || {
            for pid in tests {
                let pid = Pid::from_raw(i32::try_from(*pid).unwrap()).unwrap();
                // The worker may have ended it already.
                let _ = kill_process(pid, signal);
            }
        };
        match self {
            Self::WorkerAlone => worker.send(signal),
            Self::AllAtOnce => {
                to_tests();
                worker.send(signal);
            }
            Self::TestsFirst => {
                to_tests();
                gap();
                worker.send(signal);
            }
            Self::WorkerFirst => {
                worker.send(signal);
                gap();
                to_tests();
            }
        }
    }
}

fn stop(order: Order, (signal, code): (Signal, i32)) {
    let stage = Stage::new();
    // The shell gets its signal before what it waits for does: it would pass otherwise.
    let test = stage.script("test.sh", "sleep 60 & echo \"$$\n$!\" >> tests\nwait");
    PlanFile::run_with(&test).numbered("s", WORKERS).on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let worker = stage.testplan("work").at(&service).on(plan);
    let worker = worker.flags(&format!("--workers {WORKERS}")).start();
    let tests = stage.wait_for_lines("tests", 2 * WORKERS);
    let tests: Vec<u32> = tests.iter().map(|pid| pid.parse().unwrap()).collect();
    order.send(&worker, &tests, signal);
    worker.end().code_is(code);
    assert!(!tests.iter().any(|pid| alive(*pid)), "{order:?} {signal:?}");
    for execution in service.executions(plan) {
        let history = service.history(plan, execution.execution_id.0);
        assert_eq!(history, ["reserved", "released"], "{order:?} {signal:?}");
    }
}

#[test]
fn whatever_the_order_of_signals_all_that_ran_goes_back() {
    let rounds = std::env::var("TESTPLAN_SIGNAL_ROUNDS").ok();
    let rounds = rounds.map_or(1, |rounds| rounds.parse().unwrap());
    for _ in 0..rounds {
        std::thread::scope(|scope| {
            for order in ORDERS {
                scope.spawn(move || {
                    for signal in SIGNALS {
                        stop(order, signal);
                    }
                });
            }
        });
    }
}

#[test]
fn worker_that_was_started_to_ignore_a_hangup_goes_on() {
    if !cfg!(target_os = "linux") {
        return skip::missing("what a process ignores is known on Linux only");
    }
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        "echo $$ >> tests\nuntil [ -e go ]; do sleep 0.05; done",
    );
    PlanFile::run_with(&test).numbered("s", 1).on(&stage);
    let run = stage.program("/bin/sh");
    let script = "trap '' HUP; exec \"$0\" run";
    let run = run.args(["-c", script, env!("CARGO_BIN_EXE_testplan")]);
    let run = run.named("nohup").start();
    stage.wait_for_lines("tests", 1);
    run.send(Signal::HUP);
    std::thread::sleep(Duration::from_millis(50));
    stage.write("go", "");
    run.end().code_is(0);
}

#[test]
fn first_process_of_a_container_reaps_what_tests_leave_behind() {
    let stage = Stage::new();
    let in_container = ["--pid", "--fork", "--mount-proc"];
    let unshare = |more: &[&str]| {
        stage
            .program("unshare")
            .args(in_container)
            .args(more)
            .named("container")
    };
    let can = std::process::Command::new("unshare")
        .args(in_container)
        .arg("true")
        .status();
    if !can.is_ok_and(|status| status.success()) {
        // A container may not make another one: that is no part that could be installed.
        return eprintln!("skipped: unshare --pid is not permitted here");
    }
    // What is left of it belongs to the first process, as does the orphan of the orphan.
    let test = stage.script(
        "test.sh",
        "(sleep 0.05; (sleep 0.05 &)) &\necho $$ >> tests\nuntil [ -e go ]; do sleep 0.05; done",
    );
    PlanFile::run_with(&test).numbered("s", 2).on(&stage);
    for (signal, code) in [(None, 0), (Some(Signal::TERM), 143)] {
        let run = unshare(&[
            "/bin/sh",
            "-c",
            "echo $$ > first; exec \"$0\" run --workers 2",
            env!("CARGO_BIN_EXE_testplan"),
        ]);
        let run = run.start();
        stage.wait_for_lines("tests", 2);
        let first = children(run.pid())[0];
        until("the orphans to be gone", || {
            let stats: Vec<char> = below(first).iter().filter_map(|pid| state(*pid)).collect();
            // The tests sleep now and then, but no orphan does.
            (!stats.contains(&'Z')).then_some(())
        });
        std::thread::sleep(Duration::from_millis(200));
        let zombies = below(first)
            .into_iter()
            .filter(|pid| state(*pid) == Some('Z'));
        assert_eq!(zombies.count(), 0);
        match signal {
            None => drop(stage.write("go", "")),
            Some(signal) => {
                let pid = Pid::from_raw(i32::try_from(first).unwrap()).unwrap();
                kill_process(pid, signal).unwrap();
            }
        }
        run.end().code_is(code);
        std::fs::remove_file(stage.path("tests")).unwrap();
        let _ = std::fs::remove_file(stage.path("go"));
    }
}

fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(path).unwrap_or_default();
    children
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

fn below(pid: u32) -> Vec<u32> {
    let children = children(pid);
    let more: Vec<u32> = children.iter().flat_map(|pid| below(*pid)).collect();
    children.into_iter().chain(more).collect()
}

fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
