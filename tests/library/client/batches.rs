//! Several executions at once, from a service that knows batches and from services that do not.

use std::time::Duration;

use serde_json::{Value, json};
use testplan::{
    client::{
        BatchOptions, Client, ErrorKind, LeaseRelease, LeaseRenewal, Reservations, ReserveOptions,
        ResultDelivery, Sent,
    },
    model::{ExecutionId, LeaseToken, Outcome, PlanId, TestResult, TestVerdict},
};

use super::{
    reserve::options,
    script::{Script, Seen, Step, answer, client, ours, page, refused},
};

const PLAN: PlanId = PlanId(105);
const SECOND: Duration = Duration::from_secs(1);
const COUNTS: &str = r#"{"open":1,"reserved":0,"done":0}"#;
const BATCH: BatchOptions = BatchOptions {
    max: 3,
    work: Some(Duration::from_millis(2_500)),
    near: None,
    single_calls: 2,
};

fn granted(execution: i64, lease: bool) -> Value {
    let mut granted = json!({
        "status": "Reservation successful", "execution_id": execution, "project_name": "p", "batch": "b",
        "test_id": 1, "testcase": "t", "suite": "s",
    });
    if lease {
        granted["lease"] = format!("lease-{execution}").into();
        granted["timeout"] = 60_000.into();
    }
    granted
}

fn outcome() -> Outcome {
    let result = TestResult {
        verdict: TestVerdict::Passed,
        duration_ms: 12,
        flaky: false,
    };
    Outcome::Completed {
        result: Some(result),
    }
}

fn renewals(lease: bool) -> Vec<LeaseRenewal> {
    let renewal = |execution: i64| LeaseRenewal {
        execution: ExecutionId(execution),
        lease: lease.then(|| LeaseToken::new(format!("lease-{execution}"))),
        timeout: SECOND * 60,
    };
    [7, 8, 9].map(renewal).into()
}

fn results(lease: bool) -> Vec<ResultDelivery> {
    let result = |renewal: LeaseRenewal| ResultDelivery {
        execution: renewal.execution,
        lease: renewal.lease,
        outcome: outcome(),
        trouble: None,
        failure: String::new(),
    };
    renewals(lease).into_iter().map(result).collect()
}

fn executions(reservations: Reservations) -> Vec<i64> {
    match reservations {
        Reservations::Granted(granted) => granted.iter().map(|it| it.execution.0).collect(),
        other => panic!("nothing granted: {other:?}"),
    }
}

/// A client that knows the service by an earlier answer, and its script.
async fn knowing(first: Step, steps: Vec<Step>) -> (Client, std::sync::Arc<Script>) {
    let script = Script::new(std::iter::once(first).chain(steps));
    let client = client(&script);
    client
        .status(PLAN, &testplan::model::Capabilities::default())
        .await
        .unwrap();
    (client, script)
}

#[tokio::test(start_paused = true)]
async fn our_service_hands_out_several_with_one_call() {
    let mut first = granted(7, true);
    first["expected_ms"] = 700.into();
    first["more"] = json!([granted(8, true), granted(9, true)]);
    let (client, script) = knowing(ours(200, COUNTS), vec![ours(200, first.to_string())]).await;
    let answer = client
        .reserve_many(PLAN, &options(), &BATCH, "w", &|| true)
        .await
        .unwrap();
    let Reservations::Granted(granted) = answer else {
        panic!("{answer:?}");
    };
    let leases = granted.iter().map(|it| it.lease.as_ref().unwrap().expose());
    assert_eq!(
        leases.collect::<Vec<_>>(),
        ["lease-7", "lease-8", "lease-9"]
    );
    assert_eq!(granted[0].expected, Some(Duration::from_millis(700)));
    assert_eq!(granted[1].expected, None);
    assert!(granted.iter().all(|it| it.timeout == SECOND * 60));
    let seen = &script.seen()[1];
    assert!(seen.json().get("near").is_none());
    assert_eq!(
        (seen.json()["max"].clone(), seen.json()["seconds"].clone()),
        (json!(3), json!(2.5))
    );
    assert!(!seen.header("idempotency-key").is_empty());
}

