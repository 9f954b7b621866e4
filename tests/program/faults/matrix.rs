//! The matrix that `execute` makes, from a service that lists executions and from one that only counts them.

use serde_json::{Value, json};

use crate::support::{Ended, PlanFile, Service, Stage, Tap};

fn stage() -> Stage {
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test)
        .numbered("s", 3)
        .on_each(&["OS=Linux", "OS=Solaris"])
        .on(&stage);
    stage
}

/// Names and open executions of the entries.
fn entries(started: &Value) -> Vec<(String, u64)> {
    let entries = started["matrix"]["include"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| {
            let name = entry["name"].as_str().unwrap().to_owned();
            (name, entry["open"].as_u64().unwrap())
        })
        .collect()
}

fn execute(stage: &Stage, service: &Service, tap: Option<&Tap>, lines: &[&str]) -> Ended {
    let execute = stage.testplan("execute");
    let execute = match tap {
        Some(tap) => execute.through(tap, service),
        None => execute.at(service),
    };
    lines
        .iter()
        .fold(
            execute.flags("--format json --tests-per-worker 2"),
            |execute, line| execute.flags("--runs-on").arg(line),
        )
        .with("GITHUB_ACTIONS", "true")
        .with("GITHUB_RUN_ATTEMPT", "3")
        .run()
}

#[test]
fn runs_on_lines_make_worker_sets() {
    let stage = stage();
    let service = Service::start(&stage);
    let both = ["OS=Solaris: self-hosted, sun", "OS=Linux:ubuntu-24.04"];
    let started = execute(&stage, &service, None, &both).code_is(0).json();
    assert_eq!(
        entries(&started),
        [
            ("OS=Solaris 1/2".to_owned(), 3),
            ("OS=Solaris 2/2".to_owned(), 3),
            ("OS=Linux 1/2".to_owned(), 3),
            ("OS=Linux 2/2".to_owned(), 3)
        ]
    );
    let first = &started["matrix"]["include"][0];
    assert_eq!(first["runs-on"], json!(["self-hosted", "sun"]));
    assert_eq!(started["workers"], 4);
    assert_eq!(started["uncovered"], 0);
    assert_eq!(started["plan_attempt"], 3);
    let url = format!("{}/plans/{}", service.url, started["plan_id"]);
    assert_eq!(started["plan_url"], url.as_str());
    let text = started["matrix"].to_string();
    assert!(!text.contains("http"), "{text}");

    let gap = execute(&stage, &service, None, &["OS=Linux: x"]).code_is(0);
    assert!(gap.stderr.contains("3 executions need OS=Solaris"), "{gap}");
    assert_eq!(gap.json()["uncovered"], 3);
    assert_eq!(gap.json()["open"], 6);

    let none = execute(&stage, &service, None, &["OS=BeOS: x"]).code_is(4);
    assert_eq!(none.json()["workers"], 0);
    assert_eq!(none.json()["matrix"], json!({ "include": [] }));
    assert!(none.stderr.contains("nothing to do:"), "{none}");
}

#[test]
fn invalid_runs_on_starts_no_plan() {
    let stage = stage();
    let service = Service::start(&stage);
    let token = std::fs::read_to_string(service.token_file()).unwrap();
    let secret = format!("at={}: x", token.trim());
    for (lines, word) in [
        (vec!["OS=Linux: x", "os=linux: y"], "there is"),
        (vec!["ubuntu-latest"], "RUNNER LABELS"),
        (vec![secret.as_str()], "access token"),
    ] {
        let ended = execute(&stage, &service, None, &lines).code_is(2);
        assert!(ended.stderr.contains(word), "{ended}");
        assert!(!ended.stderr.contains(token.trim()) || word != "access token");
    }
    // Nobody hosts it, so it has to be said where it runs.
    let unknown = execute(&stage, &service, None, &[]).code_is(2);
    let line = "--runs-on 'OS=Solaris: LABELS OF YOUR RUNNER'";
    assert!(unknown.stderr.contains(line), "{unknown}");
    let none = stage.testplan("plan status").at(&service).on(2).run();
    assert_eq!(none.status.code(), Some(2), "no plan: {none}");
}

#[test]
fn counting_service_is_asked_for_each_set() {
    let stage = stage();
    let service = Service::start(&stage);
    let tap = Tap::before(&service);
    tap.play_another_service();
    let lines = [": any", "OS=Linux: x", "OS=Solaris: y"];
    let started = execute(&stage, &service, Some(&tap), &lines).code_is(0);
    assert_eq!(
        entries(&started.json()),
        [
            ("OS=Linux 1/2".to_owned(), 3),
            ("OS=Linux 2/2".to_owned(), 3),
            ("OS=Solaris 1/2".to_owned(), 3),
            ("OS=Solaris 2/2".to_owned(), 3)
        ],
        "what is counted for a set is not counted for the one that offers nothing"
    );
    assert_eq!(started.json()["uncovered"], Value::Null);
    assert!(
        !tap.requests().contains("/testplan/v1"),
        "no list is asked for"
    );

    let short = execute(&stage, &service, Some(&tap), &["OS=Linux: x"]).code_is(0);
    assert!(short.stderr.contains("3 of 6 open"), "{short}");
    let guessed = execute(&stage, &service, Some(&tap), &[]).code_is(0);
    assert_eq!(entries(&guessed.json())[0].0, "any 1/3");
    assert!(guessed.stderr.contains("name worker sets"), "{guessed}");
}
