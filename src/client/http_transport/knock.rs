//! A look at who is there: each step of the way to a service by itself, without credentials.

use std::{io, time::Duration};

use bytes::Bytes;
use http::Request;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::{Destination, HttpTransport, cause};
use crate::{
    api,
    client::{Endpoint, RedirectTarget, redirect},
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
pub struct Reached {
    /// The address, with its port.
    pub address: String,
    /// How long that took, from the name on.
    pub took: Duration,
}

/// What answered `GET /`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knock {
    /// HTTP status.
    pub status: u16,
    /// Where it sent us, if it did: Test Center sends everybody to its log-in, and to its activation before that.
    pub redirect: Option<RedirectTarget>,
    /// Whether it is testplan's own service.
    pub is_ours: bool,
    /// Its clock by the header `Date`, which counts whole seconds.
    pub date: Option<Timestamp>,
    /// Our clock when the request was sent.
    pub sent: Timestamp,
    /// How long the answer took, with connection and TLS.
    pub took: Duration,
}

/// Why there is no way to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoWay {
    /// The name has no address, in the system's words.
    Name(String),
    /// Nobody listens there.
    Refused,
    /// The attempt to connect was not answered.
    Away,
    /// The certificate is not trusted.
    Certificate(Distrust),
    /// The other side does not speak TLS.
    NotTls,
    /// A connection, and no answer in time.
    Silent,
    /// Something else, in the system's words.
    Other(String),
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// Its time is over, by this machine's clock.
    Expired,
    /// Its time has not come, by this machine's clock.
    NotYet,
    /// Nobody who is trusted here vouches for it.
    UnknownAuthority,
    /// It is for another name.
    OtherName,
    /// Something else, in the words of TLS.
    Other(String),
}

impl HttpTransport {
    /// Resolves the name of a service and connects to it, past all proxies.
    pub async fn reach(&self, endpoint: &Endpoint) -> Result<Reached, NoWay> {
        let began = clock::monotonic();
        let url = endpoint.url();
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or_default();
        let found = timeout(STEP, lookup_host((host, port))).await;
        let addresses: Vec<_> = match found {
            Ok(found) => found.map_err(|error| NoWay::Name(error.to_string()))?,
            Err(_) => return Err(NoWay::Name("no name server answered in time".to_owned())),
        }
        .collect();
        let connection = timeout(STEP, TcpStream::connect(&addresses[..])).await;
        let connection = connection
            .map_err(|_| NoWay::Away)?
            .map_err(|error| no_connection(&error))?;
        let address = connection.peer_addr();
        Ok(Reached {
            address: address.map_or_else(|_| host.to_owned(), |address| address.to_string()),
            took: clock::monotonic().saturating_duration_since(began),
        })
    }

    /// Asks a service for its first page. Follows nothing, and reads no more than the head of the answer.
    pub async fn knock(&self, endpoint: &Endpoint) -> Result<Knock, NoWay> {
        let address = endpoint.uri("/");
        let address = address.map_err(|error| NoWay::Other(error.to_string()))?;
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = address;
        let to = Destination::of(&request);
        let client = self
            .client(&to)
            .map_err(|error| NoWay::Other(error.message))?;
        let request = request
            .try_into()
            .map_err(|error: reqwest::Error| NoWay::Other(cause::innermost(&error)))?;
        let (sent, began) = (clock::wall(), clock::monotonic());
        let answer = timeout(ANSWER, client.execute(request)).await;
        let answer = answer
            .map_err(|_| NoWay::Silent)?
            .map_err(|error| no_way(&error))?;
        let headers = answer.headers();
        Ok(Knock {
            status: answer.status().as_u16(),
            redirect: answer
                .status()
                .is_redirection()
                .then(|| redirect::target(endpoint, "/", headers))
                .flatten(),
            is_ours: headers.contains_key(api::SERVICE),
            date: pace::http_date(headers),
            sent,
            took: clock::monotonic().saturating_duration_since(began),
        })
    }
}

fn no_connection(error: &io::Error) -> NoWay {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => NoWay::Refused,
        io::ErrorKind::TimedOut => NoWay::Away,
        _ => NoWay::Other(error.to_string()),
    }
}

fn no_way(error: &reqwest::Error) -> NoWay {
    if let Some(tls) = cause::find::<rustls::Error>(error) {
        return tls_trouble(tls);
    }
    if error.is_connect() && error.is_dns() {
        return NoWay::Name(cause::innermost(error));
    }
    if error.is_timeout() {
        return NoWay::Away;
    }
    match cause::find::<io::Error>(error) {
        Some(cause) if error.is_connect() => no_connection(cause),
        _ => NoWay::Other(cause::innermost(error)),
    }
}

fn tls_trouble(error: &rustls::Error) -> NoWay {
    use rustls::CertificateError as Bad;
    match error {
        rustls::Error::InvalidMessage(_) => NoWay::NotTls,
        rustls::Error::InvalidCertificate(why) => NoWay::Certificate(match why {
            Bad::Expired | Bad::ExpiredContext { .. } => Distrust::Expired,
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => Distrust::NotYet,
            Bad::UnknownIssuer => Distrust::UnknownAuthority,
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Distrust::OtherName,
            other => Distrust::Other(other.to_string()),
        }),
        other => NoWay::Other(format!("no TLS connection: {other}")),
    }
}
