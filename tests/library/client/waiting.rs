//! What a plan waits for: asked of a service of ours alone, and taken as it comes.

use std::time::Duration;

use testplan::model::{Lack, PlanId, Timestamp};

use super::script::{Script, answer, client, ours, refused};

const STATUS: &str = r#"{"open":1,"reserved":0,"done":0}"#;

#[tokio::test]
async fn only_testplan_serve_is_asked_what_a_plan_waits_for() {
    let script = Script::new([answer(200, STATUS)]);
    let client = client(&script);
    client
        .status(PlanId(7), &[].into_iter().collect())
        .await
        .unwrap();
    assert_eq!(client.plan_waiting(PlanId(7)).await.unwrap(), None);
    assert_eq!(client.open_executions(PlanId(7), 20).await.unwrap(), None);
    assert_eq!(script.lines(), ["GET /execution/v1/status/7"]);
}

#[tokio::test]
async fn an_older_testplan_service_has_no_answer() {
    let script = Script::new([ours(200, STATUS), refused(404, 1002)]);
    let client = client(&script);
    client
        .status(PlanId(7), &[].into_iter().collect())
        .await
        .unwrap();
    assert_eq!(client.plan_waiting(PlanId(7)).await.unwrap(), None);
    assert_eq!(
        script.lines(),
        [
            "GET /execution/v1/status/7",
            "GET /testplan/v1/plans/7/waiting"
        ]
    );
}

#[tokio::test]
async fn unknown_members_of_an_answer_are_ignored() {
    let body = r#"{
        "server_dt": 5000, "open": 1, "reserved": 0, "done": 2, "later": "more",
        "needs": [{
            "labels": [{"key": "OS", "value": "macOS"}], "open": 1, "reserved": 0, "workers": 0,
            "squish_servers": [], "lacks": "worker", "lacking_ms": 1500
        }],
        "offers": [{
            "labels": [{"key": "OS", "value": "Linux"}], "allocate_server": true, "workers": 2,
            "last_seen_dt": 4000, "squish_servers": [1]
        }],
        "squish_servers": [{
            "id": 1, "enabled": true, "host": "lab", "port": "4322", "labels": [], "testset": 9,
            "busy_test": {"suite": "s", "testcase": "t"}, "cooling": {"until_dt": 9000, "because": "hung"}
        }]
    }"#;
    let script = Script::new([ours(200, STATUS), ours(200, body)]);
    let client = client(&script);
    client
        .status(PlanId(7), &[].into_iter().collect())
        .await
        .unwrap();
    let waiting = client.plan_waiting(PlanId(7)).await.unwrap().unwrap();
    assert!(waiting.is_stuck());
    assert_eq!(waiting.needs[0].lack, Some(Lack::Worker));
    assert_eq!(
        waiting.needs[0].lacking_for,
        Some(Duration::from_millis(1500))
    );
    assert!(waiting.offers[0].allocate_server);
    let server = &waiting.squish_servers[0];
    assert_eq!(server.busy_with.unwrap().0, 9);
    assert_eq!(server.busy_test.as_ref().unwrap().to_string(), "s / t");
    assert_eq!(server.cooling.unwrap().until, Timestamp(9000));
}
