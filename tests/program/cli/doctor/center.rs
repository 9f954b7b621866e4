//! Test Center's dialect, by a script.

use serde_json::json;

use super::{Diagnosis, scripted_center::ScriptedCenter};
use crate::support::{Answer, HttpServer, Stage};

fn look(service: &HttpServer, more: &[&str]) -> Diagnosis {
    let url = &service.url;
    let mut arguments = vec!["--url", url, "--project=example"];
    arguments.extend(more);
    Diagnosis::of(&Stage::new(), &arguments)
}

#[test]
fn test_center_is_checked_without_changes() {
    let service = ScriptedCenter::default().start();
    let diagnosis = look(&service, &["--template=CI Tests master"]);
    diagnosis.has("plan.template", "ok", &["CI Tests master", "64"]);
    diagnosis.has("dialect.service", "ok", &["Test Center"]);
    diagnosis.has("dialect.leases", "ok", &["heartbeats"]);
    diagnosis.has(
        "dialect.status",
        "not checked",
        &["done", "finished", "--plan-id"],
    );
    diagnosis.has(
        "dialect.managed",
        "ok",
        &["names no repository", "--linked-repo"],
    );
    diagnosis.has("clock.difference", "ok", &[]);
    diagnosis.has("capabilities.needs", "not checked", &["--plan-id"]);
    diagnosis.has(
        "capabilities.servers",
        "ok",
        &["1 Squish server registered: 1 free"],
    );
    diagnosis.ends(0);
    assert_harmless(&service);
}

#[track_caller]
fn assert_harmless(service: &HttpServer) {
    let asked = service.requests();
    assert!(!asked.is_empty());
    for request in asked {
        let line = request.line();
        assert!(line.starts_with("GET "), "{line}");
        assert!(!line.contains("/reserve"), "{line}");
    }
}

#[test]
fn started_plan_shows_dialect_and_requirements() {
    for (done, word) in [("done", "`done`"), ("finished", "`finished`")] {
        let service = ScriptedCenter {
            done,
            ..ScriptedCenter::default()
        }
        .start();
        let diagnosis = look(
            &service,
            &[
                "--plan-id=105",
                "--capability=OS=Linux",
                "--capability=OS=Windows",
            ],
        );
        diagnosis.has("dialect.status", "ok", &["counts say", word]);
        diagnosis.has("plan.plan", "ok", &["105"]);
        diagnosis.has("capabilities.needs", "ok", &["1 set by counts of plan 105"]);
        let [row] = &diagnosis.json["capabilities"].as_array().unwrap()[..] else {
            panic!("not one row: {:#}", diagnosis.json);
        };
        assert_eq!(row["executions"], 20);
        assert_eq!(row["needs"], json!([{ "key": "OS", "value": "Linux" }]));
        assert_eq!(row["servers"], json!([{ "id": 1, "state": "free" }]));
        assert_harmless(&service);
    }
    let service = ScriptedCenter {
        done: "ready",
        ..ScriptedCenter::default()
    }
    .start();
    let diagnosis = look(&service, &["--plan-id=105"]);
    diagnosis.has("dialect.status", "problem", &["neither", "drained"]);
    diagnosis.ends(3);
}

#[test]
fn template_shows_managed_mode() {
    let service = ScriptedCenter {
        repositories: json!([{ "id": "3", "branch": "main", "enabled": true }]),
        ..ScriptedCenter::default()
    }
    .start();
    let diagnosis = look(&service, &["--template=CI Tests master"]);
    diagnosis.has(
        "dialect.managed",
        "ok",
        &["can run the tests itself", "3 (main)"],
    );
}

#[test]
fn clock_difference_is_a_warning() {
    let table: [(i64, &str, &[&str]); 3] = [
        (3, "ok", &["ahead of"]),
        (
            3 * 3600 + 60,
            "warning",
            &["3h", "ahead of", "leases", "NTP"],
        ),
        (-100, "warning", &["1m", "behind", "NTP"]),
    ];
    for (ahead, state, says) in table {
        let service = ScriptedCenter {
            ahead,
            ..ScriptedCenter::default()
        }
        .start();
        let diagnosis = look(&service, &["--template=CI Tests master"]);
        diagnosis.has("clock.difference", state, says);
        diagnosis.ends(0);
    }
}

/// Where no plan tells the time to the millisecond.
#[test]
fn date_header_serves_as_clock() {
    let service = HttpServer::start(|request| match request.call() {
        "GET /" => Answer::redirect(302, "/login").header("date: Tue, 05 Mar 2024 10:00:00 GMT"),
        _ => Answer::json(200, json!([])),
    });
    let diagnosis = look(&service, &[]);
    diagnosis.has("clock.difference", "warning", &["behind this machine"]);
    let service = HttpServer::start(|_| Answer::redirect(302, "/login/index"));
    let diagnosis = look(&service, &[]);
    diagnosis.has("clock.difference", "not checked", &[]);
}

#[test]
fn missing_template_names_near_titles() {
    let service = ScriptedCenter::default().start();
    let near = look(&service, &["--template=CI-Tests-master"]);
    near.has(
        "plan.template",
        "problem",
        &["CI-Tests-master", "template \\\"CI Tests master\\\""],
    );
    near.ends(4);
    let far = look(&service, &["--template=Nightly"]);
    far.has(
        "plan.template",
        "problem",
        &["no template \\\"Nightly\\\"", "letter by letter"],
    );
    far.ends(4);
    let missing = look(&service, &["--plan-id=7"]);
    missing.has("plan.plan", "problem", &["no plan 7", "execute"]);
    missing.ends(4);
    let unnamed = look(&service, &[]);
    unnamed.has(
        "plan.template",
        "not checked",
        &["no template is named", "--template"],
    );
    unnamed.ends(0);
}
