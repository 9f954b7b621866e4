//! GitHub's "Re-run failed jobs" and "Re-run all jobs": the first completes the plan of the first attempt and never turns
//! green without that, the second starts a new one.

use rustix::process::Signal;

use crate::support::{Ended, PlanFile, Process, Service, Stage, Tap, Testplan, until};

/// A process of an attempt of run 7.
fn attempt(testplan: Testplan, attempt: u32) -> Testplan {
    testplan
        .with("GITHUB_ACTIONS", "true")
        .with("GITHUB_RUN_ID", "7")
        .with("GITHUB_RUN_ATTEMPT", attempt.to_string())
}

/// A test that writes down in which attempt it ran what; `body` decides how it ends, with the attempt in `$1` and the
/// name in `$2`.
fn test(stage: &Stage, body: &str) -> PlanFile {
    let text = format!(
        r#"set -- "$GITHUB_RUN_ATTEMPT" "$2" "$TESTPLAN_CAPABILITY_OS"
           echo "$1 $2${{3:+ $3}}" >> ran
           {body}"#
    );
    PlanFile::run_with(&stage.script("test.sh", &text))
}

/// What ran in an attempt, in order of names.
fn ran(stage: &Stage, attempt: u32) -> Vec<String> {
    let prefix = format!("{attempt} ");
    let mut ran: Vec<String> = stage
        .lines("ran")
        .iter()
        .filter_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
        .collect();
    ran.sort();
    ran
}

fn execute(stage: &Stage, service: &Service, number: u32) -> i64 {
    let execute = stage.testplan("execute").at(service);
    let started = attempt(execute.flags("--format json"), number)
        .run()
        .code_is(0)
        .json();
    assert_eq!(started["plan_attempt"], number);
    started["plan_id"].as_i64().unwrap()
}

/// A worker of an attempt, with a folder of its own.
fn work(stage: &Stage, service: &Service, plan: i64, number: u32, name: &str) -> Testplan {
    let work = stage.testplan("work").at(service);
    let out = format!("--workers 1 --lease 2s --out out/{number}-{name}");
    attempt(work.named(name).on(plan).flags(&out), number)
}

fn report(stage: &Stage, plan: i64) -> Ended {
    let report = stage.testplan("report").on(plan);
    report
        .flags("--records out --out report --format json")
        .run()
}

fn resets(service: &Service, plan: i64) -> usize {
    let kinds = service.events(plan).into_iter().map(|event| event.kind);
    kinds.filter(|kind| kind == "reset").count()
}

fn done(service: &Service, plan: i64) -> usize {
    let all = service.executions(plan);
    let is_done = |verdict: bool, error: bool| verdict || error;
    all.iter()
        .filter(|it| is_done(it.verdict.is_some(), it.error.is_some()))
        .count()
}

fn both_end(workers: [Process; 2], code: i32) -> [Ended; 2] {
    workers.map(|worker| worker.end().code_is(code))
}

