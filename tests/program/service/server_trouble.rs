//! Trouble with Squish servers over the wire, on the real store: told, listed, and whoever waits is answered after the rest.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use serde_json::{Value, json};
use testplan::{
    clock,
    model::{Capabilities, Test},
    service::InProcess,
    store::{
        PlannedTest, Rules, Store as _, TemplateDefinition,
        sqlite::{Durability, SqliteStore},
    },
};

use super::support::{ask, clock as service_clock, get, patient, post, service, with};

const SERVERS: &str = "/execution/v1/squishservers";

/// A service with a plan of two executions, and its number. A server with trouble rests for `rest`.
async fn stage(place: &tempfile::TempDir, rest: Duration) -> (InProcess, i64) {
    let rules = Rules {
        trouble_rest: rest,
        ..Rules::default()
    };
    let path = place.path().join("store.db");
    let (store, _) = SqliteStore::open(&path, Durability::Normal, rules, clock::wall()).unwrap();
    let test = |name: &str| PlannedTest {
        test: Test {
            suite: "suite_a".to_owned(),
            testcase: name.to_owned(),
        },
        required: Capabilities::default(),
    };
    let template = TemplateDefinition {
        project: "p".to_owned(),
        title: "T".to_owned(),
        description: String::new(),
        tags: vec![],
        executions: vec![test("tst_1"), test("tst_2")],
    };
    let now = service_clock().now();
    let ids = store.publish(vec![template], now).await.unwrap();
    let service = service(&Arc::new(store), patient()).in_process();
    let body = json!({ "templateId": ids[0], "title": "t", "batch": "b" });
    let (status, plan) = ask(
        &service,
        post("/execution/v1/executeplan", &body.to_string()),
    )
    .await;
    assert_eq!(status, StatusCode::CREATED, "{plan}");
    let plan = plan["id"].as_i64().unwrap();
    let server = json!({ "port": "4322", "enabled": true, "labels": [] });
    let (status, _) = ask(&service, post(SERVERS, &server.to_string())).await;
    assert_eq!(status, StatusCode::OK);
    (service, plan)
}

async fn reserve(service: &InProcess, plan: i64, wait: u32) -> Value {
    let body = json!({ "capabilities": [], "timeout": 60_000, "allocate_server": true });
    let request = post(&format!("/execution/v1/reserve/{plan}"), &body.to_string());
    let request = with(request, "prefer", &format!("wait={wait}"));
    ask(service, request).await.1
}

async fn only_server(service: &InProcess) -> Value {
    let (_, list) = ask(service, get(SERVERS)).await;
    assert_eq!(list.as_array().unwrap().len(), 1);
    list[0].clone()
}

#[tokio::test]
async fn trouble_is_told_listed_and_over_after_the_rest() {
    let place = tempfile::tempdir().unwrap();
    let (service, plan) = stage(&place, Duration::from_millis(1_500)).await;
    let idle = only_server(&service).await;
    for member in ["testset", "busy_test", "cooling"] {
        assert!(
            idle.get(member).is_none(),
            "{member} of an idle one: {idle}"
        );
    }
    let granted = reserve(&service, plan, 0).await;
    let execution = granted["execution_id"].clone();
    let busy = only_server(&service).await;
    assert_eq!(busy["testset"], execution);
    assert_eq!(
        busy["busy_test"],
        json!({ "suite": "suite_a", "testcase": "tst_1" })
    );

    let release = json!({
        "timeout": 1, "lease": granted["lease"], "release": true, "server_trouble": "unreachable",
    });
    let path = format!("/execution/v1/heartbeat/{execution}");
    let (status, said) = ask(&service, post(&path, &release.to_string())).await;
    assert_eq!(
        (status, &said["status"]),
        (StatusCode::OK, &json!("Reservation released"))
    );
    let resting = only_server(&service).await;
    assert_eq!(resting["cooling"]["because"], "unreachable", "{resting}");
    assert!(resting["cooling"]["until_dt"].as_i64().unwrap() > 0);
    let none = reserve(&service, plan, 0).await;
    assert!(none.get("execution_id").is_none(), "{none}");
    assert_eq!(none["pending"], 2, "wait, it comes back");

    let again = reserve(&service, plan, 9).await;
    assert_eq!(
        again["execution_id"], execution,
        "who waited got it: {again}"
    );
    assert_eq!(again["attempt"], 2);
    let finish =
        json!({ "message": "time limit", "lease": again["lease"], "server_trouble": "hung" });
    let path = format!("/execution/v1/finished/{execution}");
    let (status, _) = ask(&service, post(&path, &finish.to_string())).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(only_server(&service).await["cooling"]["because"], "hung");
    let (_, events) = ask(&service, get(&format!("/testplan/v1/plans/{plan}/events"))).await;
    let details: Vec<&str> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["kind"] == "server-trouble")
        .map(|event| event["detail"].as_str().unwrap())
        .collect();
    assert_eq!(
        details,
        [
            "Squish server 127.0.0.1:4322 unreachable; it cools down for 1.5 s",
            "Squish server 127.0.0.1:4322 hung; it cools down for 3 s",
        ]
    );
}
