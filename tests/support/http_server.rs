//! A scripted HTTP server on a port of its own: it answers as a test says, keeps every request, and misbehaves on
//! demand. Used by tests that judge the client side; it judges nothing itself.

use std::{
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

/// A port of this machine on which nothing listens: bound for a moment and closed again.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct HttpRequest {
    /// Request line and header lines, without the empty line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl HttpRequest {
    /// Method, target and version.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// Method and target.
    pub(crate) fn call(&self) -> &str {
        self.line().rsplit_once(' ').map_or("", |(call, _)| call)
    }

    /// Method, path and query.
    pub(crate) fn parts(&self) -> (&str, &str, &str) {
        let mut words = self.line().split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        (method, path, query)
    }

    /// The values of all headers of this name.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1);
        lines
            .filter_map(|line| line.split_once(": "))
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What becomes of the connection after an answer's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    Close,
    /// The next request is read.
    KeepOpen,
    /// Nothing more is sent until the client hangs up.
    Hang,
    /// A blank every 20 ms until the client hangs up.
    Drip,
    /// Blanks as fast as the client takes them.
    Flood,
}

/// Bytes to send, and how the connection goes on.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    bytes: Vec<u8>,
    ending: Ending,
}

impl Answer {
    /// These bytes and no others, then the connection is closed.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            ending: Ending::Close,
        }
    }

    /// A whole response that closes the connection.
    pub(crate) fn new(status: u16, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!(
            "{}connection: close\r\ncontent-length: {length}\r\n\r\n",
            status_line(status)
        );
        Self::raw([head.as_bytes(), body].concat())
    }

    /// A whole response in JSON.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers build the document in the call"
    )]
    pub(crate) fn json(status: u16, body: impl ToString) -> Self {
        Self::new(status, body.to_string()).header("content-type: application/json")
    }

    /// A page for people, as proxies send.
    pub(crate) fn page(status: u16) -> Self {
        let page = "<html><body>Please log in</body></html>";
        Self::new(status, page).header("content-type: text/html")
    }

    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        Self::new(status, "").header(&format!("location: {location}"))
    }

    /// The connection is closed without an answer.
    pub(crate) fn close() -> Self {
        Self::raw("")
    }

    /// The request is read and never answered.
    pub(crate) fn hang() -> Self {
        Self::raw("").then(Ending::Hang)
    }

    /// A response that breaks off in the middle of its body.
    pub(crate) fn half(status: u16) -> Self {
        let head = status_line(status);
        Self::raw(format!(
            "{head}content-length: 1000\r\n\r\n[{{\"message\": \"a"
        ))
    }

    /// A response whose body never ends, as fast as the client takes it.
    pub(crate) fn endless(status: u16) -> Self {
        let head = status_line(status);
        Self::raw(format!("{head}connection: close\r\n\r\n[")).then(Ending::Flood)
    }

    /// With a header line more.
    pub(crate) fn header(mut self, line: &str) -> Self {
        let end = self.bytes.iter().position(|byte| *byte == b'\n').unwrap();
        let line = format!("{line}\r\n");
        self.bytes.splice(end + 1..=end, line.bytes());
        self
    }

    pub(crate) fn then(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }
}

fn status_line(status: u16) -> String {
    let code = http::StatusCode::from_u16(status).unwrap();
    format!(
        "HTTP/1.1 {status} {}\r\n",
        code.canonical_reason().unwrap_or("X")
    )
}

/// A listener with a thread per connection. Dropping it closes the port; open connections go on.
pub(crate) struct HttpServer {
    pub(crate) url: String,
    address: SocketAddr,
    log: Arc<Log>,
}

/// What happened so far.
#[derive(Default)]
struct Log {
    requests: Mutex<Vec<HttpRequest>>,
    connections: AtomicUsize,
    hanging: AtomicUsize,
    hung_up: AtomicUsize,
    over: AtomicBool,
}

impl HttpServer {
    /// Answers each request as the handler says.
    pub(crate) fn start(handler: impl FnMut(&HttpRequest) -> Answer + Send + 'static) -> Self {
        let handler = Mutex::new(handler);
        Self::listen(None, move |connection| connection.serve(&handler))
    }

