//! stdout carries data alone; people's lines go to stderr, as loud and as colourful as they asked.

use serde_json::Value;

use super::plan::{FAILS, PASSES, SKIPS, plan, plan_for};
use crate::support::{Answer, HttpServer, Service, Stage, runner_commands::all_commands};

fn has(value: &Value, members: &[&str]) {
    for member in members {
        assert!(value.get(member).is_some(), "no {member}: {value}");
    }
}

/// One way through all commands that print JSON.
#[test]
fn json_has_the_members_that_are_promised() {
    let stage = Stage::with(&plan_for(
        "[{ OS: Linux, browser: chrome }]",
        &[PASSES, FAILS, SKIPS],
    ));
    let service = Service::start(&stage);
    let json = |arguments: &[&str]| {
        let ended = service.run(&stage, arguments);
        assert!(
            matches!(ended.code, Some(0 | 1)),
            "{arguments:?}: {ended:#?}"
        );
        assert_eq!(ended.stdout.lines().count(), 1, "{ended:#?}");
        ended.json()
    };
    let validated = json(&["validate", "--format=json"]);
    assert_eq!(validated["templates"][0], "all");
    let template = json(&["template", "show", "--format=json"]);
    has(&template, &["schema", "id", "title", "project"]);
    assert_eq!(template["type"], "template");

    let started = json(&[
        "execute",
        "--format=json",
        "--title=Nightly",
        "--batch=B7",
        "--tests-per-worker=2",
    ]);
    has(&started, &["schema", "plan_id", "title", "batch", "matrix"]);
    assert_eq!(
        (&started["title"], &started["batch"]),
        (&"Nightly".into(), &"B7".into())
    );
    let matrix = started["matrix"]["include"].as_array().unwrap();
    assert_eq!(matrix.len(), 2, "three tests, two per worker");
    assert_eq!(matrix[0]["capabilities"], "OS=Linux\nbrowser=chrome");
    let id = format!("--plan-id={}", started["plan_id"]);

    let status = json(&["plan", "status", &id, "--format=json"]);
    assert_eq!(
        (&status["open"], &status["reserved"], &status["done"]),
        (&3.into(), &0.into(), &0.into())
    );
    let none = json(&[
        "plan",
        "status",
        &id,
        "--format=json",
        "--capability=OS=Windows",
    ]);
    assert_eq!(none["open"], 0);
    let offer = ["--capability=OS=Linux", "--capability=browser=chrome"];
    let reserve = json(&["reserve", &id, "--format=json", offer[0], offer[1]]);
    has(
        &reserve,
        &[
            "execution_id",
            "lease",
            "suite",
            "testcase",
            "timeout_ms",
            "attempt",
        ],
    );
    let execution = format!("--execution={}", reserve["execution_id"]);
    let back = stage.command(["heartbeat", &execution, "--release"]);
    let lease = reserve["lease"].as_str().unwrap();
    let back = back
        .with_all(service.exports())
        .with("TESTPLAN_LEASE_TOKEN", lease)
        .run();
    assert_eq!(
        (back.code, back.stdout.as_str()),
        (Some(0), ""),
        "{back:#?}"
    );
    assert!(!back.stderr.contains(lease), "{back:#?}");

    let worked = service.run(&stage, &["work", &id, "--workers=2", offer[0], offer[1]]);
    assert_eq!(
        (worked.code, worked.stdout.as_str()),
        (Some(1), ""),
        "{worked:#?}"
    );
    let waited = json(&["wait", &id, "--format=json"]);
    assert_eq!((&waited["done"], &waited["open"]), (&3.into(), &0.into()));
    let report = json(&["report", &id, "--format=json"]);
    has(
        &report,
        &[
            "conclusion",
            "total",
            "passed",
            "failed",
            "skipped",
            "errors",
            "flaky",
        ],
    );
    assert_eq!(report["conclusion"], "failed");
    assert_eq!(
        (&report["total"], &report["failed"]),
        (&3.into(), &1.into())
    );
    let retried = json(&["retry", &id, "--format=json"]);
    assert_eq!(retried["reset"].as_array().unwrap().len(), 1);
    let plan = json(&["plan", "show", &id, "--format=json"]);
    has(
        &plan,
        &[
            "id", "title", "batch", "passed", "failed", "skipped", "count",
        ],
    );

    let added = json(&[
        "servers",
        "add",
        "--port=4322",
        "--label=OS=Linux",
        "--format=json",
    ]);
    has(&added, &["id", "host", "port", "enabled", "labels"]);
    let server = added["id"].to_string();
    let changed = json(&["servers", "update", &server, "--disable", "--format=json"]);
    assert_eq!(changed["enabled"], false);
    let listed = json(&["servers", "list", "--format=json"]);
    assert_eq!(listed["servers"].as_array().unwrap().len(), 1);
    let removed = service.run(&stage, &["servers", "remove", &server]);
    assert_eq!(
        (removed.code, removed.stdout.as_str()),
        (Some(0), ""),
        "{removed:#?}"
    );
}

#[test]
fn quiet_prints_only_failures() {
    let passes = Stage::with(&plan(&[PASSES])).run(["run", "--quiet"]);
    assert_eq!(
        (passes.stdout.as_str(), passes.stderr.as_str()),
        ("", ""),
        "{passes:#?}"
    );
    assert_eq!(passes.code, Some(0));
    let fails = Stage::with(&plan(&[PASSES, FAILS])).run(["--quiet", "run"]);
    assert_eq!(fails.code, Some(1));
    assert!(fails.stderr.contains("expected 300 dpi"), "{fails:#?}");
    assert!(fails.stderr.contains("conclusion: failed"), "{fails:#?}");
    assert!(
        !fails.stderr.contains("PASS") && !fails.stderr.contains("plan 2"),
        "{fails:#?}"
    );
}

