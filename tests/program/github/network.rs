//! The way to GitHub: proxies, certificates, names, and the token that goes to one host alone.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use secrecy::SecretString;
use testplan::ci::github::{Address, GitHub, NotSet, Patience, Trouble, notices};

use super::{
    commit_status,
    mock::{Mock, Reply},
    stage::{BRIEF, Call, TOKEN, github},
};

fn trouble(why: &NotSet) -> Trouble {
    match why {
        NotSet::Unreachable { trouble, .. } => *trouble,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nobody_who_listens_is_told_from_a_connection_that_is_lost() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    for call in Call::ALL {
        let github = github(&format!("http://127.0.0.1:{port}"), BRIEF);
        let why = call.make(&github).await.unwrap_err();
        assert_eq!(trouble(&why), Trouble::Connection, "{why}");
    }
}

#[tokio::test]
async fn what_speaks_no_tls_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let why = Call::Status.make(&github(&url, BRIEF)).await.unwrap_err();
    assert_eq!(trouble(&why), Trouble::NotTls, "{why}");
}

/// An API behind a certificate that only the authority of these tests vouches for.
fn serve_tls() -> String {
    testplan::client::install_tls_provider();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            if tls.read(&mut [0; 4096]).is_ok() {
                let _ = tls.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n");
            }
        }
    });
    url
}

const CERTIFICATE: &[u8] = include_bytes!("../../fixtures/tls/leaf.pem");
const KEY: &[u8] = include_bytes!("../../fixtures/tls/leaf.key");

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_no_token() {
    let patience = Patience::default();
    let why = Call::Status.make(&github(&serve_tls(), patience)).await;
    let why = why.unwrap_err();
    assert_eq!(trouble(&why), Trouble::Certificate, "{why}");
    let address = Address::new("https://x", "o/r").unwrap();
    let lines = notices(&address, &[(Call::Status.ask(), why)], None);
    assert!(lines[0].contains("SSL_CERT_FILE"), "{lines:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_machine_vouches_for_is_trusted() {
    let folder = commit_status::failed();
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/ca.pem");
    let mut command = commit_status::report(folder.path(), &serve_tls());
    command.env("SSL_CERT_FILE", authority);
    let (code, text) = commit_status::said(&command.output().unwrap());
    assert_eq!(code, 1, "{text}");
    assert!(commit_status::warnings(&text).is_empty(), "{text}");
    assert!(text.contains("commit status failure set"), "{text}");
}

#[test]
fn a_proxy_leads_to_github_and_does_not_see_the_token() {
    let proxy = Mock::start(&[Reply::Says(403, "", "no way")]);
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
    let asked = proxy.asked();
    assert!(!asked.is_empty());
    for request in asked {
        assert_eq!(request.line, "CONNECT github.example.com:443 HTTP/1.1");
        assert_eq!(request.header("authorization"), [""; 0]);
    }
}

#[tokio::test]
async fn a_redirect_takes_the_token_nowhere() {
    let other = Mock::start(&[Reply::Says(200, "", "[]")]);
    let location = format!(
        "location: {}/x\r\n",
        other.url.replace("127.0.0.1", "localhost")
    );
    let location: &'static str = Box::leak(location.into_boxed_str());
    for code in [301, 302, 303, 307, 308] {
        let mock = Mock::start(Box::leak(Box::new([Reply::Says(code, location, "")])));
        for call in Call::ALL {
            let why = call.make(&github(&mock.url, BRIEF)).await.unwrap_err();
            assert!(
                matches!(why, NotSet::Refused { code: found, .. } if found == code),
                "{why:?}"
            );
        }
    }
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test]
async fn one_of_each_header_goes_out() {
    let mock = Mock::start(&[Reply::Says(404, "", "{}")]);
    for call in Call::ALL {
        let _ = call.make(&github(&mock.url, BRIEF)).await;
    }
    for request in mock.asked() {
        let version = concat!("testplan/", env!("CARGO_PKG_VERSION"));
        assert_eq!(request.header("user-agent"), [version]);
        assert_eq!(request.header("accept"), ["application/vnd.github+json"]);
        assert_eq!(request.header("authorization"), [format!("Bearer {TOKEN}")]);
        assert_eq!(request.header("x-github-api-version"), ["2022-11-28"]);
        assert_eq!(request.header("host").len(), 1);
    }
}

#[tokio::test]
async fn a_token_that_is_none_is_not_sent() {
    testplan::client::install_tls_provider();
    let address = Address::new("http://127.0.0.1:1", "o/r").unwrap();
    for bad in ["", "a b", "a\nb", "é"] {
        let patience = Patience {
            request: Duration::from_secs(1),
            total: Duration::from_secs(1),
        };
        let why = GitHub::new(&address, &SecretString::from(bad), patience).unwrap_err();
        assert_eq!(why, NotSet::BadToken);
        let lines = notices(&address, &[(Call::Status.ask(), why)], None);
        assert!(lines[0].contains("${{ github.token }}"), "{lines:?}");
    }
}
