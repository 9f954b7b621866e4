//! The transport over real sockets: what was surely not sent, what perhaps was, and that nothing is followed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use testplan::{
    client::{
        Client, Credentials, Endpoint, ErrorKind, HttpOptions, HttpTransport, Patience, Sent,
        Transport as _, TransportError,
    },
    model::{ExecutionId, Outcome, PlanId, PlanKind, SquishServerId},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::{execute::start, reserve::options, script::CANARY};

const LIMIT: Duration = Duration::from_secs(20);

fn transport() -> HttpTransport {
    HttpTransport::new(&HttpOptions::default()).unwrap()
}

/// What a service of the test does with a connection, once it has read a request.
#[derive(Clone)]
enum Play {
    Answer(Bytes),
    AnswerAndHangUp(Bytes),
    Reset,
    Hang,
    Drip,
    Flood,
}

struct Service {
    url: String,
    connections: Arc<AtomicUsize>,
    requests: mpsc::UnboundedReceiver<String>,
}

/// Serves on a free port, one play per request.
async fn serve(plays: Vec<Play>) -> Service {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::unbounded_channel();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        let mut plays = plays.into_iter();
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            while let Some(request) = read_request(&mut stream).await {
                let _ = sender.send(request);
                let play = plays.next().expect("one play per request");
                if !perform(&mut stream, play).await {
                    break;
                }
            }
        }
    });
    Service {
        url,
        connections,
        requests,
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}

/// Whether the connection lives on.
async fn perform(stream: &mut TcpStream, play: Play) -> bool {
    match play {
        Play::Answer(answer) => stream.write_all(&answer).await.is_ok(),
        Play::AnswerAndHangUp(answer) => {
            let _ = stream.write_all(&answer).await;
            false
        }
        Play::Reset => false,
        Play::Hang => {
            std::future::pending::<()>().await;
            false
        }
        Play::Drip => {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
                .await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            false
        }
        Play::Flood => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[b' '; 8192]).await.is_ok() {}
            false
        }
    }
}

fn ok(body: &str) -> Bytes {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

async fn get(url: &str, limit: Duration) -> Result<Bytes, TransportError> {
    let request = Request::get(format!("{url}/x")).body(Bytes::new()).unwrap();
    Ok(transport().send(request, limit).await?.into_body())
}

fn client(url: &str, credentials: Credentials) -> Client {
    let endpoint = Endpoint::parse(url, false).unwrap();
    Client::new(
        Arc::new(transport()),
        endpoint,
        credentials,
        Patience::default(),
    )
    .unwrap()
}

#[tokio::test]
async fn what_finds_nobody_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = get(&url, LIMIT).await.unwrap_err();
    assert_eq!(error.sent, Sent::No);
    assert!(
        error.message.contains("nothing listens on 127.0.0.1:"),
        "{error}"
    );

    let error = get("http://no-such-host.invalid", LIMIT).await.unwrap_err();
    assert_eq!(error.sent, Sent::No, "{error}");
    assert!(error.message.contains("no-such-host.invalid:80"), "{error}");
}

