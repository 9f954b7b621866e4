//! Trust in the certificates of `--ca-cert`, also where a server shows one of them as its own.
//!
//! `openssl req -x509` makes a certificate that is its own authority. A server can use it; OpenSSL and curl accept it once it
//! is named, rustls refuses any authority as a server. The exception here is for a certificate that is byte for byte one
//! that was named: its name is checked here, its time was checked before. Any other trouble stands.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

use super::certificate_problem::is_authority_as_server;

/// TLS with the authorities of the platform and these certificates.
pub(super) fn config(named: &[CertificateDer<'static>]) -> Result<ClientConfig, Error> {
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
    let usual = Verifier::new_with_extra_roots(named.iter().cloned(), Arc::clone(&provider))?;
    let verifier = NamedOrUsual {
        named: named.to_vec(),
        usual,
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The platform's judgement, with the one exception.
#[derive(Debug)]
struct NamedOrUsual {
    named: Vec<CertificateDer<'static>>,
    usual: Verifier,
}

impl ServerCertVerifier for NamedOrUsual {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let usual = self.usual.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match usual {
            Err(error) if is_authority_itself(&error) && self.named.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            usual => usual,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// webpki looks at the time before it looks at this, so that one that has expired gives another error.
fn is_authority_itself(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(why) => is_authority_as_server(why),
        _ => false,
    }
}
