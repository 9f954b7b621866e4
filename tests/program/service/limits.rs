//! What a client cannot take: slow heads, slow and large bodies, all connections, all calls, the process.

use std::time::Duration;

use http::StatusCode;
use testplan::service::Limits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{
    held_store::HeldStore,
    support::{
        Served, TOKEN, ask, get, json, patient, post, read_all, read_one, service, soon, wire,
    },
};

const SHORT: Duration = Duration::from_millis(100);

async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let read = soon(stream.read_to_end(&mut rest)).await;
    assert!(read.is_err() || rest.is_empty(), "closed without a word");
}

#[tokio::test]
async fn slow_head_and_idle_connection_are_closed() {
    let limits = Limits {
        header: SHORT,
        ..patient()
    };
    let service = service(&HeldStore::with_plan().await, limits);
    let served = Served::start(&service).await;

    let mut slow = served.connect().await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
        .await
        .unwrap();
    let mut silent = served.connect().await;
    let mut idle = served.connect().await;
    idle.write_all(&wire(&get("/healthz"), "keep-alive"))
        .await
        .unwrap();
    assert_eq!(read_one(&mut idle).await.status(), StatusCode::OK);

    closed(&mut slow).await;
    closed(&mut silent).await;
    closed(&mut idle).await;
    let good = served.ask(&get("/healthz")).await;
    assert_eq!(good.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_slow_body_is_408_and_a_large_one_413() {
    let limits = Limits {
        body: SHORT,
        body_bytes: 1000,
        ..patient()
    };
    let service = service(&HeldStore::with_plan().await, limits);
    let served = Served::start(&service).await;
    let head = format!(
        "POST /execution/v1/finished/3339 HTTP/1.1\r\nhost: x\r\nauthorization: Token {TOKEN}\r\n"
    );
    let table = [
        (
            format!("{head}content-length: 20\r\n\r\n{{\"message\""),
            408,
        ),
        (format!("{head}content-length: 1001\r\n\r\n"), 413),
        (
            format!(
                "{head}transfer-encoding: chunked\r\n\r\n400\r\n{}\r\n",
                " ".repeat(1024)
            ),
            413,
        ),
    ];
    for (request, status) in table {
        let mut stream = served.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let response = read_all(&mut stream).await;
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(
            json(&response)["code"],
            1100 + i64::from(status),
            "{request}"
        );
        assert_eq!(response.headers()["connection"], "close");
    }
    let just = format!("{{{}}}", " ".repeat(998));
    let response = served
        .ask(&post("/execution/v1/finished/3339", &just))
        .await;
    assert_eq!(json(&response)["code"], 1303, "1000 bytes are read");
}

#[tokio::test]
async fn a_body_is_not_read_before_its_sender_is_known() {
    let service = service(&HeldStore::with_plan().await, patient());
    let served = Served::start(&service).await;
    let mut stream = served.connect().await;
    let head = "POST /execution/v1/executeplan HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(
        read_all(&mut stream).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn too_many_headers_are_431() {
    let limits = Limits {
        headers: 8,
        ..patient()
    };
    let service = service(&HeldStore::with_plan().await, limits);
    let served = Served::start(&service).await;
    for (count, status) in [(7_usize, 200), (8, 431)] {
        let mut stream = served.connect().await;
        let many = "x-any: 1\r\n".repeat(count - 1);
        let head = format!("GET /healthz HTTP/1.1\r\nconnection: close\r\nhost: x\r\n{many}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(
            read_all(&mut stream).await.status().as_u16(),
            status,
            "{count}"
        );
    }
}

/// Waits until the service has closed a connection on which nothing is read.
async fn closed_unread(stream: &TcpStream) {
    soon(async {
        loop {
            match stream.try_write(b"x") {
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    })
    .await;
}

#[tokio::test]
async fn client_that_does_not_read_its_answers_is_closed() {
    let limits = Limits {
        unread: SHORT,
        ..patient()
    };
    let service = service(&HeldStore::with_plan().await, limits);
    let served = Served::start(&service).await;
    let mut stream = served.connect().await;
    // More answers than the buffers of both ends take.
    let many = wire(&get("/openapi.json"), "keep-alive").repeat(400);
    stream.write_all(&many).await.unwrap();
    closed_unread(&stream).await;
}

#[tokio::test]
async fn answers_are_complete_for_a_client_that_reads_late() {
    let service = service(&HeldStore::with_plan().await, patient());
    let served = Served::start(&service).await;
    let one = served.ask(&get("/openapi.json")).await.body().len();
    let mut stream = served.connect().await;
    let many = wire(&get("/openapi.json"), "keep-alive").repeat(199);
    stream.write_all(&many).await.unwrap();
    stream
        .write_all(&wire(&get("/openapi.json"), "close"))
        .await
        .unwrap();
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.unwrap();
    let answers = bytes.windows(15).filter(|it| it == b"HTTP/1.1 200 OK");
    assert_eq!(answers.count(), 200);
    assert!(bytes.len() > 200 * one);
}

#[tokio::test]
async fn stranger_makes_room_for_a_new_client_at_the_limit() {
    let limits = Limits {
        connections: 4,
        reserved_connections: 2,
        ..patient()
    };
    let service = service(&HeldStore::with_plan().await, limits);
    let served = Served::start(&service).await;
    let plan = wire(&get("/execution/v1/testplans/64"), "keep-alive");
    let mut known = served.connect().await;
    known.write_all(&plan).await.unwrap();
    assert_eq!(read_one(&mut known).await.status(), StatusCode::OK);
    let (mut first, _second) = (served.connect().await, served.connect().await);
    for _ in 0..5 {
        let health = served.ask(&get("/healthz")).await;
        assert_eq!(health.status(), StatusCode::OK);
    }
    closed(&mut first).await;
    known.write_all(&plan).await.unwrap();
    let again = read_one(&mut known).await;
    assert_eq!(
        again.status(),
        StatusCode::OK,
        "strangers do not take its place"
    );
}

#[tokio::test]
async fn connection_above_the_limit_waits_while_all_others_are_at_work() {
    let limits = Limits {
        connections: 1,
        ..patient()
    };
    let store = HeldStore::with_plan().await;
    let service = service(&store, limits);
    let served = Served::start(&service).await;
    store.hold("plan");
    let mut first = served.connect().await;
    let plan = wire(&get("/execution/v1/testplans/64"), "keep-alive");
    first.write_all(&plan).await.unwrap();
    store.reached("plan", 1).await;

    let mut second = served.connect().await;
    second
        .write_all(&wire(&get("/healthz"), "close"))
        .await
        .unwrap();
    let mut byte = [0];
    assert!(
        timeout(SHORT, second.peek(&mut byte)).await.is_err(),
        "not served yet"
    );
    store.release("plan");
    assert_eq!(read_one(&mut first).await.status(), StatusCode::OK);
    // Now it is idle.
    assert_eq!(read_all(&mut second).await.status(), StatusCode::OK);
    closed(&mut first).await;
}

#[tokio::test]
async fn call_above_the_limit_is_503() {
    let store = HeldStore::with_plan().await;
    let limits = Limits {
        calls: 1,
        ..patient()
    };
    let service = service(&store, limits).in_process();
    store.hold("plan");
    let first = service.clone();
    let first = tokio::spawn(async move { first.call(get("/execution/v1/testplans/64")).await });
    store.reached("plan", 1).await;
    let second = service.call(get("/execution/v1/testplans/64")).await;
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.headers()["retry-after"], "1");
    let (health, _) = ask(&service, get("/healthz")).await;
    assert_eq!(health, StatusCode::OK, "needs no store");
    store.release("plan");
    assert_eq!(soon(first).await.unwrap().status(), StatusCode::OK);
    let (status, _) = ask(&service, get("/execution/v1/testplans/64")).await;
    assert_eq!(status, StatusCode::OK, "the call gave its place back");
}

#[tokio::test]
async fn hanging_store_is_503_and_the_change_still_happens() {
    let store = HeldStore::with_reservation().await;
    let limits = Limits {
        handler: SHORT,
        ..patient()
    };
    let service = service(&store, limits).in_process();
    store.hold("finish");
    let (status, _) = ask(&service, post("/execution/v1/finished/3339", "{}")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(store.finished().len(), 0);
    store.release("finish");
    store.reached("finish answered", 1).await;
    assert_eq!(store.finished().len(), 1);
}

#[tokio::test]
async fn change_happens_although_its_client_hung_up() {
    let store = HeldStore::with_reservation().await;
    let service = service(&store, patient());
    let served = Served::start(&service).await;
    store.hold("finish");
    let mut stream = served.connect().await;
    let request = wire(&post("/execution/v1/finished/3339", "{}"), "keep-alive");
    stream.write_all(&request).await.unwrap();
    store.reached("finish", 1).await;
    drop(stream);
    // The shutdown sees the connection end, which drops its handler, and then waits for what was asked.
    let ended = served.stop();
    let store_in_shutdown = store.clone();
    let call = service.in_process();
    soon(async {
        while call.call(get("/healthz")).await.status() == StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(
        !store_in_shutdown.trace().contains(&"close"),
        "not closed over an open call"
    );
    store.release("finish");
    soon(ended).await.unwrap().unwrap();
    let trace = store.trace();
    let position = |name| trace.iter().position(|point| *point == name);
    assert!(
        position("finish answered").unwrap() < position("close").unwrap(),
        "{trace:?}"
    );
    assert_eq!(store.finished().len(), 1);
}
