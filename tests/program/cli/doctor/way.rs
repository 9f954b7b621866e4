//! The way to the service: where it breaks, and what is said then.

use std::time::{Duration, Instant};

use super::{Diagnosis, scripted_center::refusal};
use crate::support::{Answer, HttpRequest, HttpServer, Stage};

const HTML: &str = "Content-Type: text/html";
const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/ca.pem");
const LEAF: &[u8] = include_bytes!("../../../fixtures/tls/leaf.pem");
const KEY: &[u8] = include_bytes!("../../../fixtures/tls/leaf.key");
const OTHER_AUTHORITY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/program/cli/doctor/tls/ca.pem"
);
const EXPIRED: &[u8] = include_bytes!("tls/expired.pem");
const EXPIRED_KEY: &[u8] = include_bytes!("tls/expired.key");

fn look(url: &str, more: &[&str]) -> Diagnosis {
    let mut arguments = vec!["--url", url];
    arguments.extend(more);
    Diagnosis::of(&Stage::new(), &arguments)
}

#[test]
fn access_depends_on_the_answer_to_credentials() {
    let page = "<!DOCTYPE html><title>Welcome</title>CanaryCanary0123";
    let table: [(Answer, &[&str]); 10] = [
        (
            Answer::redirect(302, "/login/index?next=x"),
            &[
                "token was rejected or is missing",
                "302",
                "TESTCENTER_TOKEN",
            ],
        ),
        (
            Answer::redirect(302, "/activation/index"),
            &["no licence", "browser"],
        ),
        (
            Answer::redirect(302, "/tc/execution/v1/squishservers"),
            &["elsewhere", "TESTCENTER_URL to http://127.0.0.1:"],
        ),
        (
            Answer::redirect(302, "https://tc.example.com/execution/v1/squishservers"),
            &["redirected to https://tc.example.com/", "ask the operator"],
        ),
        (refusal(401, "who?"), &["rejected", "401", "who?"]),
        (refusal(403, "not you"), &["403", "not you", "rights"]),
        (
            Answer::new(200, page).header(HTML),
            &["not the API's", "<!DOCTYPE", "URL"],
        ),
        (
            Answer::new(404, page).header(HTML),
            &["not the API's", "URL"],
        ),
        (
            Answer::new(502, page).header(HTML),
            &["service failed", "502", "log"],
        ),
        (refusal(429, "slowly"), &["slowly", "later"]),
    ];
    for (answer, says) in table {
        let service = HttpServer::start(move |request| match request.call() {
            "GET /" => Answer::redirect(302, "/login/index"),
            _ => answer.clone(),
        });
        let diagnosis = look(&service.url, &[]);
        diagnosis.has("service.access", "problem", says);
        diagnosis.has("service.answer", "ok", &["log-in page"]);
        diagnosis.has("service.credentials", "ok", &["variable TESTCENTER_TOKEN"]);
        diagnosis.has("service.connection", "ok", &["127.0.0.1"]);
        diagnosis.ends(3);
    }
}

#[test]
fn missing_server_list_is_a_warning() {
    let service = HttpServer::start(|_| refusal(404, "no such call"));
    let diagnosis = look(&service.url, &[]);
    diagnosis.has("service.access", "warning", &["accepted", "no such call"]);
    diagnosis.has("capabilities.servers", "not checked", &[]);
}

#[test]
fn unactivated_test_center_is_a_problem() {
    let service = HttpServer::start(|_| Answer::redirect(302, "/activation/index"));
    let diagnosis = look(&service.url, &[]);
    diagnosis.has(
        "service.answer",
        "problem",
        &["licence", "first user", "browser"],
    );
    diagnosis.ends(3);
}

