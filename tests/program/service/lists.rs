//! Lists of tests and published templates on the wire, over a real store.

use std::{io::Write as _, sync::Arc};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use testplan::{
    api::test_list::PlannedTestEntry,
    model::{PlannedTest, Test, TestListDigest, Timestamp},
    service::{InProcess, Limits},
    store::{
        Rules, Store as _, TemplateDefinition,
        sqlite::{Durability, SqliteStore},
    },
};

use super::support::{ask, get, patient, post, request, service, with};

const EXECUTE: &str = "/execution/v1/executeplan";
const TEMPLATES: &str = "/testplan/v1/templates";

fn tests(count: usize) -> Vec<PlannedTest> {
    let test = |number| PlannedTest {
        test: Test {
            suite: "a suite with a name".into(),
            testcase: format!("test_{number}"),
        },
        required: "OS=Linux".parse().map(|it| vec![it].into()).unwrap(),
    };
    (0..count).map(test).collect()
}

/// A service with template 1 that has one test.
async fn stage(limits: Limits) -> (InProcess, tempfile::TempDir) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let (store, _) =
        SqliteStore::open(&path, Durability::Normal, Rules::default(), Timestamp(1)).unwrap();
    let template = TemplateDefinition {
        project: "p".into(),
        title: "T".into(),
        description: String::new(),
        tags: Vec::new(),
        executions: tests(1),
    };
    store.publish(vec![template], Timestamp(1)).await.unwrap();
    (service(&Arc::new(store), limits).in_process(), place)
}

fn body(digest: &str, list: Option<&[PlannedTest]>) -> String {
    let list: Option<Vec<PlannedTestEntry>> =
        list.map(|list| list.iter().map(Into::into).collect());
    let mut body =
        json!({ "templateId": 1, "title": "x", "batch": "b", "tests": { "digest": digest } });
    if let Some(list) = list {
        body["tests"]["list"] = serde_json::to_value(list).unwrap();
    }
    body.to_string()
}

fn packed(path: &str, body: &str) -> Request<Bytes> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(body.as_bytes()).unwrap();
    let mut request = with(post(path, ""), "content-encoding", "gzip");
    *request.body_mut() = packer.finish().unwrap().into();
    request
}

async fn refused(service: &InProcess, request: Request<Bytes>) -> (u16, i64, String) {
    let (status, answer) = ask(service, request).await;
    let code = answer["code"].as_i64().unwrap_or_default();
    let message = answer["message"].as_str().unwrap_or_default();
    (status.as_u16(), code, message.to_owned())
}

