//! What a command writes, and how much of it is kept.

use std::fs;

use testplan::{run::process::spawn, runner::process_end::ProcessEnd};

use crate::process::stage::{Stage, tell, within};

const LIMIT: u64 = 1 << 20;

#[tokio::test]
async fn both_outputs_are_in_one_file_in_order_and_appended() {
    let stage = Stage::new();
    fs::write(stage.log(), "before\n").unwrap();
    let _life = stage.life();
    let mut running = stage.start("echo one; echo two >&2; echo three");
    within(running.wait()).await.unwrap();
    assert_eq!(stage.logged(), "before\none\ntwo\nthree\n");
}

#[tokio::test]
async fn there_is_no_input() {
    let stage = Stage::new();
    let mut running = spawn(&stage.command(&["cat"]), &stage.log(), LIMIT).unwrap();
    assert_eq!(within(running.wait()).await.unwrap(), ProcessEnd::Exited(0));
    assert_eq!(stage.logged(), "");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_inherits_no_open_file_but_its_output() {
    let (stage, other) = (Stage::new(), Stage::new());
    let other_run = spawn(&other.command(&["sleep", "600"]), &other.log(), LIMIT).unwrap();
    let _file = fs::File::open(stage.path(".")).unwrap();
    let script = "cd /proc/$$/fd; readlink 1; readlink 2; for file in *; do readlink $file; done";
    let mut running = spawn(&stage.command(&["sh", "-c", script]), &stage.log(), LIMIT).unwrap();
    within(running.wait()).await.unwrap();
    let text = stage.logged();
    let of = |stage: &Stage| {
        let dir = stage.path("");
        let dir = dir.to_str().unwrap().trim_end_matches('/');
        text.lines().filter(|line| line.starts_with(dir)).count()
    };
    assert_eq!(of(&stage), 0, "the log is on our side: {text}");
    assert_eq!(of(&other), 0, "{text}");
    let links: Vec<&str> = text.lines().collect();
    assert!(links[0].starts_with("pipe:"), "{text}");
    assert_eq!(links[0], links[1], "both outputs go one way");
    let pipe_of_other = fs::read_link(format!("/proc/{}/fd/1", other_run.pid())).unwrap();
    assert!(!links.contains(&pipe_of_other.to_str().unwrap()), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn output_opened_again_by_path_is_kept_in_order() {
    let stage = Stage::new();
    let _life = stage.life();
    let mut running = stage.start(
        "echo one; echo two > /dev/stderr; echo three; echo four > /dev/stdout
         sh -c 'echo five > /dev/stderr'; echo six >&2",
    );
    within(running.wait()).await.unwrap();
    assert_eq!(stage.logged(), "one\ntwo\nthree\nfour\nfive\nsix\n");
}

#[cfg(unix)]
#[tokio::test]
async fn a_daemon_that_keeps_the_output_open_does_not_block_the_end() {
    let stage = Stage::new();
    let go = stage.pipe("go");
    let mut life = stage.life();
    let mut running = stage.start(
        "setsid sh -c 'echo ready >&3; read word <go; echo $word; echo told >&3' & 
         read word <&- ; echo said; exit 4",
    );
    assert_eq!(life.line().await, "ready");
    let began = std::time::Instant::now();
    let ending = within(running.wait()).await.unwrap();
    assert_eq!(ending, ProcessEnd::Exited(4));
    assert!(began.elapsed() < std::time::Duration::from_secs(10));
    assert_eq!(stage.logged(), "said\n");
    // It can still write: it is not ended by what it says.
    tell(&go, "later\n").await;
    assert_eq!(life.line().await, "told");
    drop(running);
    within(async {
        while stage.logged() != "said\nlater\n" {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_tail_of_a_killed_command_is_kept() {
    let stage = Stage::new();
    let mut life = stage.life();
    let mut running = stage
        .start("seq 1 20000; echo end; echo written >&3; trap '' TERM; while :; do sleep 1; done");
    assert_eq!(life.line().await, "written");
    within(running.stop(std::time::Duration::ZERO))
        .await
        .unwrap();
    let text = stage.logged();
    assert!(text.starts_with("1\n2\n") && text.ends_with("\n20000\nend\n"));
}

#[tokio::test]
async fn a_flood_of_output_is_cut_while_the_command_runs() {
    let stage = Stage::new();
    let go = stage.pipe("go");
    let mut life = stage.life();
    let mut running = stage.start(
        "echo first; yes | head -c 67108864; echo flooded >&3
         read word <go; echo $word; echo later >&2",
    );
    assert_eq!(life.line().await, "flooded");
    let log = stage.log();
    let short = async {
        while fs::metadata(&log).unwrap().len() > LIMIT {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = within(short) => {}
        ending = running.wait() => panic!("{ending:?}"),
    }
    tell(&go, "last\n").await;
    within(running.wait()).await.unwrap();
    let text = stage.logged();
    assert!(text.starts_with("first\ny\ny\n"));
    assert!(
        text.ends_with("\ny\ny\nlast\nlater\n"),
        "{:?}",
        &text[text.len() - 40..]
    );
    assert_eq!(text.matches("bytes of output left out here]").count(), 1);
}

#[tokio::test]
async fn half_a_gigabyte_written_at_once_ends_short() {
    const FLOOD: u64 = 500 << 20;
    let stage = Stage::new();
    let _life = stage.life();
    let mut running = stage.start(&format!("echo first; yes | head -c {FLOOD}; echo last"));
    within(running.wait()).await.unwrap();
    let text = stage.logged();
    assert!(text.len() as u64 <= LIMIT, "{}", text.len());
    assert!(text.starts_with("first\ny\n") && text.ends_with("\ny\nlast\n"));
    let note = text
        .lines()
        .find(|line| line.starts_with("[testplan:"))
        .unwrap();
    let dropped: u64 = note.split(' ').nth(1).unwrap().parse().unwrap();
    let counted = dropped + text.len() as u64 - (note.len() as u64 + 2);
    if cfg!(unix) {
        assert_eq!(counted, FLOOD + 11);
    } else {
        // What was written during a cut is lost uncounted: little.
        assert!(counted.abs_diff(FLOOD + 11) < FLOOD / 50, "{counted}");
    }
}
