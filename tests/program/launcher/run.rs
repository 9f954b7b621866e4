//! What happens around the binary: its arguments, environment and exit code, its signals, and the state for post.

use rustix::process::Signal;

use super::checkout::Checkout;
use crate::support::until;

#[test]
fn the_exit_code_is_the_binarys() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    for code in [0, 1, 2, 3, 4, 5, 70, 130, 143] {
        let binary = checkout.binary("binary", &format!("echo said; echo told >&2; exit {code}"));
        let ended = checkout.main().binary_path(binary).run().code_is(code);
        assert!(ended.stdout.ends_with("said\n"), "{ended}");
        assert_eq!(ended.stderr, "told\n");
        assert_eq!(ended.commands(), []);
    }
}

#[test]
fn a_binary_that_a_signal_ended_is_a_failure_that_is_told() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    for (signal, name) in [("KILL", "SIGKILL"), ("SEGV", "SIGSEGV")] {
        let binary = checkout.binary("binary", &format!("kill -{signal} $$"));
        let ended = checkout.main().binary_path(binary).run().code_is(3);
        let error = ended.only("error");
        assert!(
            error.contains(&format!("was ended by {name} before")),
            "{error}"
        );
        assert_eq!(error.contains("out of memory"), signal == "KILL");
    }
}

#[test]
fn arguments_and_environment_arrive_with_hyphens_and_all() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let binary = checkout.binary(
        "binary",
        r#"printf '<%s>' "$@"; tr '\0' '\n' </proc/$$/environ"#,
    );
    let ended = checkout
        .main()
        .binary_path(binary)
        .env("INPUT_PLAN-ID", "7")
        .env("INPUT_PLAN_ID", "8")
        .env("INPUT_LINKED-REPOS", "1\n2=main")
        .env("INPUT_URL", "")
        .env("GITHUB_TOKEN", "a b")
        .run()
        .code_is(0);
    assert!(ended.stdout.contains("<action>"), "{ended}");
    assert!(!ended.stdout.contains("<action><"), "{ended}");
    for line in [
        "INPUT_PLAN-ID=7",
        "INPUT_PLAN_ID=8",
        "INPUT_LINKED-REPOS=1\n2=main",
        "INPUT_URL=",
        "GITHUB_TOKEN=a b",
    ] {
        assert!(
            ended.stdout.contains(&format!("\n{line}\n")),
            "{line} in {ended}"
        );
    }
}

#[test]
fn every_signal_is_forwarded() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    for [first, second] in [
        [Signal::INT, Signal::TERM],
        [Signal::INT, Signal::INT],
        [Signal::HUP, Signal::TERM],
    ] {
        let running = checkout.main().binary_path(checkout.stubborn()).start();
        running.wait_for_line("ready action ");
        running.send(first);
        running.wait_for_line(&format!("got {}", name(first)));
        running.send(second);
        let ended = running.end().code_is(130);
        let said: Vec<&str> = ended
            .stdout
            .lines()
            .filter(|line| line.starts_with("got"))
            .collect();
        assert_eq!(
            said,
            [
                format!("got {}", name(first)),
                format!("got {}", name(second))
            ]
        );
        assert_eq!(ended.commands(), []);
    }
}

fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::INT => "SIGINT",
        Signal::TERM => "SIGTERM",
        _ => "SIGHUP",
    }
}

#[test]
fn the_state_is_there_while_the_binary_runs() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let binary = checkout.stubborn();
    let running = checkout.main().binary_path(&binary).start();
    let pid = running.wait_for_line("ready action ");
    until("the state", || (!checkout.state().is_empty()).then_some(()));
    let binary = binary.to_str().unwrap().to_owned();
    assert_eq!(
        checkout.state(),
        [("binary".to_owned(), binary), ("pid".to_owned(), pid)]
    );
    running.send(Signal::INT);
    running.wait_for_line("got SIGINT");
    running.send(Signal::INT);
    running.end().code_is(130);
}

#[test]
fn state_keeps_what_others_wrote_and_any_path() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    std::fs::write(checkout.path("state"), "held<<E\nfolder\nE\n").unwrap();
    let binary = checkout.binary("a=b<<c\nd\r% é", "exit 0");
    checkout.main().binary_path(&binary).run().code_is(0);
    let state = checkout.state();
    assert_eq!(state[0], ("held".to_owned(), "folder".to_owned()));
    assert_eq!(
        state[1],
        ("binary".to_owned(), binary.to_str().unwrap().to_owned())
    );
}

#[test]
fn without_a_state_file_the_binary_runs_all_the_same() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let binary = checkout.binary("binary", "exit 5");
    let ended = checkout
        .main()
        .binary_path(&binary)
        .without("GITHUB_STATE")
        .run()
        .code_is(5);
    assert_eq!(ended.commands(), []);

    let folder = checkout.path("workspace");
    let ended = checkout
        .main()
        .binary_path(&binary)
        .env("GITHUB_STATE", folder)
        .run()
        .code_is(5);
    assert!(ended.only("warning").contains("EISDIR"));
}