    /// The same over TLS.
    pub(crate) fn start_tls(
        certificate: &[u8],
        key: &[u8],
        handler: impl FnMut(&HttpRequest) -> Answer + Send + 'static,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate).unwrap()],
                PrivateKeyDer::from_pem_slice(key).unwrap(),
            )
            .unwrap();
        let handler = Mutex::new(handler);
        Self::listen(Some(Arc::new(config)), move |connection| {
            connection.serve(&handler)
        })
    }

    /// Gives each answer to one request, and the last one to all that follow.
    pub(crate) fn replay(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Vec<Answer> = answers.into_iter().collect();
        let mut answers = answers.into_iter();
        let mut last = None;
        Self::start(move |_| {
            last = answers.next().or_else(|| last.take());
            last.clone().expect("at least one answer")
        })
    }

    /// Each connection is in the hands of the test.
    pub(crate) fn connections_to(
        handler: impl Fn(&mut Connection) -> Option<()> + Send + Sync + 'static,
    ) -> Self {
        Self::listen(None, handler)
    }

    /// The same at a known address; `None` if it is in use.
    pub(crate) fn connections_at(
        address: SocketAddr,
        handler: impl Fn(&mut Connection) -> Option<()> + Send + Sync + 'static,
    ) -> Option<Self> {
        let listener = TcpListener::bind(address).ok()?;
        Some(Self::listen_on(listener, None, handler))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn listen(
        tls: Option<Arc<rustls::ServerConfig>>,
        handler: impl Fn(&mut Connection) -> Option<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self::listen_on(listener, tls, handler)
    }

    fn listen_on(
        listener: TcpListener,
        tls: Option<Arc<rustls::ServerConfig>>,
        handler: impl Fn(&mut Connection) -> Option<()> + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let log = Arc::new(Log::default());
        let (kept, handler) = (Arc::clone(&log), Arc::new(handler));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if kept.over.load(Ordering::SeqCst) {
                    return;
                }
                kept.connections.fetch_add(1, Ordering::SeqCst);
                let (log, handler, tls) = (Arc::clone(&kept), Arc::clone(&handler), tls.clone());
                // A connection that hangs does not block the others.
                thread::spawn(move || {
                    let stream: Box<dyn Stream> = match tls {
                        None => Box::new(stream),
                        Some(config) => {
                            let session = rustls::ServerConnection::new(config).unwrap();
                            Box::new(rustls::StreamOwned::new(session, stream))
                        }
                    };
                    let stream = BufReader::new(stream);
                    // An error is a client that hung up, as it may.
                    handler(&mut Connection { stream, log })
                });
            }
        });
        Self {
            url: format!("{scheme}://{address}"),
            address,
            log,
        }
    }

    /// Its URL under another name of this machine.
    pub(crate) fn url_at(&self, host: &str) -> String {
        self.url.replace("127.0.0.1", host)
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<HttpRequest> {
        self.log.requests.lock().unwrap().clone()
    }

    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    /// How many answers came to [`Ending::Hang`] so far.
    pub(crate) fn hanging(&self) -> usize {
        self.log.hanging.load(Ordering::SeqCst)
    }

    /// How many clients hung up on an answer without an end so far.
    pub(crate) fn hung_up(&self) -> usize {
        self.log.hung_up.load(Ordering::SeqCst)
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.log.over.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// One connection of a client.
pub(crate) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    log: Arc<Log>,
}

impl Connection {
    fn serve(&mut self, handler: &Mutex<impl FnMut(&HttpRequest) -> Answer>) -> Option<()> {
        loop {
            let request = self.request()?;
            let answer = handler.lock().unwrap()(&request);
            self.answer(&answer)?;
        }
    }

    /// The bytes as they come, for clients that are cut off before their request ends.
    pub(crate) fn bytes(&mut self) -> &mut impl io::BufRead {
        &mut self.stream
    }

    /// Reads a request and keeps it; `None` if the client goes away before its end.
    pub(crate) fn request(&mut self) -> Option<HttpRequest> {
        // The beginning of TLS, which a plain server takes for a bad request.
        if self.stream.fill_buf().ok()?.first() == Some(&0x16) {
            let _ = self.answer(&Answer::new(400, ""));
            return None;
        }
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if self.stream.read_until(b'\n', &mut head).ok()? == 0 {
                return None;
            }
        }
        head.truncate(head.len() - 4);
        let mut request = HttpRequest {
            head: String::from_utf8(head).unwrap(),
            body: Vec::new(),
        };
        if let [length] = request.header("content-length")[..] {
            request.body = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut request.body).ok()?;
        }
        self.log.requests.lock().unwrap().push(request.clone());
        Some(request)
    }

    /// Sends an answer; `None` unless the connection stays open.
    pub(crate) fn answer(&mut self, answer: &Answer) -> Option<()> {
        let stream = self.stream.get_mut();
        stream.write_all(&answer.bytes).ok()?;
        stream.flush().ok()?;
        match answer.ending {
            Ending::KeepOpen => return Some(()),
            Ending::Close => return None,
            Ending::Hang => {
                self.log.hanging.fetch_add(1, Ordering::SeqCst);
                let _ = io::copy(stream, &mut io::sink());
            }
            Ending::Drip => {
                while stream.write_all(b" ").and_then(|()| stream.flush()).is_ok() {
                    thread::sleep(Duration::from_millis(20));
                }
            }
            Ending::Flood => while stream.write_all(&[b' '; 16 * 1024]).is_ok() {},
        }
        self.log.hung_up.fetch_add(1, Ordering::SeqCst);
        None
    }
}
