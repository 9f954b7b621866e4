//! Signals that come before the binary runs.

use std::fs;

use rustix::process::Signal;

use super::{
    checkout::{Checkout, executable, gone},
    download::{files, release_host},
};
use crate::support::{Answer, until};

const SIGNALS: [(Signal, i32); 3] = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];

#[test]
fn signal_aborts_a_download() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let host = release_host([Answer::hang()]);
    checkout.release(&files(&format!("{}/testplan", host.url), b"x"));
    for (count, (signal, code)) in (1..).zip(SIGNALS) {
        let running = checkout.main().start();
        until("a request", || (host.hanging() == count).then_some(()));
        running.send(signal);
        let ended = running.end().code_is(code);
        until("the end of the connection", || {
            (host.hung_up() == count).then_some(())
        });
        assert_eq!(ended.commands(), []);
        assert_eq!(checkout.state(), []);
    }
}

#[test]
fn signal_ends_a_build_with_its_compilers() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    fs::create_dir(checkout.path("action/src")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock"] {
        fs::write(checkout.path("action").join(file), "").unwrap();
    }
    // Ends when the compiler does, not by itself: as cargo does.
    executable(
        &checkout.path("path/cargo"),
        "sleep 1000 & echo \"compiler $!\"; wait; wait",
    );
    for (signal, code) in SIGNALS {
        let mut running = checkout.main().start();
        let compiler = running.wait_for_line("compiler ");
        running.send(signal);
        assert_eq!(running.end_alone().code(), Some(code));
        until("the compiler's end", || gone(&compiler).then_some(()));
    }
    assert!(!checkout.path("tools/testplan").exists());
}