#[test]
fn rerunning_failed_jobs_completes_exactly_the_rest() {
    let stage = Stage::new();
    test(
        &stage,
        r"case $1-$2 in
             1-hangs) hang ;;
             1-fails) exit 1 ;;
             1-breaks) exit 42 ;;
           esac",
    )
    .tests("s", ["hangs", "passes", "fails", "breaks", "passes-too"])
    .on(&stage);
    let service = Service::start(&stage);

    // The first attempt: one runner is lost in the middle of a test, and the run is cancelled then.
    let plan = execute(&stage, &service, 1);
    let mut lost = work(&stage, &service, plan, 1, "lost").start();
    stage.wait_for_lines("ran", 1);
    let other = work(&stage, &service, plan, 1, "other").start();
    until("the others to be done", || {
        (done(&service, plan) == 4).then_some(())
    });
    other.send(Signal::TERM);
    other.end().code_is(143);
    lost.kill();
    assert_eq!(
        ran(&stage, 1),
        ["breaks", "fails", "hangs", "passes", "passes-too"]
    );
    assert_ne!(report(&stage, plan).status.code(), Some(0));

    // Both jobs come back at once.
    let back = ["lost", "other"].map(|name| work(&stage, &service, plan, 2, name).start());
    both_end(back, 0);
    assert_eq!(ran(&stage, 2), ["breaks", "fails", "hangs"]);
    assert_eq!(resets(&service, plan), 2, "each is opened once");
    assert_eq!(done(&service, plan), 5);

    let told = report(&stage, plan).code_is(0).json();
    for (word, count) in [
        ("total", 5),
        ("passed", 5),
        ("failed", 0),
        ("errors", 0),
        ("missing", 0),
        ("flaky", 1),
        ("recovered", 2),
    ] {
        assert_eq!(told[word], count, "{word}");
    }
    assert_eq!(told["broken"].as_array().unwrap().len(), 0, "{told}");
    let workers = told["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 4, "who only opened again is none: {told}");
    let explained = told["executions"].to_string();
    for words in ["reset after failure, passed on attempt 2", "was killed"] {
        assert!(explained.contains(words), "{words}: {explained}");
    }

    // Whoever comes then finds nothing, says so, and repeats nothing.
    for number in [2, 3] {
        let idle = work(&stage, &service, plan, number, "idle")
            .run()
            .code_is(0);
        let word = "nothing to do: no test was run here, all 5 executions";
        assert!(idle.stderr.contains(word), "{idle}");
        assert!(idle.stderr.contains("nothing had to be reset"), "{idle}");
    }
    assert_eq!(stage.lines("ran").len(), 8);
    assert_eq!(resets(&service, plan), 2);
    report(&stage, plan).code_is(0);
}

#[test]
fn a_failure_gets_one_try_per_attempt_and_stays_red() {
    let stage = Stage::new();
    test(&stage, "[ $2 != stays ]")
        .tests("s", ["passes", "stays"])
        .on(&stage);
    let service = Service::start(&stage);
    let plan = execute(&stage, &service, 1);
    let work = |number, name| work(&stage, &service, plan, number, name);

    work(1, "one").run().code_is(1);
    // One of two jobs sees the failure and is slow to act on it.
    let tap = Tap::before(&service);
    tap.hold_back("POST /execution/v1/reset/");
    let slow = attempt(stage.testplan("work"), 2)
        .named("slow")
        .through(&tap, &service)
        .on(plan)
        .flags("--workers 1 --out out/2-slow")
        .start();
    until("the slow job to act", || {
        tap.requests().contains("/reset/").then_some(())
    });
    work(2, "one").run().code_is(1);
    tap.let_go();
    slow.end().code_is(0);
    let late = work(2, "late").run().code_is(0);
    assert!(
        late.stderr.contains("1 did not pass in this re-run either"),
        "{late}"
    );
    assert_eq!(ran(&stage, 2), ["stays"]);
    let told = report(&stage, plan).code_is(1).json();
    assert_eq!((&told["failed"], &told["missing"]), (&1.into(), &0.into()));

    work(3, "one").run().code_is(1);
    assert_eq!(ran(&stage, 3), ["stays"]);
    assert_eq!(resets(&service, plan), 2);
}

#[test]
fn rerunning_all_jobs_is_a_new_plan() {
    let stage = Stage::new();
    test(&stage, "[ $2 != fails ]")
        .tests("s", ["passes", "fails"])
        .on(&stage);
    let service = Service::start(&stage);
    let first = execute(&stage, &service, 1);
    work(&stage, &service, first, 1, "one").run().code_is(1);
    let second = execute(&stage, &service, 2);
    assert_ne!(first, second);
    work(&stage, &service, second, 2, "one")
        .flags("--plan-attempt 2")
        .run()
        .code_is(1);
    assert_eq!(ran(&stage, 2), ["fails", "passes"]);
    assert_eq!(resets(&service, first) + resets(&service, second), 0);
    let told = report(&stage, second).code_is(1).json();
    assert_eq!((&told["total"], &told["failed"]), (&2.into(), &1.into()));
}