#[tokio::test(start_paused = true)]
async fn single_reservations_ask_for_no_batch() {
    let (client, script) = knowing(
        ours(200, COUNTS),
        vec![ours(200, granted(7, true).to_string())],
    )
    .await;
    client.reserve(PLAN, &options(), "w").await.unwrap();
    let body = script.seen()[1].json();
    assert!(
        body.get("max").is_none() && body.get("seconds").is_none(),
        "{body}"
    );
}

#[tokio::test(start_paused = true)]
async fn request_for_one_in_the_usual_order_names_no_batch() {
    let (client, script) = knowing(
        ours(200, COUNTS),
        vec![ours(200, granted(7, true).to_string())],
    )
    .await;
    let one = BatchOptions::one();
    let answer = client
        .reserve_many(PLAN, &options(), &one, "w", &|| true)
        .await;
    assert_eq!(executions(answer.unwrap()), [7]);
    assert!(script.seen()[1].json().get("max").is_none());
}

#[tokio::test(start_paused = true)]
async fn test_center_is_asked_no_further_once_the_run_stops() {
    let one = |execution| answer(200, granted(execution, false).to_string());
    let (client, script) = knowing(answer(200, COUNTS), vec![one(7), one(8)]).await;
    let answer = client
        .reserve_many(PLAN, &options(), &BATCH, "w", &|| false)
        .await;
    assert_eq!(executions(answer.unwrap()), [7]);
    assert_eq!(script.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn test_center_is_asked_once_for_each_execution() {
    const NONE: &str = r#"{"status":"No executions available that match requested capabilities."}"#;
    let one = |execution| answer(200, granted(execution, false).to_string());
    let (client, script) = knowing(answer(200, COUNTS), vec![one(7), one(8), one(9)]).await;
    let many = |options: ReserveOptions| {
        let client = client.clone();
        async move {
            client
                .reserve_many(PLAN, &options, &BATCH, "w", &|| true)
                .await
                .unwrap()
        }
    };
    assert_eq!(executions(many(options()).await), [7, 8]);
    let with_server = ReserveOptions {
        allocate_server: true,
        ..options()
    };
    assert_eq!(
        executions(many(with_server).await),
        [9],
        "one for a Squish server"
    );
    let bodies: Vec<Value> = script.seen()[1..].iter().map(Seen::json).collect();
    assert!(
        bodies.iter().all(|body| body.get("max").is_none()),
        "{bodies:?}"
    );

    for end in [answer(200, NONE), page(502), refused(400, 1)] {
        let (client, _script) = knowing(answer(200, COUNTS), vec![one(7), end]).await;
        let answer = client
            .reserve_many(PLAN, &options(), &BATCH, "w", &|| true)
            .await;
        assert_eq!(
            executions(answer.unwrap()),
            [7],
            "earlier reservations are kept"
        );
    }
    let (client, _script) = knowing(answer(200, COUNTS), vec![answer(200, NONE)]).await;
    let answer = client
        .reserve_many(PLAN, &options(), &BATCH, "w", &|| true)
        .await
        .unwrap();
    assert_eq!(answer, Reservations::NoExecution { pending: None });
}

/// The answer to a list, the second entry refused.
fn list(status: &str) -> String {
    json!({ "entries": [
        { "execution_id": 7, "status": status },
        { "execution_id": 8, "code": 1201, "message": "lost" },
        { "execution_id": 9, "status": status },
    ] })
    .to_string()
}

#[tokio::test(start_paused = true)]
async fn refused_entry_is_an_error_of_its_own() {
    let (client, script) = knowing(
        ours(200, COUNTS),
        vec![ours(200, list("renewed")), ours(200, list("finished"))],
    )
    .await;
    let beats = client.heartbeat_many(PLAN, &renewals(true), SECOND).await;
    assert!(beats[0].is_ok() && beats[2].is_ok());
    let error = beats[1].as_ref().unwrap_err();
    assert!(error.lease_is_lost() && !error.is_transient(), "{error}");
    assert!(
        matches!(&error.kind, ErrorKind::Refused { code: Some(1201), message, .. } if message == "lost")
    );

    let mut all = results(true);
    all.insert(
        1,
        ResultDelivery {
            outcome: Outcome::LeaseLost,
            ..all[0].clone()
        },
    );
    let cost = Some(Duration::from_millis(700));
    let finished = client.finish_many(PLAN, &all, cost).await;
    let fine: Vec<bool> = finished.iter().map(Result::is_ok).collect();
    assert_eq!(fine, [true, false, false, true]);
    let unsent = finished[1].as_ref().unwrap_err();
    assert!(
        matches!(unsent.kind, ErrorKind::NotSendable { .. }),
        "{unsent}"
    );
    let seen = script.seen();
    assert_eq!(seen[1].line, "POST /testplan/v1/plans/105/heartbeat");
    let entry = json!({ "execution_id": 7, "timeout": 60_000, "lease": "lease-7" });
    assert_eq!(seen[1].json()["entries"][0], entry);
    assert_eq!(seen[2].line, "POST /testplan/v1/plans/105/finished");
    assert_eq!(seen[2].json()["start_ms"], 700);
    let entry = json!({
        "execution_id": 9, "lease": "lease-9",
        "outcome": { "verdict": "passed", "duration_ms": 12, "flaky": false },
    });
    assert_eq!(seen[2].json()["entries"][2], entry);
}

#[tokio::test(start_paused = true)]
async fn lists_become_single_calls_where_the_service_has_none() {
    let single = |n: usize| (0..n).map(|_| answer(200, "{}")).collect::<Vec<_>>();
    // Test Center, an older service of ours, and a lease without a token.
    let older = std::iter::once(ours(404, r#"{"code":1504,"message":"no such path"}"#));
    for (first, steps, lease, calls) in [
        (answer(200, COUNTS), single(3), false, 3),
        (
            ours(200, COUNTS),
            older.clone().chain(single(3)).collect(),
            true,
            4,
        ),
        (ours(200, COUNTS), single(3), false, 3),
    ] {
        let (client, script) = knowing(first.clone(), steps.clone()).await;
        let beats = client.heartbeat_many(PLAN, &renewals(lease), SECOND).await;
        assert_eq!(beats.iter().filter(|it| it.is_ok()).count(), 3);
        assert_eq!(script.lines().len(), 1 + calls);
        assert_eq!(script.lines()[calls], "POST /execution/v1/heartbeat/9");

        let (client, script) = knowing(first, steps).await;
        let finished = client.finish_many(PLAN, &results(lease), None).await;
        assert_eq!(finished, [Ok(()), Ok(()), Ok(())]);
        assert_eq!(script.lines().len(), 1 + calls);
        assert_eq!(script.lines()[calls], "POST /execution/v1/finished/9");
    }
}

#[tokio::test(start_paused = true)]
async fn list_is_repeated_as_its_single_calls_would_be() {
    // A heartbeat is one try, whatever comes of it.
    let (client, script) = knowing(ours(200, COUNTS), vec![page(502)]).await;
    let beats = client.heartbeat_many(PLAN, &renewals(true), SECOND).await;
    assert!(beats.iter().all(|it| {
        it.as_ref()
            .is_err_and(testplan::client::ClientError::is_transient)
    }));
    assert_eq!(script.lines().len(), 2);
    // Results are delivered again until they arrive.
    let steps = vec![
        Step::Fail(Sent::Unclear),
        page(502),
        ours(200, list("fine")),
    ];
    let (client, script) = knowing(ours(200, COUNTS), steps).await;
    let finished = client.finish_many(PLAN, &results(true), None).await;
    assert!(finished[0].is_ok() && finished[1].is_err());
    assert!(finished[1].as_ref().unwrap_err().may_have_happened);
    assert_eq!(script.lines().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn answer_about_other_executions_confirms_nothing() {
    let strange = r#"{"entries":[{"execution_id":1,"status":"fine"}]}"#;
    let (client, _script) = knowing(ours(200, COUNTS), vec![ours(200, strange)]).await;
    for answer in client.finish_many(PLAN, &results(true), None).await {
        let kind = answer.unwrap_err().kind;
        assert!(matches!(kind, ErrorKind::NotUnderstood { .. }), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn results_with_long_texts_are_sent_in_several_lists() {
    let long = Outcome::ExecutionError {
        message: "m".to_owned(),
        details: "d".repeat(64 * 1024),
    };
    let result = |execution| ResultDelivery {
        execution: ExecutionId(execution),
        lease: Some(LeaseToken::new("lease")),
        outcome: long.clone(),
        trouble: None,
        failure: String::new(),
    };
    let all: Vec<_> = (1..=100).map(result).collect();
    let reply = |range: std::ops::RangeInclusive<i64>| {
        let entries: Vec<Value> = range
            .map(|execution| json!({ "execution_id": execution, "status": "fine" }))
            .collect();
        ours(200, json!({ "entries": entries }).to_string())
    };
    let (client, script) = knowing(ours(200, COUNTS), vec![reply(1..=63), reply(64..=100)]).await;
    let finished = client.finish_many(PLAN, &all, None).await;
    assert!(finished.iter().all(Result::is_ok));
    assert_eq!((finished.len(), script.lines().len()), (100, 3));
}

/// A worker is a task: what it awaits may move between threads.
#[test]
fn calls_can_be_awaited_in_tasks() {
    fn task<T: Send>(_: T) {}
    let client = client(&Script::new([]));
    task(client.reserve_many(PLAN, &options(), &BATCH, "w", &|| true));
    task(client.release_many(PLAN, &[]));
    task(client.heartbeat_many(PLAN, &[], SECOND));
    task(client.finish_many(PLAN, &[], None));
}

#[tokio::test(start_paused = true)]
async fn leases_are_released_together_and_to_run_alone() {
    let releases = |lease: bool| -> Vec<LeaseRelease> {
        let release = |it: LeaseRenewal| LeaseRelease {
            alone: it.execution.0 == 7,
            not_started: None,
            execution: it.execution,
            lease: it.lease,
            trouble: None,
        };
        renewals(lease).into_iter().map(release).collect()
    };
    // A lost answer leaves open which of two tries released it.
    let steps = vec![page(502), ours(200, list("released"))];
    let (client, script) = knowing(ours(200, COUNTS), steps).await;
    let released = client.release_many(PLAN, &releases(true)).await;
    assert_eq!(released, [Ok(()), Ok(()), Ok(())]);
    let entries = script.seen()[2].json()["entries"].clone();
    let alone = json!({
        "execution_id": 7, "timeout": 1, "lease": "lease-7", "release": true, "alone": true,
    });
    assert_eq!(entries[0], alone);
    assert!(entries[1].get("alone").is_none());

    let single = (0..3).map(|_| answer(200, "{}")).collect();
    let (client, script) = knowing(answer(200, COUNTS), single).await;
    let released = client.release_many(PLAN, &releases(false)).await;
    assert_eq!(released, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(script.seen()[1].json(), json!({ "timeout": 1 }));
}

#[tokio::test(start_paused = true)]
async fn warm_suites_are_named_to_our_service() {
    let (client, script) = knowing(
        ours(200, COUNTS),
        vec![ours(200, granted(7, true).to_string())],
    )
    .await;
    let batch = BatchOptions {
        near: Some(vec!["tests/test_a.py".to_owned()]),
        ..BATCH
    };
    client
        .reserve_many(PLAN, &options(), &batch, "w", &|| true)
        .await
        .unwrap();
    assert_eq!(script.seen()[1].json()["near"], json!(["tests/test_a.py"]));
}
