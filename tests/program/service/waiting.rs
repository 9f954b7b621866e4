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

/// How often calls came by a point.
fn came_by(store: &HeldStore, point: &str) -> usize {
    store.trace().iter().filter(|name| **name == point).count()
}

#[tokio::test]
async fn one_change_asks_the_store_once_for_many_waiting_workers() {
    const WORKERS: usize = 8;
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient()).in_process();
    let mut waiting = Vec::new();
    for already in 0..WORKERS {
        waiting.push(start(&service, reserve("wait=60")));
        store.reached("reserve answered", already + 1).await;
    }
    store.set(3339, ExecutionState::Open).await;
    // The one that waited longest.
    let first = answer(waiting.remove(0)).await;
    assert_eq!(first.1["execution_id"], 3339);
    assert_eq!(came_by(&store, "reserve"), WORKERS + 1);
    assert!(waiting.iter().all(|call| !call.is_finished()));
    // Nothing is left: one worker asks, and all are answered.
    store.set(3339, ExecutionState::Done).await;
    for call in waiting {
        assert_eq!(answer(call).await.1["pending"], 0);
    }
    assert_eq!(came_by(&store, "reserve"), WORKERS + 2);
}

#[tokio::test]
async fn worker_that_joins_others_is_woken_as_they_are_without_asking_the_store() {
    let store = HeldStore::with_reservation().await;
    store.know_keys();
    let service = service(&store, patient()).in_process();
    let first = start(&service, reserve("wait=60"));
    store.reached("reserve answered", 1).await;
    let mut others = Vec::new();
    for already in 1..8 {
        let keyed = with(reserve("wait=60"), "idempotency-key", &already.to_string());
        others.push(start(&service, keyed));
        store.reached("is_first", already + 1).await;
    }
    assert_eq!(came_by(&store, "reserve"), 1, "the answer is known");
    store.set(3339, ExecutionState::Open).await;
    assert_eq!(answer(first).await.1["execution_id"], 3339);
    assert!(others.iter().all(|call| !call.is_finished()));
    store.set(3339, ExecutionState::Open).await;
    assert_eq!(answer(others.remove(0)).await.1["execution_id"], 3339);
    store.set(3339, ExecutionState::Done).await;
    for call in others {
        assert_eq!(answer(call).await.1["pending"], 0);
    }
    assert_eq!(came_by(&store, "reserve"), 4);
}

#[tokio::test]
async fn worker_that_joins_others_is_answered_at_the_end_of_its_wait() {
    let store = HeldStore::with_reservation().await;
    store.know_keys();
    let limits = Limits {
        wait: Duration::from_secs(1),
        ..patient()
    };
    let service = service(&store, limits).in_process();
    let first = start(&service, reserve("wait=60"));
    store.reached("reserve answered", 1).await;
    let second = start(&service, reserve("wait=60"));
    for call in [first, second] {
        assert_eq!(answer(call).await.1["pending"], 1);
    }
    assert_eq!(came_by(&store, "reserve"), 1);
}

#[tokio::test]
async fn repeated_reservation_gets_its_lease_although_others_wait() {
    let store = HeldStore::with_plan().await;
    store.know_keys();
    let service = service(&store, patient()).in_process();
    let keyed = |key| with(reserve("wait=60"), "idempotency-key", key);
    let (_, reserved) = answer(start(&service, keyed("k"))).await;
    assert_eq!(reserved["execution_id"], 3339);
    let waiting = start(&service, keyed("other"));
    store.reached("reserve answered", 2).await;
    assert_eq!(answer(start(&service, keyed("k"))).await.1, reserved);
    assert!(!waiting.is_finished());
    store.set(3339, ExecutionState::Done).await;
    assert_eq!(answer(waiting).await.1["pending"], 0);
}

#[tokio::test]
async fn wake_up_of_a_client_that_hung_up_goes_to_the_next() {
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient()).in_process();
    let first = start(&service, reserve("wait=60"));
    store.reached("reserve answered", 1).await;
    let second = start(&service, reserve("wait=60"));
    store.reached("reserve answered", 2).await;
    store.hold("reserve");
    store.set(3339, ExecutionState::Open).await;
    store.reached("reserve", 3).await;
    assert_eq!(came_by(&store, "reserve"), 3, "only the first asks");
    first.abort();
    store.reached("reserve", 4).await;
    assert!(!second.is_finished(), "it asks");
}

#[tokio::test]
async fn crowd_of_waiting_workers_leaves_room_for_results() {
    let store = HeldStore::with_reservation().await;
    let limits = Limits {
        calls: 4,
        waiting_calls: 2,
        ..patient()
    };
    let service = service(&store, limits).in_process();
    store.hold("reserve");
    let waiting: Vec<_> = (0..20)
        .map(|_| start(&service, reserve("wait=60")))
        .collect();
    store.reached("reserve", 2).await;
    let finish = post("/execution/v1/finished/3339", "{}");
    assert_eq!(
        super::support::ask(&service, finish).await.0,
        StatusCode::OK
    );
    assert_eq!(
        came_by(&store, "reserve"),
        2,
        "the others wait for their turn"
    );
    store.release("reserve");
    for call in waiting {
        assert_eq!(answer(call).await.1["pending"], 0);
    }
}

#[tokio::test]
async fn clients_that_wait_for_the_same_counts_share_a_question() {
    let store = HeldStore::with_plan().await;
    let service = service(&store, patient()).in_process();
    let mut waiting = Vec::new();
    for already in 0..8 {
        waiting.push(start(&service, status("wait=60")));
        store.reached("status answered", already + 1).await;
    }
    store.set(3339, ExecutionState::Done).await;
    for call in waiting {
        assert_eq!(answer(call).await.1["done"], 1);
    }
    assert_eq!(came_by(&store, "status"), 8 + 1);
}

#[tokio::test]
async fn a_waiting_reserve_is_answered_by_a_change_at_any_moment() {
    // Before the service has the answer, and while the watch of the plan finds out when the lease ends.
    for moment in ["reserve answered", "next_deadline"] {
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
    store.reached("reserve answered", 1).await;
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
    store.reached("reserve answered", 1).await;
    store.set(3340, ExecutionState::Done).await;
    store.set(3339, ExecutionState::Done).await;
    assert_eq!(answer(call).await.1["pending"], 0);
    assert_eq!(
        came_by(&store, "reserve"),
        2,
        "Windows is nothing to wait for"
    );
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
    let call = start(&service, status("wait=60"));
    store.reached("status answered", 1).await;
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
    for moment in ["status answered", "next_deadline"] {
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
    store.reached("reserve answered", 1).await;
    store.fail(Some(StoreFault::Broken));
    store.set(3339, ExecutionState::Open).await;
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
        store.reached("status answered", already + 1).await;
    }
    let (status, _) = super::support::ask(&service, get("/execution/v1/testplans/64")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(waiting.iter().all(|call| !call.is_finished()));
}
