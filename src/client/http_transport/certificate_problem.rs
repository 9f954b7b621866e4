//! What is wrong with a certificate, and what to do about it.

use rustls::CertificateError;

use super::Destination;

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CertificateProblem {
    /// It has expired according to this machine's clock.
    Expired,
    /// It is not valid yet according to this machine's clock.
    NotYet,
    /// Its issuer is not trusted.
    UnknownAuthority,
    /// It is an authority's certificate, not a server's, and not one that was passed with `--ca-cert`.
    Authority,
    /// It belongs to another host name.
    OtherName,
    /// Something else, in the words of TLS.
    Other(String),
}

impl CertificateProblem {
    pub(super) fn of(error: &CertificateError) -> Self {
        use CertificateError as Bad;
        match error {
            Bad::Expired | Bad::ExpiredContext { .. } => Self::Expired,
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => Self::NotYet,
            Bad::UnknownIssuer => Self::UnknownAuthority,
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Self::OtherName,
            other if is_authority_as_server(other) => Self::Authority,
            other => Self::Other(other.to_string()),
        }
    }

    /// For messages: follows "the certificate".
    pub(crate) fn description(&self) -> String {
        match self {
            Self::Expired => "has expired, according to the clock of this machine",
            Self::NotYet => "is not valid yet, according to the clock of this machine",
            Self::UnknownAuthority => "is from an authority that is not trusted here",
            Self::Authority => "is that of an authority, and not one that is trusted here",
            Self::OtherName => "is for another name",
            Self::Other(why) => return format!("is not trusted ({why})"),
        }
        .to_owned()
    }

    /// One thing to do.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::Expired => {
                "renew it at the service, or set this machine's clock if that is wrong"
            }
            Self::NotYet => "set the clock of this machine",
            Self::UnknownAuthority => {
                "pass the authority's certificate with --ca-cert, if it is your own"
            }
            Self::Authority => "if it is your own, pass exactly this certificate with --ca-cert",
            Self::OtherName => "use the name in the certificate, or add this name to it",
            Self::Other(_) => "renew it, or pass its authority with --ca-cert",
        }
    }

    pub(super) fn message(&self, to: &Destination, error: &CertificateError) -> String {
        let description = self.description();
        match self {
            // These name what the certificate has and what was expected.
            Self::Expired | Self::NotYet | Self::OtherName => {
                format!("the certificate of {to} {description} ({error})")
            }
            Self::UnknownAuthority | Self::Authority | Self::Other(_) => {
                format!("the certificate of {to} {description}")
            }
        }
    }
}

/// Whether a certificate was refused because it is an authority's and stands for a server.
pub(super) fn is_authority_as_server(error: &CertificateError) -> bool {
    match error {
        CertificateError::Other(why) => why.to_string() == "CaUsedAsEndEntity",
        _ => false,
    }
}
