//! The way to GitHub: proxies, certificates, names, and the token that goes to one host alone.

use std::{net::TcpListener, time::Duration};

use secrecy::SecretString;
use testplan::ci::github::{Address, GitHub, NotSet, Patience, Trouble, notices};

use crate::{
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
    let mock = Mock::start(&[Reply::Cuts]);
    let url = mock.url.replace("http://", "https://");
    let github = github(&url, BRIEF);
    // The mock reads a greeting as a line that never ends.
    let why = Call::Status.make(&github).await.unwrap_err();
    assert!(
        matches!(why, NotSet::Silent | NotSet::Unreachable { .. }),
        "{why:?}"
    );
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
