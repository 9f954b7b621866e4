//! How long a call is tried, whatever fails; and what never costs a result. Time is virtual.

use std::{sync::Arc, time::Duration};

use testplan::{
    client::{
        Client, ClientError, Credentials, Endpoint, ErrorKind, Patience, ReserveOptions,
        ResultDelivery, Sent, StartPlan,
    },
    clock,
    model::{Capabilities, ExecutionId, LeaseToken, Outcome, PlanId},
};

use super::script::{Script, Step, answer, ours, page, refused};

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Patience = Patience {
    service: Duration::from_secs(20),
    finish: Duration::from_secs(20),
    request: Duration::from_secs(20),
};
const PASSED: Outcome = Outcome::Completed { result: None };

fn client_with(script: &Arc<Script>, patience: Patience) -> Client {
    let endpoint = Endpoint::parse("https://tc.example.com", false).unwrap();
    let credentials = Credentials::Token("secret".into());
    Client::new(Arc::clone(script) as _, endpoint, credentials, patience).unwrap()
}

/// A client that has had an answer of the service.
async fn known_client(script: &Arc<Script>, patience: Patience) -> Client {
    let client = client_with(script, patience);
    client.squish_servers().await.unwrap();
    client
}

/// A script whose first answer is that of the service.
fn after_an_answer(steps: impl IntoIterator<Item = Step>) -> Arc<Script> {
    Script::new(std::iter::once(ours(200, "[]")).chain(steps))
}

fn start() -> StartPlan {
    StartPlan {
        project: "p".to_owned(),
        template: PlanId(7),
        title: "t".to_owned(),
        batch: "b".to_owned(),
        planned: None,
        linked: Vec::new(),
        tests: None,
        discovery: None,
        origin: testplan::model::PlanOrigin::default(),
    }
}

/// What a call costs, from its first failure to its end.
async fn time_after_first_failure(
    step: Step,
    call: impl AsyncFnOnce(&Client) -> Option<ClientError>,
) -> Duration {
    let script = Script::always(step);
    let client = client_with(&script, PATIENCE);
    let error = call(&client).await.expect("the service never answers");
    assert!(!error.help().is_empty());
    let seen = script.seen();
    // The first request fails at its limit if it hangs, else at once.
    let first = seen[0].timer
        + if matches!(script.step(), Some(Step::Hang)) {
            seen[0].limit
        } else {
            Duration::ZERO
        };
    clock::timer().saturating_duration_since(first)
}

