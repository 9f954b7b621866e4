//! TLS to a database: which servers are trusted, as libpq's `sslmode` and its files say.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
    version::{TLS12, TLS13},
};
use rustls_platform_verifier::Verifier;

use super::{parameters::Parameters, settings_error::SettingsError};

/// What `sslmode` asks for, in the order of what it protects from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TlsMode {
    /// Without TLS.
    Disable,
    /// Without TLS, and with it if the server refuses that.
    Allow,
    /// With TLS, and without it if that fails.
    Prefer,
    /// With TLS. Its authority is checked if one is named, as by `VerifyCa`.
    Require,
    /// With TLS and a trusted authority.
    VerifyCa,
    /// With TLS, a trusted authority and the name of the host.
    VerifyFull,
}

/// The authorities that are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// Any.
    Unchecked,
    /// Those of a file.
    File(PathBuf),
    /// Those of the platform.
    System,
}

/// The settings of TLS.
#[derive(Clone, Debug)]
pub(super) struct TlsSettings {
    pub(super) mode: TlsMode,
    pub(super) roots: Roots,
    /// The certificate that is shown to the server, and its key.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
    sends_name: bool,
    only_tls13: bool,
}

impl TlsSettings {
    pub(super) fn new(
        given: &Parameters,
        home: Option<&Path>,
        exists: &dyn Fn(&Path) -> bool,
    ) -> Result<Self, SettingsError> {
        let own = |name| home.map(|it| it.join(".postgresql").join(name));
        let own = |name| own(name).filter(|it| exists(it));
        let expected = "disable, allow, prefer, require, verify-ca or verify-full";
        let mode = given.read("sslmode", expected, |it| match it {
            "disable" => Some(TlsMode::Disable),
            "allow" => Some(TlsMode::Allow),
            "prefer" => Some(TlsMode::Prefer),
            "require" => Some(TlsMode::Require),
            "verify-ca" => Some(TlsMode::VerifyCa),
            "verify-full" => Some(TlsMode::VerifyFull),
            _ => None,
        })?;
        let roots = match given.get("sslrootcert") {
            Some("system") => Roots::System,
            Some(path) if exists(Path::new(path)) => Roots::File(PathBuf::from(path)),
            // As for libpq: without the file nothing is checked, unless the mode says so.
            Some(path) if mode < Some(TlsMode::VerifyCa) => {
                tracing::warn!(
                    path,
                    "the file of sslrootcert is missing: the server is not verified"
                );
                Roots::Unchecked
            }
            Some(path) => return Err(no_roots(path)),
            None => own("root.crt").map_or(Roots::Unchecked, Roots::File),
        };
        let mode = match (mode, &roots) {
            (None, Roots::System) => TlsMode::VerifyFull,
            // Anybody can have a certificate of a public authority.
            (Some(mode), Roots::System) if mode != TlsMode::VerifyFull => {
                return Err(SettingsError::new(
                    "sslrootcert=system trusts every public authority, and sslmode does not check the name of the host",
                    "set sslmode to verify-full",
                ));
            }
            (Some(mode), Roots::Unchecked) if mode >= TlsMode::VerifyCa => {
                let own = home.map(|it| it.join(".postgresql/root.crt").display().to_string());
                return Err(no_roots(own.as_deref().unwrap_or("~/.postgresql/root.crt")));
            }
            (mode, _) => mode.unwrap_or(TlsMode::Prefer),
        };
        let certificate = given.get("sslcert").map(PathBuf::from);
        let key = given.get("sslkey").map(PathBuf::from);
        let identity = match certificate.or_else(|| own("postgresql.crt")) {
            Some(certificate) => match key.or_else(|| own("postgresql.key")) {
                Some(key) => Some((certificate, key)),
                None => {
                    return Err(SettingsError::new(
                        format!(
                            "there is no key for the certificate {}",
                            certificate.display()
                        ),
                        "name its file with sslkey",
                    ));
                }
            },
            None => None,
        };
        let sends_name = given.read("sslsni", "0 or 1", |it| match it {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        })?;
        let versions = "TLSv1.2 or TLSv1.3";
        let only_tls13 = given.read("ssl_min_protocol_version", versions, |it| match it {
            "TLSv1.2" => Some(false),
            "TLSv1.3" => Some(true),
            _ => None,
        })?;
        Ok(Self {
            mode,
            roots,
            identity,
            sends_name: sends_name.unwrap_or(true),
            only_tls13: only_tls13.unwrap_or(false),
        })
    }

