//! A service by a script, plain or over TLS, that keeps what it was asked.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde_json::json;

/// From method, path and query to a whole answer.
pub(crate) type Script = Box<dyn Fn(&str) -> String + Send + Sync>;

/// A listener on a port of its own; its thread ends with the test process.
pub(crate) struct Scripted {
    port: u16,
    scheme: &'static str,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::start(None, Box::new(script))
    }

    /// Speaks TLS with this certificate.
    pub(crate) fn with_tls(
        certificate: &[u8],
        key: &[u8],
        script: impl Fn(&str) -> String + Send + Sync + 'static,
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
        Self::start(Some(Arc::new(config)), Box::new(script))
    }

    fn start(tls: Option<Arc<rustls::ServerConfig>>, script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scripted = Self {
            port: listener.local_addr().unwrap().port(),
            scheme: if tls.is_some() { "https" } else { "http" },
            asked: Arc::default(),
        };
        let (asked, script) = (scripted.asked.clone(), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (asked, script, tls) = (asked.clone(), script.clone(), tls.clone());
                // One that hangs must not keep the others waiting.
                thread::spawn(move || {
                    let mut stream = stream.ok()?;
                    let Some(config) = tls else {
                        return serve(&mut stream, &asked, &script);
                    };
                    let mut session = rustls::ServerConnection::new(config).ok()?;
                    serve(
                        &mut rustls::Stream::new(&mut session, &mut stream),
                        &asked,
                        &script,
                    )
                });
            }
        });
        scripted
    }

    pub(crate) fn url(&self) -> String {
        self.url_at("127.0.0.1")
    }

    pub(crate) fn url_at(&self, host: &str) -> String {
        format!("{}://{host}:{}", self.scheme, self.port)
    }

    /// All request lines so far, each with its headers.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Answers one request. Errors are the client's hanging up, which is its right.
fn serve(
    stream: &mut (impl Read + Write),
    asked: &Mutex<Vec<String>>,
    script: &Script,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            count => head.extend_from_slice(&chunk[..count]),
        }
        // The beginning of TLS, which a plain service takes for a bad request.
        if head[0] == 0x16 {
            let bad = answer("400 Bad Request", &[], "");
            return stream.write_all(bad.as_bytes()).ok();
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.split(" HTTP/").next()?.to_owned();
    asked.lock().unwrap().push(head);
    stream.write_all(script(&line).as_bytes()).ok()?;
    stream.flush().ok()
}

/// A whole answer.
pub(crate) fn answer(status: &str, headers: &[&str], body: &str) -> String {
    let length = format!("Content-Length: {}", body.len());
    let first = format!("HTTP/1.1 {status}");
    let mut lines = vec![first.as_str()];
    lines.extend(headers);
    lines.extend([length.as_str(), "Connection: close", "", body]);
    lines.join("\r\n")
}

pub(crate) fn fine(body: &serde_json::Value) -> String {
    answer(
        "200 OK",
        &["Content-Type: application/json"],
        &body.to_string(),
    )
}

pub(crate) fn redirect(to: &str) -> String {
    answer("302 Found", &[&format!("Location: {to}")], "")
}

pub(crate) fn no(status: &str, message: &str) -> String {
    let body = json!({ "code": 1, "message": message }).to_string();
    answer(status, &["Content-Type: application/json"], &body)
}

/// This machine's clock, moved by so many seconds.
pub(crate) fn clock(ahead: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap() + ahead * 1000
}

/// A Test Center of the vendor's dialect: it speaks of template 64 and plan 105 of project `example`.
pub(crate) struct Center {
    /// How it calls the executions that are done.
    pub(crate) done: &'static str,
    /// How far its clock is ahead, in seconds.
    pub(crate) ahead: i64,
    /// The repositories that the template names.
    pub(crate) repositories: serde_json::Value,
}

impl Default for Center {
    fn default() -> Self {
        Self {
            done: "done",
            ahead: 0,
            repositories: json!([]),
        }
    }
}

impl Center {
    pub(crate) fn start(self) -> Scripted {
        Scripted::new(move |line| self.answer(line))
    }

    fn answer(&self, line: &str) -> String {
        let path = line.strip_prefix("GET ").unwrap_or("");
        let path = path.strip_prefix("/execution/v1").unwrap_or(path);
        let plan = |id: i64, kind: &str| {
            json!({
                "id": id, "title": "CI Tests master", "type": kind, "project": "example",
                "server_dt": clock(self.ahead), "repository_information": self.repositories,
            })
        };
        let counts = |open: u64| json!({ "open": open, "reserved": 1, self.done: 2 });
        match path {
            "/" => redirect("/login/index"),
            "/squishservers" => fine(&json!([
                { "id": "1", "enabled": true, "host": "lab", "port": "4322",
                  "labels": [{ "key": "OS", "value": "Linux" }] },
            ])),
            "/testplans?project=example&title=CI%20Tests%20master&type=template" => {
                fine(&plan(64, "template"))
            }
            "/testplans/105" => fine(&plan(105, "instance")),
            "/status/105" => fine(&counts(27)),
            "/status/105?OS=Linux" => fine(&counts(19)),
            "/status/105?OS=Windows" => fine(&json!({ "open": 0, "reserved": 0, self.done: 0 })),
            _ => no("404 Not Found", "nothing here"),
        }
    }
}
