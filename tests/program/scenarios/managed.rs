//! Plans that Test Center runs itself.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::{
    house::{House, Kind},
    reading::Junit,
};
use crate::support::{
    PlanFile, Stage,
    test_center::{Dialect, Verdict},
};

/// A plan whose scripts come to these ends when Test Center runs them. Started here they would leave a trace.
fn house(kind: Kind, ends: &[(&str, Verdict)]) -> House {
    let stage = Stage::new();
    let test = stage.script("test.sh", "echo ran >> ran");
    let file = PlanFile::run_with(&test).tests("s", ends.iter().map(|(name, _)| *name));
    let verdicts = ends.iter().map(|(name, end)| ((*name).to_owned(), *end));
    House::speaking(
        kind,
        stage,
        &file,
        Dialect {
            verdicts: verdicts.collect(),
            // Its clock is the one that counts: by ours the plan would start in an hour.
            behind: Duration::from_secs(3600),
            ..Dialect::default()
        },
    )
}

const MANAGED: &str = "--managed --linked-repo 7=abc1234 --out out";

/// What our own service says, which runs no scripts: nothing is started there. True if this is it.
fn refused(house: &House, kind: Kind) -> bool {
    if kind == Kind::TestCenter {
        return false;
    }
    for command in ["run", "execute --template T"] {
        let (name, flags) = command.split_once(' ').unwrap_or((command, ""));
        let flags = format!("{flags} --managed --linked-repo 7=abc1234");
        let ended = house.testplan(name).flags(&flags).run().code_is(2);
        ended
            .says("testplan's own, which runs no scripts; nothing was started")
            .says("help: leave --managed out");
    }
    assert_eq!(house.plans(), 0);
    let alone = house.stage.testplan("run").flags(MANAGED).run().code_is(2);
    alone.says("no service is named");
    true
}

fn untouched(house: &House) {
    for call in ["reserve", "heartbeat", "finished", "reset"] {
        assert_eq!(
            house.count(&format!("POST /execution/v1/{call}/")),
            0,
            "{call}"
        );
    }
    assert!(!house.stage.path("ran").exists(), "nothing is run here");
    assert_eq!(house.plans(), 1);
}

pub(crate) fn all_pass(kind: Kind) {
    let ends = ["t1", "t2", "t3"].map(|name| (name, Verdict::Passed));
    let house = house(kind, &ends);
    if refused(&house, kind) {
        return;
    }
    // No testplan.yml is needed where no test is run.
    std::fs::remove_file(house.stage.path("testplan.yml")).unwrap();
    let run = house.testplan("run").flags("--project p --template T");
    let ended = run.flags(MANAGED).run().code_is(0);
    ended
        .says("Test Center runs it itself from ")
        .says("0 open, 0 reserved, 3 done; 3 passed, 0 failed, 0 skipped so far")
        .says("3 tests in")
        .says("passed (exit code 0)");
    untouched(&house);

    let center = house.center().unwrap();
    let start = center
        .calls()
        .into_iter()
        .find(|call| call.line == "POST /execution/v1/executeplan");
    let start = start.unwrap().json();
    assert_eq!(
        start["linkedRepos"],
        json!([{ "id": 7, "branch": "abc1234" }])
    );
    assert!(
        start["time"].is_i64(),
        "by the clock of Test Center: {start}"
    );

    let junit = Junit::of(&house.stage, "out");
    assert_eq!(junit.brief(), "tests that passed in Test Center=pass");
    for file in ["junit.xml", "summary.md", "report.html"] {
        let text = house.stage.read(&format!("out/{file}"));
        // Markdown takes the meaning of some characters away.
        let plain = text.replace(['\\', '&'], "");
        assert!(
            plain.contains("under Tests, Plan Executions"),
            "{file}: {text}"
        );
        assert!(plain.contains("127.0.0.1:"), "{file} says where: {text}");
    }
}