    /// Reads the files. Done for every connection, so that renewed certificates need no restart.
    pub(super) fn client_config(&self) -> Result<ClientConfig, SettingsError> {
        let provider = CryptoProvider::get_default().cloned();
        let provider =
            provider.unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
        let setup = |error: Error| {
            SettingsError::new(
                format!("TLS cannot be set up: {error}"),
                "set sslmode=disable",
            )
        };
        let versions: &[&SupportedProtocolVersion] = if self.only_tls13 {
            &[&TLS13]
        } else {
            &[&TLS13, &TLS12]
        };
        let verifier: Arc<dyn ServerCertVerifier> = match &self.roots {
            Roots::System => Arc::new(Verifier::new(Arc::clone(&provider)).map_err(|error| {
                SettingsError::new(
                    format!("the authorities of this machine cannot be read: {error}"),
                    "name a file of certificates with sslrootcert",
                )
            })?),
            Roots::Unchecked => Arc::new(ServerCheck {
                provider: Arc::clone(&provider),
                trusted: None,
                checks_name: false,
            }),
            Roots::File(path) => Arc::new(ServerCheck {
                provider: Arc::clone(&provider),
                trusted: Some(Trusted::read(path)?),
                checks_name: self.mode == TlsMode::VerifyFull,
            }),
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(setup)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate)?;
                builder
                    .with_client_auth_cert(chain, private_key(key)?)
                    .map_err(|error| {
                        SettingsError::new(
                            format!(
                                "the certificate {} does not go with the key {}: {error}",
                                certificate.display(),
                                key.display()
                            ),
                            "name a certificate and its key with sslcert and sslkey",
                        )
                    })?
            }
        };
        config.enable_sni = self.sends_name;
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(config)
    }
}

