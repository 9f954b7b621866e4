//! The way to GitHub: proxies, certificates, names, and the token that goes to one host alone.

use std::time::Duration;

use secrecy::SecretString;
use testplan::ci::github::{
    Address, GitHub, GitHubPatience, NetworkFailure, PublishError, notices,
};

use super::{
    commit_status,
    stage::{BRIEF, Call, TOKEN, github},
};
use crate::support::{Answer, HttpServer, free_port};

fn trouble(why: &PublishError) -> NetworkFailure {
    match why {
        PublishError::Unreachable { failure, .. } => *failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn closed_port_differs_from_lost_connection() {
    let port = free_port();
    for call in Call::ALL {
        let github = github(&format!("http://127.0.0.1:{port}"), BRIEF);
        let why = call.make(&github).await.unwrap_err();
        assert_eq!(trouble(&why), NetworkFailure::Connection, "{why}");
    }
}

#[tokio::test]
async fn server_without_tls_is_recognised() {
    let plain = HttpServer::replay([Answer::close()]);
    let url = plain.url.replace("http:", "https:");
    let why = Call::Status.make(&github(&url, BRIEF)).await.unwrap_err();
    assert_eq!(trouble(&why), NetworkFailure::NotTls, "{why}");
}

/// An API behind a certificate that only the authority of these tests vouches for.
fn serve_tls() -> HttpServer {
    testplan::client::install_tls_provider();
    HttpServer::start_tls(CERTIFICATE, KEY, |_| Answer::new(201, ""))
}

const CERTIFICATE: &[u8] = include_bytes!("../../fixtures/tls/leaf.pem");
const KEY: &[u8] = include_bytes!("../../fixtures/tls/leaf.key");

#[tokio::test]
async fn untrusted_certificate_gets_no_token() {
    let patience = GitHubPatience::default();
    let api = serve_tls();
    let why = Call::Status.make(&github(&api.url, patience)).await;
    let why = why.unwrap_err();
    assert_eq!(trouble(&why), NetworkFailure::Certificate, "{why}");
    let address = Address::new("https://x", "o/r").unwrap();
    let lines = notices(&address, &[(Call::Status.ask(), why)], None);
    assert!(lines[0].contains("SSL_CERT_FILE"), "{lines:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn certificates_of_the_machine_are_trusted() {
    let folder = commit_status::failed();
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/ca.pem");
    let api = serve_tls();
    let mut command = commit_status::report(folder.path(), &api.url);
    command.env("SSL_CERT_FILE", authority);
    let (code, text) = commit_status::said(&command.output().unwrap());
    assert_eq!(code, 1, "{text}");
    assert!(commit_status::warnings(&text).is_empty(), "{text}");
    assert!(text.contains("commit status failure set"), "{text}");
}

#[test]
fn proxy_does_not_see_the_token() {
    let proxy = HttpServer::replay([Answer::json(403, "no way")]);
    let folder = commit_status::failed();
    let mut command = commit_status::report(folder.path(), "https://github.example.com/api/v3");
    command.env(
        "HTTPS_PROXY",
        proxy.url.replace("://", "://me:PasswordOfProxy@"),
    );
    let (code, text) = commit_status::said(&command.output().unwrap());
    assert_eq!(code, 1, "{text}");
    let [warning] = commit_status::warnings(&text)[..] else {
        panic!("not one warning: {text}");
    };
    assert!(warning.contains("HTTPS_PROXY"), "{warning}");
    assert!(!text.contains("PasswordOfProxy"), "{text}");
    let asked = proxy.requests();
    assert!(!asked.is_empty());
    for request in asked {
        assert_eq!(request.line(), "CONNECT github.example.com:443 HTTP/1.1");
        assert_eq!(request.header("authorization"), [""; 0]);
    }
}

#[tokio::test]
async fn redirect_does_not_get_the_token() {
    let other = HttpServer::replay([Answer::json(200, "[]")]);
    let location = format!("{}/x", other.url_at("localhost"));
    for code in [301, 302, 303, 307, 308] {
        let mock = HttpServer::replay([Answer::redirect(code, &location)]);
        for call in Call::ALL {
            let why = call.make(&github(&mock.url, BRIEF)).await.unwrap_err();
            assert!(
                matches!(why, PublishError::Refused { code: found, .. } if found == code),
                "{why:?}"
            );
        }
    }
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn each_header_is_sent_once() {
    let mock = HttpServer::replay([Answer::json(404, "{}")]);
    for call in Call::ALL {
        let _ = call.make(&github(&mock.url, BRIEF)).await;
    }
    for request in mock.requests() {
        let version = concat!("testplan/", env!("CARGO_PKG_VERSION"));
        assert_eq!(request.header("user-agent"), [version]);
        assert_eq!(request.header("accept"), ["application/vnd.github+json"]);
        assert_eq!(request.header("authorization"), [format!("Bearer {TOKEN}")]);
        assert_eq!(request.header("x-github-api-version"), ["2022-11-28"]);
        assert_eq!(request.header("host").len(), 1);
    }
}

#[tokio::test]
async fn malformed_token_is_not_sent() {
    testplan::client::install_tls_provider();
    let address = Address::new("http://127.0.0.1:1", "o/r").unwrap();
    for bad in ["", "a b", "a\nb", "é"] {
        let patience = GitHubPatience {
            request: Duration::from_secs(1),
            total: Duration::from_secs(1),
        };
        let why = GitHub::new(&address, &SecretString::from(bad), patience).unwrap_err();
        assert_eq!(why, PublishError::BadToken);
        let lines = notices(&address, &[(Call::Status.ask(), why)], None);
        assert!(lines[0].contains("${{ github.token }}"), "{lines:?}");
    }
}
