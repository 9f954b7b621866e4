//! The transport over the network, by reqwest: HTTP/1.1, TLS by rustls, no redirects, no
//! retries, everything bounded.

pub(super) mod certificate_problem;
pub(super) mod connection_check;
mod pinned;
mod send_failure;

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use reqwest::{redirect, retry};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

use super::{
    Addresses, BytesSent, Connect, Endpoint, Sending, Sent, SetupError, Transport, TransportError,
    UploadBody, endpoint::is_loopback,
};
use crate::sync::ignore_poison;

/// Settings of the network that a user may choose.
#[derive(Clone, Debug, Default)]
pub struct HttpOptions {
    /// Certificates, in PEM, that are trusted beside those of the platform: as authorities, and each as a server's own.
    pub ca_cert_pem: Option<Bytes>,
    /// Looks the addresses of names up, so that each is a way to the service. Without effect, but slow, where a proxy does.
    pub resolves_names: bool,
}

/// Sends over TCP and TLS, through the proxies of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, but never through one to
/// this machine itself.
#[derive(Clone)]
pub struct HttpTransport {
    extra: Vec<CertificateDer<'static>>,
    /// Whether names of services are resolved here, not by a proxy.
    resolves_names: bool,
    /// One for each kind of connection, made when it is first needed: the certificates of the platform take longer to read
    /// than a service on this machine takes to answer.
    clients: Arc<Mutex<HashMap<Kind, reqwest::Client>>>,
}

/// What connections of one client have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    way: Way,
    soon: bool,
    /// The name of a host, and the address that stands for it.
    pinned: Option<(String, SocketAddr)>,
}

/// So many clients are kept, with their connections. More are needed only if the addresses of a service change.
const CLIENTS: usize = 64;

/// What a destination needs of a client.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    /// Proxies and TLS.
    Abroad,
    /// TLS, and never a proxy.
    Home,
    /// Neither.
    HomeInPlain,
}

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept. Servers close theirs after 60 s or later.
const IDLE: Duration = Duration::from_secs(30);
/// How many times longer than a pause in between the answer to an upload may take: it is read and stored first.
const ANSWER: u32 = 10;
/// The largest answer that is read, in bytes.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

impl Way {
    fn of(is_loopback: bool, is_tls: bool) -> Self {
        match (is_loopback, is_tls) {
            (false, _) => Self::Abroad,
            (true, true) => Self::Home,
            (true, false) => Self::HomeInPlain,
        }
    }
}

impl HttpTransport {
    /// A transport that has opened no connection yet.
    pub fn new(options: &HttpOptions) -> Result<Self, SetupError> {
        install_tls_provider();
        let extra = match &options.ca_cert_pem {
            Some(pem) => certificates(pem)?,
            None => Vec::new(),
        };
        Ok(Self {
            extra,
            resolves_names: options.resolves_names,
            clients: Arc::default(),
        })
    }

    /// Reads certificates now, so that an error in them shows before the first request.
    pub fn prepare(&self, endpoint: &Endpoint) -> Result<(), SetupError> {
        let kind = Kind {
            way: Way::of(endpoint.is_loopback(), endpoint.is_tls()),
            soon: false,
            pinned: None,
        };
        let client = self.build(&kind).map_err(|error| {
            SetupError::new(
                format!(
                    "TLS could not be set up: {}",
                    send_failure::innermost(&*error)
                ),
                "check the certificates of the system and of --ca-cert",
            )
        })?;
        self.keep(kind, client);
        Ok(())
    }

    fn client(
        &self,
        to: &Destination,
        connect: Connect,
    ) -> Result<reqwest::Client, TransportError> {
        let kind = Kind {
            way: Way::of(to.is_loopback, to.is_tls),
            soon: connect.soon,
            pinned: connect
                .address
                .map(|address| (to.host.to_string(), address)),
        };
        if let Some(client) = ignore_poison(self.clients.lock()).get(&kind) {
            return Ok(client.clone());
        }
        let client = self.build(&kind).map_err(|error| TransportError {
            sent: Sent::No,
            certificate_help: None,
            message: format!(
                "TLS could not be set up: {}: check the certificates of the system and of --ca-cert",
                send_failure::innermost(&*error)
            ),
        })?;
        Ok(self.keep(kind, client))
    }

    /// Keeps a client, unless another call made one of its kind meanwhile, and returns the one that is kept.
    fn keep(&self, kind: Kind, client: reqwest::Client) -> reqwest::Client {
        let mut clients = ignore_poison(self.clients.lock());
        if clients.len() >= CLIENTS {
            clients.retain(|kind, _| kind.pinned.is_none());
        }
        clients.entry(kind).or_insert(client).clone()
    }

    fn build(&self, kind: &Kind) -> Result<reqwest::Client, Box<dyn Error>> {
        let builder = reqwest::Client::builder();
        let builder = match kind.way {
            Way::Abroad => builder,
            Way::Home | Way::HomeInPlain => builder.no_proxy(),
        };
        let builder = match &kind.pinned {
            Some((host, address)) => builder.resolve(host, *address),
            None => builder,
        };
        let builder = match kind.way {
            Way::HomeInPlain => builder.tls_certs_only([]),
            Way::Abroad | Way::Home if self.extra.is_empty() => builder,
            Way::Abroad | Way::Home => {
                builder.tls_backend_preconfigured(pinned::config(&self.extra)?)
            }
        };
        let client = builder
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .connect_timeout(connect_limit(kind.soon))
            .pool_idle_timeout(IDLE)
            .build()?;
        Ok(client)
    }

