//! The post step: ends what outlived the step, has leases given back, and never fails the job.

use std::{
    ffi::OsStr,
    fs,
    process::{Child, Command, Stdio},
};

use rustix::process::Signal;

use super::stage::{Stage, gone};
use crate::support::until;

/// Leaves the state of a step that ran this binary under this number.
fn leave(stage: &Stage, binary: &std::path::Path, pid: &str) {
    fs::write(
        stage.path("state"),
        format!("binary<<E\n{}\nE\npid<<E\n{pid}\nE\n", binary.display()),
    )
    .unwrap();
}

#[test]
fn without_state_post_is_silent() {
    let Some(stage) = Stage::new() else { return };
    let ended = stage.post().run().code_is(0);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
}

#[test]
fn post_runs_the_binary_that_main_ran() {
    let Some(stage) = Stage::new() else { return };
    let binary = stage.binary(
        "binary",
        r#"echo "args: $*, held: $STATE_held"; echo "held<<E
folder
E" >>"$GITHUB_STATE""#,
    );
    stage.main().binary_path(binary).run().code_is(0);
    let ended = stage.post().run().code_is(0);
    assert_eq!(ended.stdout, "args: action --post, held: folder\n");
    assert_eq!(ended.stderr, "");
}

/// Under act, Gitea and Forgejo an output of post replaces the one of the step.
#[test]
fn post_has_nowhere_to_write_outputs_to() {
    let Some(stage) = Stage::new() else { return };
    let binary = stage.binary("binary", r#"echo "[$GITHUB_OUTPUT] $RUNNER_TEMP""#);
    leave(&stage, &binary, "");
    let output = stage.path("output");
    let ended = stage.post().env("GITHUB_OUTPUT", &output).run().code_is(0);
    let temp = stage.path("temp");
    assert_eq!(ended.stdout, format!("[] {}\n", temp.display()));
}

#[test]
fn a_binary_that_outlived_its_launcher_ends_before_leases_are_given_back() {
    let Some(stage) = Stage::new() else { return };
    let binary = stage.program(
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

    let mut running = stage.main().binary_path(&binary).start();
    let pid = running.until_said("ready ");
    // The binary may be faster than its launcher's next line.
    until("the state", || (!stage.state().is_empty()).then_some(()));
    running.send(Signal::KILL);
    running.end_alone();
    assert!(!gone(&pid), "the binary outlives a killed launcher");

    let ended = stage.post().run().code_is(0);
    assert_eq!(ended.stdout, "given back, after its end\n");
    assert!(gone(&pid));
}

#[test]
fn a_binary_that_will_not_end_is_killed() {
    let Some(stage) = Stage::new() else { return };
    let binary = stage.program(
        "stuck",
        "if (process.argv[3] !== '--post') {
            process.on('SIGTERM', () => {});
            setInterval(() => {}, 1e6);
            console.log(`ready ${process.pid}`);
        }",
    );
    let mut running = stage.main().binary_path(&binary).start();
    let pid = running.until_said("ready ");
    // The binary may be faster than its launcher's next line.
    until("the state", || (!stage.state().is_empty()).then_some(()));
    running.send(Signal::KILL);
    running.end_alone();
    let ended = stage.post().faster("clock").run().code_is(0);
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
    let Some(stage) = Stage::new() else { return };
    let binary = stage.binary("binary", "exit 0");
    let mut sleeping = Stranger::start("sleep", "1000");
    leave(&stage, &binary, &sleeping.pid());
    stage.post().run().code_is(0);
    // Another binary at the same thing.
    let another = stage.program("another", "setInterval(() => {}, 1e6)");
    let mut acting = Stranger::start(another, "action");
    leave(&stage, &binary, &acting.pid());
    stage.post().run().code_is(0);
    // The same binary at another thing.
    let busy = stage.program(
        "busy",
        "if (process.argv[2] === 'serve') setInterval(() => {}, 1e6)",
    );
    let mut serving = Stranger::start(&busy, "serve");
    leave(&stage, &busy, &serving.pid());
    stage.post().run().code_is(0);
    for stranger in [&mut sleeping, &mut acting, &mut serving] {
        assert_eq!(stranger.0.try_wait().unwrap(), None);
    }
}

#[test]
fn odd_numbers_are_nobodys() {
    let Some(stage) = Stage::new() else { return };
    let binary = stage.binary("binary", "echo given back");
    for pid in ["", "0", "-1", "1e3", "nobody", "4194304"] {
        leave(&stage, &binary, pid);
        let ended = stage.post().run().code_is(0);
        assert_eq!(ended.stdout, "given back\n", "{pid}");
    }
}

#[test]
fn posts_own_trouble_is_a_warning() {
    let Some(stage) = Stage::new() else { return };
    let cases = [("exit 3", "exit code 3"), ("kill -KILL $$", "SIGKILL")];
    for (script, what) in cases {
        let binary = stage.binary("binary", script);
        leave(&stage, &binary, "");
        let warning = stage.post().run().code_is(0).only("warning");
        assert!(warning.contains(what), "{warning}");
    }
    leave(&stage, &stage.path("not\nthere"), "");
    let warning = stage.post().run().code_is(0).only("warning");
    assert!(
        warning.contains("ENOENT") && warning.contains("run out"),
        "{warning}"
    );
}

#[test]
fn giving_back_is_bounded_and_leaves_nothing() {
    let Some(stage) = Stage::new() else { return };
    let binary = stage.binary("binary", "echo $$ >pid; exec sleep 1000");
    leave(&stage, &binary, "");
    let warning = stage
        .post()
        .faster("pause")
        .run()
        .code_is(0)
        .only("warning");
    assert!(warning.contains("did not end within 30 s"), "{warning}");
    if let Ok(pid) = fs::read_to_string(stage.path("workspace/pid")) {
        until("the end of what hung", || gone(pid.trim()).then_some(()));
    }
}

#[test]
fn a_signal_reaches_the_giving_back() {
    let Some(stage) = Stage::new() else { return };
    leave(&stage, &stage.stubborn(), "");
    let running = stage.post().start();
    running.until_said("ready action,--post ");
    running.send(Signal::INT);
    running.until_said("got SIGINT");
    running.send(Signal::INT);
    let warning = running.end().code_is(0).only("warning");
    assert!(warning.contains("exit code 130"), "{warning}");
}
