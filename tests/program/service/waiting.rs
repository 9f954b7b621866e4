//! Long polls: no wake-up is lost, whenever it comes. Nothing here sleeps; where the service looks by itself only
//! after an hour, only a wake-up can answer.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use testplan::{
    model::ExecutionState,
    service::{InProcess, Limits},
};
use tokio::task::JoinHandle;

use super::{
    held_store::{HeldStore, StoreFault},
    support::{get, json as json_of, patient, post, service, soon, with},
};

const LINUX: &str =
    r#"{"capabilities":[{"key":"OS","value":"Linux"},{"key":"browser","value":"chrome"}]}"#;

fn reserve(wait: &str) -> Request<Bytes> {
    with(post("/execution/v1/reserve/105", LINUX), "prefer", wait)
}

fn status(wait: &str) -> Request<Bytes> {
    with(get("/execution/v1/status/105"), "prefer", wait)
}

fn start(service: &InProcess, request: Request<Bytes>) -> JoinHandle<Response<Bytes>> {
    let service = service.clone();
    tokio::spawn(async move { service.call(request).await })
}

async fn answer(call: JoinHandle<Response<Bytes>>) -> (StatusCode, Value) {
    let response = soon(call).await.unwrap();
    (response.status(), json_of(&response))
}

#[tokio::test]
async fn a_waiting_reserve_is_answered_by_a_change_at_any_moment() {
    // While the store looks, after it looked, and once the service waits for good.
    for moment in [
        "reserve answered",
        "next_deadline",
        "next_deadline answered",
    ] {
        let store = HeldStore::with_reservation().await;
        let service = service(&store, patient()).in_process();
        store.hold(moment);
        let call = start(&service, reserve("wait=60"));
        store.reached(moment, 1).await;
        store.set(3339, ExecutionState::Open).await;
        store.release(moment);
        let (status, reservation) = answer(call).await;
        assert_eq!(status, StatusCode::OK, "{moment}");
        assert_eq!(reservation["execution_id"], 3339, "{moment}");
    }
}

#[tokio::test]
async fn a_waiting_reserve_is_answered_when_nothing_is_left_that_fits() {
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient()).in_process();
    let call = start(&service, reserve("respond-async, wait=60"));
    store.reached("next_deadline answered", 1).await;
    let (finished, _) =
        super::support::ask(&service, post("/execution/v1/finished/3339", "{}")).await;
    assert_eq!(finished, StatusCode::OK);
    let (_, reservation) = answer(call).await;
    assert_eq!(reservation["pending"], 0);
}

#[tokio::test]
async fn unrelated_change_does_not_answer_a_long_poll() {
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient()).in_process();
    let call = start(&service, reserve("wait=60"));
    store.reached("next_deadline answered", 1).await;
    store.set(3340, ExecutionState::Done).await;
    store.reached("next_deadline answered", 2).await;
    assert!(!call.is_finished(), "Windows is nothing to wait for");
    store.set(3339, ExecutionState::Done).await;
    assert_eq!(answer(call).await.1["pending"], 0);
}

#[tokio::test]
async fn a_waiting_reserve_is_answered_at_the_end_of_a_lease() {
    // No change is told: only the deadline wakes.
    let store = HeldStore::with_reservation_for(Duration::from_millis(200)).await;
    let service = service(&store, patient()).in_process();
    let (_, reservation) = answer(start(&service, reserve("wait=60"))).await;
    assert_eq!(reservation["execution_id"], 3339);
}

#[tokio::test]
async fn long_poll_looks_again_without_a_notification() {
    let store = HeldStore::with_reservation().await;
    let limits = Limits {
        look: Duration::from_millis(5),
        ..patient()
    };
    let service = service(&store, limits).in_process();
    store.notify_of_nothing();
    let call = start(&service, reserve("wait=60"));
    store.reached("next_deadline answered", 1).await;
    store.set(3339, ExecutionState::Open).await;
    assert_eq!(answer(call).await.1["execution_id"], 3339);

    // Nothing is reserved, so there is no deadline either.
    store.set(3339, ExecutionState::Open).await;
    let waited = store.trace();
    let waited = waited
        .iter()
        .filter(|point| **point == "next_deadline answered")
        .count();
    let call = start(&service, status("wait=60"));
    store.reached("next_deadline answered", waited + 1).await;
    store.take(3339, Duration::from_secs(60)).await;
    assert_eq!(answer(call).await.1["reserved"], 1);
}

#[tokio::test]
async fn long_poll_answers_with_the_state_at_its_end() {
    let store = HeldStore::with_reservation().await;
    let limits = Limits {
        wait: Duration::from_millis(50),
        ..patient()
    };
    let service = service(&store, limits).in_process();
    let (status_code, reservation) = answer(start(&service, reserve("wait=3600"))).await;
    assert_eq!(status_code, StatusCode::OK);
    assert_eq!(reservation["pending"], 1);
    let (status_code, counts) = answer(start(&service, status("wait=3600"))).await;
    assert_eq!(status_code, StatusCode::OK);
    assert_eq!(counts["reserved"], 1);
}

#[tokio::test]
async fn unreadable_prefer_header_does_not_wait() {
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient()).in_process();
    for prefer in [
        "",
        "wait",
        "wait=",
        "wait=0",
        "wait=-1",
        "wait=soon",
        "waiting=60",
        "respond-async",
    ] {
        for request in [reserve(prefer), status(prefer)] {
            let (status, _) = answer(start(&service, request)).await;
            assert_eq!(status, StatusCode::OK, "{prefer:?}");
        }
    }
}

#[tokio::test]
async fn a_waiting_status_is_answered_when_the_counts_differ() {
    for moment in ["status answered", "next_deadline", "next_deadline answered"] {
        let store = HeldStore::with_plan().await;
        let service = service(&store, patient()).in_process();
        store.hold(moment);
        let call = start(&service, status("wait=60"));
        store.reached(moment, 1).await;
        store.set(3339, ExecutionState::Done).await;
        store.release(moment);
        let expected = json!({ "open": 1, "reserved": 0, "done": 1, "finished": 1 });
        assert_eq!(answer(call).await, (StatusCode::OK, expected), "{moment}");
    }
}

#[tokio::test]
async fn status_of_a_drained_plan_answers_at_once() {
    let store = HeldStore::with_plan().await;
    store.set(3339, ExecutionState::Done).await;
    store.set(3340, ExecutionState::Done).await;
    let service = service(&store, patient()).in_process();
    let (_, counts) = answer(start(&service, status("wait=60"))).await;
    assert_eq!(counts["done"], 2);
}

#[tokio::test]
async fn store_failure_ends_a_long_poll() {
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient()).in_process();
    let call = start(&service, reserve("wait=60"));
    store.reached("next_deadline answered", 1).await;
    store.fail(Some(StoreFault::Broken));
    store.set(3340, ExecutionState::Done).await;
    assert_eq!(answer(call).await.0, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn long_polls_do_not_count_as_calls() {
    let store = HeldStore::with_reservation().await;
    let limits = Limits {
        // More than one: the permit of a call is dropped after the store has answered.
        calls: 4,
        ..patient()
    };
    let service = service(&store, limits).in_process();
    let mut waiting = Vec::new();
    for already in 0..8 {
        waiting.push(start(&service, status("wait=60")));
        store.reached("next_deadline answered", already + 1).await;
    }
    let (status, _) = super::support::ask(&service, get("/execution/v1/testplans/64")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(waiting.iter().all(|call| !call.is_finished()));
}