/// Without credentials it is asked without them, and who we are is told by name.
#[test]
fn credentials_are_named_but_not_printed() {
    let service = HttpServer::start(|_| Answer::json(200, serde_json::json!([])));
    let url = &service.url;
    let stage = Stage::new();
    stage.write("token", "CanaryCanary0123");
    let with = |more: &[&str], variables: &[(&str, &str)]| {
        let mut arguments = vec!["--url", url];
        arguments.extend(more);
        Diagnosis::with(&stage, &arguments, variables)
    };
    let user = ("TESTCENTER_USER", "ann@example.com");
    let password = ("TESTCENTER_PASSWORD", "CanaryCanary0123");
    let token = ("TESTCENTER_TOKEN", "CanaryCanary0123");

    let diagnosis = with(&[], &[]);
    diagnosis.has("service.credentials", "ok", &["none are set"]);
    diagnosis.has("service.access", "ok", &["asks for no credentials"]);
    for request in service.requests() {
        assert_eq!(request.header("authorization"), [""; 0]);
    }

    let diagnosis = with(&[], &[user, password]);
    diagnosis.has("service.credentials", "ok", &["ann@example.com"]);
    diagnosis.has(
        "service.access",
        "ok",
        &["user ann@example.com is accepted"],
    );

    let diagnosis = with(&[], &[token, user, password]);
    diagnosis.has(
        "service.credentials",
        "problem",
        &["TESTCENTER_TOKEN and TESTCENTER_USER", "give one of"],
    );
    diagnosis.ends(2);

    let diagnosis = with(&[], &[user]);
    diagnosis.has(
        "service.credentials",
        "problem",
        &["TESTCENTER_PASSWORD is not"],
    );
    diagnosis.has("service.access", "not checked", &[]);
    diagnosis.ends(2);

    let diagnosis = with(&["--token-file=none"], &[]);
    diagnosis.has("service.credentials", "problem", &["token file none"]);
    diagnosis.ends(2);
}

#[cfg(unix)]
#[test]
fn readable_token_file_is_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let service = HttpServer::start(|_| Answer::json(200, serde_json::json!([])));
    let stage = Stage::new();
    stage.write("token", "CanaryCanary0123");
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(stage.path("token"), open).unwrap();
    let url = &service.url;
    let diagnosis = Diagnosis::with(&stage, &["--url", url, "--token-file=token"], &[]);
    diagnosis.has(
        "service.credentials",
        "warning",
        &["--token-file", "everybody", "chmod 600"],
    );
    diagnosis.ends(0);
}

#[test]
fn closed_port_and_unknown_host_are_problems() {
    let refused = look("http://127.0.0.1:1", &[]);
    refused.has(
        "service.connection",
        "problem",
        &["nothing listens on 127.0.0.1:1", "start"],
    );
    for id in [
        "service.answer",
        "service.access",
        "clock.difference",
        "dialect.service",
    ] {
        refused.has(id, "not checked", &[]);
    }
    refused.ends(3);

    let unknown = look("https://testcenter.invalid", &[]);
    unknown.has(
        "service.connection",
        "problem",
        &["testcenter.invalid", "resolved", "host"],
    );
    unknown.has("service.tls", "not checked", &[]);
    unknown.ends(3);
}