#[tokio::test]
async fn an_unknown_digest_has_a_number_of_its_own() {
    let (service, _place) = stage(patient()).await;
    let list = tests(3);
    let digest = TestListDigest::of(&list).to_string();
    let (status, code, message) = refused(&service, post(EXECUTE, &body(&digest, None))).await;
    assert_eq!((status, code), (400, 1003), "{message}");
    assert!(message.contains("send the list"), "{message}");
    let started = get("/execution/v1/testplans?project=p&title=x&type=instance");
    assert_eq!(refused(&service, started).await.0, 404);

    for request in [
        post(EXECUTE, &body(&digest, Some(&list))),
        post(EXECUTE, &body(&digest, None)),
        packed(EXECUTE, &body(&digest, Some(&list))),
    ] {
        let (status, plan) = ask(&service, request).await;
        assert_eq!(status, StatusCode::CREATED, "{plan}");
        assert_eq!(
            (&plan["count"], &plan["tests_digest"]),
            (&json!(3), &json!(digest))
        );
    }
    // Without `tests` the answer is the vendor's.
    let vendor = post(EXECUTE, r#"{"templateId":1,"title":"v","batch":"b"}"#);
    let (_, plan) = ask(&service, vendor).await;
    assert_eq!(
        (&plan["count"], plan.get("tests_digest")),
        (&json!(1), None)
    );
}

#[tokio::test]
async fn what_is_forged_or_malformed_is_refused_and_not_kept() {
    let (service, _place) = stage(patient()).await;
    let (list, other) = (tests(3), tests(4));
    let digest = TestListDigest::of(&list).to_string();
    let forged = body(&digest, Some(&other));
    for (request, about) in [
        (post(EXECUTE, &forged), "does not match its digest"),
        (packed(EXECUTE, &forged), "does not match its digest"),
        (post(EXECUTE, &body("01ff", None)), "66 lower-case"),
        (
            post(
                EXECUTE,
                &body(&digest.to_uppercase().replace("01", "02"), None),
            ),
            "66 lower-case",
        ),
        (
            with(post(EXECUTE, "{}"), "content-encoding", "br"),
            "Content-Encoding",
        ),
        (
            with(post(EXECUTE, "{}"), "content-encoding", "gzip"),
            "not gzip",
        ),
    ] {
        let (status, code, message) = refused(&service, request).await;
        assert_eq!((status, code), (400, 1001), "{message}");
        assert!(message.contains(about), "{message}");
    }
    for list in [&list, &other] {
        let digest = TestListDigest::of(list).to_string();
        let request = post(EXECUTE, &body(&digest, None));
        assert_eq!(refused(&service, request).await.1, 1003, "it was not kept");
    }
}

#[tokio::test]
async fn a_hundred_thousand_tests_fit_and_what_unpacks_to_too_much_does_not() {
    let (service, _place) = stage(Limits::default()).await;
    let list = tests(100_000);
    let digest = TestListDigest::of(&list).to_string();
    let plain = body(&digest, Some(&list));
    let small = packed(EXECUTE, &plain);
    println!("{} bytes, packed {}", plain.len(), small.body().len());
    assert!(small.body().len() * 5 < plain.len());
    let answer = service.call(small).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let answer = service.call(post(EXECUTE, &plain)).await;
    assert_eq!(answer.status(), StatusCode::CREATED);

    let (service, _place) = stage(Limits {
        list_bytes: 1024 * 1024,
        ..patient()
    })
    .await;
    for request in [packed(EXECUTE, &plain), post(EXECUTE, &plain)] {
        let (status, code, _) = refused(&service, request).await;
        assert_eq!((status, code), (413, 1513));
    }
    // What takes no lists is as bounded as before.
    let large = "x".repeat(300 * 1024);
    let request = post("/execution/v1/squishservers", &large);
    assert_eq!(refused(&service, request).await.0, 413);
}

#[tokio::test]
async fn publishing_templates_needs_credentials_and_names() {
    let (service, _place) = stage(patient()).await;
    let put = |body: &Value| request(Method::PUT, TEMPLATES, &body.to_string());
    let body = json!({
        "project": "p",
        "templates": [{ "title": "T", "tests": [{ "testcase": "a" }, { "suite": "s", "testcase": "b" }] }],
    });
    let mut stranger = put(&body);
    stranger.headers_mut().remove("authorization");
    assert_eq!(refused(&service, stranger).await.0, 401);
    let mut dry = body.clone();
    dry["dry_run"] = true.into();
    let template = async || ask(&service, get("/execution/v1/testplans/1")).await.1;
    for (body, change, count) in [
        (&dry, "changed", 1),
        (&body, "changed", 2),
        (&body, "unchanged", 2),
    ] {
        let (status, answer) = ask(&service, put(body)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["templates"][0]["change"], change);
        assert_eq!(template().await["count"], count);
    }
    for bad in [
        json!({ "project": "", "templates": [{ "title": "T", "tests": [] }] }),
        json!({ "project": "p", "templates": [{ "title": " ", "tests": [] }] }),
        json!({ "project": "p", "templates": [{ "title": "T", "tests": [{ "testcase": "" }] }] }),
        json!({ "project": "p", "templates": [{ "title": "T" }] }),
    ] {
        let (status, code, message) = refused(&service, put(&bad)).await;
        assert_eq!((status, code), (400, 1001), "{message}");
    }
}

#[tokio::test]
async fn an_account_is_kept_and_bounded() {
    let (service, _place) = stage(patient()).await;
    let start = |account: Value| {
        let body = json!({ "templateId": 1, "title": "x", "batch": "b", "discovery": account });
        post(EXECUTE, &body.to_string())
    };
    let account = json!({ "listed": 3, "taken": 1, "left_out_lines": 2, "suspicious_lines": 1, "duplicate_lines": 0,
        "left_out": [{ "line": "a b", "number": 2, "reason": "r", "suspicious": true }] });
    let (_, plan) = ask(&service, start(account.clone())).await;
    let kept = get(&format!("/testplan/v1/plans/{}/discovery", plan["id"]));
    let (status, kept) = ask(&service, kept).await;
    assert_eq!((status, &kept["discovery"]), (StatusCode::OK, &account));
    let line = &account["left_out"][0];
    let mut many = account.clone();
    many["left_out"] = vec![line.clone(); 201].into();
    let mut long = account.clone();
    long["left_out"][0]["line"] = "x".repeat(1024 * 1024).into();
    for bad in [many, long] {
        let (status, code, message) = refused(&service, start(bad)).await;
        assert_eq!((status, code), (400, 1001), "{message}");
    }
    let (status, _, _) = refused(&service, get("/testplan/v1/plans/1/discovery")).await;
    assert_eq!(status, 400, "a template is no plan");
}
