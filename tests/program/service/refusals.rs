//! Every way to get a request wrong, and what a broken store reads like.

use http::{Method, StatusCode};
use serde_json::json;

use super::{
    held_store::{HeldStore, StoreFault},
    support::{ask, get, patient, post, request, service, with},
};

const RESERVE: &str = "/execution/v1/reserve/105";
const EXECUTE: &str = "/execution/v1/executeplan";
const SERVERS: &str = "/execution/v1/squishservers";

#[tokio::test]
async fn unreadable_request_is_400_with_a_reason() {
    let service = service(&HeldStore::with_plan().await, patient()).in_process();
    let long = "x".repeat(257);
    let long_label = format!(r#"{{"capabilities":[{{"key":"OS","value":"{long}"}}]}}"#);
    let many: Vec<_> = (0..65)
        .map(|n| json!({ "key": "k", "value": n.to_string() }))
        .collect();
    let many = json!({ "capabilities": many }).to_string();
    let many_pairs = format!("/execution/v1/status/105?{}", "k=v&".repeat(65));
    let long_pair = format!("/execution/v1/status/105?OS={long}");
    // Method, path, body, and what the sentence must speak of.
    let table: &[(Method, &str, &str, &str)] = &[
        (Method::POST, EXECUTE, "", "JSON object"),
        (Method::POST, EXECUTE, "[64]", "JSON object"),
        (Method::POST, EXECUTE, "templateId=64", "JSON object"),
        (Method::POST, EXECUTE, "{", "line 1"),
        (
            Method::POST,
            RESERVE,
            r#"{"capabilities":[]} {}"#,
            "trailing",
        ),
        (
            Method::POST,
            EXECUTE,
            r#"{"title":"t","batch":"b"}"#,
            "templateId",
        ),
        (
            Method::POST,
            EXECUTE,
            r#"{"templateId":64,"batch":"b"}"#,
            "title",
        ),
        (
            Method::POST,
            EXECUTE,
            r#"{"templateId":64,"title":"t"}"#,
            "batch",
        ),
        (
            Method::POST,
            EXECUTE,
            r#"{"templateId":64,"title":" ","batch":"b"}"#,
            "title",
        ),
        (
            Method::POST,
            EXECUTE,
            r#"{"templateId":64,"title":"t","batch":""}"#,
            "batch",
        ),
        (
            Method::POST,
            EXECUTE,
            r#"{"templateId":true,"title":"t","batch":"b"}"#,
            "templateId: expected a whole number",
        ),
        (
            Method::POST,
            EXECUTE,
            r#"{"templateId":"x","title":"t","batch":"b"}"#,
            "templateId",
        ),
        (
            Method::POST,
            EXECUTE,
            r#"{"templateId":64,"title":1,"batch":"b"}"#,
            "title: invalid type: integer `1`, expected a string",
        ),
        (
            Method::POST,
            EXECUTE,
            r#"{"templateId":64,"title":"t","batch":"b","time":-1}"#,
            "time",
        ),
        (
            Method::POST,
            EXECUTE,
            r#"{"templateId":64,"title":"t","batch":"b","time":"soon"}"#,
            "time",
        ),
        (
            Method::POST,
            EXECUTE,
            r#"{"templateId":64,"title":"a\u0000","batch":"b"}"#,
            "NUL",
        ),
        (Method::POST, RESERVE, "{}", "capabilities"),
        (
            Method::POST,
            RESERVE,
            r#"{"capabilities":{}}"#,
            "capabilities",
        ),
        (
            Method::POST,
            RESERVE,
            r#"{"capabilities":[{"key":"OS"}]}"#,
            "capabilities[0]",
        ),
        (
            Method::POST,
            RESERVE,
            r#"{"capabilities":[{"key":"","value":"x"}]}"#,
            "capabilities[0]",
        ),
        (Method::POST, RESERVE, &long_label, "256"),
        (Method::POST, RESERVE, &many, "64"),
        (
            Method::POST,
            RESERVE,
            r#"{"capabilities":[],"timeout":0}"#,
            "timeout",
        ),
        (
            Method::POST,
            RESERVE,
            r#"{"capabilities":[],"timeout":-5}"#,
            "timeout",
        ),
        (
            Method::POST,
            RESERVE,
            r#"{"capabilities":[],"timeout":"10s"}"#,
            "timeout",
        ),
        (
            Method::POST,
            RESERVE,
            r#"{"capabilities":[],"allocate_server":"yes"}"#,
            "allocate_server",
        ),
        (
            Method::POST,
            "/execution/v1/reserve/abc",
            r#"{"capabilities":[]}"#,
            "\"abc\"",
        ),
        (
            Method::POST,
            "/execution/v1/reserve/%ff",
            r#"{"capabilities":[]}"#,
            "id",
        ),
        (
            Method::POST,
            "/execution/v1/heartbeat/3339",
            "",
            "JSON object",
        ),
        (
            Method::POST,
            "/execution/v1/heartbeat/3339",
            r#"{"timeout":0}"#,
            "timeout",
        ),
        (
            Method::POST,
            "/execution/v1/heartbeat/3339",
            r#"{"release":true}"#,
            "lease",
        ),
        (
            Method::POST,
            "/execution/v1/heartbeat/3339",
            r#"{"lease":"1.x","server_trouble":"unreachable"}"#,
            "server_trouble needs release",
        ),
        (
            Method::POST,
            "/execution/v1/heartbeat/3339",
            r#"{"lease":"1.x","release":true,"server_trouble":"tired"}"#,
            "tired",
        ),
        (
            Method::POST,
            "/execution/v1/finished/3339",
            "",
            "JSON object",
        ),
        (
            Method::POST,
            "/execution/v1/finished/3339",
            r#"{"message":null}"#,
            "message",
        ),
        (
            Method::POST,
            "/execution/v1/finished/3339",
            r#"{"outcome":{"verdict":"good","duration_ms":1}}"#,
            "outcome.verdict",
        ),
        (Method::POST, "/execution/v1/reset/x", "", "\"x\""),
        (
            Method::POST,
            "/execution/v1/reset/3339",
            "now",
            "JSON object",
        ),
        (
            Method::POST,
            "/execution/v1/reset/3339",
            r#"{"generation":-1}"#,
            "generation",
        ),
        (Method::GET, "/execution/v1/testplans", "", "type"),
        (
            Method::GET,
            "/execution/v1/testplans?type=template&title=t",
            "",
            "project",
        ),
        (
            Method::GET,
            "/execution/v1/testplans?type=template&project=p&title=",
            "",
            "title",
        ),
        (
            Method::GET,
            "/execution/v1/testplans?type=plan&project=p&title=t",
            "",
            "template or instance",
        ),
        (
            Method::GET,
            "/execution/v1/testplans?type=template&project=p&title=%00",
            "",
            "NUL",
        ),
        (Method::GET, "/execution/v1/testplans/1.5", "", "\"1.5\""),
        (
            Method::GET,
            "/execution/v1/testplans/99999999999999999999",
            "",
            "whole number",
        ),
        (Method::GET, "/execution/v1/status/105?=Linux", "", "key"),
        (Method::GET, &many_pairs, "", "64"),
        (Method::GET, &long_pair, "", "256"),
        (Method::POST, SERVERS, "", "JSON object"),
        (
            Method::POST,
            SERVERS,
            r#"{"enabled":true,"labels":[]}"#,
            "port",
        ),
        (
            Method::POST,
            SERVERS,
            r#"{"port":"4324","labels":[]}"#,
            "enabled",
        ),
        (
            Method::POST,
            SERVERS,
            r#"{"port":"4324","enabled":true}"#,
            "labels",
        ),
        (
            Method::POST,
            SERVERS,
            r#"{"port":"0","enabled":true,"labels":[]}"#,
            "65535",
        ),
        (
            Method::POST,
            SERVERS,
            r#"{"port":65536,"enabled":true,"labels":[]}"#,
            "65535",
        ),
        (
            Method::POST,
            SERVERS,
            r#"{"port":"4324","enabled":true,"labels":[],"host":"-oProxy"}"#,
            "host",
        ),
        (
            Method::POST,
            SERVERS,
            r#"{"port":"4324","enabled":true,"labels":[],"host":"a b"}"#,
            "host",
        ),
        (
            Method::PATCH,
            "/execution/v1/squishservers/1",
            "",
            "JSON object",
        ),
        (
            Method::PATCH,
            "/execution/v1/squishservers/1",
            r#"{"port":"x"}"#,
            "port",
        ),
        (Method::DELETE, "/execution/v1/squishservers/x", "", "\"x\""),
        (
            Method::GET,
            "/testplan/v1/plans/105/executions?state=gone",
            "",
            "open, reserved or done",
        ),
        (
            Method::GET,
            "/testplan/v1/plans/105/executions?limit=0",
            "",
            "1 to 1000",
        ),
        (
            Method::GET,
            "/testplan/v1/plans/105/events?after=x",
            "",
            "after",
        ),
    ];
    for (method, path, body, speaks_of) in table {
        let (status, problem) = ask(&service, request(method.clone(), path, body)).await;
        assert_eq!(
            status,
            StatusCode::BAD_REQUEST,
            "{method} {path} {body}: {problem}"
        );
        assert_eq!(problem["code"], 1001, "{method} {path} {body}: {problem}");
        let message = problem["message"].as_str().unwrap();
        assert!(
            message.contains(speaks_of),
            "{method} {path} {body}: {message}"
        );
    }
}

#[tokio::test]
async fn headers_are_bounded() {
    let service = service(&HeldStore::with_plan().await, patient()).in_process();
    let body = r#"{"capabilities":[]}"#;
    for name in ["idempotency-key", "testplan-worker"] {
        for (length, expected) in [(0, 400), (1, 200), (255, 200), (256, 400)] {
            let request = with(post(RESERVE, body), name, &"k".repeat(length));
            let (status, answer) = ask(&service, request).await;
            assert_eq!(status.as_u16(), expected, "{name} of {length}: {answer}");
        }
    }
}

#[tokio::test]
async fn unknown_ids_are_400_and_only_the_look_up_says_404() {
    let service = service(&HeldStore::with_plan().await, patient()).in_process();
    let table = [
        (
            get("/execution/v1/testplans?project=MyProject&type=template&title=CI"),
            404,
        ),
        (get("/execution/v1/testplans/7"), 400),
        (get("/execution/v1/status/7"), 400),
        (
            post(EXECUTE, r#"{"templateId":7,"title":"t","batch":"b"}"#),
            400,
        ),
        (
            post("/execution/v1/reserve/7", r#"{"capabilities":[]}"#),
            400,
        ),
        (post("/execution/v1/heartbeat/7", "{}"), 400),
        (post("/execution/v1/finished/7", "{}"), 400),
        (post("/execution/v1/reset/7", ""), 400),
        (
            request(Method::PATCH, "/execution/v1/squishservers/7", "{}"),
            400,
        ),
        (
            request(Method::DELETE, "/execution/v1/squishservers/7", ""),
            400,
        ),
        (get("/testplan/v1/plans/7/executions"), 400),
        (get("/testplan/v1/plans/7/events"), 400),
    ];
    for (request, expected) in table {
        let name = format!("{} {}", request.method(), request.uri());
        let (status, problem) = ask(&service, request).await;
        assert_eq!(status.as_u16(), expected, "{name}");
        assert_eq!(problem["code"], 1002, "{name}");
    }
}

#[tokio::test]
async fn another_method_is_405_with_those_allowed() {
    let service = service(&HeldStore::with_plan().await, patient()).in_process();
    let table = [
        (Method::POST, "/execution/v1/testplans", "GET,HEAD"),
        (Method::DELETE, "/execution/v1/testplans/64", "GET,HEAD"),
        (Method::GET, EXECUTE, "POST"),
        (Method::PUT, "/execution/v1/status/105", "GET,HEAD"),
        (Method::GET, RESERVE, "POST"),
        (Method::GET, "/execution/v1/reset/3339", "POST"),
        (Method::PUT, SERVERS, "GET,HEAD,POST"),
        (Method::GET, "/execution/v1/squishservers/1", "PATCH,DELETE"),
        (Method::OPTIONS, "/healthz", "GET,HEAD"),
    ];
    for (method, path, allowed) in table {
        let response = service.call(request(method.clone(), path, "")).await;
        assert_eq!(
            response.status(),
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert_eq!(response.headers()["allow"], allowed, "{method} {path}");
        assert_eq!(
            super::support::json(&response)["code"],
            1505,
            "{method} {path}"
        );
        assert!(response.headers().contains_key("testplan-service"));
    }
}

#[tokio::test]
async fn an_unknown_path_is_404_and_names_a_near_one() {
    let service = service(&HeldStore::with_plan().await, patient()).in_process();
    let table = [
        ("/execution/v1/testplan", "/execution/v1/testplans"),
        ("/execution/v1/executionplan", "/execution/v1/executeplan"),
        ("/nothing", "/openapi.json"),
        ("/execution/v1/testplans/64/", "/execution/v1/testplans"),
    ];
    for (path, near) in table {
        let (status, problem) = ask(&service, get(path)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(problem["code"], 1504, "{path}");
        assert!(
            problem["message"].as_str().unwrap().contains(near),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn the_stores_refusals_keep_their_numbers() {
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient()).in_process();
    for (request, code) in [
        (post("/execution/v1/heartbeat/3340", "{}"), 1202),
        (post("/execution/v1/finished/3340", "{}"), 1303),
        (post("/execution/v1/reset/3340", ""), 1401),
        (post("/execution/v1/reset/3339", ""), 1402),
    ] {
        let (status, problem) = ask(&service, request).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::BAD_REQUEST, &json!(code))
        );
    }
}

#[tokio::test]
async fn store_failure_is_reported_without_its_cause() {
    let store = HeldStore::with_plan().await;
    let service = service(&store, patient()).in_process();
    let table = [
        (StoreFault::Broken, 500, 1500, None),
        (StoreFault::Panic, 500, 1500, None),
        (StoreFault::Busy, 503, 1503, Some("1")),
    ];
    for (fault, status, code, retry) in table {
        store.fail(Some(fault));
        let response = service.call(get("/execution/v1/status/105")).await;
        assert_eq!(response.status().as_u16(), status, "{fault:?}");
        let problem = super::support::json(&response);
        assert_eq!(problem["code"], code, "{fault:?}");
        let message = problem["message"].as_str().unwrap();
        assert!(
            !message.contains("fire") && !message.contains("panic"),
            "{message}"
        );
        let told = response.headers().get("retry-after");
        assert_eq!(
            told.map(|value| value.to_str().unwrap()),
            retry,
            "{fault:?}"
        );
        store.fail(None);
        let (status, _) = ask(&service, get("/execution/v1/status/105")).await;
        assert_eq!(status, StatusCode::OK, "it serves on after {fault:?}");
    }
}
