//! A command ends as a whole, whatever its processes think of it.

use std::time::Duration;

use testplan::{run::process::spawn, runner::process_end::ProcessEnd};
use tokio::io::AsyncWriteExt as _;

use crate::process::stage::{LONG, Life, Stage, tell, within};

/// While a process executes a new program, its environment cannot be read, or not to its end.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_grandchild_that_keeps_executing_itself_is_killed() {
    for _ in 0..40 {
        let stage = Stage::new();
        let mut life = stage.life();
        std::fs::write(stage.path("again"), "exec sh again").unwrap();
        let mut running = stage.start("setsid sh -c 'echo ready >&3; exec sh again' & wait");
        assert_eq!(life.line().await, "ready");
        within(running.stop(Duration::ZERO)).await.unwrap();
        assert_eq!(life.end().await, [""; 0]);
    }
}

#[tokio::test]
async fn exit_codes_and_signals_are_returned() {
    for (script, ending) in [
        ("exit 0", ProcessEnd::Exited(0)),
        ("exit 42", ProcessEnd::Exited(42)),
        ("kill -SEGV $$", ProcessEnd::Signalled(11)),
        ("kill -KILL $$", ProcessEnd::Signalled(9)),
    ] {
        let stage = Stage::new();
        let mut life = stage.life();
        let mut running = stage.start(script);
        assert!(running.pid() > 1);
        assert_eq!(within(running.wait()).await.unwrap(), ending, "{script}");
        assert_eq!(within(running.wait()).await.unwrap(), ending, "told again");
        assert_eq!(
            within(running.stop(LONG)).await.unwrap(),
            ending,
            "nothing to stop"
        );
        assert_eq!(life.end().await, [""; 0]);
    }
}

#[tokio::test]
async fn a_background_child_does_not_outlive_the_command() {
    let stage = Stage::new();
    let mut life = stage.life();
    let mut running = stage.start("sleep 600 & echo ready >&3; exit 3");
    assert_eq!(life.line().await, "ready");
    assert_eq!(within(running.wait()).await.unwrap(), ProcessEnd::Exited(3));
    assert_eq!(life.end().await, [""; 0]);
}

#[tokio::test]
async fn a_command_that_handles_sigterm_gets_its_grace() {
    let stage = Stage::new();
    let mut life = stage.life();
    let mut running = stage.start(
        "trap 'echo bye >&3; exit 7' TERM
         sh -c 'echo ready >&3; exec sleep 600' & wait",
    );
    assert_eq!(life.line().await, "ready");
    assert_eq!(
        within(running.stop(LONG)).await.unwrap(),
        ProcessEnd::Exited(7)
    );
    assert_eq!(life.end().await, ["bye"]);
}

#[tokio::test]
async fn the_grace_is_for_the_whole_group() {
    let stage = Stage::new();
    let mut life = stage.life();
    let go = stage.pipe("go");
    // The child says goodbye only once its parent is gone for good, and takes its time.
    let mut running = stage.start(
        "trap 'exit 5' TERM
         (trap 'while kill -0 $$ 2>&-; do :; done
                while read word; do echo $word >&3; done <go
                echo cleaned >&3; exit' TERM
          sh -c 'echo ready >&3; exec sleep 600' & wait) &
         wait",
    );
    assert_eq!(life.line().await, "ready");
    let talk = async {
        // Opening waits until the child reads, which it does after its parent's end.
        let mut go = tokio::fs::OpenOptions::new()
            .write(true)
            .open(go)
            .await
            .unwrap();
        for _ in 0..200 {
            go.write_all(b"on\n").await.unwrap();
            go.flush().await.unwrap();
            assert_eq!(life.line().await, "on");
        }
    };
    let (ending, ()) = within(async { tokio::join!(running.stop(LONG), talk) }).await;
    assert_eq!(ending.unwrap(), ProcessEnd::Exited(5));
    assert_eq!(life.end().await, ["cleaned"]);
}

#[tokio::test]
async fn a_stubborn_grandchild_is_killed() {
    let stage = Stage::new();
    let mut life = stage.life();
    let mut running = stage.start(
        "sh -c 'trap \"\" TERM; sh -c \"echo ready >&3; exec sleep 600\"' &
         wait",
    );
    assert_eq!(life.line().await, "ready");
    let ending = within(running.stop(Duration::from_millis(100)))
        .await
        .unwrap();
    assert_eq!(ending, ProcessEnd::Signalled(15));
    assert_eq!(life.end().await, [""; 0]);
}

#[tokio::test]
async fn without_grace_it_is_killed_at_once() {
    let stage = Stage::new();
    let mut life = stage.life();
    let mut running =
        stage.start("trap 'echo asked >&3' TERM; echo ready >&3; while :; do :; done");
    assert_eq!(life.line().await, "ready");
    let ending = within(running.stop(Duration::ZERO)).await.unwrap();
    assert_eq!(ending, ProcessEnd::Signalled(9));
    assert_eq!(life.end().await, [""; 0]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_grandchild_that_left_the_group_is_found_and_killed() {
    let stage = Stage::new();
    let mut life = stage.life();
    let mut running = stage.start(
        "setsid sh -c 'trap \"\" TERM; echo ready >&3; sleep 600; :' &
         wait",
    );
    assert_eq!(life.line().await, "ready");
    within(running.stop(Duration::from_millis(100)))
        .await
        .unwrap();
    assert_eq!(life.end().await, [""; 0]);
}

#[tokio::test]
async fn another_attempt_is_left_alone() {
    let stage = Stage::new();
    let (others, go) = (stage.pipe("others"), stage.pipe("go"));
    let (mut life, mut other_life) = (stage.life(), Life::of(others));
    // Not a script of the stage's: opening and leaving the first pipe would look like its end.
    let script = "exec 3>others; echo ready >&3; read word <go; echo $word >&3";
    let command = stage.command(&["sh", "-c", script]);
    let mut other = spawn(&command, &stage.log(), 1 << 20).unwrap();
    let mut running = stage.start("echo ready >&3; exec sleep 600");
    assert_eq!(
        (life.line().await, other_life.line().await),
        ("ready".into(), "ready".into())
    );
    within(running.stop(Duration::ZERO)).await.unwrap();
    assert_eq!(life.end().await, [""; 0]);
    tell(&go, "alive\n").await;
    assert_eq!(other_life.end().await, ["alive"]);
    assert_eq!(within(other.wait()).await.unwrap(), ProcessEnd::Exited(0));
}

#[tokio::test]
async fn dropping_it_kills_the_group() {
    let stage = Stage::new();
    let mut life = stage.life();
    let running = stage.start("trap '' TERM; sleep 600 & echo ready >&3; wait");
    assert_eq!(life.line().await, "ready");
    drop(running);
    assert_eq!(life.end().await, [""; 0]);
}

#[tokio::test]
async fn waiting_for_the_end_may_be_dropped_and_resumed() {
    let stage = Stage::new();
    let go = stage.pipe("go");
    let mut life = stage.life();
    let mut running = stage.start("echo ready >&3; read word <go; exit $word");
    assert_eq!(life.line().await, "ready");
    let early = tokio::time::timeout(Duration::from_millis(1), running.wait()).await;
    assert!(early.is_err());
    tell(&go, "9\n").await;
    assert_eq!(within(running.wait()).await.unwrap(), ProcessEnd::Exited(9));
}
