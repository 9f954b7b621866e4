//! Asking the service, in process and over a socket.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use secrecy::SecretString;
use serde_json::Value;
use testplan::{
    clock::ServiceClock,
    model::Timestamp,
    service::{Access, InProcess, Limits, Principal, Service},
    store::{Store, StoreError},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// The token of the vendor's page.
pub(super) const TOKEN: &str = "zX4AAEdKAAD3GwAAfnUAAFd8AADybwAAXnUAAFUaAAA";

/// A bound on everything that a test awaits, so that what never comes fails.
pub(super) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future)
        .await
        .expect("should have come by now")
}

/// Limits under which nothing in a test happens by itself.
pub(super) fn patient() -> Limits {
    Limits {
        look: Duration::from_secs(3600),
        beat: Duration::from_secs(3600),
        header: Duration::from_secs(3600),
        ..Limits::default()
    }
}

pub(super) fn clock() -> Arc<ServiceClock> {
    Arc::new(ServiceClock::starting_at(Timestamp(0)))
}

/// Who may ask in most tests: the token of the page, and a user with a password.
pub(super) fn access() -> Access {
    Access::Principals(vec![
        Principal::token("ci", &SecretString::from(TOKEN)),
        Principal::password("anna", &SecretString::from("käse:42")),
    ])
}

pub(super) fn service(store: &Arc<impl Store + 'static>, limits: Limits) -> Service {
    let store: Arc<dyn Store> = store.clone();
    Service::new(store, clock(), access(), limits)
}

/// A request with the page's token.
pub(super) fn request(method: Method, path: &str, body: &str) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("Authorization", format!("Token {TOKEN}"))
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

pub(super) fn get(path: &str) -> Request<Bytes> {
    request(Method::GET, path, "")
}

pub(super) fn post(path: &str, body: &str) -> Request<Bytes> {
    request(Method::POST, path, body)
}

pub(super) fn with(mut request: Request<Bytes>, name: &'static str, value: &str) -> Request<Bytes> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// The answer, with its JSON.
pub(super) async fn ask(service: &InProcess, request: Request<Bytes>) -> (StatusCode, Value) {
    let response = soon(service.call(request)).await;
    let body = json(&response);
    (response.status(), body)
}

pub(super) fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

/// A service on a socket.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<Result<(), StoreError>>,
}

impl Served {
    pub(super) async fn start(service: &Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, told) = oneshot::channel();
        let service = service.clone();
        let task = tokio::spawn(async move {
            service
                .serve(listener, async {
                    let _ = told.await;
                })
                .await
        });
        Self {
            address,
            shutdown,
            task,
        }
    }

    /// Begins the shutdown; the handle ends with it.
    pub(super) fn stop(self) -> JoinHandle<Result<(), StoreError>> {
        self.shutdown.send(()).unwrap();
        self.task
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Asks on a connection of its own.
    pub(super) async fn ask(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let mut stream = self.connect().await;
        stream.write_all(&wire(request, "close")).await.unwrap();
        read_all(&mut stream).await
    }
}

/// A request as its bytes.
pub(super) fn wire(request: &Request<Bytes>, connection: &str) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        write!(head, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
    }
    let length = request.body().len();
    write!(
        head,
        "host: testcenter.example.com\r\nconnection: {connection}\r\ncontent-length: {length}\r\n\r\n"
    )
    .unwrap();
    [head.as_bytes(), request.body()].concat()
}

/// The one response that is left on a connection, to its end.
pub(super) async fn read_all(stream: &mut TcpStream) -> Response<Bytes> {
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.unwrap();
    parse(&bytes)
}

/// The next response on a connection that stays open.
pub(super) async fn read_one(stream: &mut TcpStream) -> Response<Bytes> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = soon(stream.read(&mut chunk)).await.unwrap();
        assert_ne!(count, 0, "closed before the response was whole");
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if body.len() >= length {
            return parse(&bytes);
        }
    }
}

fn parse(bytes: &[u8]) -> Response<Bytes> {
    let text = std::str::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut response = Response::builder().status(status);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        response = response.header(name, value);
    }
    let body = Bytes::copy_from_slice(body.as_bytes());
    response.body(body).unwrap()
}
