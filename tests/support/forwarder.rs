//! One URL of a service: forwards requests to it, fails on demand, and counts what it was asked.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{Answer, HttpRequest, HttpServer, until};

/// What a URL does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UrlFault {
    /// It forwards them.
    None,
    /// Nothing listens, and what was forwarded is cut.
    Dead,
    /// Connections are closed without an answer.
    Cut,
    /// Requests are never answered.
    Hang,
    /// A page of a proxy with this status.
    Page(u16),
}

/// Stands between workers and a service. Ends with the test's process.
pub(crate) struct Forwarder {
    pub(crate) url: String,
    address: SocketAddr,
    server: Option<HttpServer>,
    shared: Arc<Shared>,
}

struct Shared {
    to: String,
    fault: Mutex<UrlFault>,
    /// Calls since the fault last changed.
    calls: AtomicUsize,
    /// Requests that are under way at the service.
    forwarded: Mutex<Vec<TcpStream>>,
}

impl Forwarder {
    /// Forwards to a service at `host:port`.
    pub(crate) fn to(address: &str) -> Self {
        let shared = Arc::new(Shared {
            to: address.to_owned(),
            fault: Mutex::new(UrlFault::None),
            calls: AtomicUsize::default(),
            forwarded: Mutex::default(),
        });
        let server = shared.listen(SocketAddr::from(([127, 0, 0, 1], 0)));
        let server = server.expect("a port is free");
        Self {
            url: server.url.clone(),
            address: server.address(),
            server: Some(server),
            shared,
        }
    }

    /// How many requests came since the fault last changed.
    pub(crate) fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::SeqCst)
    }

    /// Whether a request came whose head has this text.
    pub(crate) fn was_asked(&self, text: &str) -> bool {
        let requests = self.server.iter().flat_map(HttpServer::requests);
        requests.into_iter().any(|it| it.head.contains(text))
    }

    /// From now on requests meet this fault.
    #[track_caller]
    pub(crate) fn set(&mut self, fault: UrlFault) {
        *self.shared.fault.lock().unwrap() = fault;
        self.shared.calls.store(0, Ordering::SeqCst);
        if fault == UrlFault::Dead {
            self.server = None;
            for stream in self.shared.forwarded.lock().unwrap().drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        } else if self.server.is_none() {
            // A connection of another process may have got the port for a moment.
            let server = until("the port to be free again", || {
                self.shared.listen(self.address)
            });
            self.server = Some(server);
        }
    }
}

impl Shared {
    fn listen(self: &Arc<Self>, address: SocketAddr) -> Option<HttpServer> {
        let shared = Arc::clone(self);
        HttpServer::connections_at(address, move |connection| {
            loop {
                let request = connection.request()?;
                shared.calls.fetch_add(1, Ordering::SeqCst);
                let fault = *shared.fault.lock().unwrap();
                let answer = match fault {
                    UrlFault::None => shared.forwarded(&request),
                    UrlFault::Dead | UrlFault::Cut => Answer::close(),
                    UrlFault::Hang => Answer::hang(),
                    UrlFault::Page(status) => Answer::page(status),
                };
                connection.answer(&answer)?;
            }
        })
    }

    /// The answer of the service to one request on a connection of its own; nothing if there is none.
    fn forwarded(&self, request: &HttpRequest) -> Answer {
        let Ok(mut stream) = TcpStream::connect(&self.to) else {
            return Answer::close();
        };
        self.forwarded
            .lock()
            .unwrap()
            .push(stream.try_clone().unwrap());
        let head = format!("{}\r\nconnection: close\r\n\r\n", request.head);
        let mut answer = Vec::new();
        let sent = stream
            .write_all(&[head.as_bytes(), &request.body].concat())
            .and_then(|()| stream.read_to_end(&mut answer));
        let _ = stream.shutdown(Shutdown::Both);
        match sent {
            Ok(_) => Answer::raw(answer),
            Err(_) => Answer::close(),
        }
    }
}
