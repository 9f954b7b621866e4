//! What a plan waits for, as the service answers it: counts against the workers heard of.

use http::{Request, StatusCode};
use serde_json::{Value, json};
use testplan::{api::WORKER, model::ExecutionState, service::InProcess};

use super::{
    held_store::HeldStore,
    support::{ask, get, patient, post, service, with},
};

async fn waiting(service: &InProcess) -> Value {
    let (status, body) = ask(service, get("/testplan/v1/plans/105/waiting")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

fn reserve(os: &str, allocate_server: bool) -> Request<bytes::Bytes> {
    let body = json!({
        "capabilities": [{ "key": "OS", "value": os }, { "key": "browser", "value": "chrome" }],
        "allocate_server": allocate_server,
    });
    let request = post("/execution/v1/reserve/105", &body.to_string());
    with(request, WORKER, "w/1")
}

/// Of the need for this system: workers and what is lacking.
fn of(waiting: &Value, os: &str) -> (u64, Value) {
    let needs = waiting["needs"].as_array().unwrap();
    let need = needs
        .iter()
        .find(|need| need["labels"][0]["value"] == os)
        .unwrap_or_else(|| panic!("no need of {os}: {waiting}"));
    (need["workers"].as_u64().unwrap(), need["lacks"].clone())
}

#[tokio::test]
async fn need_lacks_a_worker_until_one_offers_it() {
    let store = HeldStore::with_plan().await;
    let service = service(&store, patient()).in_process();
    let before = waiting(&service).await;
    assert_eq!(
        (before["open"].as_u64(), &before["offers"]),
        (Some(2), &json!([]))
    );
    assert_eq!(of(&before, "Linux"), (0, json!("worker")));
    assert_eq!(of(&before, "Windows"), (0, json!("worker")));
    assert!(before["needs"][0]["lacking_ms"].is_u64(), "{before}");
    assert_eq!(before["needs"][0].get("last_seen_dt"), None);

    let (_, granted) = ask(&service, reserve("Linux", false)).await;
    assert_eq!(granted["execution_id"], 3339);
    let after = waiting(&service).await;
    assert_eq!(of(&after, "Linux"), (1, Value::Null), "it is at work");
    assert_eq!(of(&after, "Windows"), (0, json!("worker")));
    assert_eq!(after["offers"][0]["workers"], 1);
    assert_eq!(after["offers"][0]["allocate_server"], false);

    // Nothing is left for it: ours leaves.
    let path = "/execution/v1/finished/3339";
    let finished = json!({ "lease": granted["lease"] }).to_string();
    assert_eq!(ask(&service, post(path, &finished)).await.0, StatusCode::OK);
    let (_, none) = ask(&service, reserve("Linux", false)).await;
    assert_eq!(none["pending"], 0, "{none}");
    let left = waiting(&service).await;
    assert_eq!(left["offers"], json!([]), "{left}");
    assert_eq!(
        (left["open"].as_u64(), left["done"].as_u64()),
        (Some(1), Some(1))
    );
    assert_eq!(
        left["needs"].as_array().unwrap().len(),
        1,
        "what is done waits for nothing"
    );
}

#[tokio::test]
async fn workers_with_allocate_server_need_an_enabled_server() {
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient()).in_process();
    store.set(3339, ExecutionState::Open).await;
    store.set(3340, ExecutionState::Done).await;
    // The worker holds an execution, so that it is there all the while.
    let (_, granted) = ask(&service, reserve("Linux", true)).await;
    store.set(3339, ExecutionState::Open).await;
    assert_eq!(granted["execution_id"], 3339, "{granted}");
    let with_one = waiting(&service).await;
    assert_eq!(of(&with_one, "Linux"), (1, Value::Null), "{with_one}");
    assert_eq!(with_one["offers"][0]["squish_servers"], json!([1]));

    let disable = super::support::request(
        http::Method::PATCH,
        "/execution/v1/squishservers/1",
        r#"{"enabled":false}"#,
    );
    assert_eq!(ask(&service, disable).await.0, StatusCode::OK);
    let without = waiting(&service).await;
    assert_eq!(of(&without, "Linux"), (1, json!("squish-server")));
    assert_eq!(without["squish_servers"][0]["enabled"], false);
    assert_eq!(
        without["offers"][0]["squish_servers"],
        json!([1]),
        "it has all of it"
    );
}

#[tokio::test]
async fn worker_leaves_when_its_request_is_aborted() {
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient()).in_process();
    let asking = {
        let service = service.clone();
        let request = with(reserve("Linux", false), "prefer", "wait=60");
        tokio::spawn(async move { service.call(request).await })
    };
    store.reached("reserve answered", 1).await;
    assert_eq!(of(&waiting(&service).await, "Linux").0, 1, "it waits");
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    assert_eq!(of(&waiting(&service).await, "Linux").0, 0);
}
