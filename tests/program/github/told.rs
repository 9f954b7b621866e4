//! The binary tells GitHub by status, check run and comment: each once, however often it reports, and as the API has it.

use std::process::Command;

use serde_json::json;
use testplan::model::{TestVerdict, record::Checkout};

use super::{
    commit_status::{HEAD, failed, records_at, said, testplan, warnings},
    fake_github::FakeGitHub,
    openapi::Description,
    stage::{PULL, SHA},
};
use crate::support::{Answer, HttpServer};
#[cfg(unix)]
use crate::support::{PlanFile, Service, Stage};

/// `report` in a run of a pull request whose newest commit is [`HEAD`], tested as the merge commit [`SHA`].
fn report(api: &str, folder: &tempfile::TempDir, flags: &[&str]) -> Command {
    let event = folder.path().join("event.json");
    let repository = json!({ "full_name": "octo-org/app" });
    let payload = json!({
        "number": PULL,
        "pull_request": {
            "number": PULL,
            "head": { "sha": HEAD, "ref": "feature", "repo": repository },
            "base": { "sha": "33c02e5a9f0b11c02e5a9f0b11c02e5a9f0b1234", "ref": "main", "repo": repository },
        },
        "repository": repository,
    });
    std::fs::write(&event, payload.to_string()).unwrap();
    let mut command = testplan(api, &["report"]);
    command.args(flags).arg("--out").arg(folder.path());
    command
        .env("GITHUB_EVENT_PATH", event)
        .env("GITHUB_EVENT_NAME", "pull_request");
    command
        .env("GITHUB_HEAD_REF", "feature")
        .env("GITHUB_RUN_ATTEMPT", "1");
    command
}

/// What was there before is taken back as soon as another plan begins, and a plan that cannot begin is told as well.
#[cfg(unix)]
#[test]
fn started_plan_is_pending() {
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test).numbered("s", 3).on(&stage);
    let service = Service::start(&stage);
    let token = std::fs::read_to_string(service.token_file()).unwrap();
    for (template, code, state, said) in [
        (
            "T",
            0,
            "pending",
            "plan 2 is running: 3 open executions for 1 workers",
        ),
        ("Other", 4, "error", "nothing-to-run: "),
    ] {
        let fake = FakeGitHub::start(Vec::new());
        let mut command = testplan(&fake.url, &["execute", "--commit-status", "--check-run"]);
        command
            .args(["--url", &service.url, "--template", template])
            .current_dir(stage.folder());
        command.env("TESTCENTER_TOKEN", token.trim());
        let (ended, text) = self::said(&command.output().unwrap());
        assert_eq!(ended, code, "{text}");
        let (statuses, runs) =
            fake.world(|world| (world.statuses.clone(), world.check_runs.clone()));
        assert_eq!(statuses[0]["state"], state);
        let description = statuses[0]["description"].as_str().unwrap();
        assert!(description.starts_with(said), "{description}");
        let is_begun = runs[0]["status"] == "in_progress";
        assert_eq!(is_begun, state == "pending", "{:?}", runs[0]);
    }
}

const ALL: [&str; 3] = ["--commit-status", "--check-run", "--pr-comment"];

#[test]
fn each_channel_is_set_once_on_the_newest_commit() {
    let fake = FakeGitHub::start(Vec::new());
    let folder = failed();
    for _ in 0..2 {
        let (code, text) = said(&report(&fake.url, &folder, &ALL).output().unwrap());
        assert_eq!(code, 1, "{text}");
        assert_eq!(warnings(&text), [""; 0], "{text}");
    }
    let (runs, comments) = fake.world(|world| (world.check_runs.clone(), world.comments.clone()));
    let asked = fake.requests();
    let [run] = &runs[..] else {
        panic!("not one check run: {runs:?}");
    };
    assert_eq!(run["name"], "testplan report");
    assert_eq!(
        (&run["head_sha"], &run["conclusion"]),
        (&json!(HEAD), &json!("failure"))
    );
    assert_eq!(
        run["output"]["title"],
        "2 failed, 2 passed, 1 skipped in 12m 40s"
    );
    assert!(
        run["output"]["summary"]
            .as_str()
            .unwrap()
            .contains("#### Failed (2)")
    );
    let [comment] = &comments[..] else {
        panic!("not one comment: {comments:?}");
    };
    let body = comment["body"].as_str().unwrap();
    assert!(
        body.contains("2 failed") && body.contains("/actions/runs/77"),
        "{body}"
    );
    let status = asked
        .iter()
        .find(|request| request.line().contains("/statuses/"))
        .unwrap();
    assert!(status.line().contains(HEAD), "{}", status.line());

    if let Some(description) = Description::load() {
        for request in &asked {
            description
                .check(request)
                .unwrap_or_else(|why| panic!("{}: {why}", request.line()));
        }
    }
}

#[test]
fn another_attempt_gets_its_own_check_run() {
    let fake = FakeGitHub::start(Vec::new());
    let folder = failed();
    for attempt in ["1", "2"] {
        let mut command = report(&fake.url, &folder, &ALL);
        assert_eq!(
            said(&command.env("GITHUB_RUN_ATTEMPT", attempt).output().unwrap()).0,
            1
        );
    }
    assert_eq!(
        fake.world(|world| (world.check_runs.len(), world.comments.len())),
        (2, 1)
    );
}