pub(crate) fn some_fail(kind: Kind) {
    let ends = [
        ("t1", Verdict::Passed),
        ("t2", Verdict::Failed),
        ("t3", Verdict::Skipped),
        ("t4", Verdict::Failed),
    ];
    let house = house(kind, &ends);
    if refused(&house, kind) {
        return;
    }
    let ended = house.testplan("run").flags(MANAGED).run().code_is(1);
    ended
        .says("FAIL 2 without a name: Test Center reports only how many")
        .says("4 tests in")
        .says("2 failed, 1 passed, 1 skipped");
    untouched(&house);
    let junit = Junit::of(&house.stage, "out");
    assert_eq!(
        junit.brief(),
        "tests that failed in Test Center=failure tests that passed in Test Center=pass \
         tests that skipped in Test Center=skipped"
    );
    let text = junit.text.replace("&apos;", "'");
    assert!(
        text.contains("failed according to Test Center: 2"),
        "{text}"
    );
}

/// An execution is done when it is started: without its result nothing is green.
pub(crate) fn a_result_never_comes(kind: Kind) {
    let ends = [
        ("t1", Verdict::Failed),
        ("t2", Verdict::Lost),
        ("t3", Verdict::Passed),
    ];
    let house = house(kind, &ends);
    if refused(&house, kind) {
        return;
    }
    let run = house
        .testplan("run")
        .flags(MANAGED)
        .flags("--results-patience 1s");
    let ended = run.run().code_is(5);
    ended
        .says(
            "1 of 3 executions have no result: Test Center's status has 0 open, 0 reserved and 3 done, its counts have 1 \
             passed, 1 failed and 0 skipped",
        )
        .says("incomplete (exit code 5)");
    let junit = Junit::of(&house.stage, "out");
    assert_eq!(
        junit.brief(),
        "missing executions=error tests that failed in Test Center=failure \
         tests that passed in Test Center=pass"
    );
}

/// What is never started is waited for until the deadline.
pub(crate) fn a_deadline(kind: Kind) {
    let house = house(kind, &[("t1", Verdict::Passed), ("t2", Verdict::Stuck)]);
    if refused(&house, kind) {
        return;
    }
    let run = house.testplan("run").flags(MANAGED);
    let ended = run.flags("--results-patience 0s --deadline 2s").run();
    ended
        .code_is(5)
        .says("Test Center keeps running the plan")
        .says("1 of 2 executions have no result: Test Center's status has 1 open");
}

/// Nothing can be given back, and people are told.
pub(crate) fn a_signal(kind: Kind) {
    let house = house(kind, &[("t1", Verdict::Stuck)]);
    if refused(&house, kind) {
        return;
    }
    let mut run = house.testplan("run").flags(MANAGED).start();
    run.wait_for_word("1 open, 0 reserved, 0 done");
    run.send(Signal::INT);
    let ended = run.end_within(Duration::from_secs(20)).code_is(130);
    ended.says("Test Center keeps running the plan: stop it there");
    assert_eq!(Junit::of(&house.stage, "out").counts, (1, 0, 1));
}

/// Started by one process, waited for by another, judged by a third.
pub(crate) fn in_steps(kind: Kind) {
    let house = house(kind, &[("t1", Verdict::Passed), ("t2", Verdict::Failed)]);
    if refused(&house, kind) {
        return;
    }
    let execute = house.testplan("execute");
    let execute =
        execute.flags("--managed --linked-repo 7=abc1234 --at 1s --template T --format json");
    let started = execute.run().code_is(0).json();
    assert_eq!(started["managed"], true);
    assert_eq!(started["workers"], 0, "nobody is to work on it");
    let plan = started["plan_id"].as_i64().unwrap();

    let report = || {
        house
            .testplan("report")
            .on(plan)
            .flags("--format json --out out")
    };
    let early = report().flags("--managed").run().code_is(5).json();
    assert_eq!((&early["total"], &early["missing"]), (&json!(2), &json!(2)));

    let wait = house
        .testplan("wait")
        .on(plan)
        .flags("--results-patience 1m");
    wait.run()
        .code_is(0)
        .says("1 passed, 1 failed, 0 skipped so far");
    let late = report().flags("--managed").run().code_is(1).json();
    for (word, count) in [("total", 2), ("passed", 1), ("failed", 1), ("missing", 0)] {
        assert_eq!(late[word], count, "{word}: {late}");
    }
    assert_eq!(late["service_counts"]["failed"], 1);

    // Taken for an ordinary plan it is not green, and says why.
    let by_records = report().flags("--records nowhere").run().code_is(5).json();
    assert_eq!(by_records["missing"], 2);
    let warnings = by_records["warnings"].to_string();
    assert!(
        warnings.contains("--managed takes the verdict"),
        "{warnings}"
    );
    untouched(&house);
}

