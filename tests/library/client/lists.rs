//! Tests go along with a start: by digest, and whole where the service asks for them; to a service of ours alone.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use testplan::{
    client::{ErrorKind, Sent, StartPlan},
    model::{
        Capabilities, Capability, DiscoveryAccount, PlanId, PlannedTest, Test, TestListDigest,
    },
};

use super::{
    execute::start,
    script::{Script, Seen, Step, client, ours, refused},
};

fn tests() -> Vec<PlannedTest> {
    vec![PlannedTest {
        test: Test {
            suite: "s".into(),
            testcase: "t".into(),
        },
        required: Capabilities::from(vec![Capability::new("OS", "Linux")]),
    }]
}

fn with_tests() -> StartPlan {
    StartPlan {
        tests: Some(tests()),
        discovery: Some(DiscoveryAccount {
            listed: 2,
            ..DiscoveryAccount::default()
        }),
        ..start()
    }
}

fn digest() -> String {
    TestListDigest::of(&tests()).to_string()
}

fn refused_by_ours(status: u16, code: i64) -> Step {
    refused(status, code).with("testplan-service", "0.1.0")
}

fn plan(tests: Option<&str>) -> Step {
    let mut plan = json!({ "id": 5, "title": "T #1.1", "batch_name": "B", "type": "instance" });
    if let Some(digest) = tests {
        plan["tests_digest"] = digest.into();
    }
    ours(201, plan.to_string())
}

fn unpacked(seen: &Seen) -> Value {
    assert_eq!(seen.header("content-encoding"), "gzip");
    let mut text = String::new();
    let mut packed = GzDecoder::new(&seen.request.body()[..]);
    packed.read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_known_digest_is_sent_without_the_list() {
    let script = Script::new([refused_by_ours(404, 1002), plan(Some(&digest()))]);
    let started = client(&script).execute_plan(&with_tests()).await.unwrap();
    assert_eq!(started.id, PlanId(5));
    let sent = script.seen()[1].json();
    assert_eq!(sent["tests"], json!({ "digest": digest() }));
    assert_eq!(sent["discovery"]["listed"], 2);
    assert_eq!(script.lines().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_digest_is_followed_by_the_list_under_the_same_key() {
    let script = Script::new([
        refused_by_ours(404, 1002),
        refused_by_ours(400, 1003),
        plan(Some(&digest())),
    ]);
    client(&script).execute_plan(&with_tests()).await.unwrap();
    let seen = script.seen();
    let sent = unpacked(&seen[2]);
    let list =
        json!([{ "suite": "s", "testcase": "t", "labels": [{ "key": "OS", "value": "Linux" }] }]);
    assert_eq!(sent["tests"], json!({ "digest": digest(), "list": list }));
    assert_eq!(sent["title"], seen[1].json()["title"]);
    let key = "idempotency-key";
    assert_eq!(seen[1].header(key), seen[2].header(key));
    // Refused with its list too, it is over.
    let steps = [404, 400, 400].map(|status| refused_by_ours(status, 1003));
    let script = Script::new(steps);
    let error = client(&script).execute_plan(&with_tests()).await;
    assert!(matches!(error.unwrap_err().kind, ErrorKind::Refused { .. }));
    assert_eq!(script.lines().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn test_center_gets_what_its_page_has() {
    let vendor = super::script::answer(
        201,
        r#"{"id":5,"title":"T #1.1","batch_name":"B","type":"instance"}"#,
    );
    let script = Script::new([refused(404, 1002), vendor]);
    client(&script).execute_plan(&with_tests()).await.unwrap();
    let sent = script.seen()[1].json();
    let members: Vec<_> = sent.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        ["batch", "linkedRepos", "templateId", "time", "title"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_ignores_the_tests_is_an_error() {
    for answered in [None, Some(TestListDigest::of(&[]).to_string())] {
        let script = Script::new([refused_by_ours(404, 1002), plan(answered.as_deref())]);
        let error = client(&script).execute_plan(&with_tests()).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TestsIgnored { plan: PlanId(5) });
        assert_eq!(error.conclusion().code(), 3);
        assert!(error.help().contains("update testplan"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_found_by_its_title_must_have_the_tests() {
    let found = || {
        ours(
            200,
            r#"{"id":5,"title":"T #1.1","batch_name":"B","type":"instance"}"#,
        )
    };
    let kept = |digest: &str| ours(200, json!({ "tests_digest": digest }).to_string());
    for (answer, is_it) in [
        (kept(&digest()), true),
        (kept(&TestListDigest::of(&[]).to_string()), false),
        (ours(200, "{}"), false),
        (refused_by_ours(404, 1504), false),
    ] {
        let script = Script::new([
            refused_by_ours(404, 1002),
            // What is not repeated: the service answered.
            ours(201, r#"{"id":true}"#),
            found(),
            answer,
        ]);
        let result = client(&script).execute_plan(&with_tests()).await;
        assert_eq!(result.is_ok(), is_it, "{result:?}");
        let lines = script.lines();
        assert_eq!(lines[3], "GET /testplan/v1/plans/5/discovery");
    }
}

#[tokio::test(start_paused = true)]
async fn start_at_testplan_serve_is_repeated_under_its_key_without_a_look_up() {
    let script = Script::new([
        refused_by_ours(404, 1002),
        Step::Fail(Sent::Unclear),
        super::script::page(502),
        super::script::answer(500, ""),
        plan(Some(&digest())),
    ]);
    let started = client(&script).execute_plan(&with_tests()).await;
    assert_eq!(started.unwrap().id, PlanId(5));
    let posts = &script.seen()[1..];
    assert_eq!(posts.len(), 4);
    for post in posts {
        assert_eq!(post.line, "POST /execution/v1/executeplan");
        let key = post.header("idempotency-key");
        assert_eq!(key, posts[0].header("idempotency-key"));
    }
}