#[test]
fn a_worker_opens_only_what_it_can_take() {
    let stage = Stage::new();
    test(&stage, "[ $1 -gt 1 ]")
        .tests("s", ["t"])
        .on_each(&["OS=Linux", "OS=Windows"])
        .on(&stage);
    let service = Service::start(&stage);
    let plan = execute(&stage, &service, 1);
    let work = |number, system: &str| {
        let work = work(&stage, &service, plan, number, system);
        work.flags(&format!("--capability OS={system}")).run()
    };
    work(1, "Linux").code_is(1);
    work(1, "Windows").code_is(1);
    // One job alone is run again.
    work(2, "Linux").code_is(0);
    assert_eq!(ran(&stage, 2), ["t Linux"]);
    let told = report(&stage, plan).code_is(1).json();
    assert_eq!((&told["failed"], &told["missing"]), (&1.into(), &0.into()));
    work(2, "Windows").code_is(0);
    report(&stage, plan).code_is(0);
}

#[test]
fn ambiguous_title_needs_the_run_attempt() {
    let stage = Stage::new();
    test(&stage, "[ $1 -gt 1 ]").tests("s", ["t"]).on(&stage);
    let service = Service::start(&stage);
    let start = stage.testplan("execute").at(&service);
    let start = start.flags("--format json --title Mine");
    let plan = attempt(start, 1).run().code_is(0).json();
    let plan = plan["plan_id"].as_i64().unwrap();
    let work = |number| work(&stage, &service, plan, number, "one");
    work(1).run().code_is(1);
    let blind = work(2).run().code_is(5);
    for word in ["is unknown", "--plan-attempt"] {
        assert!(blind.stderr.contains(word), "{word}: {blind}");
    }
    assert_eq!(ran(&stage, 2).len(), 0);
    work(2).flags("--plan-attempt 1").run().code_is(0);
    assert_eq!(ran(&stage, 2), ["t"]);
}

#[test]
fn failures_are_read_from_records_without_a_list() {
    let stage = Stage::new();
    test(&stage, r#"[ $2 = passes ] || [ "$1-$3" = 2-Linux ]"#)
        .tests("s", ["passes", "fails"])
        .on_each(&["OS=Linux", "OS=Windows"])
        .on(&stage);
    let service = Service::start(&stage);
    let tap = Tap::before(&service);
    tap.play_another_service();
    let plan = execute(&stage, &service, 1);
    let work = |number: u32, name: &str, system: &str, more: &str| {
        let out = format!("--workers 1 --capability OS={system} --out out/{number}-{name} {more}");
        attempt(stage.testplan("work"), number)
            .named(name)
            .through(&tap, &service)
            .on(plan)
            .flags(&out)
    };
    work(1, "a", "Linux", "").run().code_is(1);
    work(1, "b", "Windows", "").run().code_is(1);

    // Nobody can say what failed: nothing runs, and that is not green.
    let blind = work(2, "blind", "Linux", "").run().code_is(5);
    assert!(blind.stderr.contains("--records"), "{blind}");
    let wrong = work(2, "blind", "Linux", "--records nowhere").run();
    assert!(wrong.code_is(5).stderr.contains("nowhere"));
    assert_eq!(ran(&stage, 2).len(), 0);

    let records = "--records out/1-a out/1-b";
    let back = [
        work(2, "a", "Linux", records).start(),
        work(2, "b", "Windows", records).start(),
    ];
    let [a, b] = back;
    a.end().code_is(0);
    b.end().code_is(1);
    // A third job that comes late opens nobody's failure once more.
    work(2, "c", "Windows", records).run().code_is(0);
    assert_eq!(ran(&stage, 2), ["fails Linux", "fails Windows"]);
    assert_eq!(resets(&service, plan), 2);
    assert!(!tap.requests().contains("/testplan/v1"));

    let told = report(&stage, plan).code_is(1).json();
    for (word, count) in [("total", 4), ("passed", 3), ("failed", 1), ("flaky", 1)] {
        assert_eq!(told[word], count, "{word}");
    }
}