#[test]
fn verbose_logs_requests_without_secrets() {
    let stage = Stage::with(&plan(&[PASSES]));
    let service = Service::start(&stage);
    let ended = service.run(&stage, &["-vv", "plan", "show", "--plan-id=1"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(!ended.stderr.contains(&service.token), "{ended:#?}");
}

#[test]
fn colours_follow_flags_and_environment() {
    let stage = Stage::with(&plan(&[FAILS]));
    let coloured = |arguments: &[&str], variables: &[(&str, &str)]| {
        let command = stage.command(arguments);
        let ended = command.with_all(variables.iter().copied()).run();
        assert!(!ended.stdout.contains('\u{1b}'), "{ended:#?}");
        ended.stderr.contains('\u{1b}')
    };
    let plain = ["run"];
    assert!(!coloured(&plain, &[]), "piped");
    assert!(coloured(&["run", "--color=always"], &[("NO_COLOR", "1")]));
    assert!(coloured(&plain, &[("CLICOLOR_FORCE", "1")]));
    assert!(coloured(&plain, &[("GITHUB_ACTIONS", "true")]));
    assert!(!coloured(
        &plain,
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]
    ));
    assert!(!coloured(
        &["run", "--color=never"],
        &[("CLICOLOR_FORCE", "1")]
    ));
    // A mistake that is marked in a file, too.
    stage.write("bad.yml", "project: [\n");
    let bad = ["validate", "--config=bad.yml"];
    assert!(!coloured(&bad, &[]));
    assert!(coloured(
        &["validate", "--config=bad.yml", "--color=always"],
        &[]
    ));
}

#[test]
fn scripts_and_pages() {
    let stage = Stage::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stage.run(["completions", shell]);
        assert_eq!(
            (script.code, script.stderr.as_str()),
            (Some(0), ""),
            "{script:#?}"
        );
        assert!(
            script.stdout.contains("testplan") && script.stdout.contains("plan-id"),
            "{shell}"
        );
    }
    let page = stage.run(["man"]);
    assert_eq!((page.code, page.stderr.as_str()), (Some(0), ""));
    assert!(
        page.stdout.contains(".TH testplan 1") && page.stdout.contains("nothing\\-to\\-run"),
        "{}",
        page.stdout
    );
    let version = stage.run(["--version"]);
    assert_eq!(
        version.stdout,
        concat!("testplan ", env!("CARGO_PKG_VERSION"), "\n")
    );
    assert_eq!(version.code, Some(0));
    let help = stage.run(["run", "--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
}

/// A reader who leaves is no reason to break: `testplan run 2>&1 | head -1` runs its tests to the end.
#[cfg(unix)]
#[test]
fn run_survives_closed_output_pipes() {
    for (stream, failing) in [("stderr", FAILS), ("stdout", PASSES)] {
        let stage = Stage::with(&plan(&[failing]));
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = stage.command(["--verbose", "run"]).to_std();
        let status = match stream {
            "stderr" => command.stderr(writer).stdout(std::process::Stdio::null()),
            _ => command.stdout(writer).stderr(std::process::Stdio::null()),
        }
        .status()
        .unwrap();
        assert_eq!(
            status.code(),
            Some(i32::from(failing == FAILS)),
            "{stream}: {status}"
        );
        assert!(stage.path("testplan-out/junit.xml").exists());
    }
}

/// Half an answer must not pass for a whole one.
#[cfg(target_os = "linux")]
#[test]
fn full_disk_below_stdout_is_an_error() {
    let stage = Stage::with(&plan(&[PASSES]));
    let full = || {
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let output = stage
        .command(["validate", "--format=json"])
        .to_std()
        .stdout(full())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("stdout could not be written"), "{stderr}");
    // With nobody left to tell, the exit code tells.
    let status = stage
        .command(["run", "--config=none.yml"])
        .to_std()
        .stderr(full())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2), "{status}");
}

/// Whatever was typed, is in a file or comes from a service: the runner of a CI that reads along takes no orders from it.
#[test]
fn messages_hold_no_workflow_commands() {
    const ORDERS: &str = "x\n::add-mask::y\r::error::z ##[set-output name=a]b";
    let stage = Stage::with(&plan(&[PASSES]));
    stage.write(
        "bad.yml",
        format!("version: \"{}\"\n", ORDERS.escape_default()),
    );
    let body = format!(r#"{{"message": "{}"}}"#, ORDERS.escape_default());
    let service = HttpServer::replay([Answer::json(400, &body)]);
    let said: [&[&str]; 6] = [
        &[ORDERS],
        &["wait", "--plan-id", ORDERS],
        &["validate", "--config", ORDERS],
        &["validate", "--config=bad.yml"],
        &["report", "--records", ORDERS],
        &[
            "-vv",
            "wait",
            "--plan-id=1",
            "--allow-http",
            "--url",
            &service.url,
        ],
    ];
    for arguments in said {
        let command = stage.command(arguments);
        let ended = command.with("TESTCENTER_TOKEN", "t").run();
        assert!(ended.code.is_some_and(|code| code > 1), "{ended:#?}");
        assert!(
            ended.stderr.contains("##\\[set-output"),
            "it is told: {ended:#?}"
        );
        for text in [&ended.stdout, &ended.stderr] {
            assert_eq!(all_commands(text.as_bytes()), [], "{ended:#?}");
        }
    }
}
