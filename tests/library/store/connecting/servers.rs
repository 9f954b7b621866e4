//! Servers that are not there, that are not PostgreSQL, or that take no changes.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener},
};

use testplan::{
    model::{PlanId, Timestamp},
    store::{Store as _, StoreError, postgres::Target},
};

use super::{assert_fails, assert_opens, open};
use crate::{http_server::free_port, postgres_cluster::Cluster};

#[test]
fn server_that_is_not_there_is_named() {
    let port = free_port();
    assert_fails(
        &format!("postgres://ci:s3cret@127.0.0.1:{port}/tp"),
        &[],
        &[
            &format!("cannot connect to PostgreSQL at 127.0.0.1:{port}, database \"tp\""),
            "nothing accepts connections there; start the server",
        ],
    );
    assert_fails(
        "postgres://ci@no-such-host.invalid/tp",
        &[],
        &["no-such-host.invalid:5432", "check the name of the host"],
    );
    assert_fails(
        "host=/nonexistent user=ci",
        &[],
        &[
            "/nonexistent/.s.PGSQL.5432",
            "no socket of a server",
            "PGHOST",
        ],
    );
}

#[test]
fn server_of_another_protocol_is_named_as_such() {
    for (answer, mode) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "prefer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "disable"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "require"),
        (b"!\0\0\0\x04", "disable"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.write_all(answer).unwrap();
                // All that the client sends is read, so that its end is no reset.
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        let url = format!("postgres://ci@127.0.0.1:{port}/tp?sslmode={mode}");
        assert_fails(
            &url,
            &[],
            &["what answers there is not PostgreSQL; check host and port"],
        );
    }
}

#[test]
fn server_that_does_not_answer_costs_the_time_limit() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    assert_fails(
        &format!("postgres://ci@127.0.0.1:{port}/tp"),
        &[("PGCONNECT_TIMEOUT", "1")],
        &["did not answer within 2 s", "firewalls"],
    );
}

#[test]
fn first_server_that_takes_changes_is_used() {
    let Some(standby) = Cluster::start_standby() else {
        return;
    };
    let Some(frozen) = Cluster::start("default_transaction_read_only = on", "") else {
        return;
    };
    let Some(primary) = Cluster::start("", "") else {
        return;
    };
    let gone = free_port();
    assert_fails(
        &standby.url("postgres", "postgres"),
        &[],
        &[
            "it is a standby, which takes no changes",
            "name the primary",
        ],
    );
    assert_fails(
        &standby.url("postgres", "postgres?target_session_attrs=any"),
        &[],
        &["takes no changes", "25006"],
    );
    assert_fails(
        &frozen.url("postgres", "postgres"),
        &[],
        &["set to read-only"],
    );
    let (standby, frozen) = (standby.port, frozen.port);
    let list = format!("127.0.0.1:{gone},127.0.0.1:{standby},127.0.0.1:{frozen}");
    assert_fails(
        &format!("postgres://postgres@{list}/postgres"),
        &[],
        &[
            &format!("127.0.0.1:{gone}: nothing accepts"),
            &format!("127.0.0.1:{standby}: it is a standby"),
            &format!("127.0.0.1:{frozen}: it is set to read-only; name the primary"),
        ],
    );
    let list = format!("{list},127.0.0.1:{}", primary.port);
    assert_opens(&format!("postgres://postgres@{list}/postgres"), &[]);
}

#[test]
fn server_that_stops_is_named_and_used_again() {
    let Some(cluster) = Cluster::start("", "") else {
        return;
    };
    let store = open(&cluster.url("postgres", "postgres"), &[]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ask = || {
        runtime
            .block_on(store.plan(PlanId(7), Timestamp(0)))
            .unwrap_err()
    };
    assert!(matches!(ask(), StoreError::Refused(_)));
    cluster.stop();
    let place = format!("PostgreSQL at 127.0.0.1:{}", cluster.port);
    let texts = [ask().to_string(), ask().to_string()];
    for text in &texts {
        assert!(text.contains(&place) && !text.contains("BUG"), "{text}");
    }
    assert!(
        texts[1].contains("nothing accepts connections"),
        "{texts:?}"
    );
    cluster.start_again();
    // For a moment after a try that failed no other one is made.
    let mut text = ask();
    for _ in 0..50 {
        if matches!(text, StoreError::Refused(_)) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        text = ask();
    }
    assert!(matches!(text, StoreError::Refused(_)), "{text}");
}

#[test]
fn password_is_in_no_debug_output() {
    let target = Target::parse("postgres://ci:s3cret@db/tp").unwrap();
    assert!(target.has_password_in_url());
    let text = format!("{target:?} {target:#?} {target}");
    assert!(
        !text.contains("s3cret") && text.contains("db:5432"),
        "{text}"
    );

    let variable = |name: &str| (name == "PGPASSWORD").then(|| "s3cret".to_owned());
    let target = Target::from_environment(Some("postgres://ci@db/tp"), &variable).unwrap();
    assert!(!target.has_password_in_url());
    assert!(!format!("{target:?}").contains("s3cret"));
}
