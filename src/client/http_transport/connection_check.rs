//! Checks the connection to a service in single steps, without credentials.

use std::{io, time::Duration};

use bytes::Bytes;
use http::Request;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::{Destination, HttpTransport, certificate_problem::CertificateProblem, send_failure};
use crate::{
    api,
    client::{Connect, Endpoint, RedirectTarget, redirect},
    clock,
    model::Timestamp,
    pace,
};

/// How long a name may take to be resolved, and an address to be connected to.
const STEP: Duration = Duration::from_secs(4);
/// How long TLS and an answer may take.
const ANSWER: Duration = Duration::from_secs(9);

/// A service that was connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The address, with its port.
    pub address: String,
    /// How long that took, from the name on.
    pub took: Duration,
}

/// What answered `GET /`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionCheck {
    pub status: u16,
    /// Target of a redirect: Test Center redirects to its log-in page, and before its activation to that.
    pub redirect: Option<RedirectTarget>,
    /// Whether testplan's own service answered.
    pub is_testplan: bool,
    /// The service's clock according to the header `Date`, in whole seconds.
    pub date: Option<Timestamp>,
    /// This machine's clock when the request was sent.
    pub sent: Timestamp,
    /// How long the answer took, with connection and TLS.
    pub took: Duration,
}

/// Why a service cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionError {
    /// The host name has no address, in the system's words.
    Unresolved(String),
    /// No process listens on the port.
    Refused,
    TimedOut,
    /// The certificate is not trusted.
    Certificate(CertificateProblem),
    /// The other side does not speak TLS.
    NotTls,
    /// The service accepted the connection and did not answer in time.
    NoAnswer,
    /// Something else, in the system's words.
    Other(String),
}

impl HttpTransport {
    /// Resolves the name of a service and connects to it, past all proxies.
    pub(crate) async fn reach(&self, endpoint: &Endpoint) -> Result<Reached, ConnectionError> {
        let began = clock::monotonic();
        let url = endpoint.url();
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or_default();
        let found = timeout(STEP, lookup_host((host, port))).await;
        let addresses: Vec<_> = match found {
            Ok(found) => found.map_err(|error| ConnectionError::Unresolved(error.to_string()))?,
            Err(_) => {
                return Err(ConnectionError::Unresolved(
                    "no name server answered in time".to_owned(),
                ));
            }
        }
        .collect();
        let connection = timeout(STEP, TcpStream::connect(&addresses[..])).await;
        let connection = connection
            .map_err(|_| ConnectionError::TimedOut)?
            .map_err(|error| no_connection(&error))?;
        let address = connection.peer_addr();
        Ok(Reached {
            address: address.map_or_else(|_| host.to_owned(), |address| address.to_string()),
            took: clock::monotonic().saturating_duration_since(began),
        })
    }

    /// Requests the first page. Follows no redirect and reads the head of the answer only.
    pub(crate) async fn check_connection(
        &self,
        endpoint: &Endpoint,
    ) -> Result<ConnectionCheck, ConnectionError> {
        let address = endpoint.uri("/");
        let address = address.map_err(|error| ConnectionError::Other(error.to_string()))?;
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = address;
        let to = Destination::of(&request);
        let client = self
            .client(&to, Connect::default())
            .map_err(|error| ConnectionError::Other(error.message))?;
        let request = request.try_into().map_err(|error: reqwest::Error| {
            ConnectionError::Other(send_failure::innermost(&error))
        })?;
        let (sent, began) = (clock::wall(), clock::monotonic());
        let answer = timeout(ANSWER, client.execute(request)).await;
        let answer = answer
            .map_err(|_| ConnectionError::NoAnswer)?
            .map_err(|error| connection_error(&error))?;
        let headers = answer.headers();
        Ok(ConnectionCheck {
            status: answer.status().as_u16(),
            redirect: answer
                .status()
                .is_redirection()
                .then(|| redirect::target(endpoint, "/", headers))
                .flatten(),
            is_testplan: headers.contains_key(api::SERVICE),
            date: pace::http_date(headers),
            sent,
            took: clock::monotonic().saturating_duration_since(began),
        })
    }
}

fn no_connection(error: &io::Error) -> ConnectionError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectionError::Refused,
        io::ErrorKind::TimedOut => ConnectionError::TimedOut,
        _ => ConnectionError::Other(error.to_string()),
    }
}

fn connection_error(error: &reqwest::Error) -> ConnectionError {
    if let Some(tls) = send_failure::find::<rustls::Error>(error) {
        return tls_error(tls);
    }
    if error.is_connect() && error.is_dns() {
        return ConnectionError::Unresolved(send_failure::innermost(error));
    }
    if error.is_timeout() {
        return ConnectionError::TimedOut;
    }
    match send_failure::find::<io::Error>(error) {
        Some(cause) if error.is_connect() => no_connection(cause),
        _ => ConnectionError::Other(send_failure::innermost(error)),
    }
}

fn tls_error(error: &rustls::Error) -> ConnectionError {
    match error {
        rustls::Error::InvalidMessage(_) => ConnectionError::NotTls,
        rustls::Error::InvalidCertificate(why) => {
            ConnectionError::Certificate(CertificateProblem::of(why))
        }
        other => ConnectionError::Other(format!("no TLS connection: {other}")),
    }
}
