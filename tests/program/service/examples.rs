//! Every curl example of the vendor's page, as typed.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::{
    held_store::HeldStore,
    support::{Served, TOKEN, json as json_of, patient, service},
};

/// How curl sends it: `--data` alone declares a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Declared {
    Json,
    Form,
    Nothing,
}
use Declared::{Form, Json, Nothing};

struct Example {
    method: Method,
    path: &'static str,
    declared: Declared,
    body: &'static str,
    status: u16,
    /// `"*"` stands for any value.
    answer: Value,
}

fn template() -> Value {
    json!({
        "batch_name": "", "count": 2, "description": "", "failed": 0, "id": 64, "passes": 0,
        "planned_dt": null, "project": "MyProject", "repository_information": [], "server_dt": "*",
        "skipped": 0, "tags": [], "title": "CI-Tests-master", "type": "template",
    })
}

fn done() -> Value {
    json!({ "status": "*" })
}

/// In an order in which each finds what it speaks of.
fn examples() -> Vec<Example> {
    let labels =
        json!([{ "key": "OS", "value": "Linux" }, { "key": "browser", "value": "firefox" }]);
    let example = |method, path, declared, body, status, answer| Example {
        method,
        path,
        declared,
        body,
        status,
        answer,
    };
    let (get, post) = (Method::GET, Method::POST);
    vec![
        example(
            get.clone(),
            "/execution/v1/testplans?project=MyProject&type=template&title=CI-Tests-master",
            Nothing,
            "",
            200,
            template(),
        ),
        example(
            get.clone(),
            "/execution/v1/testplans/64",
            Nothing,
            "",
            200,
            template(),
        ),
        example(
            post.clone(),
            "/execution/v1/executeplan",
            Json,
            r#"{ "templateId": 64, "title": "Nightly Regression Run", "batch": "Nightly_Tests_2025" }"#,
            201,
            json!({
                "batch_name": "Nightly_Tests_2025", "count": 2, "description": "", "failed": 0, "id": 105,
                "passes": 0, "planned_dt": null, "project": "MyProject", "repository_information": [],
                "server_dt": "*", "skipped": 0, "tags": [], "title": "Nightly Regression Run", "type": "instance",
            }),
        ),
        example(
            get.clone(),
            "/execution/v1/status/105?OS=Linux",
            Nothing,
            "",
            200,
            json!({ "open": 1, "reserved": 0, "done": 0, "finished": 0 }),
        ),
        example(
            post.clone(),
            "/execution/v1/reserve/105",
            Json,
            r#"{ "capabilities": [ { "key": "OS", "value": "Linux" }, { "key": "browser", "value": "chrome" } ],
                 "timeout": 10000, "allocate_server": true }"#,
            200,
            json!({
                "batch": "Nightly_Tests_2025", "execution_id": 3339, "project_name": "MyProject",
                "server": {
                    "enabled": true, "host": "127.0.0.1", "id": 1, "port": "4322",
                    "labels": [{ "key": "OS", "value": "Linux" }, { "key": "browser", "value": "Chrome" }],
                },
                "status": "Reservation successful", "suite": "suite_example", "test_id": 508_832,
                "testcase": "tst_example",
                "lease": "*", "expires_dt": "*", "timeout": 10000, "attempt": 1,
                "labels": [{ "key": "OS", "value": "Linux" }, { "key": "browser", "value": "chrome" }],
            }),
        ),
        example(
            post.clone(),
            "/execution/v1/reserve/105",
            Json,
            r#"{ "capabilities": [ { "key": "OS", "value": "Linux" }, { "key": "browser", "value": "chrome" } ] }"#,
            200,
            json!({ "status": "No executions available that match requested capabilities.", "pending": 1 }),
        ),
        example(
            post.clone(),
            "/execution/v1/reserve/105",
            Form,
            r#"{ "capabilities": [ { "key": "OS", "value": "Windows" } ], "allocate_server": true }"#,
            200,
            json!({ "status": "No servers available that match requested capabilities.", "pending": 1 }),
        ),
        example(
            post.clone(),
            "/execution/v1/heartbeat/3339",
            Json,
            r#"{ "timeout": 10000 }"#,
            200,
            done(),
        ),
        example(
            post.clone(),
            "/execution/v1/heartbeat/3339",
            Form,
            "{}",
            200,
            done(),
        ),
        example(
            post.clone(),
            "/execution/v1/finished/3339",
            Form,
            r#"{ "message": "Test execution failed", "details": "squishrunner not found" }"#,
            200,
            json!({ "status": "Execution marked as finished" }),
        ),
        example(
            post.clone(),
            "/execution/v1/reset/3339",
            Nothing,
            "",
            200,
            done(),
        ),
        // Once more, for a result of the other kind.
        example(
            post.clone(),
            "/execution/v1/reserve/105",
            Json,
            r#"{ "capabilities": [ { "key": "OS", "value": "Linux" }, { "key": "browser", "value": "chrome" } ] }"#,
            200,
            json!("*"),
        ),
        example(
            post.clone(),
            "/execution/v1/finished/3339",
            Json,
            "{}",
            200,
            json!({ "status": "Execution marked as finished" }),
        ),
        example(
            get,
            "/execution/v1/squishservers",
            Nothing,
            "",
            200,
            json!([
                { "id": 1, "enabled": true, "host": "127.0.0.1", "port": "4322", "labels": "*" },
                { "id": 2, "enabled": false, "host": "192.168.1.100", "port": "4323", "labels": "*" },
            ]),
        ),
        example(
            post,
            "/execution/v1/squishservers",
            Json,
            r#"{ "port": "4324", "enabled": true, "host": "192.168.1.101",
                 "labels": [ { "key": "OS", "value": "Linux" }, { "key": "browser", "value": "firefox" } ] }"#,
            200,
            json!({ "id": 3, "enabled": true, "host": "192.168.1.101", "port": "4324", "labels": labels }),
        ),
        example(
            Method::PATCH,
            "/execution/v1/squishservers/3",
            Form,
            r#"{ "enabled": false, "port": "4325" }"#,
            200,
            // `note` is additive.
            json!({
                "id": 3, "enabled": false, "host": "192.168.1.101", "port": "4325", "labels": labels, "note": "by ci",
            }),
        ),
        example(
            Method::DELETE,
            "/execution/v1/squishservers/3",
            Nothing,
            "",
            200,
            done(),
        ),
    ]
}

