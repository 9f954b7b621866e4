//! `serve` on a disk that is full, or whose files go away: changes are refused with the reason until that is over.

use std::{fs, path::PathBuf, process::Command};

use crate::support::{PlanFile, Process, Service, Stage, until};

/// Mounts a disk of 2 MiB on the folder that is its first argument, where the processes below it see it, and runs the rest.
const ON_SMALL_DISK: &str =
    r#"mount -t tmpfs -o size=2m,mode=755 small "$1" && shift && exec "$@""#;

/// Whether this system lets a user mount a disk for their own processes.
fn can_mount() -> bool {
    Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg("mount -t tmpfs small /tmp")
        .output()
        .is_ok_and(|ended| ended.status.success())
}

/// The data folder as the service sees it.
fn seen_by(service: &Process, stage: &Stage) -> PathBuf {
    let data = stage.path("data");
    PathBuf::from(format!("/proc/{}/root{}", service.pid(), data.display()))
}

#[cfg(target_os = "linux")]
#[test]
fn service_on_a_full_disk_refuses_changes_with_the_reason_and_recovers() {
    if !can_mount() {
        return eprintln!("skipped: users may not mount a disk in a namespace of their own here");
    }
    let stage = Stage::new();
    let passes = stage.script("passes.sh", "exit 0");
    PlanFile::run_with(&passes).numbered("s", 3).on(&stage);
    let data = stage.path("data");
    fs::create_dir(&data).unwrap();
    let shell = [
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        ON_SMALL_DISK,
        "sh",
    ];
    let mut arguments = shell.map(Into::into).to_vec();
    arguments.push(data.clone());
    let mut service = Service::start_below(&stage, "unshare", arguments);
    let small = seen_by(service.process(), &stage);
    // The token is on the small disk.
    service.token = fs::read_to_string(small.join("token")).unwrap();
    stage.write("token", &service.token);
    let execute = |patience: &str| {
        stage
            .testplan("execute")
            .at_url(&service.url, &stage.path("token"))
            .flags("--format json --template T --patience")
            .arg(patience)
            .run()
    };
    let first = execute("20s").code_is(0).json()["plan_id"]
        .as_i64()
        .unwrap();
    let readiness = || service.answer("/readyz");
    assert_eq!(readiness(), (200, r#"{"status":"ready"}"#.to_owned()));

    // Not an error of this test: it writes until there is no room.
    let filler = small.join("filler");
    assert!(fs::write(&filler, vec![1; 4 << 20]).is_err());
    let (_, reason) = until("a service that is not ready", || {
        Some(readiness()).filter(|(status, _)| *status == 503)
    });
    let says = format!("no room on the disk of {}", data.display());
    assert!(reason.contains(&says), "{reason}");
    let refused = execute("1s").code_is(3);
    assert!(refused.stderr.contains(&says), "{refused:#?}");
    assert_eq!(service.answer("/healthz").0, 200);
    assert_eq!(service.executions(first).len(), 3, "reads are answered");

    fs::remove_file(filler).unwrap();
    until("a service that is ready", || {
        (readiness().0 == 200).then_some(())
    });
    let second = execute("20s").code_is(0).json()["plan_id"]
        .as_i64()
        .unwrap();
    assert_eq!(second, first + 1, "the refused calls left nothing");
    let log = service.stop().code_is(0).stderr;
    assert_eq!(log.matches(&says).count(), 2, "one line each: {log}");
    assert_eq!(
        log.matches("changes are accepted again").count(),
        1,
        "{log}"
    );
}

#[cfg(unix)]
#[test]
fn service_without_its_files_refuses_changes_until_they_are_back() {
    let stage = Stage::new();
    let passes = stage.script("passes.sh", "exit 0");
    PlanFile::run_with(&passes).numbered("s", 3).on(&stage);
    let service = Service::start(&stage);
    let first = service.start_plan(&stage);
    let (data, away) = (stage.path("data"), stage.path("away"));
    fs::rename(&data, &away).unwrap();
    let (_, reason) = until("a service that is not ready", || {
        Some(service.answer("/readyz")).filter(|(status, _)| *status == 503)
    });
    let says = format!("{} are gone", data.display());
    assert!(reason.contains(&says), "{reason}");
    assert_eq!(service.answer("/healthz").0, 200);
    fs::rename(&away, &data).unwrap();
    until("a service that is ready", || {
        (service.answer("/readyz").0 == 200).then_some(())
    });
    assert_eq!(service.start_plan(&stage), first + 1);
    service.stop().code_is(0);
}
