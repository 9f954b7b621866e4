//! Why TLS to a database failed: which certificate is refused by whom, with one thing to do.

use std::{error::Error as StdError, io};

use rustls::{AlertDescription, CertificateError, Error};

use crate::store::postgres::failure::{Fault, FaultKind::Refused};

/// The fault that an error of TLS shows; `host` is the name that the certificate is to have.
pub(super) fn tls_fault(error: &Error, host: &str) -> Fault {
    use AlertDescription as Alert;
    let (why, advice) = match error {
        Error::InvalidCertificate(problem) => return certificate_fault(problem, host),
        Error::AlertReceived(
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::CertificateUnknown
            | Alert::CertificateRequired
            | Alert::UnsupportedCertificate
            | Alert::DecryptError,
        ) => (
            format!("it refuses the certificate that testplan shows ({error})"),
            "name one that it trusts, and its key, with sslcert and sslkey",
        ),
        Error::AlertReceived(Alert::ProtocolVersion | Alert::HandshakeFailure)
        | Error::PeerIncompatible(_) => (
            format!("it has no TLS 1.2 or 1.3 in common with testplan ({error})"),
            "set ssl_min_protocol_version at the server to TLSv1.2",
        ),
        _ => (
            format!("TLS failed ({error})"),
            "check that PostgreSQL listens there; its log has the reason",
        ),
    };
    Fault::new(Refused, why, advice)
}

fn certificate_fault(problem: &CertificateError, host: &str) -> Fault {
    use CertificateError as Bad;
    let (why, advice) = match problem {
        Bad::Expired | Bad::ExpiredContext { .. } => (
            "has expired, according to the clock of this machine".to_owned(),
            "renew it at the server, or set this machine's clock if that is wrong",
        ),
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => (
            "is not valid yet, according to the clock of this machine".to_owned(),
            "set the clock of this machine",
        ),
        Bad::UnknownIssuer => (
            "is from an authority that is not trusted here".to_owned(),
            "name the certificate of that authority with sslrootcert",
        ),
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => (
            format!("is not for the name {host:?}"),
            "connect by a name in the certificate, or issue one for this name",
        ),
        Bad::Other(why) if why.to_string() == "CaUsedAsEndEntity" => (
            "is that of an authority, and not one that is trusted here".to_owned(),
            "if it is your own, name exactly this certificate with sslrootcert",
        ),
        Bad::Other(why) if why.to_string().contains("UnsupportedCertVersion") => (
            "is of X.509 version 1".to_owned(),
            "issue one of version 3, with the names of the host as subjectAltName",
        ),
        other => (
            format!("is not trusted ({other})"),
            "issue another one for the server",
        ),
    };
    Fault::new(Refused, format!("its certificate {why}"), advice)
}

/// The first error of a type among an error and its causes, also inside errors of I/O.
pub(super) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // The source of an error of I/O is that of the error inside it.
        if let Some(inner) = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            return find(inner);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_have_reason_and_advice() {
        for (problem, part) in [
            (CertificateError::Expired, "renew it"),
            (CertificateError::UnknownIssuer, "sslrootcert"),
            (CertificateError::NotValidForName, "not for the name \"db\""),
            (CertificateError::BadEncoding, "another one"),
        ] {
            let fault = certificate_fault(&problem, "db");
            let text = format!("{}; {}", fault.why, fault.advice);
            assert!(text.contains(part), "{text}");
        }
    }
}
