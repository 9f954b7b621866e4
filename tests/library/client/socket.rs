//! The transport over real sockets: which requests were not sent, which may have been, and that no redirect is followed.

use std::{io, sync::Arc, time::Duration};

use super::{execute::start, reserve::options, script::CANARY};
use crate::http_server::{Answer, Ending, HttpServer, free_port};
use bytes::Bytes;
use http::Request;
use testplan::{
    client::{
        Client, Connect, Credentials, Endpoint, ErrorKind, HttpOptions, HttpTransport, Patience,
        Sent, Transport as _, TransportError,
    },
    model::{ExecutionId, Outcome, PlanId, PlanKind, SquishServerId},
};

const LIMIT: Duration = Duration::from_secs(20);

fn transport() -> HttpTransport {
    HttpTransport::new(&HttpOptions::default()).unwrap()
}

/// A whole answer on a connection that is kept.
fn ok(body: &str) -> Answer {
    let length = body.len();
    Answer::raw(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
    ))
    .then(Ending::KeepOpen)
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
async fn connection_refused_counts_as_unsent() {
    let url = format!("http://127.0.0.1:{}", free_port());
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
    let plain = HttpServer::replay([Answer::close()]);
    let url = plain.url.replace("http:", "https:");
    let error = get(&url, LIMIT).await.unwrap_err();
    assert_eq!(error.sent, Sent::No);
    assert!(error.message.contains("does not speak TLS"), "{error}");
    let silent = HttpServer::connections_to(|connection| {
        io::copy(connection.bytes(), &mut io::sink()).ok().map(drop)
    });
    let url = silent.url.replace("http:", "https:");
    let error = get(&url, Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(
        error.sent,
        Sent::Unclear,
        "the limit does not know how far it got: {error}"
    );
}

#[tokio::test]
async fn a_broken_answer_counts_as_unclear() {
    for answer in [
        Answer::close(),
        Answer::half(200),
        Answer::raw("HTTP/1.1 2"),
        Answer::raw("garbage\r\n\r\n"),
    ] {
        let service = HttpServer::replay([answer]);
        let error = get(&service.url, LIMIT).await.unwrap_err();
        assert_eq!(error.sent, Sent::Unclear, "{error}");
        assert!(error.message.contains("broke before"), "{error}");
        assert_eq!(service.connections(), 1, "the transport repeats nothing");
    }
}

#[tokio::test]
async fn hanging_and_dripping_answers_end_at_the_limit() {
    let drip = Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").then(Ending::Drip);
    for answer in [Answer::hang(), drip] {
        let service = HttpServer::replay([answer]);
        let error = get(&service.url, Duration::from_millis(300))
            .await
            .unwrap_err();
        assert_eq!(error.sent, Sent::Unclear);
        assert!(error.message.contains("within 0.3 s"), "{error}");
    }
}

#[tokio::test]
async fn answer_is_cut_at_sixteen_mebibytes() {
    let service = HttpServer::replay([Answer::endless(200)]);
    let error = get(&service.url, Duration::from_secs(60))
        .await
        .unwrap_err();
    assert!(error.message.contains("larger than 16 MiB"), "{error}");
    assert_eq!(error.sent, Sent::Unclear);
}

#[tokio::test]
async fn headers_are_exact_and_redirects_are_not_followed() {
    let moved = "HTTP/1.1 302 Found\r\nlocation: /login/index\r\ncontent-length: 0\r\n\r\n";
    let service = HttpServer::replay([
        Answer::raw(moved).then(Ending::KeepOpen),
        ok(r#"{"id":1,"title":"T","type":"template"}"#),
        ok(""),
    ]);
    let token = client(&service.url, Credentials::Token(CANARY.into()));
    let error = token.plan(PlanId(1)).await.unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Redirected { status: 302, .. }),
        "{error}"
    );
    let request = service.requests().remove(0);
    assert_eq!(request.line(), "GET /execution/v1/testplans/1 HTTP/1.1");
    assert_eq!(request.header("authorization"), ["Token canary4ever"]);
    let agent = request.header("user-agent").concat();
    assert!(agent.starts_with("testplan/"), "{agent}");
    token.plan(PlanId(1)).await.unwrap();
    token.reset(ExecutionId(1), None).await.unwrap();
    let [_, _, reset] = &service.requests()[..] else {
        panic!("{:?}", service.requests());
    };
    assert_eq!(
        reset.header("content-length"),
        ["0"],
        "some servers want a length"
    );
    assert_eq!(service.connections(), 1, "the connection is kept");
    assert_eq!(token.requests(), 3);

    let service = HttpServer::replay([ok("[]")]);
    let password = CANARY.into();
    let basic = client(
        &service.url,
        Credentials::Password {
            user: "ada".into(),
            password,
        },
    );
    basic.squish_servers().await.unwrap();
    let request = service.requests().remove(0);
    assert_eq!(
        request.header("authorization"),
        ["Basic YWRhOmNhbmFyeTRldmVy"]
    );
}

#[tokio::test]
async fn errors_of_the_network_hold_no_secret() {
    let service = HttpServer::replay([Answer::close()]);
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
            ..HttpOptions::default()
        };
        let error = HttpTransport::new(&options).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn request_goes_to_the_address_that_stands_for_a_name() {
    let server = HttpServer::replay([Answer::new(200, "here")]);
    let connect = Connect {
        address: Some(server.address()),
        soon: true,
    };
    let url = server.url_at("tc.invalid");
    let request = Request::get(format!("{url}/x")).extension(connect);
    let request = request.body(Bytes::new()).unwrap();
    let answer = transport().send(request, LIMIT).await.unwrap();
    assert_eq!(answer.into_body(), "here");
    let host = url.strip_prefix("http://").unwrap();
    assert_eq!(server.requests()[0].header("host"), [host]);
}

#[tokio::test]
async fn connection_that_has_little_time_ends_after_a_second() {
    let silent = HttpServer::connections_to(|connection| {
        io::copy(connection.bytes(), &mut io::sink()).ok().map(drop)
    });
    let connect = Connect {
        address: None,
        soon: true,
    };
    let url = silent.url.replace("http:", "https:");
    let request = Request::get(format!("{url}/x")).extension(connect);
    let error = transport()
        .send(request.body(Bytes::new()).unwrap(), LIMIT)
        .await;
    let error = error.unwrap_err();
    assert_eq!(error.sent, Sent::No);
    assert!(error.message.contains("within 1 s"), "{error}");
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
