//! The end: no new work, leases served on, long polls answered, the store closed last.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use testplan::service::Limits;
use tokio::io::AsyncWriteExt as _;

use super::{
    held_store::HeldStore,
    support::{
        Served, ask, get, json, patient, post, read_all, read_one, service, soon, wire, with,
    },
};

const LINUX: &str =
    r#"{"capabilities":[{"key":"OS","value":"Linux"},{"key":"browser","value":"chrome"}]}"#;

#[tokio::test]
async fn leases_are_served_until_the_last_connection_ends() {
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient());
    let served = Served::start(&service).await;
    let address = served.address;

    // A worker that keeps its connection, and two that wait.
    let mut worker = served.connect().await;
    let heartbeat = post("/execution/v1/heartbeat/3339", "{}");
    worker
        .write_all(&wire(&heartbeat, "keep-alive"))
        .await
        .unwrap();
    assert_eq!(read_one(&mut worker).await.status(), StatusCode::OK);
    let mut waits_for_work = served.connect().await;
    let reserve = with(
        post("/execution/v1/reserve/105", LINUX),
        "prefer",
        "wait=60",
    );
    waits_for_work
        .write_all(&wire(&reserve, "keep-alive"))
        .await
        .unwrap();
    let mut waits_for_counts = served.connect().await;
    let status = with(get("/execution/v1/status/105"), "prefer", "wait=60");
    waits_for_counts
        .write_all(&wire(&status, "keep-alive"))
        .await
        .unwrap();
    store.reached("reserve answered", 1).await;
    store.reached("status answered", 1).await;

    let ended = served.stop();
    let refused = read_all(&mut waits_for_work).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    let counts = read_all(&mut waits_for_counts).await;
    assert_eq!(counts.status(), StatusCode::OK);
    assert_eq!(json(&counts)["reserved"], 1);

    // New connections are still served while the worker is there.
    let fresh = async |request: http::Request<bytes::Bytes>| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream
            .write_all(&wire(&request, "keep-alive"))
            .await
            .unwrap();
        read_all(&mut stream).await
    };
    let execute = r#"{"templateId":64,"title":"t","batch":"b"}"#;
    for (request, expected) in [
        (post("/execution/v1/reserve/105", LINUX), 503),
        (post("/execution/v1/executeplan", execute), 503),
        (get("/healthz"), 503),
        (get("/readyz"), 503),
        (get("/execution/v1/status/105"), 200),
        (status.clone(), 503),
        (heartbeat.clone(), 200),
        (post("/execution/v1/finished/3339", "{}"), 200),
    ] {
        let name = format!("{} {}", request.method(), request.uri());
        let response = fresh(request).await;
        assert_eq!(response.status().as_u16(), expected, "{name}");
        assert_eq!(response.headers()["connection"], "close", "{name}");
        if expected == 503 {
            assert_eq!(response.headers()["retry-after"], "1", "{name}");
            assert_eq!(json(&response)["code"], 1590, "{name}");
        }
    }
    assert!(!ended.is_finished());
    assert!(!store.trace().contains(&"close"));

    worker
        .write_all(&wire(&get("/execution/v1/status/105"), "keep-alive"))
        .await
        .unwrap();
    assert_eq!(json(&read_all(&mut worker).await)["done"], 1);
    soon(ended).await.unwrap().unwrap();
    assert_eq!(store.trace().last(), Some(&"close answered"));
}

#[tokio::test]
async fn service_that_leaves_serves_on_while_load_balancers_find_another() {
    let store = HeldStore::with_plan().await;
    let limits = Limits {
        unready: Duration::from_secs(3600),
        ..patient()
    };
    let served = Served::start(&service(&store, limits)).await;
    let address = served.address;
    let ask = async |request: http::Request<bytes::Bytes>| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(&wire(&request, "close")).await.unwrap();
        read_all(&mut stream).await.status().as_u16()
    };
    assert_eq!(ask(get("/readyz")).await, 200);
    let ended = served.stop();
    soon(async {
        while ask(get("/readyz")).await == 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(ask(get("/readyz")).await, 503);
    assert_eq!(ask(get("/healthz")).await, 200);
    assert_eq!(ask(post("/execution/v1/reserve/105", LINUX)).await, 200);
    let waits = with(get("/execution/v1/status/105"), "prefer", "wait=1");
    assert_eq!(ask(waits).await, 200);
    assert!(!ended.is_finished());
}

/// Stops a service to which a connection stays open that asked once.
async fn stop_with_an_idle_connection(limits: Limits) {
    let store = HeldStore::with_plan().await;
    let served = Served::start(&service(&store, limits)).await;
    let mut idle = served.connect().await;
    idle.write_all(&wire(&get("/healthz"), "keep-alive"))
        .await
        .unwrap();
    assert_eq!(read_one(&mut idle).await.status(), StatusCode::OK);
    soon(served.stop()).await.unwrap().unwrap();
    assert_eq!(store.trace().last(), Some(&"close answered"));
}

#[tokio::test]
async fn idle_connection_delays_shutdown_by_the_drain_at_most() {
    stop_with_an_idle_connection(Limits {
        drain: Duration::from_millis(100),
        ..patient()
    })
    .await;
}

#[tokio::test]
async fn shutdown_ends_when_no_request_comes() {
    stop_with_an_idle_connection(Limits {
        drain: Duration::from_secs(3600),
        quiet: Duration::from_millis(20),
        ..patient()
    })
    .await;
}

#[tokio::test]
async fn shutdown_without_connections_is_immediate() {
    let store = HeldStore::with_plan().await;
    let limits = Limits {
        drain: Duration::from_secs(3600),
        ..patient()
    };
    let served = Served::start(&service(&store, limits)).await;
    assert_eq!(served.ask(&get("/healthz")).await.status(), StatusCode::OK);
    soon(served.stop()).await.unwrap().unwrap();
}

#[tokio::test]
async fn close_waits_for_calls_and_refuses_new_work() {
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient());
    let call = service.in_process();
    store.hold("finish");
    let abandoned = {
        let call = call.clone();
        tokio::spawn(async move { call.call(post("/execution/v1/finished/3339", "{}")).await })
    };
    store.reached("finish", 1).await;
    abandoned.abort();
    assert!(abandoned.await.unwrap_err().is_cancelled());

    let closing = tokio::spawn(async move { service.close().await });
    soon(async {
        while ask(&call, post("/execution/v1/reserve/105", LINUX)).await.0 == StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!store.trace().contains(&"close"));
    store.release("finish");
    soon(closing).await.unwrap().unwrap();
    assert_eq!(
        store.finished().len(),
        1,
        "done although its caller went away"
    );
    assert_eq!(store.trace().last(), Some(&"close answered"));
}

#[tokio::test]
async fn sweeps_end_with_the_last_clone_of_the_service() {
    let store = HeldStore::with_plan().await;
    let limits = Limits {
        beat: Duration::from_millis(1),
        ..patient()
    };
    let service = service(&store, limits);
    let clone = service.clone();
    store.reached("sweep answered", 3).await;
    drop(service);
    let so_far = store.trace().len();
    store.reached("sweep answered", so_far).await;
    drop(clone);
    soon(async {
        while Arc::strong_count(&store) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn closed_store_refuses_calls_and_is_closed_once() {
    let store = HeldStore::with_plan().await;
    let service = service(&store, patient());
    service.close().await.unwrap();
    service.close().await.unwrap();
    let (status, _) = ask(&service.in_process(), get("/execution/v1/status/105")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(store.trace(), ["close", "close answered"]);
}
