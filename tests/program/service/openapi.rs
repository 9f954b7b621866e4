//! The description says what the routes do.

use std::{collections::HashSet, process::Command};

use http::{Method, StatusCode};
use serde_json::Value;
use testplan::service::{InProcess, Limits, Service};

use super::{
    held_store::HeldStore,
    support::{Served, TOKEN, ask, get, patient, request, service},
};

async fn document(service: &InProcess) -> Value {
    let (status, document) = ask(service, get("/openapi.json")).await;
    assert_eq!(status, StatusCode::OK);
    document
}

#[tokio::test]
async fn every_described_method_is_routed_and_no_other() {
    let service = service(&HeldStore::of_the_page().await, patient()).in_process();
    let document = document(&service).await;
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 27);
    for (path, described) in paths {
        let uri = path.replace("{id}", "105");
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            let name = method.as_str().to_ascii_lowercase();
            let (status, _) = ask(&service, request(method, &uri, "{}")).await;
            let routed = status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(
                routed,
                described.get(&name).is_some(),
                "{name} {path}: {status}"
            );
        }
    }
}

#[tokio::test]
async fn the_document_is_whole() {
    let service = service(&HeldStore::of_the_page().await, patient()).in_process();
    let document = document(&service).await;
    let mut names = HashSet::new();
    for methods in document["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values() {
            assert!(names.insert(operation["operationId"].as_str().unwrap()));
            assert!(!operation["summary"].as_str().unwrap().is_empty());
            let responses = operation["responses"].as_object().unwrap();
            for status in ["405", "500", "503"] {
                assert!(responses.contains_key(status), "{status} of {operation}");
            }
        }
    }
    let look_up = &document["paths"]["/execution/v1/testplans"]["get"]["responses"];
    assert!(
        ["200", "400", "401", "404"]
            .iter()
            .all(|status| look_up.get(status).is_some())
    );
    let created = &document["paths"]["/execution/v1/executeplan"]["post"]["responses"];
    assert!(
        ["201", "400", "401", "408", "413"]
            .iter()
            .all(|status| created.get(status).is_some())
    );
    assert!(created.get("200").is_none());
    let referred = references(&document);
    assert!(referred.len() > 10);
    for reference in referred {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
}

fn references(value: &Value) -> HashSet<&str> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(reference) if name == "$ref" => HashSet::from([reference.as_str()]),
                value => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => HashSet::new(),
    }
}

/// Needs schemathesis 4 on the PATH: `cargo test --test program -- --ignored schemathesis`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs schemathesis"]
async fn schemathesis_finds_nothing() {
    let limits = Limits {
        wait: std::time::Duration::from_millis(20),
        ..Limits::default()
    };
    let service: Service = service(&HeldStore::with_any_id().await, limits);
    let served = Served::start(&service).await;
    let url = format!("http://{}/openapi.json", served.address);
    let run = tokio::task::spawn_blocking(move || schemathesis(&url))
        .await
        .unwrap();
    let words = String::from_utf8_lossy(&run.stdout).into_owned();
    println!("{words}");
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{errors}");
}

/// The protocol answers 400 for an unknown id and refuses more than a schema can say; and it reads numbers in quotes.
const TOLERATED: &str = "positive_data_acceptance,negative_data_rejection";

#[expect(clippy::disallowed_methods, reason = "a tool, not a part of a run")]
fn schemathesis(url: &str) -> std::process::Output {
    Command::new("schemathesis")
        .args([
            "run",
            url,
            "--max-examples",
            "200",
            "--phases",
            "examples,coverage,fuzzing",
        ])
        .args(["--header", &format!("Authorization: Token {TOKEN}")])
        .args(["--checks", "all", "--exclude-checks", TOLERATED])
        .output()
        .unwrap()
}
