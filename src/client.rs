//! The client of the Test Plan Execution API: one method per endpoint over a [`Transport`].

use std::{fmt, future::Future, pin::Pin, time::Duration};

use bytes::Bytes;

/// A response, later.
pub type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, TransportError>> + Send + 'a>>;

/// The network seam: one request in, one whole response out. Retries, credentials and meaning live above it, so that
/// a simulated network can carry the same client.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request with an absolute URI and collects the bounded response, within `limit` in all.
    fn send(&self, request: http::Request<Bytes>, limit: Duration) -> Sending<'_>;
}

/// Why no response came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// Whether the service may have seen the request.
    pub sent: Sent,
    /// What failed and why likely, without credentials.
    pub message: String,
}

/// Whether a failed request may have had an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Surely not: name not resolved, connection refused, TLS failed.
    No,
    /// Perhaps: time ran out or the connection broke after bytes were written.
    Perhaps,
}
