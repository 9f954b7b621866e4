//! What is sent again, how often, and how long the client waits in between.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use testplan::{
    client::{Client, ClientError, ErrorKind, Sent},
    model::{Capabilities, ExecutionId, Outcome, PlanId, SquishServerId},
};

use super::script::{Script, Step, answer, client, ours, page, refused};

const COUNTS: &str = r#"{"open":1,"reserved":0,"done":0}"#;

async fn status(client: &Client) -> Result<u64, ClientError> {
    let status = client.status(PlanId(1), &Capabilities::default()).await?;
    Ok(status.open)
}

/// A client that writes its pauses down.
fn timed(script: &Arc<Script>) -> (Client, Arc<Mutex<Vec<Duration>>>) {
    let pauses = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&pauses);
    let client = client(script).watched(move |waiting| noted.lock().unwrap().push(waiting.pause));
    (client, pauses)
}

#[tokio::test(start_paused = true)]
async fn reading_survives_every_kind_of_outage() {
    let script = Script::new([
        ours(200, COUNTS),
        Step::Fail(Sent::No),
        Step::Fail(Sent::Unclear),
        page(502),
        answer(500, r#"{"code":500,"message":"broken"}"#),
        page(404),
        page(200),
        answer(200, r#"{"open":1,"reser"#),
        refused(429, 0),
        answer(408, ""),
        ours(200, COUNTS),
    ]);
    let (client, pauses) = timed(&script);
    assert_eq!(status(&client).await.unwrap(), 1);
    assert_eq!(status(&client).await.unwrap(), 1);
    assert_eq!(script.lines().len(), 11);
    assert_eq!(pauses.lock().unwrap().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_retried_for_two_minutes_and_no_longer() {
    let script = Script::always(Step::Fail(Sent::No));
    let (client, pauses) = timed(&script);
    let error = status(&client).await.unwrap_err();
    assert!(matches!(
        error.kind,
        ErrorKind::Unreachable { sent: Sent::No, .. }
    ));
    assert!(!error.may_have_happened);
    assert_eq!(u64::from(error.tries), client.requests());
    let pauses = pauses.lock().unwrap();
    let total: Duration = pauses.iter().sum();
    assert!((118..=120).contains(&total.as_secs()), "{total:?}");
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(10)));
    assert!((13..80).contains(&pauses.len()), "{}", pauses.len());
}

#[tokio::test(start_paused = true)]
async fn a_result_is_delivered_for_ten_minutes() {
    let script = Script::always(page(503));
    let (client, pauses) = timed(&script);
    let outcome = Outcome::Completed { result: None };
    let error = client
        .finish(ExecutionId(1), None, &outcome)
        .await
        .unwrap_err();
    assert!(error.is_transient() && error.may_have_happened && !error.lease_is_lost());
    let pauses = pauses.lock().unwrap();
    let total: Duration = pauses.iter().sum();
    assert!((595..=600).contains(&total.as_secs()), "{total:?}");
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(30)));
    assert!(pauses.len() > 19, "{}", pauses.len());
}

#[tokio::test(start_paused = true)]
async fn permanent_errors_are_not_retried() {
    for (step, words) in [
        (refused(400, 1001), "code 1001"),
        (answer(401, ""), "token was rejected"),
        (answer(200, r#"{"open":"many"}"#), "not the API's"),
        (answer(200, "[]"), "not the API's"),
        (answer(501, "no"), "status 501"),
        (
            answer(302, "").with("location", "/login/index"),
            "rejected or is missing",
        ),
    ] {
        let script = Script::new([step]);
        let error = status(&client(&script)).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.is_transient());
        assert_eq!(error.tries, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_service_is_not_retried_but_a_known_one_is() {
    let script = Script::always(page(200));
    let error = status(&client(&script)).await.unwrap_err();
    assert_eq!(error.tries, 3, "most likely a wrong URL");
    assert!(error.help().contains("URL"), "{}", error.help());

    let mut steps = vec![answer(200, COUNTS)];
    steps.extend(std::iter::repeat_n(page(404), 9));
    steps.push(answer(200, COUNTS));
    let script = Script::new(steps);
    let client = client(&script);
    status(&client).await.unwrap();
    assert_eq!(status(&client).await.unwrap(), 1);
    assert_eq!(script.lines().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured() {
    let script = Script::new([
        answer(503, "").with("retry-after", "7"),
        answer(429, "")
            .with("date", "Sun, 06 Nov 1994 08:49:37 GMT")
            .with("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"),
        answer(200, COUNTS),
    ]);
    let (client, pauses) = timed(&script);
    status(&client).await.unwrap();
    let waited: Vec<_> = pauses
        .lock()
        .unwrap()
        .iter()
        .map(Duration::as_secs)
        .collect();
    assert_eq!(waited, [7, 60], "and less than a second more");

    // A service that says "now" is not asked in a tight loop.
    let script = Script::always(answer(503, "").with("retry-after", "0"));
    let (client, _) = timed(&script);
    assert!(status(&client).await.unwrap_err().tries < 80);

    // Longer than the client's patience: the last try is at its end.
    let script = Script::always(answer(503, "").with("retry-after", "9999"));
    let (client, pauses) = timed(&script);
    assert_eq!(status(&client).await.unwrap_err().tries, 2);
    assert_eq!(pauses.lock().unwrap()[..], [Duration::from_secs(120)]);

    // Another status does not say when to come back.
    let script = Script::new([
        answer(500, "").with("retry-after", "60"),
        answer(200, COUNTS),
    ]);
    let (client, pauses) = timed(&script);
    status(&client).await.unwrap();
    assert!(pauses.lock().unwrap()[0] <= Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn a_squish_server_is_added_once_but_changed_and_removed_repeatedly() {
    let server = r#"{"id":3,"port":"1"}"#;
    let new = testplan::model::NewSquishServer {
        host: None,
        port: testplan::model::Port::new(1).unwrap(),
        enabled: true,
        labels: Capabilities::default(),
    };
    let script = Script::new([Step::Fail(Sent::No), Step::Fail(Sent::Unclear)]);
    let error = client(&script).add_squish_server(&new).await.unwrap_err();
    assert!(error.may_have_happened && error.tries == 2, "{error:?}");

    let change = testplan::model::SquishServerChange::default();
    let script = Script::new([
        Step::Fail(Sent::Unclear),
        answer(200, server),
        page(502),
        answer(200, ""),
    ]);
    let client = client(&script);
    client
        .change_squish_server(SquishServerId(3), &change)
        .await
        .unwrap();
    client
        .remove_squish_server(SquishServerId(3))
        .await
        .unwrap();
    assert_eq!(script.lines().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_watcher_gets_cause_and_pause_of_each_retry() {
    let script = Script::new([Step::Fail(Sent::No), answer(200, COUNTS)]);
    let said = Arc::new(Mutex::new(String::new()));
    let noted = Arc::clone(&said);
    let client =
        client(&script).watched(move |waiting| *noted.lock().unwrap() = waiting.to_string());
    status(&client).await.unwrap();
    let said = said.lock().unwrap();
    assert!(
        said.starts_with("GET /execution/v1/status/1: scripted failure; next try in 0."),
        "{said}"
    );
    assert!(said.ends_with("giving up in 120 s"), "{said}");
}
