//! The calls against a mock that Prism makes of GitHub's OpenAPI description, which refuses what it does not allow.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use testplan::ci::github::{CheckRun, CheckState, CommitStatus, PublishError, StatusState};

use super::{
    openapi::Description,
    stage::{BRIEF, PULL, SHA, check_run, github, status},
};
use crate::support::{free_port, skip};

/// A Prism that ends with this.
struct Prism {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prism {
    /// `None` where it is not installed, which is said.
    async fn start() -> Option<Self> {
        let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let (Some(prism), Some(node)) = (path("TESTPLAN_PRISM"), path("TESTPLAN_NODE")) else {
            skip::missing("TESTPLAN_PRISM and TESTPLAN_NODE do not name Prism and node");
            return None;
        };
        let mut description = Description::load()?.value;
        speak_as_github(&mut description);
        // One comment of ours, to be put in place.
        let comments = "/repos/{owner}/{repo}/issues/{issue_number}/comments";
        let answer = &mut description["paths"][comments]["get"]["responses"]["200"];
        let example = &mut answer["content"][GITHUB_JSON]["examples"]["default"]["value"];
        assert_eq!(example[0]["body"], "Me too");
        example[0]["body"] = json!("<!-- testplan: kept -->\nold");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("github.json");
        std::fs::write(&file, description.to_string()).unwrap();
        let port = free_port();
        let child = Command::new(node)
            .arg(prism)
            .args(["mock", "--host", "127.0.0.1", "--port", &port.to_string()])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let prism = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            _folder: folder,
        };
        prism.listening(port).await;
        Some(prism)
    }

    async fn listening(&self, port: u16) {
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok()
            {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("Prism does not listen");
    }
}

/// What GitHub's answers are where its description says `application/json`; Prism knows no relation of both.
const GITHUB_JSON: &str = "application/vnd.github+json";

fn speak_as_github(description: &mut Value) {
    let paths = description["paths"].as_object_mut().unwrap();
    let items = paths.values_mut().filter_map(Value::as_object_mut);
    let operations = items.flat_map(serde_json::Map::values_mut);
    for operation in operations {
        let Some(responses) = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut)
        else {
            continue;
        };
        for response in responses.values_mut() {
            if let Some(content) = response.get_mut("content").and_then(Value::as_object_mut)
                && let Some(json) = content.remove("application/json")
            {
                content.insert(GITHUB_JSON.to_owned(), json);
            }
        }
    }
}

#[tokio::test]
async fn mock_of_the_description_accepts_every_call() {
    let Some(prism) = Prism::start().await else {
        return;
    };
    let github = github(&prism.url, testplan::ci::github::GitHubPatience::default());
    for state in [
        StatusState::Pending,
        StatusState::Success,
        StatusState::Failure,
        StatusState::Error,
    ] {
        let status = CommitStatus {
            state,
            target_url: Some("https://github.com/o/r/actions/runs/1".to_owned()),
            ..status()
        };
        github.set_status(SHA, &status).await.unwrap();
    }
    assert_eq!(github.pull_request_of(SHA).await, Ok(Some(1347)));
    // Its only check run has no external id: a new one is made, or that one is changed.
    github.put_check_run(SHA, &check_run(50)).await.unwrap();
    for state in [CheckState::InProgress, check_run(0).state] {
        let known = CheckRun {
            external_id: String::new(),
            state,
            text: Some("x".repeat(70_000)),
            ..check_run(120)
        };
        github.put_check_run(SHA, &known).await.unwrap();
    }
    github.put_comment(PULL, "new", "x").await.unwrap();
    github.put_comment(PULL, "kept", "x").await.unwrap();

    // It does refuse.
    let elsewhere = crate::github::stage::github(&format!("{}/nowhere", prism.url), BRIEF);
    let refused = elsewhere.set_status(SHA, &status()).await;
    assert!(
        matches!(refused, Err(PublishError::Refused { code: 404, .. })),
        "{refused:?}"
    );
}
