//! `serve` on a data folder that lacks acknowledged changes, and backups that do not.

use std::fs;

use crate::support::{Ended, PlanFile, Service, Stage};

fn stage_with_tests() -> Stage {
    let stage = Stage::new();
    let passes = stage.script("passes.sh", "exit 0");
    PlanFile::run_with(&passes).numbered("s", 3).on(&stage);
    stage
}

/// Starts `serve` on a folder where it ends by itself.
fn serve(stage: &Stage, data: &str) -> Ended {
    stage
        .testplan("serve")
        .flags("--listen 127.0.0.1:0 --data")
        .arg(stage.path(data))
        .run()
}

#[test]
fn killed_service_whose_log_is_gone_starts_again_only_on_request() {
    let stage = stage_with_tests();
    let mut service = Service::start(&stage);
    service.start_plan(&stage);
    service.start_plan(&stage);
    service.kill();
    fs::remove_file(stage.path("data/testplan.sqlite-wal")).unwrap();
    for _ in 0..2 {
        let refused = serve(&stage, "data").code_is(3);
        let says = [
            "data/testplan.sqlite: ",
            "acknowledged changes are lost (it has 0 of ",
            "its write-ahead log is missing",
            "help: ",
            "--accept-loss",
        ];
        for says in says {
            assert!(refused.stderr.contains(says), "{says}: {refused:#?}");
        }
        assert!(!refused.stderr.contains("SELECT"), "{refused:#?}");
        assert_eq!(refused.stdout, "");
    }
    let accepted = Service::start_with(&stage, |serve| serve.flags("--accept-loss"));
    assert_eq!(accepted.start_plan(&stage), 2, "an empty database");
    let log = accepted.process().stderr();
    assert!(
        log.contains("acknowledged changes are lost") && log.contains("accepted on request"),
        "{log}"
    );
    drop(accepted);
    // The next start has nothing left to accept.
    let next = Service::start(&stage);
    assert!(!next.process().stderr().contains("lost"));
}

#[test]
fn removed_database_is_not_replaced_by_an_empty_one() {
    let stage = stage_with_tests();
    let mut service = Service::start(&stage);
    service.start_plan(&stage);
    service.kill();
    for side in ["", "-wal", "-shm"] {
        fs::remove_file(stage.path(&format!("data/testplan.sqlite{side}"))).unwrap();
    }
    let refused = serve(&stage, "data").code_is(3);
    assert!(refused.stderr.contains("missing or empty"), "{refused:#?}");
    assert!(!stage.path("data/testplan.sqlite").exists());
}

#[test]
fn service_on_a_backup_of_a_running_one_has_its_plans() {
    let stage = stage_with_tests();
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let back_up = || {
        stage
            .testplan("backup")
            .flags("--data")
            .arg(stage.path("data"))
            .arg(stage.path("copy"))
            .run()
    };
    let wrote = back_up().code_is(0);
    for says in [
        "wrote ",
        "copy/testplan.sqlite (",
        "copy/testplan.sqlite.mark",
    ] {
        assert!(wrote.stderr.contains(says), "{wrote:#?}");
    }
    let again = back_up().code_is(3);
    assert!(again.stderr.contains("exists already"), "{again:#?}");
    let later = service.start_plan(&stage);
    assert_eq!(service.executions(plan).len(), 3);
    drop(service);

    let command = stage.testplan("serve").flags("--listen 127.0.0.1:0 --data");
    let started = command.arg(stage.path("copy")).start();
    let url = started.wait_for_line("listening on ");
    let show = |plan: i64| {
        stage
            .testplan("plan status")
            .at_url(&url, &stage.path("copy/token"))
            .on(plan)
            .run()
    };
    show(plan).code_is(0);
    assert_ne!(show(later).code, Some(0), "it was started after the backup");
}

#[test]
fn backup_without_a_database_names_the_flag() {
    let stage = Stage::new();
    let ended = stage.run(["backup", "copy"]).code_is(2);
    assert!(
        ended
            .stderr
            .contains("testplan-data/testplan.sqlite does not exist")
            && ended.stderr.contains("--data"),
        "{ended:#?}"
    );
    assert!(!stage.path("copy").exists());
}
