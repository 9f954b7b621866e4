//! The ways a request takes: over TLS with an authority of one's own, and through proxies or past them.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use testplan::client::{HttpOptions, HttpTransport, Sent, Transport as _, TransportError};

use crate::http_server::{Answer, HttpServer};

const AUTHORITY: &[u8] = include_bytes!("../../fixtures/tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../fixtures/tls/leaf.pem");
const KEY: &[u8] = include_bytes!("../../fixtures/tls/leaf.key");

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
fn serve_tls(certificate: &[u8], key: &[u8]) -> HttpServer {
    HttpServer::start_tls(certificate, key, |_| Answer::new(200, "hi"))
}

#[tokio::test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "other platforms have their own opinion of a certificate that is good for a century"
)]
async fn named_certificate_authority_is_trusted() {
    let server = serve_tls(CERTIFICATE, KEY);
    let url = format!("{}/x", server.url);
    let named = HttpOptions {
        ca_cert_pem: Some(Bytes::from_static(AUTHORITY)),
        ..HttpOptions::default()
    };
    assert_eq!(get(&named, &url).await.unwrap(), "hi");

    let error = get(&HttpOptions::default(), &url).await.unwrap_err();
    assert_eq!(error.sent, Sent::No);
    assert!(error.message.contains("not trusted here"), "{error}");
    let help = error.certificate_help.unwrap();
    assert!(help.contains("--ca-cert"), "{help}");

    // It vouches for the address, not for every name of it.
    let error = get(&named, &format!("{}/x", server.url_at("localhost")))
        .await
        .unwrap_err();
    assert_eq!(error.sent, Sent::No, "{error}");
    assert!(error.message.contains("localhost"), "{error}");
    let help = error.certificate_help.unwrap();
    assert!(help.contains("use the name"), "{help}");
}

#[tokio::test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "other platforms have their own opinion of a certificate that is good for a century"
)]
async fn a_self_signed_certificate_is_trusted_when_it_is_named_itself() {
    let named = |pem: &'static [u8]| HttpOptions {
        ca_cert_pem: Some(Bytes::from_static(pem)),
        ..HttpOptions::default()
    };
    let server = serve_tls(SELF_SIGNED, SELF_SIGNED_KEY);
    let url = format!("{}/x", server.url_at("localhost"));
    assert_eq!(get(&named(SELF_SIGNED), &url).await.unwrap(), "hi");
    let both = [AUTHORITY, b"\n", SELF_SIGNED].concat();
    let both = HttpOptions {
        ca_cert_pem: Some(both.into()),
        ..HttpOptions::default()
    };
    assert_eq!(get(&both, &url).await.unwrap(), "hi");

    let refused = async |options: &HttpOptions, url: &str, says: &str, advises: &str| {
        let error = get(options, url).await.unwrap_err();
        assert_eq!(error.sent, Sent::No, "{error}");
        assert!(error.message.contains(says), "{error}");
        let help = error.certificate_help.unwrap();
        assert!(help.contains(advises), "{help}");
    };
    // Another one, with the same name and key, is not the one that was named.
    refused(
        &named(EXPIRED),
        &url,
        "that of an authority",
        "exactly this",
    )
    .await;
    refused(
        &named(AUTHORITY),
        &url,
        "that of an authority",
        "exactly this",
    )
    .await;
    refused(
        &HttpOptions::default(),
        &url,
        "that of an authority",
        "exactly this",
    )
    .await;
    let other_name = format!("{}/x", server.url);
    refused(
        &named(SELF_SIGNED),
        &other_name,
        "127.0.0.1",
        "use the name",
    )
    .await;
    let server = serve_tls(EXPIRED, SELF_SIGNED_KEY);
    let url = format!("{}/x", server.url_at("localhost"));
    refused(&named(EXPIRED), &url, "expired", "renew").await;
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a proxy is set in the environment of a process of its own"
)]
fn proxy_is_not_used_for_this_machine() {
    // One request, for another machine. The one to this machine must not come here.
    let server = HttpServer::replay([Answer::new(200, "hi"), Answer::close()]);
    let proxy = server.url_at("u:canary@127.0.0.1");
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
    let requests = server.requests();
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!(request.line(), "GET http://tc.example.com/x HTTP/1.1");
    }
}

#[tokio::test]
#[ignore = "run by `proxy_is_not_used_for_this_machine`, with a proxy in its environment"]
async fn behind_a_proxy() {
    let server = HttpServer::replay([Answer::new(200, "home")]);
    let home = format!("{}/x", server.url);
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
