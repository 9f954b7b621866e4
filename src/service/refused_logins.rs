//! Logins that were refused: counted, and logged without a flood.

use std::net::IpAddr;

use http::request::Parts;

use super::{
    http_error::HttpError,
    log_limit::{LineNumber, LogLimit},
    request_parts::shortened,
};
use crate::clock;

/// Where a proxy writes the address of its client. Anyone can send it, so it is only logged.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The refused logins of a service.
#[derive(Debug, Default)]
pub(super) struct RefusedLogins(LogLimit);

impl RefusedLogins {
    /// Counts a request with missing or wrong credentials, and logs where it came from; never what it had.
    pub(super) fn count(&self, peer: Option<IpAddr>, request: &Parts, refused: &HttpError) {
        let (HttpError::Unauthorized(reason), Some(LineNumber { hidden, all })) =
            (refused, self.0.count(clock::monotonic()))
        else {
            return;
        };
        let forwarded = request.headers.get(FORWARDED_FOR);
        let forwarded = forwarded.and_then(|value| value.to_str().ok());
        tracing::warn!(
            peer = peer.map(tracing::field::display),
            forwarded_for = forwarded.map(shortened),
            method = %request.method,
            path = shortened(request.uri.path()),
            hidden,
            all,
            reason,
            "refused a login"
        );
    }

    /// Logs how many there were, if some were left out.
    pub(super) fn log_rest(&self) {
        let LineNumber { hidden, all } = self.0.rest();
        if hidden > 0 {
            tracing::warn!(hidden, all, "refused further logins");
        }
    }
}