#[test]
fn report_commit_names_the_commit() {
    let fake = FakeGitHub::start(Vec::new());
    let folder = failed();
    let mut command = report(
        &fake.url,
        &folder,
        &["--commit-status", "--report-commit", SHA],
    );
    assert_eq!(said(&command.output().unwrap()).0, 1);
    let asked = fake.requests();
    assert!(
        asked.iter().all(|request| request.line().contains(SHA)),
        "{asked:?}"
    );
}

/// What `execute` left pending on a commit that gets no result would wait for ever.
#[test]
fn pending_status_is_ended_on_an_untested_commit() {
    let other = Checkout {
        commit: "44c02e5a9f0b11c02e5a9f0b11c02e5a9f0b1234".to_owned(),
        stands_for: None,
    };
    let run = "https://github.com/octo-org/app/actions/runs/77/attempts/1";
    let pending = |context: &str, url: &str| json!({ "state": "pending", "context": context, "target_url": url });
    for (context, url, ends) in [
        ("testplan", run, true),
        ("other", run, false),
        (
            "testplan",
            "https://github.com/octo-org/app/actions/runs/76",
            false,
        ),
    ] {
        for (checkout, verdict) in [
            (Some(other.clone()), TestVerdict::Passed),
            (Some(other.clone()), TestVerdict::Failed),
            (None, TestVerdict::Passed),
        ] {
            let fake = FakeGitHub::start(Vec::new());
            fake.world(|world| world.statuses.push(pending(context, url)));
            let folder = records_at(&[verdict], 0, checkout);
            let (_, text) = said(&report(&fake.url, &folder, &ALL).output().unwrap());
            let [warning] = warnings(&text)[..] else {
                panic!("not one warning: {text}");
            };
            assert!(
                warning.contains("commit status, check run, comment not set: tests ran"),
                "{warning}"
            );
            assert!(warning.contains("--report-commit"), "{warning}");
            let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
            assert!(summary.contains("report-commit"), "{summary}");
            let (statuses, runs, comments) = fake.world(|world| {
                (
                    world.statuses.clone(),
                    world.check_runs.len(),
                    world.comments.len(),
                )
            });
            assert_eq!((runs, comments), (0, 0), "{text}");
            let set: Vec<_> = statuses[1..].iter().map(|it| it["state"].clone()).collect();
            let expected: &[&str] = if ends { &["error"] } else { &[] };
            assert_eq!(set, expected, "{text}");
        }
    }
}

/// Where no worker says what it tested, a failure is worth seeing; it lets nothing through.
#[test]
fn failure_at_an_unknown_commit_is_published() {
    let fake = FakeGitHub::start(Vec::new());
    let folder = records_at(&[TestVerdict::Failed], 0, None);
    let (code, text) = said(&report(&fake.url, &folder, &ALL).output().unwrap());
    assert_eq!(code, 1, "{text}");
    let statuses = fake.world(|world| world.statuses.clone());
    assert_eq!(statuses[0]["state"], "failure", "{text}");
}

/// One cause, one notice, whatever was asked for; and the tests decide the exit code.
#[test]
fn refusal_of_everything_is_one_warning() {
    let refusals = [
        Answer::json(
            403,
            r#"{"message":"Resource not accessible by integration"}"#,
        ),
        Answer::json(404, r#"{"message":"Not Found"}"#),
        Answer::json(429, r#"{"message":"slow down"}"#).header("retry-after: 3600"),
        Answer::page(502),
    ];
    for answer in refusals {
        let mock = HttpServer::replay([answer]);
        let folder = failed();
        let (code, text) = said(&report(&mock.url, &folder, &ALL).output().unwrap());
        assert_eq!(code, 1, "{text}");
        let [warning] = warnings(&text)[..] else {
            panic!("not one notice: {text}");
        };
        for what in ["commit status", "check run", "comment"] {
            assert!(warning.contains(what), "{what}: {warning}");
        }
    }
}

/// GitHub would wait for a status and a check run of one name both.
#[test]
fn one_name_for_status_and_check_run_is_refused() {
    let mock = HttpServer::replay([Answer::json(201, "{}")]);
    let folder = failed();
    let flags = ["--commit-status", "--check-run", "--check-name", "Testplan"];
    let (code, text) = said(&report(&mock.url, &folder, &flags).output().unwrap());
    assert_eq!((code, mock.requests().len()), (2, 0), "{text}");
    assert!(text.contains("are both called"), "{text}");
}

/// A required status that never comes would hold a pull request for ever.
#[test]
fn early_end_is_published() {
    let fake = FakeGitHub::start(Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = said(&report(&fake.url, &folder, &ALL).output().unwrap());
    assert_eq!(code, 2, "{text}");
    let (statuses, runs) = fake.world(|world| (world.statuses.clone(), world.check_runs.clone()));
    assert_eq!(statuses[0]["state"], "error");
    assert_eq!(statuses[0]["description"], "usage: bad flag, input or file");
    assert_eq!(runs[0]["conclusion"], "failure");
}
