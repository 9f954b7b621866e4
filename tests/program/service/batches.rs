//! Several executions at once over HTTP: one reservation, lists of heartbeats and results, and what is wrong with them.

use http::StatusCode;
use serde_json::{Value, json};
use testplan::service::InProcess;

use super::{
    held_store::HeldStore,
    support::{ask, get, patient, post, service, with},
};

const HEARTBEATS: &str = "/testplan/v1/plans/105/heartbeat";
const RESULTS: &str = "/testplan/v1/plans/105/finished";

async fn reserve(service: &InProcess, more: Value) -> (StatusCode, Value) {
    // Both executions of the plan fit.
    let mut body = json!({ "capabilities": [
        { "key": "OS", "value": "Linux" }, { "key": "browser", "value": "chrome" },
        { "key": "OS", "value": "Windows" },
    ] });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let request = post("/execution/v1/reserve/105", &body.to_string());
    ask(service, with(request, "testplan-worker", "w-1")).await
}

/// Reserves both executions. A first batch is small, so one of them is finished and reset before.
async fn batch(service: &InProcess) -> (Value, Value) {
    let (_, granted) = reserve(service, json!({})).await;
    let failed =
        json!({ "lease": granted["lease"], "outcome": { "verdict": "failed", "duration_ms": 5 } });
    let id = &granted["execution_id"];
    for (call, body) in [("finished", failed.to_string()), ("reset", String::new())] {
        let path = format!("/execution/v1/{call}/{id}");
        let (status, answer) = ask(service, post(&path, &body)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    let (status, mut first) = reserve(service, json!({ "max": 5, "seconds": 10 })).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    let mut more = first.as_object_mut().unwrap().remove("more").unwrap();
    assert_eq!(more.as_array().unwrap().len(), 1);
    (first, more[0].take())
}

#[tokio::test]
async fn reservation_of_several_adds_the_others_to_the_first() {
    let service = service(&HeldStore::with_plan().await, patient()).in_process();
    let (mut first, more) = batch(&service).await;
    assert_eq!(first["status"], "Reservation successful");
    assert_eq!(
        (&first["execution_id"], &more["execution_id"]),
        (&json!(3339), &json!(3340))
    );
    assert_ne!(first["lease"], more["lease"]);
    // Every reservation has the same members; the plan started before a run of its tests was known.
    first.as_object_mut().unwrap().remove("status");
    let names = |it: &Value| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&first), names(&more));
    assert!(first.get("expected_ms").is_none(), "{first}");
    let (_, none) = reserve(&service, json!({ "max": 5 })).await;
    assert_eq!(none["pending"], 2);
}

#[tokio::test]
async fn worker_with_a_batch_is_one_worker() {
    let service = service(&HeldStore::with_plan().await, patient()).in_process();
    batch(&service).await;
    let (_, waiting) = ask(&service, get("/testplan/v1/plans/105/waiting")).await;
    assert_eq!(waiting["offers"][0]["workers"], 1, "{waiting}");
    assert_eq!(waiting["reserved"], 2, "{waiting}");
}

#[tokio::test]
async fn requests_for_batches_reach_the_store_unchanged() {
    let store = HeldStore::with_plan().await;
    let service = service(&store, patient()).in_process();
    reserve(
        &service,
        json!({ "max": 7, "seconds": 0.25, "near": ["b", "a"] }),
    )
    .await;
    reserve(&service, json!({ "near": [] })).await;
    let [several, one] = &store.reserved()[..] else {
        panic!("two were reserved");
    };
    let several = several.batch.as_ref().unwrap();
    assert_eq!((several.max, several.live_workers), (7, 1));
    assert_eq!(several.work, Some(std::time::Duration::from_millis(250)));
    assert_eq!(several.near.as_ref().unwrap(), &["b", "a"]);
    let one = one.batch.as_ref().unwrap();
    assert_eq!(
        (one.max, one.work, one.near.as_ref().unwrap().len()),
        (1, None, 0)
    );
}

