//! Why no answer came, in words, and whether the service may have seen the request.

use std::{error::Error, io, time::Duration};

use super::{Destination, certificate_problem::CertificateProblem};
use crate::client::{Sent, TransportError};

/// Sorts a failure: nothing was sent if no connection was made; later the outcome is unclear.
pub(super) fn explain(
    error: &reqwest::Error,
    to: &Destination,
    connect_limit: Duration,
) -> TransportError {
    if !error.is_connect() {
        let why = innermost(error);
        return TransportError {
            sent: Sent::Unclear,
            message: format!("the connection to {to} broke before the answer was complete: {why}"),
            certificate_help: None,
        };
    }
    let (message, certificate_help) = match find::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(why)) => {
            let problem = CertificateProblem::of(why);
            (problem.message(to, why), Some(problem.help()))
        }
        _ => (unconnected(error, to, connect_limit), None),
    };
    TransportError {
        sent: Sent::No,
        message,
        certificate_help,
    }
}

fn unconnected(error: &reqwest::Error, to: &Destination, limit: Duration) -> String {
    let why = innermost(error);
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_trouble(tls, to);
    }
    if error.is_dns() {
        return format!("the name of {to} cannot be resolved ({why}): is it spelled right?");
    }
    if error.is_timeout() {
        let seconds = limit.as_secs();
        return format!(
            "no connection to {to} within {seconds} s: a firewall, or a machine that is down?"
        );
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => {
            format!("nothing listens on {to} (connection refused): does the service run?")
        }
        Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) if to.is_tls => {
            format!("{to} hung up during the TLS handshake ({why}): does it speak https?")
        }
        _ => format!("no connection to {to}: {why}"),
    }
}

fn tls_trouble(error: &rustls::Error, to: &Destination) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => {
            format!("{to} does not speak TLS: is it http:// instead of https://?")
        }
        _ => format!("no TLS connection to {to}: {error}"),
    }
}

/// The deepest reason that an error gives: the outer ones repeat the URL.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = chain(error).last();
    last.map_or_else(String::new, ToString::to_string)
}

pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).filter_map(|error| error.downcast_ref()).last()
}

/// The error and its causes. An I/O error that wraps another names that one's cause as its own and skips it.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}