#[test]
fn foreign_server_is_a_problem() {
    let began = Instant::now();
    let hangs = HttpServer::replay([Answer::hang()]);
    let silent = look(&hangs.url, &[]);
    silent.has(
        "service.answer",
        "problem",
        &["does not answer in time", "log"],
    );
    silent.has("service.access", "not checked", &[]);
    silent.ends(3);
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );

    let garbage = HttpServer::start(|_| Answer::raw("SSH-2.0-OpenSSH_9.2\r\n"));
    let odd = look(&garbage.url, &[]);
    odd.has(
        "service.answer",
        "problem",
        &["nothing that speaks HTTP", "host and port"],
    );
    odd.ends(3);
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "other platforms have their own opinion of a certificate that is good for a century"
)]
fn certificates() {
    let script = |_: &HttpRequest| Answer::json(200, serde_json::json!([]));
    let good = HttpServer::start_tls(LEAF, KEY, script);
    let expired = HttpServer::start_tls(EXPIRED, EXPIRED_KEY, script);
    let plain = HttpServer::start(script);

    let trusted = look(&good.url, &["--ca-cert", AUTHORITY]);
    trusted.has("service.tls", "ok", &["trusted", "ca.pem"]);
    trusted.has("service.access", "ok", &["token is accepted"]);
    trusted.ends(0);

    let table = [
        (good.url.clone(), None, &["authority", "--ca-cert"][..]),
        (
            good.url_at("localhost"),
            Some(AUTHORITY),
            &["another name", "localhost"],
        ),
        (
            expired.url.clone(),
            Some(OTHER_AUTHORITY),
            &["has expired", "renew"],
        ),
        (
            plain.url.replace("http:", "https:"),
            None,
            &["does not speak TLS", "http://"],
        ),
    ];
    for (url, authority, says) in table {
        let flags: Vec<&str> = authority
            .iter()
            .flat_map(|file| ["--ca-cert", file])
            .collect();
        let diagnosis = look(&url, &flags);
        diagnosis.has("service.tls", "problem", says);
        diagnosis.has("service.answer", "not checked", &["encryption"]);
        diagnosis.has("service.access", "not checked", &[]);
        diagnosis.ends(3);
    }
    // Whoever cannot be trusted was told nothing.
    assert_eq!(expired.requests().len(), 0);

    let stage = Stage::new();
    stage.write("none.pem", "hello");
    let url = &good.url;
    let diagnosis = Diagnosis::of(&stage, &["--url", url, "--ca-cert=none.pem"]);
    diagnosis.has(
        "service.tls",
        "problem",
        &["no certificate", "BEGIN CERTIFICATE"],
    );
    diagnosis.ends(2);
}

#[test]
fn plain_http_to_another_machine_is_reported() {
    let url = "http://testcenter.invalid";
    let refused = look(url, &[]);
    refused.has("service.tls", "problem", &["unencrypted", "--allow-http"]);
    refused.ends(2);
    let allowed = look(url, &["--allow-http"]);
    allowed.has(
        "service.tls",
        "warning",
        &["unencrypted, because of --allow-http", "https://"],
    );
    allowed.ends(3);
    let nobody = Diagnosis::with(&Stage::new(), &["--url", url], &[]);
    nobody.has("service.tls", "warning", &["read and change"]);
}

#[test]
fn malformed_urls_are_problems() {
    for (url, says) in [
        ("testcenter.example.com", "http://"),
        ("ftp://x", "http://"),
        ("http://me:CanaryCanary0123@x", "user or password"),
        ("", "http://"),
    ] {
        let diagnosis = look(url, &[]);
        diagnosis.has("service.url", "problem", &[says]);
        diagnosis.ends(2);
    }
}

#[test]
fn unreachable_proxy_is_a_problem() {
    let proxy = "http://me:CanaryCanary0123@127.0.0.1:1";
    let url = "https://testcenter.example.com";
    let diagnosis = Diagnosis::with(&Stage::new(), &["--url", url], &[("HTTPS_PROXY", proxy)]);
    diagnosis.has(
        "configuration.proxy",
        "ok",
        &["go through http://127.0.0.1:1"],
    );
    diagnosis.has("service.connection", "not checked", &["http://127.0.0.1:1"]);
    diagnosis.has(
        "service.answer",
        "problem",
        &["nothing listens on http://127.0.0.1:1", "NO_PROXY"],
    );
    diagnosis.ends(3);
    let here = Diagnosis::with(
        &Stage::new(),
        &["--url=http://127.0.0.1:1"],
        &[("ALL_PROXY", proxy)],
    );
    here.has(
        "configuration.proxy",
        "ok",
        &["ALL_PROXY does not apply to this machine"],
    );
}
