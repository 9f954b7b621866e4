//! `execute --target-time`: the matrix by the durations of an earlier plan.

use serde_json::{Value, json};
use testplan::api::execution_list::ExecutionResponse;

use crate::support::{Ended, PlanFile, Service, Stage, Tap};

const TESTS: usize = 6;

fn stage() -> Stage {
    let stage = Stage::new();
    let test = stage.script("test.sh", "sleep 0.3");
    PlanFile::run_with(&test).numbered("s", TESTS).on(&stage);
    stage
}

/// Changes the file of a stage.
fn change(stage: &Stage, change: impl FnOnce(&mut Value)) {
    let mut plan: Value = serde_json::from_str(&stage.read("testplan.yml")).unwrap();
    change(&mut plan);
    stage.write("testplan.yml", plan.to_string());
}

fn execute(stage: &Stage, service: &Service, flags: &str) -> Ended {
    let execute = stage.testplan("execute").at(service);
    let execute = execute.flags("--format json --tests-per-worker 2 --max-workers 9");
    execute.flags(flags).run().code_is(0)
}

fn workers(ended: &Ended) -> u64 {
    ended.json()["workers"].as_u64().unwrap()
}

/// What the service expects of each test of a plan, in milliseconds.
fn expected(service: &Service, started: &Ended) -> Vec<Option<u64>> {
    let plan = &started.json()["plan_id"];
    let executions: Vec<ExecutionResponse> =
        service.list(&format!("/testplan/v1/plans/{plan}/executions"));
    executions.iter().map(|it| it.expected_ms).collect()
}

const FALLBACK: &str =
    "the target time does not decide the number of workers, but --tests-per-worker 2";

#[test]
fn matrix_of_a_second_plan_is_sized_by_the_durations_of_the_first() {
    let stage = stage();
    let service = Service::start(&stage);
    let first = execute(&stage, &service, "--target-time 1h");
    assert_eq!(
        (workers(&first), &first.json()["expected_ms"]),
        (3, &Value::Null)
    );
    assert!(
        first
            .stderr
            .contains(&format!("{FALLBACK}: no duration of its tests is known")),
        "{first}"
    );
    assert_eq!(expected(&service, &first), [None; TESTS]);
    let plan = first.json()["plan_id"].as_i64().unwrap();
    let work = stage.testplan("work").at(&service).on(plan);
    work.flags("--workers 3").run().code_is(0);

    // One worker is enough for an hour, whatever --tests-per-worker says.
    let second = execute(&stage, &service, "--target-time 1h");
    assert_eq!(workers(&second), 1, "{second}");
    assert!(!second.stderr.contains(FALLBACK), "{second}");
    let known: Vec<u64> = expected(&service, &second).into_iter().flatten().collect();
    assert_eq!(known.len(), TESTS);
    let sum: u64 = known.iter().sum();
    assert_eq!(second.json()["expected_ms"], sum);
    let longest = *known.iter().max().unwrap();
    assert!((300..3_000).contains(&longest), "{known:?}");

    // Three of the longest fit, so two workers are enough; one is if a test took as long as all others.
    let target = longest * 3;
    let two = execute(&stage, &service, &format!("--target-time {target}ms"));
    let fewest = if sum <= target { 1 } else { 2 };
    assert_eq!(workers(&two), fewest, "{known:?} {two}");
    let time = two.json()["expected_ms"].as_u64().unwrap();
    assert!(time <= target && time >= sum / fewest, "{known:?} {two}");

    let too_short = format!("--target-time {}ms", longest - 1);
    let alone = execute(&stage, &service, &too_short);
    assert_eq!(alone.json()["expected_ms"], longest, "{known:?} {alone}");
    assert!(
        alone.stderr.contains("cannot be met: \"s / t")
            && alone.stderr.contains("alone is expected to take"),
        "{alone}"
    );
    let few = stage.testplan("execute").at(&service);
    let few = few.flags(&too_short).flags("--max-workers 1").run();
    let few = few.code_is(0);
    assert!(
        few.stdout.contains("expected to take") && few.stderr.contains("1 worker, the most that"),
        "{few}"
    );

    // A test that is new counts as the mean of the others.
    change(&stage, |plan| {
        let tests = &mut plan["templates"][0]["tests"][0]["testcases"];
        tests.as_array_mut().unwrap().push(json!("new"));
    });
    let mean = sum / TESTS as u64;
    let new = execute(&stage, &service, "--target-time 1h");
    assert_eq!(new.json()["expected_ms"], sum + mean, "{new}");
    assert_eq!(
        expected(&service, &new)
            .iter()
            .filter(|it| it.is_none())
            .count(),
        1
    );

    // The key of the file is the default of the flag.
    change(&stage, |plan| plan["target-time"] = json!("1h"));
    assert_eq!(workers(&execute(&stage, &service, "")), 1);
    assert!(workers(&execute(&stage, &service, &too_short)) > 1);
}

#[test]
fn service_without_durations_is_sized_by_tests_per_worker() {
    let stage = stage();
    let service = Service::start(&stage);
    let tap = Tap::before(&service);
    tap.play_another_service();
    let execute = stage.testplan("execute").through(&tap, &service);
    let execute = execute.flags("--format json --tests-per-worker 2 --target-time 1h --runs-on");
    let started = execute.arg(": any").run().code_is(0);
    assert_eq!(workers(&started), 3, "{started}");
    assert!(
        started.stderr.contains(&format!(
            "{FALLBACK}: this service does not report how long tests took"
        )),
        "{started}"
    );
}
