//! The network seam: one request in, one whole response out.

use std::{fmt, future::Future, net::SocketAddr, pin::Pin, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt as _;

use super::{Endpoint, upload_body::UploadBody};

/// A future response.
pub type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, TransportError>> + Send + 'a>>;

/// A future list of addresses.
pub type Addresses<'a> = Pin<Box<dyn Future<Output = Vec<SocketAddr>> + Send + 'a>>;

/// How to connect for a request that has other ways: one of its extensions. Networks without connections ignore it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connect {
    /// Gives the connection [`Self::SOON`] instead of the usual time.
    pub soon: bool,
    /// Connects to this address instead of those that the name of the host leads to.
    pub address: Option<SocketAddr>,
}

impl Connect {
    /// How long a connection may take, with TLS, while another way to the service is there.
    pub const SOON: Duration = Duration::from_secs(1);
}

/// The network seam: one request in, one whole response out. Retries, credentials and meaning live above it, so that
/// a simulated network can carry the same client.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request with an absolute URI and collects the bounded response, within `limit` in all.
    fn send(&self, request: http::Request<Bytes>, limit: Duration) -> Sending<'_>;

    /// Whether the service is in this process and reachable only from it.
    fn is_in_process(&self) -> bool {
        false
    }

    /// The addresses of an endpoint's name, if requests are sent to them directly. Empty if that is not known, as by default.
    fn addresses<'a>(&'a self, _: &'a Endpoint) -> Addresses<'a> {
        Box::pin(async { Vec::new() })
    }

    /// Sends a request whose body is read while it is sent; its header has the length. Aborted when it makes no progress
    /// for `stall`; the answer may take ten times as long. An error before the end of the body is [`Sent::No`].
    ///
    /// This default, for networks in memory, collects the body and sends it whole.
    fn upload(&self, request: http::Request<UploadBody>, stall: Duration) -> Sending<'_> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(|error| TransportError {
                sent: Sent::No,
                message: error.to_string(),
                certificate_help: None,
            })?;
            let whole = http::Request::from_parts(head, body.to_bytes());
            self.send(whole, stall).await
        })
    }
}

/// Why no response came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// Whether the service may have seen the request.
    pub sent: Sent,
    /// What failed and why likely, without credentials.
    pub message: String,
    /// One thing to do about the certificate that was not trusted, if that is why. Another try would meet it again.
    pub certificate_help: Option<&'static str>,
}

/// Whether a failed request may have had an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It cannot: name not resolved, connection refused, TLS failed, or the body of an upload ended early.
    No,
    /// It may: time ran out or the connection broke after bytes were written.
    Unclear,
}