#[tokio::test]
async fn a_failed_tls_handshake_sent_nothing() {
    let service = serve(Vec::new()).await;
    let url = service.url.replace("http:", "https:");
    // The plain service waits for a line that does not come; its peer is told in plain text.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 1024];
        let _ = stream.read(&mut hello).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let error = get(&plain, LIMIT).await.unwrap_err();
    assert_eq!(error.sent, Sent::No);
    assert!(error.message.contains("does not speak TLS"), "{error}");
    let error = get(&url, Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(
        error.sent,
        Sent::Perhaps,
        "the limit does not know how far it got: {error}"
    );
}

#[tokio::test]
async fn what_broke_after_it_was_written_was_perhaps_sent() {
    let half = Bytes::from_static(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":");
    for play in [
        Play::Reset,
        Play::AnswerAndHangUp(half),
        Play::AnswerAndHangUp("HTTP/1.1 2".into()),
        Play::AnswerAndHangUp("garbage\r\n\r\n".into()),
    ] {
        let service = serve(vec![play]).await;
        let error = get(&service.url, LIMIT).await.unwrap_err();
        assert_eq!(error.sent, Sent::Perhaps, "{error}");
        assert!(error.message.contains("broke before"), "{error}");
        assert_eq!(
            service.connections.load(Ordering::SeqCst),
            1,
            "the transport repeats nothing"
        );
    }
}

#[tokio::test]
async fn hanging_and_dripping_end_at_the_limit() {
    for play in [Play::Hang, Play::Drip] {
        let service = serve(vec![play]).await;
        let error = get(&service.url, Duration::from_millis(300))
            .await
            .unwrap_err();
        assert_eq!(error.sent, Sent::Perhaps);
        assert!(error.message.contains("within 0.3 s"), "{error}");
    }
}

#[tokio::test]
async fn a_flood_ends_at_sixteen_mebibytes() {
    let service = serve(vec![Play::Flood]).await;
    let error = get(&service.url, Duration::from_secs(60))
        .await
        .unwrap_err();
    assert!(error.message.contains("larger than 16 MiB"), "{error}");
    assert_eq!(error.sent, Sent::Perhaps);
}

#[tokio::test]
async fn the_header_is_exact_and_nothing_is_followed() {
    let mut service = serve(vec![
        Play::Answer(
            "HTTP/1.1 302 Found\r\nlocation: /login/index\r\ncontent-length: 0\r\n\r\n".into(),
        ),
        Play::Answer(ok(r#"{"id":1,"title":"T","type":"template"}"#)),
        Play::Answer(ok("")),
    ])
    .await;
    let token = client(&service.url, Credentials::Token(CANARY.into()));
    let error = token.plan(PlanId(1)).await.unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Redirected { status: 302, .. }),
        "{error}"
    );
    let request = service.requests.recv().await.unwrap();
    assert!(
        request.starts_with("GET /execution/v1/testplans/1 HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nauthorization: Token canary4ever\r\n"),
        "{request}"
    );
    assert!(request.contains("\r\nuser-agent: testplan/"), "{request}");
    token.plan(PlanId(1)).await.unwrap();
    token.reset(ExecutionId(1), None).await.unwrap();
    let _ = service.requests.recv().await;
    let reset = service.requests.recv().await.unwrap();
    assert!(
        reset.contains("\r\ncontent-length: 0\r\n"),
        "some servers want a length: {reset}"
    );
    assert_eq!(
        service.connections.load(Ordering::SeqCst),
        1,
        "the connection is kept"
    );
    assert_eq!(token.requests(), 3);

    let mut service = serve(vec![Play::Answer(ok("[]"))]).await;
    let password = CANARY.into();
    let basic = client(
        &service.url,
        Credentials::Password {
            user: "ada".into(),
            password,
        },
    );
    basic.squish_servers().await.unwrap();
    let request = service.requests.recv().await.unwrap();
    assert!(
        request.contains("\r\nauthorization: Basic YWRhOmNhbmFyeTRldmVy\r\n"),
        "{request}"
    );
}

#[tokio::test]
async fn errors_of_the_network_hold_no_secret() {
    let service = serve(vec![Play::Reset]).await;
    let client = client(&service.url, Credentials::Token(CANARY.into()));
    let sent = client.heartbeat(ExecutionId(1), None, LIMIT, LIMIT).await;
    let error = sent.unwrap_err();
    let all = format!("{error} {error:?} {client:?} {:?}", transport());
    assert!(!all.contains("canary"), "{all}");
    assert!(error.may_have_happened);
}

#[test]
fn certificates_are_checked_when_they_are_given() {
    for (pem, words) in [
        ("", "holds no certificate"),
        (
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
            "PEM",
        ),
    ] {
        let options = HttpOptions {
            ca_cert_pem: Some(pem.into()),
        };
        let error = HttpTransport::new(&options).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// Workers run on several threads: every call must be able to move between them.
#[test]
fn calls_can_be_spawned() {
    fn spawnable<T: Send + 'static>(_: impl FnOnce(&'static Client) -> T) {}
    spawnable(|c| c.find_plan("", "", PlanKind::Template));
    spawnable(|c| c.executions(PlanId(1)));
    spawnable(|c| async { c.reserve(PlanId(1), &options(), "").await });
    spawnable(|c| async { c.execute_plan(&start()).await });
    spawnable(|c| c.heartbeat(ExecutionId(1), None, LIMIT, LIMIT));
    spawnable(|c| c.release(ExecutionId(1), None));
    spawnable(|c| async { c.finish(ExecutionId(1), None, &Outcome::Cancelled).await });
    spawnable(|c| c.reset(ExecutionId(1), None));
    spawnable(|c| c.remove_squish_server(SquishServerId(1)));
}