    async fn exchange<B: Into<reqwest::Body>>(
        &self,
        request: Request<B>,
    ) -> Result<Response<Bytes>, TransportError> {
        let to = Destination::of(&request);
        let connect = request.extensions().get::<Connect>();
        let connect = connect.copied().unwrap_or_default();
        let explain = |error| send_failure::explain(&error, &to, connect_limit(connect.soon));
        let client = self.client(&to, connect)?;
        let request = request
            .try_into()
            .map_err(|error: reqwest::Error| TransportError {
                sent: Sent::No,
                certificate_help: None,
                message: format!(
                    "the request to {to} is not valid: {}",
                    send_failure::innermost(&error)
                ),
            })?;
        let mut answer = client.execute(request).await.map_err(explain)?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(explain)? {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(TransportError {
                    sent: Sent::Unclear,
                    certificate_help: None,
                    message: format!("the answer of {to} is larger than 16 MiB"),
                });
            }
            body.extend_from_slice(&chunk);
        }
        *response.body_mut() = body.freeze();
        Ok(response)
    }
}

/// How long a connection may take.
fn connect_limit(soon: bool) -> Duration {
    if soon { Connect::SOON } else { CONNECT }
}

impl Transport for HttpTransport {
    fn addresses<'a>(&'a self, endpoint: &'a Endpoint) -> Addresses<'a> {
        Box::pin(async move {
            match endpoint.url().domain() {
                Some(name) if self.resolves_names && !endpoint.is_loopback() => {
                    let port = endpoint.url().port_or_known_default().unwrap_or_default();
                    let found = tokio::net::lookup_host((name, port)).await;
                    found.map_or_else(|_| Vec::new(), Iterator::collect)
                }
                _ => Vec::new(),
            }
        })
    }

    fn send(&self, request: Request<Bytes>, limit: Duration) -> Sending<'_> {
        let to = Destination::of(&request);
        Box::pin(async move {
            tokio::time::timeout(limit, self.exchange(request))
                .await
                .unwrap_or_else(|_| {
                    Err(TransportError {
                        sent: Sent::Unclear,
                        certificate_help: None,
                        message: format!(
                            "no complete answer from {to} within {} s: it hangs or is overloaded",
                            limit.as_secs_f32()
                        ),
                    })
                })
        })
    }

    fn upload(&self, request: Request<UploadBody>, stall: Duration) -> Sending<'_> {
        let to = Destination::of(&request);
        let sent = request.body().bytes_sent();
        Box::pin(async move {
            let exchange = self.exchange(request.map(reqwest::Body::wrap));
            let ended = tokio::select! {
                answer = exchange => answer,
                message = stalled(&sent, stall, &to) => Err(TransportError {
                    sent: Sent::Unclear,
                    certificate_help: None,
                    message,
                }),
            };
            ended.map_err(|error| TransportError {
                // An upload aborted before its last byte was sent was not received.
                sent: if sent.is_complete() {
                    error.sent
                } else {
                    Sent::No
                },
                ..error
            })
        })
    }
}

/// Resolves when an upload made no progress for `span`, or its answer did not come in ten times that.
async fn stalled(sent: &BytesSent, span: Duration, to: &Destination) -> String {
    let mut before = sent.bytes();
    loop {
        tokio::time::sleep(span).await;
        let now = sent.bytes();
        if sent.is_complete() {
            tokio::time::sleep(span * (ANSWER - 1)).await;
            let seconds = (span * ANSWER).as_secs_f32();
            return format!("{to} took the upload and did not answer within {seconds} s");
        }
        if now == before {
            let seconds = span.as_secs_f32();
            return format!(
                "{to} took nothing of the upload for {seconds} s: it hangs, or the network does"
            );
        }
        before = now;
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A derived one would show the proxies, which may hold passwords.
        f.write_str("HttpTransport")
    }
}

/// Makes ring what all TLS of this process is done with. More than once is the same as once.
pub fn install_tls_provider() {
    // An error says that another part of the process has installed a provider, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    const HELP: &str = "pass a file with -----BEGIN CERTIFICATE----- blocks";
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates
        .map_err(|_| SetupError::new("the CA certificate is not readable as PEM", HELP))?;
    if certificates.is_empty() {
        return Err(SetupError::new("the CA file holds no certificate", HELP));
    }
    Ok(certificates)
}

/// Host and port, for messages.
#[derive(Clone)]
struct Destination {
    name: Arc<str>,
    host: Arc<str>,
    is_loopback: bool,
    is_tls: bool,
}

impl Destination {
    fn of<B>(request: &Request<B>) -> Self {
        let uri = request.uri();
        let host = uri.host().unwrap_or("?");
        let is_tls = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Self {
            name: format!("{host}:{port}").into(),
            host: host.trim_matches(['[', ']']).into(),
            is_loopback: is_loopback(host),
            is_tls,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
