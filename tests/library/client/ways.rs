//! The ways a request takes: over TLS with an authority of one's own, and through proxies or past them.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use testplan::client::{HttpOptions, HttpTransport, Sent, Transport as _, TransportError};

const AUTHORITY: &[u8] = include_bytes!("../../fixtures/tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../fixtures/tls/leaf.pem");
const KEY: &[u8] = include_bytes!("../../fixtures/tls/leaf.key");
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

async fn get(options: &HttpOptions, url: &str) -> Result<Bytes, TransportError> {
    let transport = HttpTransport::new(options).unwrap();
    let request = Request::get(url).body(Bytes::new()).unwrap();
    let response = transport.send(request, Duration::from_secs(20)).await?;
    Ok(response.into_body())
}

/// A certificate as `openssl req -x509` makes it: for `localhost`, and its own authority.
const SELF_SIGNED: &[u8] = include_bytes!("../../fixtures/tls/self-signed.pem");
/// The same with the same key, until 2021.
const EXPIRED: &[u8] = include_bytes!("../../fixtures/tls/self-signed-expired.pem");
const SELF_SIGNED_KEY: &[u8] = include_bytes!("../../fixtures/tls/self-signed.key");

/// Answers TLS connections with a certificate.
fn serve_tls(certificate: &[u8], key: &[u8]) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate).unwrap()],
            PrivateKeyDer::from_pem_slice(key).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            // A client that does not trust us hangs up here.
            if tls.read(&mut [0; 4096]).is_ok() {
                let _ = tls.write_all(ANSWER);
            }
        }
    });
    port
}

#[tokio::test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "other platforms have their own opinion of a certificate that is good for a century"
)]
async fn an_authority_of_ones_own_is_trusted_when_it_is_named() {
    let port = serve_tls(CERTIFICATE, KEY);
    let url = format!("https://127.0.0.1:{port}/x");
    let named = HttpOptions {
        ca_cert_pem: Some(Bytes::from_static(AUTHORITY)),
    };
    assert_eq!(get(&named, &url).await.unwrap(), "hi");

    let error = get(&HttpOptions::default(), &url).await.unwrap_err();
    assert_eq!(error.sent, Sent::No);
    assert!(
        error.message.contains("is not trusted") && error.message.contains("--ca-cert"),
        "{error}"
    );

    // It vouches for the address, not for every name of it.
    let error = get(&named, &format!("https://localhost:{port}/x"))
        .await
        .unwrap_err();
    assert_eq!(error.sent, Sent::No, "{error}");
    assert!(error.message.contains("localhost"), "{error}");
}

#[tokio::test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "other platforms have their own opinion of a certificate that is good for a century"
)]
async fn a_self_signed_certificate_is_trusted_when_it_is_named_itself() {
    let named = |pem: &'static [u8]| HttpOptions {
        ca_cert_pem: Some(Bytes::from_static(pem)),
    };
    let port = serve_tls(SELF_SIGNED, SELF_SIGNED_KEY);
    let url = format!("https://localhost:{port}/x");
    assert_eq!(get(&named(SELF_SIGNED), &url).await.unwrap(), "hi");
    let both = [AUTHORITY, b"\n", SELF_SIGNED].concat();
    let both = HttpOptions {
        ca_cert_pem: Some(both.into()),
    };
    assert_eq!(get(&both, &url).await.unwrap(), "hi");

    let refused = async |options: &HttpOptions, url: &str, says: &str| {
        let error = get(options, url).await.unwrap_err();
        assert_eq!(error.sent, Sent::No, "{error}");
        assert!(error.message.contains(says), "{error}");
    };
    // Another one, with the same name and key, is not the one that was named.
    refused(&named(EXPIRED), &url, "is not trusted").await;
    refused(&named(AUTHORITY), &url, "is not trusted").await;
    refused(&HttpOptions::default(), &url, "is not trusted").await;
    let other_name = format!("https://127.0.0.1:{port}/x");
    refused(&named(SELF_SIGNED), &other_name, "127.0.0.1").await;
    let port = serve_tls(EXPIRED, SELF_SIGNED_KEY);
    let url = format!("https://localhost:{port}/x");
    refused(&named(EXPIRED), &url, "expired").await;
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a proxy is set in the environment of a process of its own"
)]
fn proxies_are_for_other_machines() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://u:canary@{}", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        // One request, for another machine. The one to this machine must not come here.
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).unwrap();
        stream.write_all(ANSWER).unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    });
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "client::ways::behind_a_proxy"])
        .env("HTTP_PROXY", &proxy)
        .env("http_proxy", &proxy)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env_remove("REQUEST_METHOD")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    let request = served.join().unwrap();
    assert!(
        request.starts_with("GET http://tc.example.com/x HTTP/1.1\r\n"),
        "{request}"
    );
}

#[tokio::test]
#[ignore = "run by `proxies_are_for_other_machines`, with a proxy in its environment"]
async fn behind_a_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = format!("http://{}/x", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhome")
            .unwrap();
    });
    let options = HttpOptions::default();
    assert_eq!(get(&options, &home).await.unwrap(), "home");
    assert_eq!(
        get(&options, "http://tc.example.com/x").await.unwrap(),
        "hi"
    );
    // The proxy answers once; what it refuses then names the destination, not the proxy and its password.
    let error = get(&options, "http://tc.example.com/x").await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}