/// What Test Center runs by itself, or later, lacks no worker here: the grace for one does not end the wait.
pub(crate) fn waiting_without_a_worker(kind: Kind) {
    let house = house(kind, &[("t1", Verdict::Passed), ("t2", Verdict::Stuck)]);
    if refused(&house, kind) {
        return;
    }
    let plan = |at: &str| {
        let execute = house.testplan("execute");
        let execute = execute.flags("--managed --linked-repo 7=abc1234 --template T --format json");
        let started = execute.flags(at).run().code_is(0).json();
        started["plan_id"].as_i64().unwrap()
    };
    let wait = |plan| {
        house
            .testplan("wait")
            .on(plan)
            .flags("--grace 0s --deadline 2s")
    };
    let later = wait(plan("--at 1h")).run().code_is(5);
    let later = later
        .says("Test Center runs the plan itself, starting at ")
        .says("is not drained, or its results are not there, after 2s");
    // Nothing is reserved, and one stays open for ever.
    let slow = wait(plan("--at 0s")).run().code_is(5);
    let slow = slow.says("--deadline bounds this wait").says("after 2s");
    for ended in [later, slow] {
        assert!(!ended.stderr.contains("gave up"), "{ended}");
    }
    // One with a time and no revisions is for workers, and rests until then.
    let center = house.center().unwrap();
    let timed = house.start_plan();
    let due = |by: i64| {
        let mut world = center.world();
        // The plan before was to start at once, by a clock that is not ours.
        let now = world.plans[1].time.unwrap();
        let plan = world.plans.iter_mut().find(|it| it.id == timed).unwrap();
        plan.time = Some(now + by);
    };
    due(3_600_000);
    let early = wait(timed).run().code_is(5);
    early.says("the plan starts at ").says("after 2s");
    due(-1_000);
    let late = wait(timed).run().code_is(5);
    late.says("gave up: no test is running");
}

/// A result that is not there is a warning for who just waits, and an end of its own for who asked for results.
pub(crate) fn waiting_for_results(kind: Kind) {
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    let house = House::of(kind, stage, &PlanFile::run_with(&test).numbered("s", 2));
    let plan = house.start_plan();
    let work = house
        .testplan("work")
        .on(plan)
        .flags("--out out --workers 1");
    work.run().code_is(0);
    let wait = || house.testplan("wait").on(plan);
    // Ours counts what workers say; Test Center what is uploaded, which nobody did.
    let code = kind.pick(5, 0);
    let ended = wait().flags("--results-patience 1s").run().code_is(code);
    if kind == Kind::TestCenter {
        ended.says("incomplete: plan 105 has 0 results of 2 executions");
    }
    wait().flags("--results-patience 0s").run().code_is(0);
}

/// Mistakes that start nothing.
pub(crate) fn mistakes(kind: Kind) {
    let house = house(kind, &[("t1", Verdict::Passed)]);
    for (flags, said) in [
        ("run --managed", "--linked-repo"),
        ("run --at 30m", "--managed"),
        ("run --results-patience 30m", "--managed"),
        (
            "run --managed --linked-repo 7=abc --at tomorrow",
            "a time with its zone",
        ),
        (
            "run --managed --linked-repo 7=abc --workers 2",
            "--managed and --workers",
        ),
        (
            "execute --managed --linked-repo 7=abc --max-workers 2",
            "--max-workers",
        ),
        ("report --managed", "--plan-id"),
        ("report --managed --plan-id 105 --records out", "--records"),
    ] {
        let (name, flags) = flags.split_once(' ').unwrap();
        let ended = house.testplan(name).flags(flags).run().code_is(2);
        ended.says(said);
    }
    assert_eq!(house.plans(), 0);
}