#[tokio::test(start_paused = true)]
async fn no_call_goes_beyond_its_patience_by_more_than_one_request() {
    let most = PATIENCE.service + PATIENCE.request;
    let steps = || {
        [
            Step::Fail(Sent::No),
            Step::Fail(Sent::Unclear),
            Step::Untrusted,
            Step::Hang,
            page(200),
            page(403),
            page(502),
            answer(401, ""),
            answer(302, "").with("location", "https://login.example.com/"),
            answer(503, "").with("retry-after", "3600"),
            answer(429, "").with("retry-after", "3600"),
        ]
    };
    let everything = Capabilities::default();
    let long_poll = ReserveOptions {
        offered: everything.clone(),
        lease: SECOND * 20,
        allocate_server: false,
        wait: SECOND * 25,
    };
    for step in steps() {
        let name = format!("{step:?}");
        let took = time_after_first_failure(step.clone(), async |client| {
            client.status(PlanId(1), &everything).await.err()
        })
        .await;
        assert!(took <= most, "status, {name}: {took:?}");
        let took = time_after_first_failure(step.clone(), async |client| {
            client.reserve(PlanId(1), &long_poll, "w").await.err()
        })
        .await;
        assert!(took <= most, "reserve, {name}: {took:?}");
        let took = time_after_first_failure(step.clone(), async |client| {
            client.finish(ExecutionId(1), None, &PASSED).await.err()
        })
        .await;
        assert!(took <= most, "finish, {name}: {took:?}");
        let took = time_after_first_failure(step, async |client| {
            client.execute_plan(&start()).await.err()
        })
        .await;
        assert!(took <= most, "execute, {name}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn start_of_a_plan_that_hangs_ends_in_time() {
    // The look-up before the start is answered; then nothing is.
    let script = Script::after(answer(200, "[]"), Step::Hang);
    let client = client_with(&script, PATIENCE);
    let began = clock::timer();
    let error = client.execute_plan(&start()).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Unclear { .. }), "{error}");
    // The start itself, then patience and one request more.
    let took = clock::timer() - began;
    assert!(took <= SECOND * (20 + 20 + 20), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn long_poll_that_is_tried_again_ends_in_time() {
    let script = Script::after(ours(200, "[]"), Step::Hang);
    let client = known_client(&script, PATIENCE).await;
    let options = ReserveOptions {
        offered: Capabilities::default(),
        lease: SECOND * 20,
        allocate_server: false,
        wait: SECOND * 25,
    };
    client.reserve(PlanId(1), &options, "w").await.unwrap_err();
    let limits: Vec<_> = script.seen().iter().map(|seen| seen.limit).collect();
    assert_eq!(limits[1], SECOND * 45, "the first waits as long as it may");
    assert!(limits[2] <= SECOND * 40, "{limits:?}");
    assert_eq!(limits.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn result_survives_what_a_proxy_answers_for_some_seconds() {
    for step in [
        page(200),
        page(401),
        page(403),
        page(404),
        page(407),
        page(501),
        page(502),
        answer(401, r#"{"code":401,"message":"who?"}"#),
        answer(403, ""),
        answer(302, "").with("location", "/login/index"),
        answer(307, "").with("location", "https://sso.example.com/login"),
        answer(503, "").with("retry-after", "3600"),
        answer(429, "").with("retry-after", "3600"),
        Step::Untrusted,
        Step::Fail(Sent::No),
        Step::Fail(Sent::Unclear),
        Step::Hang,
    ] {
        let name = format!("{step:?}");
        let done = ours(200, r#"{"status":"done"}"#);
        let script = after_an_answer([step.clone(), done]);
        let client = known_client(&script, PATIENCE).await;
        let sent = client.finish(ExecutionId(1), None, &PASSED).await;
        assert!(sent.is_ok(), "{name}: {sent:?}");

        let list = r#"{"entries":[{"execution_id":1},{"execution_id":2}]}"#;
        let script = after_an_answer([step, ours(200, list)]);
        let client = known_client(&script, PATIENCE).await;
        let results = [1, 2].map(|execution| ResultDelivery {
            execution: ExecutionId(execution),
            lease: Some(LeaseToken::new("lease".to_owned())),
            outcome: PASSED,
            trouble: None,
            failure: String::new(),
        });
        let sent = client.finish_many(PlanId(1), &results, None).await;
        assert_eq!(sent, [Ok(()), Ok(())], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusal_of_a_result_by_the_service_is_final() {
    for step in [refused(400, 1301), refused(409, 7), refused(404, 1002)] {
        let script = after_an_answer([step]);
        let client = known_client(&script, PATIENCE).await;
        let error = client
            .finish(ExecutionId(1), None, &PASSED)
            .await
            .unwrap_err();
        assert!(error.lease_is_lost() && error.tries == 1, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn rejected_credentials_are_no_lost_lease_at_the_end_of_patience() {
    let script = Script::after(ours(200, "[]"), answer(401, ""));
    let client = known_client(&script, PATIENCE).await;
    let error = client
        .finish(ExecutionId(1), None, &PASSED)
        .await
        .unwrap_err();
    assert!(!error.lease_is_lost() && error.tries > 3, "{error}");
    assert!(error.to_string().contains("token was rejected"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn long_retry_after_delays_a_result_by_half_a_minute_at_most() {
    for outage in [1, 29, 31, 100] {
        let back = clock::timer() + SECOND * outage;
        let script = Script::after(
            ours(200, "[]"),
            Step::Answers(Arc::new(move || {
                if clock::timer() < back {
                    answer(503, "").with("retry-after", "3600")
                } else {
                    ours(200, "{}")
                }
            })),
        );
        let client = known_client(&script, Patience::default()).await;
        client.finish(ExecutionId(1), None, &PASSED).await.unwrap();
        let late = clock::timer().saturating_duration_since(back);
        assert!(late <= SECOND * 30, "{outage}: {late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn untrusted_certificate_ends_other_calls_at_once_with_its_own_advice() {
    let script = Script::new([Step::Untrusted]);
    let client = client_with(&script, PATIENCE);
    let everything = Capabilities::default();
    let error = client.status(PlanId(1), &everything).await.unwrap_err();
    assert_eq!(
        (error.tries, error.help().as_str(), error.may_have_happened),
        (1, "renew it", false),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn one_success_ends_the_pauses_of_all_calls() {
    // Pauses of a result double up to half a minute; after five minutes it is between two of them.
    let back = clock::timer() + SECOND * 300;
    let script = Script::after(ours(200, "[]"), Step::Down(back));
    let client = known_client(&script, Patience::default()).await;
    let finish = async {
        client.finish(ExecutionId(1), None, &PASSED).await.unwrap();
        clock::timer().saturating_duration_since(back)
    };
    let probe = async {
        tokio::time::sleep_until(back).await;
        let beat = client.heartbeat(ExecutionId(2), None, SECOND * 60, SECOND * 10);
        beat.await.unwrap();
    };
    let (late, ()) = tokio::join!(finish, probe);
    assert!(late <= SECOND, "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn call_that_fails_beside_others_that_succeed_still_backs_off() {
    let script = Script::by_path("/finished/", page(503), ours(200, "{}"));
    let client = client_with(&script, Patience::default());
    let finish = async {
        client
            .finish(ExecutionId(1), None, &PASSED)
            .await
            .unwrap_err()
    };
    let beats = async {
        loop {
            let beat = client.heartbeat(ExecutionId(2), None, SECOND * 60, SECOND * 10);
            beat.await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let error = tokio::select! {
        error = finish => error,
        () = beats => unreachable!(),
    };
    assert!((10..150).contains(&error.tries), "{error}");
}