impl Example {
    fn request(&self) -> Request<Bytes> {
        let mut request = Request::builder()
            .method(&self.method)
            .uri(self.path)
            .header("Authorization", format!("Token {TOKEN}"));
        request = match self.declared {
            Json => request.header("Content-Type", "application/json"),
            Form => request.header("Content-Type", "application/x-www-form-urlencoded"),
            Nothing => request,
        };
        request
            .body(Bytes::from_static(self.body.as_bytes()))
            .unwrap()
    }

    fn check(&self, response: &http::Response<Bytes>) {
        let name = format!("{} {}", self.method, self.path);
        let body = json_of(response);
        assert_eq!(response.status().as_u16(), self.status, "{name}: {body}");
        assert!(fits(&body, &self.answer), "{name}: {body}");
        for (header, value) in [
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("testplan-service", env!("CARGO_PKG_VERSION")),
        ] {
            assert_eq!(response.headers()[header], value, "{name}");
        }
    }
}

/// Whether a value is as expected, member by member, none more and none less.
fn fits(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (_, Value::String(any)) if any == "*" => true,
        (Value::Object(value), Value::Object(expected)) => {
            value.len() == expected.len()
                && expected.iter().all(|(name, expected)| {
                    value.get(name).is_some_and(|value| fits(value, expected))
                })
        }
        (Value::Array(value), Value::Array(expected)) => {
            value.len() == expected.len()
                && value
                    .iter()
                    .zip(expected)
                    .all(|(value, expected)| fits(value, expected))
        }
        _ => value == expected,
    }
}

#[tokio::test]
async fn every_example_of_the_page_is_answered_in_process() {
    let service = service(&HeldStore::of_the_page().await, patient()).in_process();
    for example in examples() {
        example.check(&service.call(example.request()).await);
    }
}

#[tokio::test]
async fn every_example_of_the_page_is_answered_over_a_socket() {
    let service = service(&HeldStore::of_the_page().await, patient());
    let served = Served::start(&service).await;
    for example in examples() {
        example.check(&served.ask(&example.request()).await);
    }
}

