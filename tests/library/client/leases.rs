//! Heartbeat, release, finish and reset.

use std::time::Duration;

use testplan::{
    client::{ClientError, ErrorKind, ResultDelivery, Sent},
    model::{
        Capabilities, ExecutionId, ExecutionState, LeaseToken, Outcome, PlanId, ServerTrouble,
        TestResult, TestVerdict,
    },
};

use super::script::{Script, Step, answer, client, ours, page, refused};

const EXECUTION: ExecutionId = ExecutionId(7);
const SECOND: Duration = Duration::from_secs(1);
const COUNTS: &str = r#"{"open":1,"reserved":0,"done":0}"#;

fn lease() -> LeaseToken {
    LeaseToken::new("lease-token")
}

fn passed() -> Outcome {
    let result = TestResult {
        verdict: TestVerdict::Passed,
        duration_ms: 12,
        flaky: true,
    };
    Outcome::Completed {
        result: Some(result),
    }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_is_one_try_within_its_limit() {
    for step in [
        Step::Fail(Sent::No),
        page(502),
        refused(429, 1),
        answer(503, "").with("retry-after", "0"),
    ] {
        let script = Script::new([step]);
        let error = client(&script)
            .heartbeat(EXECUTION, None, SECOND, SECOND)
            .await
            .unwrap_err();
        assert!(error.is_transient() && !error.lease_is_lost(), "{error}");
        assert_eq!(script.lines().len(), 1);
    }
    let script = Script::new([answer(200, "")]);
    let sent_at = client(&script)
        .heartbeat(EXECUTION, Some(&lease()), SECOND * 60, SECOND * 3)
        .await
        .unwrap();
    let seen = &script.seen()[0];
    assert!(sent_at <= seen.at, "measured before it is sent");
    assert_eq!(seen.limit, SECOND * 3);
    let expected = serde_json::json!({"timeout": 60000, "lease": "lease-token"});
    assert_eq!(seen.json(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_lost_only_if_the_service_refuses_it() {
    let beat = async |step| {
        let script = Script::new([step]);
        let beat = client(&script)
            .heartbeat(EXECUTION, None, SECOND, SECOND)
            .await;
        beat.unwrap_err()
    };
    for lost in [refused(400, 1201), refused(404, 1), refused(409, 0)] {
        let error: ClientError = beat(lost).await;
        assert!(error.lease_is_lost() && !error.is_transient(), "{error}");
    }
    // A proxy's page is not the service's word, a busy service has not said no, and 401 and 403 are about the caller.
    for kept in [
        page(400),
        answer(401, ""),
        answer(403, ""),
        refused(403, 0),
        page(403),
        page(404),
        answer(408, ""),
        answer(425, ""),
        answer(429, ""),
    ] {
        let error = beat(kept).await;
        assert!(!error.lease_is_lost(), "{error}");
    }
    // The same answer to another call says nothing of a lease.
    let script = Script::new([refused(400, 1001)]);
    let error = client(&script).plan(PlanId(1)).await.unwrap_err();
    assert!(!error.lease_is_lost());
}

#[tokio::test(start_paused = true)]
async fn a_page_or_an_error_is_no_confirmation() {
    for step in [
        page(200),
        answer(
            200,
            r#"{"error":{"code":1006,"message":"known clients only"}}"#,
        ),
    ] {
        let script = Script::new([step]);
        let beat = client(&script)
            .heartbeat(EXECUTION, None, SECOND, SECOND)
            .await;
        assert!(matches!(
            beat.unwrap_err().kind,
            ErrorKind::NotUnderstood { .. }
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_released_by_token_or_by_the_shortest_timeout() {
    let script = Script::new([answer(200, ""), answer(200, "")]);
    let client = client(&script);
    client.release(EXECUTION, Some(&lease())).await.unwrap();
    client.release(EXECUTION, None).await.unwrap();
    let seen = script.seen();
    assert_eq!(seen[0].line, "POST /execution/v1/heartbeat/7");
    let with_token = serde_json::json!({"timeout": 1, "lease": "lease-token", "release": true});
    assert_eq!(seen[0].json(), with_token);
    assert_eq!(seen[1].json(), serde_json::json!({"timeout": 1}));
    assert!(seen[0].limit <= SECOND * 2);
}

#[tokio::test(start_paused = true)]
async fn server_trouble_is_sent_only_with_a_lease_token() {
    let script = Script::new([(); 4].map(|()| answer(200, "{}")));
    let client = client(&script);
    let error = Outcome::ExecutionError {
        message: "m".to_owned(),
        details: String::new(),
    };
    for lease in [Some(lease()), None] {
        let lease = lease.as_ref();
        let gone = Some(ServerTrouble::Unreachable);
        client.release_after(EXECUTION, lease, gone).await.unwrap();
        let result = ResultDelivery {
            execution: EXECUTION,
            lease: lease.cloned(),
            outcome: error.clone(),
            failure: String::new(),
            trouble: Some(ServerTrouble::Hung),
        };
        client.finish_after(&result).await.unwrap();
    }
    let said: Vec<_> = script
        .seen()
        .iter()
        .map(super::script::Seen::json)
        .collect();
    assert_eq!(said[0]["server_trouble"], "unreachable");
    assert_eq!(said[1]["server_trouble"], "hung");
    assert_eq!(said[2], serde_json::json!({"timeout": 1}));
    assert_eq!(said[3], serde_json::json!({"message": "m"}));
}

#[tokio::test(start_paused = true)]
async fn why_a_test_failed_is_sent_with_a_lease_token_and_cut() {
    let script = Script::new([(); 2].map(|()| answer(200, "{}")));
    let client = client(&script);
    for lease in [Some(lease()), None] {
        let failed = TestResult {
            verdict: TestVerdict::Failed,
            duration_ms: 1,
            flaky: false,
        };
        let result = ResultDelivery {
            execution: EXECUTION,
            lease,
            outcome: Outcome::Completed {
                result: Some(failed),
            },
            failure: "x".repeat(600),
            trouble: None,
        };
        client.finish_after(&result).await.unwrap();
    }
    let seen = script.seen();
    let sent = seen[0].json();
    assert_eq!(sent["outcome"]["verdict"], "failed");
    let length = sent["failure"].as_str().map(str::len);
    assert!(length.is_some_and(|it| it > 400 && it <= 500), "{length:?}");
    assert_eq!(seen[1].json(), serde_json::json!({}), "for Test Center");
}

#[tokio::test(start_paused = true)]
async fn a_repeated_release_counts_as_released() {
    let lost = || refused(400, 1201);
    let script = Script::new([Step::Fail(Sent::Unclear), lost()]);
    client(&script)
        .release(EXECUTION, Some(&lease()))
        .await
        .unwrap();
    let script = Script::new([lost()]);
    let error = client(&script)
        .release(EXECUTION, Some(&lease()))
        .await
        .unwrap_err();
    assert!(error.lease_is_lost());
    // On the way out nobody waits for long.
    let script = Script::always(Step::Fail(Sent::No));
    assert!(client(&script).release(EXECUTION, None).await.is_err());
    assert!(script.lines().len() < 60);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_sent_only_with_a_lease_token() {
    let done = || answer(200, r#"{"status":"Execution marked as finished"}"#);
    let script = Script::new([done(), done(), done()]);
    let client = client(&script);
    client
        .finish(EXECUTION, Some(&lease()), &passed())
        .await
        .unwrap();
    client.finish(EXECUTION, None, &passed()).await.unwrap();
    let broken = Outcome::ExecutionError {
        message: " \n".into(),
        details: "x\0".repeat(50_000),
    };
    client
        .finish(EXECUTION, Some(&lease()), &broken)
        .await
        .unwrap();
    let seen = script.seen();
    let with_token = serde_json::json!({
        "lease": "lease-token", "outcome": {"verdict": "passed", "duration_ms": 12, "flaky": true}
    });
    assert_eq!(seen[0].json(), with_token);
    assert_eq!(seen[1].json(), serde_json::json!({}));
    let error = seen[2].json();
    assert_eq!(
        error["message"], "the execution could not run",
        "an empty message would mean that it ran"
    );
    let details = error["details"].as_str().unwrap();
    assert!(!details.contains('\0') && details.chars().count() == 64 * 1024);
    assert_eq!(error.get("outcome"), None);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_without_result_is_not_sent() {
    for outcome in [Outcome::LeaseLost, Outcome::Cancelled] {
        let script = Script::new([]);
        let error = client(&script)
            .finish(EXECUTION, Some(&lease()), &outcome)
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind, ErrorKind::NotSendable { .. }),
            "{error}"
        );
        assert!(!error.lease_is_lost());
        assert_eq!(script.lines().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_is_retried_through_outages() {
    let script = Script::new([
        Step::Fail(Sent::Unclear),
        page(502),
        Step::Fail(Sent::No),
        page(200),
        answer(200, "{}"),
    ]);
    client(&script)
        .finish(EXECUTION, None, &passed())
        .await
        .unwrap();
    assert_eq!(script.lines().len(), 5);

    let script = Script::new([refused(400, 1301)]);
    let error = client(&script)
        .finish(EXECUTION, Some(&lease()), &passed())
        .await
        .unwrap_err();
    assert!(error.lease_is_lost());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_answer_is_clear_only_from_testplan() {
    let script = Script::new([
        ours(200, COUNTS),
        Step::Fail(Sent::Unclear),
        ours(400, r#"{"code":1301,"message":"lost"}"#),
    ]);
    let ours = client(&script);
    ours.status(PlanId(1), &Capabilities::default())
        .await
        .unwrap();
    assert!(
        ours.finish(EXECUTION, Some(&lease()), &passed())
            .await
            .unwrap_err()
            .lease_is_lost()
    );

    let script = Script::new([Step::Fail(Sent::Unclear), refused(400, 400)]);
    let error = client(&script)
        .finish(EXECUTION, None, &passed())
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Unclear { .. }), "{error}");
    assert!(!error.lease_is_lost() && !error.is_transient());
}

#[tokio::test(start_paused = true)]
async fn reset_is_repeated_if_testplan_recognises_the_key() {
    let script = Script::new([ours(200, COUNTS), page(502), ours(200, "")]);
    let ours = client(&script);
    ours.status(PlanId(1), &Capabilities::default())
        .await
        .unwrap();
    ours.reset(EXECUTION, Some(3)).await.unwrap();
    assert_eq!(
        script.seen()[2].json(),
        serde_json::json!({"generation": 3})
    );

    let script = Script::new([Step::Fail(Sent::No), page(502)]);
    let error = client(&script).reset(EXECUTION, None).await.unwrap_err();
    assert!(error.may_have_happened && error.tries == 2, "{error}");
}

#[tokio::test(start_paused = true)]
async fn reset_may_be_unknown_here() {
    for step in [refused(405, 405), refused(404, 1), page(405)] {
        let script = Script::new([step]);
        let error = client(&script).reset(EXECUTION, None).await.unwrap_err();
        assert!(
            matches!(error.kind, ErrorKind::Unsupported { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("unsupported here"), "{error}");
    }
    let script = Script::new([refused(400, 1401)]);
    let error = client(&script).reset(EXECUTION, None).await.unwrap_err();
    assert!(
        matches!(
            error.kind,
            ErrorKind::Refused {
                code: Some(1401),
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn executions_are_listed_by_ours_to_the_last_page() {
    let item = |id: i64, rest: &str| {
        format!(
            r#"{{"execution_id":{id},"test_id":1,"suite":"s","testcase":"t","labels":[],"attempts":1,"generation":0,{rest}}}"#
        )
    };
    let first = format!(
        r#"{{"items":[{},{}],"next":2}}"#,
        item(1, r#""state":"done","verdict":"failed","duration_ms":9"#),
        item(2, r#""state":"done","error":"crashed""#)
    );
    let last = format!(r#"{{"items":[{}]}}"#, item(3, r#""state":"open""#));
    let plan = r#"{"id":1,"title":"T","type":"instance"}"#;
    let script = Script::new([ours(200, plan), ours(200, first.clone()), ours(200, last)]);
    let list = client(&script)
        .executions(PlanId(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(list.len(), 3);
    let failed = TestResult {
        verdict: TestVerdict::Failed,
        duration_ms: 9,
        flaky: false,
    };
    assert_eq!(
        list[0].outcome,
        Some(Outcome::Completed {
            result: Some(failed)
        })
    );
    assert!(
        matches!(&list[1].outcome, Some(Outcome::ExecutionError { message, .. }) if message == "crashed")
    );
    assert_eq!(
        (list[2].state, &list[2].outcome),
        (ExecutionState::Open, &None)
    );
    assert_eq!(
        script.lines(),
        [
            "GET /execution/v1/testplans/1",
            "GET /testplan/v1/plans/1/executions",
            "GET /testplan/v1/plans/1/executions?after=2"
        ]
    );

    // A list that points back to itself would never end.
    let script = Script::new([ours(200, plan), ours(200, first.clone()), ours(200, first)]);
    let error = client(&script).executions(PlanId(1)).await.unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::NotUnderstood { .. }),
        "{error}"
    );

    let script = Script::new([answer(200, plan)]);
    let other = client(&script);
    assert_eq!(other.executions(PlanId(1)).await.unwrap(), None);
    assert_eq!(other.executions(PlanId(1)).await.unwrap(), None);
    assert_eq!(script.lines().len(), 1, "asked once who it is");
}
