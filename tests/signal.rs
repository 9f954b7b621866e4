//! Real signals to this process.
#![cfg(unix)]

use testplan::signal::{SignalKind, Signals};

/// One test for all: signals go to the whole process.
#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "kill is the simplest sender without unsafe code"
)]
async fn the_system_tells_of_both_signals_again_and_again() {
    let mut signals = Signals::listen().unwrap();
    for (name, kind) in [
        ("-INT", SignalKind::Interrupt),
        ("-TERM", SignalKind::Terminate),
        ("-INT", SignalKind::Interrupt),
    ] {
        let status = std::process::Command::new("kill")
            .args([name, &std::process::id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
        assert_eq!(signals.next().await, kind);
    }
}