#[tokio::test]
async fn each_entry_of_a_list_is_answered_as_alone() {
    let service = service(&HeldStore::with_plan().await, patient()).in_process();
    let (first, more) = batch(&service).await;
    let beats = json!({ "entries": [
        { "execution_id": 3339, "timeout": 60000, "lease": first["lease"] },
        { "execution_id": 3340, "timeout": 60000, "lease": first["lease"] },
        { "execution_id": 3340, "release": true },
        { "execution_id": "3340", "timeout": 0, "lease": more["lease"] },
        { "execution_id": 3340, "alone": true, "lease": more["lease"] },
        { "execution_id": 3340, "release": true, "alone": true, "lease": more["lease"] },
        { "execution_id": 9, "lease": more["lease"] },
    ] });
    let (status, answer) = ask(&service, post(HEARTBEATS, &beats.to_string())).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let entries = answer["entries"].as_array().unwrap();
    let members: Vec<_> = entries
        .iter()
        .map(|it| {
            (
                it["execution_id"].as_i64().unwrap(),
                it["status"].as_str(),
                it["code"].as_i64(),
            )
        })
        .collect();
    assert_eq!(
        members,
        [
            (3339, Some("Heartbeat received"), None),
            (3340, None, Some(1201)),
            (3340, None, Some(1001)),
            (3340, None, Some(1001)),
            (3340, None, Some(1001)),
            (3340, Some("Reservation released"), None),
            (9, None, Some(1002)),
        ]
    );
    // The same words as alone.
    let lost = json!({ "timeout": 60000, "lease": more["lease"] }).to_string();
    let (_, alone) = ask(&service, post("/execution/v1/heartbeat/3340", &lost)).await;
    let listed =
        json!({ "entries": [{ "execution_id": 3340, "timeout": 60000, "lease": more["lease"] }] });
    let (_, listed) = ask(&service, post(HEARTBEATS, &listed.to_string())).await;
    assert_eq!(listed["entries"][0]["message"], alone["message"]);
    assert_eq!(listed["entries"][0]["code"], alone["code"]);

    let results = json!({ "start_ms": 700, "entries": [
        { "execution_id": 3339, "lease": first["lease"], "outcome": { "verdict": "passed", "duration_ms": 5 } },
        { "execution_id": 3340, "lease": more["lease"] },
    ] });
    for _ in 0..2 {
        let (status, answer) = ask(&service, post(RESULTS, &results.to_string())).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let finished = json!({ "execution_id": 3339, "status": "Execution marked as finished" });
        assert_eq!(answer["entries"][0], finished);
        assert_eq!(answer["entries"][1]["code"], 1301);
    }
    let (_, plan) = ask(&service, get("/execution/v1/testplans/105")).await;
    assert_eq!(plan["passes"], 1);
}

#[tokio::test]
async fn wrong_list_or_batch_is_400_with_a_reason() {
    let store = HeldStore::with_plan().await;
    let service = service(&store, patient()).in_process();
    let entry = json!({ "execution_id": 3339 });
    let long = json!({ "entries": vec![entry; 1_001] }).to_string();
    for path in [HEARTBEATS, RESULTS] {
        for (body, word) in [
            (r#"{"entries":[]}"#, "0 items"),
            (long.as_str(), "1001 items"),
            ("{}", "entries"),
            (r#"{"entries":[{"timeout":5}]}"#, "execution_id"),
        ] {
            let (status, problem) = ask(&service, post(path, body)).await;
            assert_eq!(
                (status, problem["code"].clone()),
                (StatusCode::BAD_REQUEST, json!(1001))
            );
            assert!(
                problem["message"].as_str().unwrap().contains(word),
                "{problem}"
            );
        }
    }
    let one = r#"{"entries":[{"execution_id":3339}]}"#;
    for (path, code) in [
        ("/testplan/v1/plans/99/finished", 1002),
        ("/testplan/v1/plans/64/heartbeat", 1001),
        ("/testplan/v1/plans/x/heartbeat", 1001),
    ] {
        let (status, problem) = ask(&service, post(path, one)).await;
        assert_eq!(
            (status, problem["code"].clone()),
            (StatusCode::BAD_REQUEST, json!(code)),
            "{path}"
        );
    }
    for (more, word) in [
        (json!({ "max": 0 }), "1 to 1000"),
        (json!({ "max": 1001 }), "1 to 1000"),
        (json!({ "max": -1 }), "max"),
        (json!({ "near": vec!["s"; 1_001] }), "1000"),
        (json!({ "seconds": 5 }), "max"),
        (json!({ "max": 5, "seconds": 0 }), "seconds"),
        (json!({ "max": 5, "seconds": 86401 }), "seconds"),
    ] {
        let (status, problem) = reserve(&service, more).await;
        assert_eq!(
            (status, problem["code"].clone()),
            (StatusCode::BAD_REQUEST, json!(1001))
        );
        assert!(
            problem["message"].as_str().unwrap().contains(word),
            "{problem}"
        );
    }
    assert!(store.reserved().is_empty());
}

/// Results of a thousand tests that could not run are larger than other bodies may be.
#[tokio::test]
async fn list_of_long_results_is_accepted() {
    let service = service(&HeldStore::with_plan().await, patient()).in_process();
    let (first, more) = batch(&service).await;
    let entry = |it: &Value| {
        json!({
            "execution_id": it["execution_id"], "lease": it["lease"], "message": "broke",
            "details": "d".repeat(200_000),
        })
    };
    let list = json!({ "entries": [entry(&first), entry(&more)] }).to_string();
    let (status, answer) = ask(&service, post(RESULTS, &list)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(answer["entries"][1]["status"].is_string());
}