#[tokio::test]
async fn requests_reach_the_store_unchanged() {
    let store = HeldStore::of_the_page().await;
    let service = service(&store, patient()).in_process();
    let ask = |request| super::support::ask(&service, request);
    let post = super::support::post;

    let body = r#"{"templateId":"64","title":"t","batch":"b","time":1755880673658,"unknown":[1],
                   "linkedRepos":{"id":7,"branch":"main"}}"#;
    let request = super::support::with(
        post("/execution/v1/executeplan", body),
        "idempotency-key",
        "run-1",
    );
    let (status, plan) = ask(request).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(plan["planned_dt"], 1_755_880_673_658_i64);
    assert_eq!(plan["repository_information"][0]["id"], "7");
    let [started] = &store.started_plans()[..] else {
        panic!("one plan was started");
    };
    assert_eq!(started.principal, "ci");
    assert_eq!(started.key.as_deref(), Some("run-1"));

    let body =
        r#"{"capabilities":[{"key":"OS","value":"Linux"},{"key":"browser","value":"Chrome"}]}"#;
    let mut request = super::support::with(
        post("/execution/v1/reserve/105", body),
        "testplan-worker",
        "w-3",
    );
    request = super::support::with(request, "idempotency-key", "reserve-1");
    let (_, reservation) = ask(request).await;
    assert_eq!(reservation["execution_id"], 3339);
    let [reserve] = &store.reserved()[..] else {
        panic!("one execution was reserved");
    };
    assert_eq!(reserve.worker.as_deref(), Some("w-3"));
    assert_eq!(reserve.key.as_deref(), Some("reserve-1"));
    assert_eq!(reserve.timeout.as_millis(), 5000, "the page's default");

    let long = "ä".repeat(40_000);
    let body = json!({
        "message": long, "details": long, "lease": reservation["lease"],
        "outcome": { "verdict": "failed", "duration_ms": u64::MAX },
    });
    let (status, _) = ask(post("/execution/v1/finished/3339", &body.to_string())).await;
    assert_eq!(
        status,
        StatusCode::OK,
        "a result is never refused for its words"
    );
    let [finish] = &store.finished()[..] else {
        panic!("one execution was finished");
    };
    assert_eq!(
        (finish.message.len(), finish.details.len()),
        (8 * 1024, 64 * 1024)
    );
    assert_eq!(
        finish.lease.as_ref().unwrap().expose(),
        reservation["lease"]
    );
    assert!(finish.result.unwrap().duration_ms < u64::MAX / 2);
}

#[tokio::test]
async fn lists_are_paged() {
    let store = HeldStore::with_plan().await;
    let service = service(&store, patient()).in_process();
    let ask = |path| super::support::ask(&service, super::support::get(path));

    let (status, part) = ask("/testplan/v1/plans/105/executions?limit=1&state=open").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(part["items"][0]["execution_id"], 3339);
    assert_eq!(part["next"], 3339);
    store.take(3339, std::time::Duration::from_secs(60)).await;
    let (_, part) = ask("/testplan/v1/plans/105/executions?limit=1&after=3339").await;
    assert_eq!(part["items"][0]["execution_id"], 3340);
    assert_eq!(part.get("next"), None);
    let (_, part) = ask("/testplan/v1/plans/105/executions?state=done").await;
    assert_eq!(part["items"], json!([]));
    let (_, part) = ask("/testplan/v1/plans/105/events").await;
    assert_eq!(part["items"][0]["kind"], "reserved");
}

#[tokio::test]
async fn a_status_query_is_decoded_and_may_repeat_a_key() {
    let service = service(&HeldStore::with_plan().await, patient()).in_process();
    for (query, open) in [
        ("", 2),
        ("?", 2),
        ("?OS=Linux", 1),
        ("?%4f%53=%4cinux", 1),
        ("?OS=Linux&browser=chrome", 1),
        ("?OS=Linux&OS=Windows", 0),
        ("?OS=Mac+OS%20X", 0),
    ] {
        let path = format!("/execution/v1/status/105{query}");
        let (status, counts) = super::support::ask(&service, super::support::get(&path)).await;
        assert_eq!(status, StatusCode::OK, "{query}");
        assert_eq!(counts["open"], open, "{query}");
    }
}
