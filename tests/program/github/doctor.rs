//! `testplan doctor`: what GitHub would be told, and whether it would let us, found out by reading alone.

use serde_json::{Value, json};

use super::{
    commit_status::{said, testplan},
    fake_github::{FakeGitHub, ScriptedFault},
    stage::PULL,
};
use crate::support::{Answer, HttpServer};

/// A GitHub that refuses to let anything be read.
fn mute() -> Answer {
    Answer::json(
        403,
        r#"{"message":"Resource not accessible by integration"}"#,
    )
}
/// One whose classic token may only look.
fn classic() -> Answer {
    Answer::json(200, "{}").header("x-oauth-scopes: read:org, gist")
}

/// The findings about GitHub.
fn findings(api: &str, flags: &[&str], variables: &[(&str, &str)]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = testplan(api, &["doctor", "--format=json"]);
    command
        .args(flags)
        .envs(variables.iter().copied())
        .current_dir(folder.path());
    let output = command.output().unwrap();
    let (code, text) = said(&output);
    assert_eq!(code, 0, "GitHub decides about no exit code: {text}");
    assert!(!text.contains("Canary"), "{text}");
    let diagnosis: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = diagnosis["findings"].as_array().unwrap();
    let ours = all.iter().filter(|finding| finding["group"] == "github");
    ours.cloned().collect()
}

#[track_caller]
fn has(findings: &[Value], id: &str, state: &str, says: &[&str]) {
    let Some(finding) = findings
        .iter()
        .find(|it| it["id"] == format!("github.{id}"))
    else {
        panic!("no {id}: {findings:#?}");
    };
    assert_eq!(finding["state"], state, "{finding:#}");
    let said = format!("{} {}", finding["text"], finding["cure"]);
    for part in says {
        assert!(said.contains(part), "not said: {part:?}: {finding:#}");
    }
}

const ALL: [&str; 3] = ["--commit-status", "--check-run", "--pr-comment"];

#[test]
fn doctor_only_reads_from_github() {
    let fake = FakeGitHub::start(Vec::new());
    let found = findings(&fake.url, &ALL, &[]);
    has(&found, "repository", "ok", &["octo-org/app", "11c02e5a9f"]);
    has(&found, "status", "ok", &["`statuses: write`"]);
    has(&found, "check-run", "ok", &["`checks: write`"]);
    has(&found, "comment", "ok", &["`pull-requests: write`"]);
    let asked = fake.requests();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|request| request.parts().0 == "GET"));
}

/// In a step of GitHub Actions a commit status is what is told; outside of it nothing is, and nobody is asked.
#[test]
fn doctor_checks_only_selected_channels() {
    let fake = FakeGitHub::start(Vec::new());
    let found = findings(&fake.url, &[], &[]);
    has(&found, "status", "ok", &[]);
    assert_eq!(found.len(), 2, "{found:#?}");
    let found = findings(&fake.url, &["--commit-status=false"], &[]);
    has(
        &found,
        "repository",
        "not checked",
        &["a token is there", "--check-run"],
    );
    assert_eq!(fake.requests().len(), 2);
}

#[test]
fn missing_permissions_are_warnings() {
    let mock = HttpServer::replay([mute()]);
    let found = findings(&mock.url, &ALL, &[]);
    has(
        &found,
        "repository",
        "warning",
        &["not accessible", "`statuses: write`", "permissions:"],
    );
    let fake = FakeGitHub::start(Vec::new());
    fake.world(|world| world.deny("check-runs"));
    let found = findings(&fake.url, &ALL, &[]);
    has(&found, "repository", "ok", &[]);
    has(&found, "status", "ok", &[]);
    has(
        &found,
        "check-run",
        "warning",
        &["cannot even be read", "403", "`checks: write`"],
    );
}

#[test]
fn personal_tokens_have_their_limits() {
    let fake = FakeGitHub::start(Vec::new());
    fake.world(|world| world.repository["permissions"] = json!({ "push": false }));
    let person = [("GITHUB_TOKEN", "github_pat_CanaryCanary")];
    let found = findings(&fake.url, &ALL, &person);
    has(
        &found,
        "check-run",
        "warning",
        &["only apps", "github.token"],
    );
    has(&found, "status", "warning", &["may not push"]);
    has(&found, "comment", "ok", &[]);

    let mock = HttpServer::replay([classic()]);
    let person = [("GITHUB_TOKEN", "ghp_CanaryCanary")];
    let found = findings(&mock.url, &["--pr-comment"], &person);
    for id in ["status", "comment"] {
        has(&found, id, "warning", &["read:org, gist", "scope repo"]);
    }
}

#[test]
fn read_only_runs_and_repositories_are_warnings() {
    let fake = FakeGitHub::start(Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let event = folder.path().join("event.json");
    let payload = json!({
        "number": PULL,
        "pull_request": {
            "number": PULL,
            "head": { "sha": "22c02e5a9f0b11c02e5a9f0b11c02e5a9f0b1234", "ref": "x", "repo": { "full_name": "ann/app" } },
            "base": { "sha": "33c02e5a9f0b11c02e5a9f0b11c02e5a9f0b1234", "ref": "main" },
        },
        "repository": { "full_name": "octo-org/app" },
    });
    std::fs::write(&event, payload.to_string()).unwrap();
    let event = event.to_str().unwrap();
    let variables = [
        ("GITHUB_EVENT_PATH", event),
        ("GITHUB_EVENT_NAME", "pull_request"),
    ];
    let found = findings(&fake.url, &[], &variables);
    has(&found, "repository", "ok", &["22c02e5a9f"]);
    has(&found, "status", "warning", &["fork", "workflow_run"]);

    fake.world(|world| world.repository["archived"] = json!(true));
    let found = findings(&fake.url, &[], &[]);
    has(&found, "repository", "warning", &["archived"]);
}

#[test]
fn unreachable_github_is_a_warning() {
    let found = findings("http://127.0.0.1:1", &[], &[]);
    has(
        &found,
        "repository",
        "warning",
        &["could not be reached", "GITHUB_API_URL"],
    );
    assert_eq!(found.len(), 1, "{found:#?}");
    let found = findings("http://127.0.0.1:1", &[], &[("GITHUB_TOKEN", "")]);
    has(
        &found,
        "repository",
        "warning",
        &["GITHUB_TOKEN not set", "env:"],
    );
    let found = findings("http://example.com", &[], &[]);
    has(&found, "repository", "warning", &["plain http", "https://"]);
    // A fault strikes once, and what may pass is tried again.
    let fake = FakeGitHub::start(vec![ScriptedFault {
        on: "GET",
        happens: false,
        answer: Answer::page(502),
    }]);
    let found = findings(&fake.url, &[], &[]);
    has(&found, "repository", "ok", &[]);
    has(&found, "status", "ok", &[]);
}