fn no_roots(path: &str) -> SettingsError {
    SettingsError::new(
        format!("sslmode asks for a trusted authority, and the file {path} is missing"),
        "name the file of its certificate with sslrootcert, or set sslrootcert=system for those of this machine",
    )
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let wrong = |why: &dyn fmt::Display| {
        SettingsError::new(
            format!("cannot read certificates from {}: {why}", path.display()),
            "write them in PEM, each between BEGIN CERTIFICATE and END CERTIFICATE",
        )
    };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = read.map_err(|error| wrong(&error))?;
    if found.is_empty() {
        return Err(wrong(&"it has none"));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, SettingsError> {
    #[cfg(unix)]
    if let Ok(metadata) = path.metadata() {
        use std::os::unix::fs::MetadataExt as _;
        if is_key_too_open(metadata.uid(), metadata.mode()) {
            return Err(SettingsError::new(
                format!("others have access to the key {}", path.display()),
                "run `chmod 0600` on it, or 0640 if root owns it",
            ));
        }
    }
    PrivateKeyDer::from_pem_file(path).map_err(|error| {
        SettingsError::new(
            format!("cannot read the key {}: {error}", path.display()),
            "write an unencrypted key in PEM there",
        )
    })
}

/// libpq's rule: a key of root may be readable for a group.
#[cfg(unix)]
fn is_key_too_open(owner: u32, mode: u32) -> bool {
    let too_much = if owner == 0 { 0o027 } else { 0o077 };
    mode & too_much != 0
}

/// The certificates of a file.
#[derive(Debug)]
struct Trusted {
    roots: RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
}

impl Trusted {
    fn read(path: &Path) -> Result<Self, SettingsError> {
        let certificates = certificates(path)?;
        let mut roots = RootCertStore::empty();
        let (_, unreadable) = roots.add_parsable_certificates(certificates.iter().cloned());
        if unreadable > 0 {
            tracing::warn!(path = %path.display(), unreadable, "certificates cannot be used as authorities");
        }
        Ok(Self {
            roots,
            certificates,
        })
    }
}

/// Checks the certificate of a server. Its signature is checked in any mode: channel binding relies on it.
#[derive(Debug)]
struct ServerCheck {
    provider: Arc<CryptoProvider>,
    /// Anything is trusted if it is absent.
    trusted: Option<Trusted>,
    checks_name: bool,
}

impl ServerCertVerifier for ServerCheck {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trusted) = &self.trusted else {
            return Ok(ServerCertVerified::assertion());
        };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let signed = verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &trusted.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        );
        match signed {
            // A certificate that is its own authority and is named itself; its time was checked before.
            Err(Error::InvalidCertificate(CertificateError::Other(why)))
                if why.to_string() == "CaUsedAsEndEntity"
                    && trusted.certificates.contains(end_entity) => {}
            other => other?,
        }
        if self.checks_name {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str, files: &[&str]) -> Result<TlsSettings, String> {
        let exists = |path: &Path| files.iter().any(|it| path == Path::new(it));
        let given = Parameters::of_text(text).unwrap();
        TlsSettings::new(&given, Some(Path::new("/home/me")), &exists).map_err(|it| it.to_string())
    }

    #[test]
    fn modes_are_those_of_libpq() {
        let own = "/home/me/.postgresql/root.crt";
        for (text, files, mode, roots) in [
            ("", &[][..], TlsMode::Prefer, Roots::Unchecked),
            ("sslmode=allow", &[], TlsMode::Allow, Roots::Unchecked),
            ("sslmode=require", &[], TlsMode::Require, Roots::Unchecked),
            (
                "sslmode=require",
                &[own],
                TlsMode::Require,
                Roots::File(own.into()),
            ),
            (
                "sslmode=require sslrootcert=/no",
                &[],
                TlsMode::Require,
                Roots::Unchecked,
            ),
            (
                "sslmode=verify-ca",
                &[own],
                TlsMode::VerifyCa,
                Roots::File(own.into()),
            ),
            (
                "sslmode=verify-full sslrootcert=/ca",
                &["/ca", own],
                TlsMode::VerifyFull,
                Roots::File("/ca".into()),
            ),
            (
                "sslrootcert=system",
                &[],
                TlsMode::VerifyFull,
                Roots::System,
            ),
        ] {
            let found = settings(text, files).unwrap();
            assert_eq!((found.mode, found.roots), (mode, roots), "{text}");
        }
    }

    #[test]
    fn mode_that_verifies_needs_authorities() {
        for (text, part) in [
            (
                "sslmode=verify-full",
                "/home/me/.postgresql/root.crt is missing",
            ),
            ("sslmode=verify-ca sslrootcert=/no", "/no is missing"),
            (
                "sslmode=require sslrootcert=system",
                "set sslmode to verify-full",
            ),
            ("sslmode=full", "verify-full"),
            ("sslcert=/c", "name its file with sslkey"),
        ] {
            let error = settings(text, &[]).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn own_certificate_is_shown_without_a_setting() {
        let files = [
            "/home/me/.postgresql/postgresql.crt",
            "/home/me/.postgresql/postgresql.key",
        ];
        let found = settings("", &files).unwrap();
        assert_eq!(found.identity, Some((files[0].into(), files[1].into())));
        assert_eq!(settings("", &[]).unwrap().identity, None);
    }

    #[cfg(unix)]
    #[test]
    fn key_that_others_may_read_is_refused() {
        for (owner, mode, too_open) in [
            (1000, 0o600, false),
            (1000, 0o640, true),
            (0, 0o640, false),
            (0, 0o644, true),
            (0, 0o660, true),
        ] {
            assert_eq!(is_key_too_open(owner, mode), too_open, "{owner} {mode:o}");
        }
    }
}
