//! The post step: ends what outlived the step, has leases given back, and never fails the job.

use std::{
    ffi::OsStr,
    fs,
    process::{Child, Command, Stdio},
};

use rustix::process::Signal;

use super::checkout::{Checkout, gone};
use crate::support::until;

/// Leaves the state of a step that ran this binary under this number.
fn leave(checkout: &Checkout, binary: &std::path::Path, pid: &str) {
    fs::write(
        checkout.path("state"),
        format!("binary<<E\n{}\nE\npid<<E\n{pid}\nE\n", binary.display()),
    )
    .unwrap();
}

#[test]
fn without_state_post_is_silent() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let ended = checkout.post().run().code_is(0);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
}

#[test]
fn post_runs_the_binary_that_main_ran() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let binary = checkout.binary(
        "binary",
        r#"echo "args: $*, held: $STATE_held"; echo "held<<E
folder
E" >>"$GITHUB_STATE""#,
    );
    checkout.main().binary_path(binary).run().code_is(0);
    let ended = checkout.post().run().code_is(0);
    assert_eq!(ended.stdout, "args: action --post, held: folder\n");
    assert_eq!(ended.stderr, "");
}

/// Under act, Gitea and Forgejo an output of post replaces the one of the step.
#[test]
fn post_has_nowhere_to_write_outputs_to() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let binary = checkout.binary("binary", r#"echo "[$GITHUB_OUTPUT] $RUNNER_TEMP""#);
    leave(&checkout, &binary, "");
    let output = checkout.path("output");
    let ended = checkout
        .post()
        .env("GITHUB_OUTPUT", &output)
        .run()
        .code_is(0);
    let temp = checkout.path("temp");
    assert_eq!(ended.stdout, format!("[] {}\n", temp.display()));
}

#[test]
fn a_binary_that_outlived_its_launcher_ends_before_leases_are_given_back() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let binary = checkout.program(
        "outliving",
        "const fs = require('node:fs');
        if (process.argv[3] === '--post') {
            console.log(`given back, ${fs.readFileSync('end', 'utf8')}`);
        } else {
            // Not at once: it has things to tidy up.
            process.on('SIGTERM', () => setTimeout(() => {
                fs.writeFileSync('end', 'after its end');
                process.exit(0);
            }, 300));
            setInterval(() => {}, 1e6);
            console.log(`ready ${process.pid}`);
        }",
    );

    let mut running = checkout.main().binary_path(&binary).start();
    let pid = running.wait_for_line("ready ");
    // The binary may be faster than its launcher's next line.
    until("the state", || (!checkout.state().is_empty()).then_some(()));
    running.send(Signal::KILL);
    running.end_alone();
    assert!(!gone(&pid), "the binary outlives a killed launcher");

    let ended = checkout.post().run().code_is(0);
    assert_eq!(ended.stdout, "given back, after its end\n");
    assert!(gone(&pid));
}

#[test]
fn a_binary_that_will_not_end_is_killed() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let binary = checkout.program(
        "stuck",
        "if (process.argv[3] !== '--post') {
            process.on('SIGTERM', () => {});
            setInterval(() => {}, 1e6);
            console.log(`ready ${process.pid}`);
        }",
    );
    let mut running = checkout.main().binary_path(&binary).start();
    let pid = running.wait_for_line("ready ");
    // The binary may be faster than its launcher's next line.
    until("the state", || (!checkout.state().is_empty()).then_some(()));
    running.send(Signal::KILL);
    running.end_alone();
    let ended = checkout.post().faster("clock").run().code_is(0);
    assert_eq!(ended.commands(), []);
    until("its end", || gone(&pid).then_some(()));
}

/// A process that is none of the step's. Ends with its test.
struct Stranger(Child);

impl Stranger {
    fn start(program: impl AsRef<OsStr>, argument: &str) -> Self {
        let mut command = Command::new(program);
        Self(command.arg(argument).stdout(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn strangers_with_the_binarys_number_are_left_alone() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let binary = checkout.binary("binary", "exit 0");
    let mut sleeping = Stranger::start("sleep", "1000");
    leave(&checkout, &binary, &sleeping.pid());
    checkout.post().run().code_is(0);
    // Another binary at the same thing.
    let another = checkout.program("another", "setInterval(() => {}, 1e6)");
    let mut acting = Stranger::start(another, "action");
    leave(&checkout, &binary, &acting.pid());
    checkout.post().run().code_is(0);
    // The same binary at another thing.
    let busy = checkout.program(
        "busy",
        "if (process.argv[2] === 'serve') setInterval(() => {}, 1e6)",
    );
    let mut serving = Stranger::start(&busy, "serve");
    leave(&checkout, &busy, &serving.pid());
    checkout.post().run().code_is(0);
    for stranger in [&mut sleeping, &mut acting, &mut serving] {
        assert_eq!(stranger.0.try_wait().unwrap(), None);
    }
}

#[test]
fn odd_numbers_are_nobodys() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let binary = checkout.binary("binary", "echo given back");
    for pid in ["", "0", "-1", "1e3", "nobody", "4194304"] {
        leave(&checkout, &binary, pid);
        let ended = checkout.post().run().code_is(0);
        assert_eq!(ended.stdout, "given back\n", "{pid}");
    }
}

#[test]
fn posts_own_trouble_is_a_warning() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let cases = [("exit 3", "exit code 3"), ("kill -KILL $$", "SIGKILL")];
    for (script, what) in cases {
        let binary = checkout.binary("binary", script);
        leave(&checkout, &binary, "");
        let warning = checkout.post().run().code_is(0).only("warning");
        assert!(warning.contains(what), "{warning}");
    }
    leave(&checkout, &checkout.path("not\nthere"), "");
    let warning = checkout.post().run().code_is(0).only("warning");
    assert!(
        warning.contains("ENOENT") && warning.contains("run out"),
        "{warning}"
    );
}

#[test]
fn giving_back_is_bounded_and_leaves_nothing() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let binary = checkout.binary("binary", "echo $$ >pid; exec sleep 1000");
    leave(&checkout, &binary, "");
    let warning = checkout
        .post()
        .faster("pause")
        .run()
        .code_is(0)
        .only("warning");
    assert!(warning.contains("did not end within 30 s"), "{warning}");
    if let Ok(pid) = fs::read_to_string(checkout.path("workspace/pid")) {
        until("the end of what hung", || gone(pid.trim()).then_some(()));
    }
}

#[test]
fn a_signal_reaches_the_giving_back() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    leave(&checkout, &checkout.stubborn(), "");
    let running = checkout.post().start();
    running.wait_for_line("ready action,--post ");
    running.send(Signal::INT);
    running.wait_for_line("got SIGINT");
    running.send(Signal::INT);
    let warning = running.end().code_is(0).only("warning");
    assert!(warning.contains("exit code 130"), "{warning}");
}
