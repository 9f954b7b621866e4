//! Real signals to a process of this binary.

use testplan::signal::{SignalKind, Signals};

/// Set in the child that [`signals_arrive_repeatedly`] starts of this binary.
const CHILD: &str = "TESTPLAN_TEST_SIGNALS_IN_CHILD";

/// Signals go to a whole process, and tokio never removes a handler, so a process of its own takes them.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "starts this test binary once more"
)]
fn signals_arrive_repeatedly() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "signal::child_takes_both_signals", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && printed.contains("signals taken: 3"),
        "{printed}"
    );
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "kill is the simplest sender without unsafe code"
)]
async fn child_takes_both_signals() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mut signals = Signals::listen().unwrap();
    let sent = [
        ("-INT", SignalKind::Interrupt),
        ("-TERM", SignalKind::Terminate),
        ("-INT", SignalKind::Interrupt),
    ];
    for (name, kind) in sent {
        let status = std::process::Command::new("kill")
            .args([name, &std::process::id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
        assert_eq!(signals.next().await, kind);
    }
    println!("signals taken: {}", sent.len());
}
