//! Every request is one that GitHub's OpenAPI description allows.

use std::path::PathBuf;

use jsonschema::Validator;
use serde_json::{Value, json};
use testplan::ci::github::{CheckRun, CheckState};

use super::{
    fake_github::{FakeGitHub, ScriptedFault},
    stage::{BRIEF, Call, PULL, SHA, check_run, github},
};
use crate::support::{Answer, HttpRequest, skip};

/// The description, read.
pub(crate) struct Description {
    pub value: Value,
}

impl Description {
    /// `None` where the file is not there, which is said.
    pub(crate) fn load() -> Option<Self> {
        let folder = std::env::var_os("TESTPLAN_SHARED_DATA").map(PathBuf::from);
        let file = folder.map(|folder| folder.join("github-openapi-min.json"));
        let Some(file) = file.filter(|file| file.exists()) else {
            skip::missing("TESTPLAN_SHARED_DATA names no folder with github-openapi-min.json");
            return None;
        };
        let text = std::fs::read_to_string(&file).unwrap();
        let value = serde_json::from_str(&text).unwrap();
        Some(Self { value })
    }

    /// The operation that this is, or why there is none or it is not allowed.
    pub(crate) fn check(&self, request: &HttpRequest) -> Result<String, String> {
        let (method, path, query) = request.parts();
        let paths = self.value["paths"].as_object().unwrap();
        let (template, item) = paths
            .iter()
            .find(|(template, _)| is_at(template, path))
            .ok_or_else(|| format!("no path {path}"))?;
        let operation = &item[method.to_lowercase()];
        if operation.is_null() {
            return Err(format!("no {method} at {template}"));
        }
        let parameters = operation["parameters"].as_array().unwrap();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or("a query without value")?;
            let parameter = parameters
                .iter()
                .find(|parameter| parameter["in"] == "query" && parameter["name"] == name)
                .ok_or_else(|| format!("no parameter {name} of {template}"))?;
            let number = value.parse::<i64>().map(Value::from);
            let is_number = parameter["schema"]["type"] == "integer";
            let value = number
                .ok()
                .filter(|_| is_number)
                .unwrap_or_else(|| json!(value));
            fits(&parameter["schema"], &value).map_err(|why| format!("{name}: {why}"))?;
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        match (body.is_null(), request.body.is_empty()) {
            (true, true) => {}
            (false, false) => {
                let mut schema = body.clone();
                close(&mut schema);
                fits(&schema, &request.json())?;
            }
            _ => return Err("a body where none is due, or none where one is".to_owned()),
        }
        Ok(format!("{method} {template}"))
    }
}

/// Whether a path is one of a template's, as `/repos/{owner}/…`.
fn is_at(template: &str, path: &str) -> bool {
    let (mut wanted, mut parts) = (template.split('/'), path.split('/'));
    wanted
        .by_ref()
        .zip(parts.by_ref())
        .all(|(wanted, part)| (wanted.starts_with('{') && !part.is_empty()) || wanted == part)
        && template.split('/').count() == path.split('/').count()
}

/// Takes no property that is not described: a name that is misspelt would be passed over.
fn close(schema: &mut Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(close);
        schema["additionalProperties"] = json!(false);
    }
    if let Some(items) = schema.get_mut("items") {
        close(items);
    }
}

fn fits(schema: &Value, value: &Value) -> Result<(), String> {
    let validator: Validator = jsonschema::validator_for(schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("; "))
    }
}

#[tokio::test]
async fn requests_match_githubs_description() {
    let Some(description) = Description::load() else {
        return;
    };
    let fake = FakeGitHub::start(vec![ScriptedFault {
        on: "POST",
        happens: true,
        answer: Answer::json(502, ""),
    }]);
    let github = github(&fake.url, BRIEF);
    for call in [Call::ALL, Call::ALL].concat() {
        call.make(&github).await.unwrap();
    }
    let begun = CheckRun {
        external_id: "2".to_owned(),
        state: CheckState::InProgress,
        text: Some("more".to_owned()),
        ..check_run(120)
    };
    github.put_check_run(SHA, &begun).await.unwrap();
    let long = CheckRun {
        summary: "x\n".repeat(40_000),
        text: Some("é".repeat(65_000)),
        ..begun
    };
    github.put_check_run(SHA, &long).await.unwrap();
    github
        .put_comment(PULL, "gui", &"x".repeat(70_000))
        .await
        .unwrap();

    let asked = fake.requests();
    let mut operations: Vec<String> = asked
        .iter()
        .map(|request| {
            let operation = description.check(request);
            operation.unwrap_or_else(|why| panic!("{}: {why}", request.line()))
        })
        .collect();
    operations.sort();
    operations.dedup();
    assert_eq!(
        operations,
        [
            "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls",
            "GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
            "GET /repos/{owner}/{repo}/issues/{issue_number}/comments",
            "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}",
            "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}",
            "POST /repos/{owner}/{repo}/check-runs",
            "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
            "POST /repos/{owner}/{repo}/statuses/{sha}",
        ]
    );
}

#[test]
fn description_check_refuses_wrong_requests() {
    let Some(description) = Description::load() else {
        return;
    };
    let request = |line: &str, body: &Value| HttpRequest {
        head: format!("{line} HTTP/1.1"),
        body: if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into()
        },
    };
    let run = |output: Value| json!({ "name": "x", "head_sha": SHA, "output": output });
    let remark = json!({
        "path": "x", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "x",
    });
    let good = run(json!({ "title": "x", "summary": "x", "annotations": [remark] }));
    assert!(
        description
            .check(&request("POST /repos/o/r/check-runs", &good))
            .is_ok()
    );
    let wrong = [
        (
            "POST /repos/o/r/statuses/abc",
            json!({ "state": "neutral" }),
        ),
        (
            "POST /repos/o/r/statuses/abc",
            json!({ "state": "error", "descripton": "x" }),
        ),
        ("POST /repos/o/r/statuses/abc", Value::Null),
        ("PUT /repos/o/r/statuses/abc", json!({ "state": "error" })),
        ("POST /repos/o/statuses/abc", json!({ "state": "error" })),
        ("POST /repos/o/r/check-runs", json!({ "name": "x" })),
        ("POST /repos/o/r/check-runs", run(json!({ "title": "x" }))),
        (
            "POST /repos/o/r/check-runs",
            run(json!({ "title": "x", "summary": "x".repeat(65_536) })),
        ),
        (
            "POST /repos/o/r/check-runs",
            run(json!({ "title": "x", "summary": "x", "annotations": vec![remark.clone(); 51] })),
        ),
        (
            "GET /repos/o/r/commits/abc/check-runs?checkname=x",
            Value::Null,
        ),
        (
            "GET /repos/o/r/commits/abc/check-runs?filter=newest",
            Value::Null,
        ),
        (
            "GET /repos/o/r/commits/abc/check-runs?per_page=many",
            Value::Null,
        ),
    ];
    for (line, body) in wrong {
        assert!(
            description.check(&request(line, &body)).is_err(),
            "{line} {body}"
        );
    }
}
