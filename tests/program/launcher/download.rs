//! The download: verified, kept, tried again, and given up for good when something else came.

use std::fs;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::checkout::{Checkout, Launch, arch, executable};
use crate::support::{Answer, Ending, HttpServer, free_port, until};

const BINARY: &[u8] = b"#!/bin/sh\nexit 7\n";

/// A manifest's files: these bytes at this address, for every target there is.
pub(crate) fn files(url: &str, bytes: &[u8]) -> Value {
    let sha256 = format!("{:x}", Sha256::digest(bytes));
    let file = json!({ "url": url, "sha256": sha256, "size": bytes.len() });
    let targets = [
        "x86_64-unknown-linux-musl",
        "aarch64-unknown-linux-musl",
        "x86_64-apple-darwin",
        "aarch64-apple-darwin",
    ];
    targets
        .iter()
        .map(|target| ((*target).to_owned(), file.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn binary() -> Answer {
    Answer::new(200, BINARY)
}

/// An answer that breaks off in the middle of the binary.
fn half() -> Answer {
    let length = BINARY.len();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    Answer::raw([head.as_bytes(), &BINARY[..length / 2]].concat())
}

/// A host of releases: gives each answer once at one path, and the last one from then on.
pub(crate) fn release_host(answers: impl IntoIterator<Item = Answer>) -> HttpServer {
    let mut answers = answers.into_iter().collect::<Vec<_>>().into_iter();
    let mut last = None;
    HttpServer::start(move |request| {
        if request.call() != "GET /testplan" {
            return Answer::new(404, "");
        }
        last = answers.next().or_else(|| last.take());
        last.clone().unwrap()
    })
}

/// A host that gives these answers, and a checkout whose manifest expects [`BINARY`] there.
fn released(answers: impl IntoIterator<Item = Answer>) -> Option<(Checkout, HttpServer)> {
    let checkout = Checkout::new()?;
    let host = release_host(answers);
    checkout.release(&files(&format!("{}/testplan", host.url), BINARY));
    Some((checkout, host))
}

/// A cargo that must not be called.
fn forbid_building(checkout: &Checkout) {
    fs::write(checkout.path("action/Cargo.toml"), "").unwrap();
    fs::write(checkout.path("action/Cargo.lock"), "").unwrap();
    fs::create_dir(checkout.path("action/src")).unwrap();
    executable(
        &checkout.path("path/cargo"),
        "echo cargo was called; exit 1",
    );
}

/// That it failed closed: nothing run, kept or built.
#[track_caller]
fn fails_closed(checkout: &Checkout, launch: Launch) -> String {
    forbid_building(checkout);
    let ended = launch.run().code_is(3);
    assert!(!ended.stdout.contains("cargo was called"), "{ended}");
    let error = ended.only("error");
    assert!(error.contains("neither run nor kept"), "{error}");
    let kept: Vec<_> = ["tools", "temp"]
        .iter()
        .flat_map(|root| fs::read_dir(checkout.path(root)).unwrap())
        .collect();
    assert!(kept.is_empty(), "{kept:?}");
    assert_eq!(checkout.state(), []);
    error
}

#[test]
fn download_is_cached_and_run() {
    let Some((checkout, host)) = released([binary()]) else {
        return;
    };
    checkout.main().run().code_is(7);
    let place = checkout.kept("1.2.3");
    assert_eq!(fs::read(place.join("testplan")).unwrap(), BINARY);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
    assert!(
        place
            .with_file_name(format!("{}.complete", arch()))
            .is_file()
    );
    assert_eq!(
        checkout.state()[0].1,
        place.join("testplan").to_str().unwrap()
    );

    checkout.main().run().code_is(7);
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn a_cache_without_its_marker_is_written_anew() {
    let Some((checkout, host)) = released([binary()]) else {
        return;
    };
    checkout.keep("1.2.3", "exit 99");
    checkout.main().run().code_is(7);
    checkout.main().run().code_is(7);
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn a_cache_that_cannot_be_written_is_replaced_by_the_jobs_folder() {
    let Some((checkout, host)) = released([binary()]) else {
        return;
    };
    // A file where the folder has to be keeps out root, too.
    fs::write(checkout.path("tools/testplan"), "").unwrap();
    for _ in 0..2 {
        checkout.main().run().code_is(7);
    }
    assert_eq!(host.requests().len(), 1);
    fs::remove_dir_all(checkout.path("temp")).unwrap();
    fs::write(checkout.path("temp"), "").unwrap();
    let error = checkout.main().run().code_is(3).only("error");
    assert!(
        error.contains("could not be kept") && error.contains("RUNNER_TEMP"),
        "{error}"
    );
}

#[test]
fn without_a_tool_cache_the_jobs_folder_serves() {
    let Some((checkout, host)) = released([binary()]) else {
        return;
    };
    for _ in 0..2 {
        checkout
            .main()
            .without("RUNNER_TOOL_CACHE")
            .run()
            .code_is(7);
    }
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn redirects_are_followed() {
    let there = release_host([binary()]);
    let Some((checkout, _host)) =
        released([Answer::redirect(302, &format!("{}/testplan", there.url))])
    else {
        return;
    };
    checkout.main().run().code_is(7);
    assert_eq!(there.requests().len(), 1);
}

#[test]
fn temporary_download_failures_are_retried() {
    let Some((checkout, host)) = released([Answer::new(503, ""), half(), binary()]) else {
        return;
    };
    let ended = checkout.main().faster("pause").run().code_is(7);
    assert_eq!(host.requests().len(), 3);
    assert!(
        ended
            .stdout
            .contains("attempt 1 of 3 failed: answered 503\n"),
        "{ended}"
    );
    assert!(ended.stdout.contains("attempt 2 of 3 failed: "), "{ended}");
    assert_eq!(ended.commands(), []);
}

#[test]
fn after_three_attempts_the_source_is_built() {
    for answer in [Answer::new(500, ""), Answer::new(429, ""), half()] {
        let Some((checkout, host)) = released([answer]) else {
            return;
        };
        forbid_building(&checkout);
        let ended = checkout.main().faster("pause").run().code_is(3);
        assert_eq!(host.requests().len(), 3);
        assert!(ended.stdout.contains("cargo was called"), "{ended}");
        let errors: Vec<_> = ended
            .commands()
            .into_iter()
            .filter(|(name, _)| name == "error")
            .collect();
        let error = &errors[0].1;
        assert!(
            error.contains(&format!(
                "- download: {}/testplan failed 3 times, last with: ",
                host.url
            )),
            "{error}"
        );
        assert!(
            error.contains("- build: cargo ended with exit code 1"),
            "{error}"
        );
        assert!(error.ends_with(&format!("\nLet this runner reach {}, or give the path of a testplan binary in the input binary-path.", host.url)), "{error}");
    }
}

#[test]
fn download_answered_with_404_is_not_retried() {
    let Some((checkout, host)) = released([Answer::new(404, "")]) else {
        return;
    };
    let error = checkout.main().run().code_is(3).only("error");
    assert!(
        error.contains(&format!("- download: {}/testplan answered 404\n", host.url)),
        "{error}"
    );
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn hanging_download_ends_in_time() {
    let Some((checkout, _host)) = released([Answer::hang()]) else {
        return;
    };
    let error = checkout
        .main()
        .faster("pause,limit")
        .run()
        .code_is(3)
        .only("error");
    assert!(
        error.contains("failed 3 times, last with: ") && error.contains("timeout"),
        "{error}"
    );
}

#[test]
fn unreachable_download_host_is_reported() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let port = free_port();
    checkout.release(&files(&format!("http://127.0.0.1:{port}/testplan"), BINARY));
    let error = checkout
        .main()
        .faster("pause")
        .run()
        .code_is(3)
        .only("error");
    assert!(error.contains("ECONNREFUSED"), "{error}");
}

#[test]
fn wrong_bytes_fail_closed() {
    let other = b"#!/bin/sh\nexit 0\n";
    assert_eq!(other.len(), BINARY.len());
    for bytes in [
        &other[..],
        &BINARY[..9],
        b"",
        b"<html>Sign in to the network, please</html>",
    ] {
        let Some((checkout, host)) = released([Answer::new(200, bytes), binary()]) else {
            return;
        };
        let error = fails_closed(&checkout, checkout.main());
        assert!(
            error.contains(&format!("{}/testplan is not testplan 1.2.3", host.url)),
            "{error}"
        );
        assert_eq!(host.requests().len(), 1);
    }
}

#[test]
fn endless_download_fails_closed() {
    let Some((checkout, host)) = released([Answer::endless(200)]) else {
        return;
    };
    let error = fails_closed(&checkout, checkout.main());
    assert!(
        error.contains(&format!("more than {} bytes", BINARY.len())),
        "{error}"
    );
    until("the client to hang up", || {
        (host.hung_up() > 0).then_some(())
    });
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let address = "http://releases.invalid/testplan";
    // Asked for by the whole address, or through a tunnel by the path alone.
    let proxy = HttpServer::start(|request| match request.call() {
        "GET http://releases.invalid/testplan" | "GET /testplan" => binary(),
        // What goes through the tunnel comes as a request of its own.
        tunnel if tunnel.starts_with("CONNECT ") => {
            Answer::raw("HTTP/1.1 200 OK\r\n\r\n").then(Ending::KeepOpen)
        }
        _ => Answer::new(404, ""),
    });
    checkout.release(&files(address, BINARY));
    checkout
        .main()
        .env("HTTP_PROXY", &proxy.url)
        .env("http_proxy", &proxy.url)
        .run()
        .code_is(7);
    assert!(
        proxy.requests()[0].line().contains("releases.invalid"),
        "{:?}",
        proxy.requests()
    );
}

#[test]
fn download_address_is_printed_as_text() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let host = HttpServer::start(|request| match request.call() {
        "GET /testplan" | "GET /testplan?" => binary(),
        _ => Answer::new(404, ""),
    });
    for hostile in ["##[warning]x", "\n::warning::x", "\r  ::warning::x"] {
        checkout.release(&files(&format!("{}/testplan?#{hostile}", host.url), BINARY));
        let ended = checkout.main().run().code_is(7);
        assert!(ended.stdout.contains("downloading http"), "{ended}");
        assert_eq!(ended.commands(), [], "{ended}");
        fs::remove_dir_all(checkout.path("tools/testplan")).unwrap();
    }
}
