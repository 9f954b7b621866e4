//! What set a workflow off: an event's payload, and what follows from it by GitHub's rules.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::support::skip;

/// An event, and the revisions that its runs are of.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) payload: Value,
    pub(crate) sha: String,
    /// In full, as `refs/heads/main`.
    pub(crate) reference: String,
    pub(crate) head_ref: String,
    pub(crate) base_ref: String,
    pub(crate) actor: String,
}

impl Event {
    /// Tip of the default branch, which no payload names.
    pub(crate) const DEFAULT_TIP: &str = "d0d0000000000000000000000000000000000001";
    /// The merge commit that GitHub makes for a pull request.
    pub(crate) const MERGE: &str = "3e63e00000000000000000000000000000000002";
    /// Tip of a branch or tag that is named without its commit.
    pub(crate) const TIP: &str = "7190000000000000000000000000000000000003";

    /// A push to `main`, for tests that are about something else.
    pub(crate) fn some_push() -> Self {
        let payload = json!({
            "ref": "refs/heads/main",
            "before": Self::DEFAULT_TIP,
            "after": "9a5e000000000000000000000000000000000004",
            "deleted": false,
            "repository": {
                "full_name": "octo-org/app", "name": "app", "id": 1, "default_branch": "main",
                "owner": { "login": "octo-org", "id": 2 },
            },
            "sender": { "login": "octocat" },
        });
        Self::of("push", payload)
    }

    /// The run that GitHub makes of a payload.
    pub(crate) fn of(name: &str, payload: Value) -> Self {
        let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
        let default = text("/repository/default_branch").unwrap_or("main");
        let mut event = Self {
            name: name.to_owned(),
            sha: Self::DEFAULT_TIP.to_owned(),
            reference: format!("refs/heads/{default}"),
            head_ref: String::new(),
            base_ref: String::new(),
            actor: text("/sender/login").unwrap_or("octocat").to_owned(),
            payload: Value::Null,
        };
        let revision = |event: &mut Self, sha: &str, reference: &str| {
            sha.clone_into(&mut event.sha);
            reference.clone_into(&mut event.reference);
        };
        match name {
            // What was deleted cannot be checked out: such a run is of the default branch.
            "push" if payload["deleted"] == true => {}
            "push" => revision(&mut event, text("/after").unwrap(), text("/ref").unwrap()),
            "pull_request" if payload["pull_request"]["merged"] == true => {
                let base = text("/pull_request/base/ref").unwrap();
                let sha = text("/pull_request/merge_commit_sha").unwrap();
                revision(&mut event, sha, &format!("refs/heads/{base}"));
            }
            "pull_request" | "pull_request_review" | "pull_request_review_comment" => {
                let merge = format!("refs/pull/{}/merge", payload["number"]);
                revision(&mut event, Self::MERGE, &merge);
            }
            "merge_group" => revision(
                &mut event,
                text("/merge_group/head_sha").unwrap(),
                text("/merge_group/head_ref").unwrap(),
            ),
            "workflow_dispatch" => revision(&mut event, Self::TIP, text("/ref").unwrap()),
            "release" => {
                let tag = text("/release/tag_name").unwrap();
                revision(&mut event, Self::TIP, &format!("refs/tags/{tag}"));
            }
            "create" => {
                let name = text("/ref").unwrap();
                revision(&mut event, Self::TIP, &format!("refs/heads/{name}"));
            }
            "deployment" => revision(
                &mut event,
                text("/deployment/sha").unwrap(),
                &format!("refs/heads/{}", text("/deployment/ref").unwrap()),
            ),
            "pull_request_target"
            | "workflow_run"
            | "schedule"
            | "repository_dispatch"
            | "issue_comment"
            | "delete" => {}
            other => panic!("the rule for {other} is not known here"),
        }
        if name.starts_with("pull_request") {
            text("/pull_request/head/ref")
                .unwrap()
                .clone_into(&mut event.head_ref);
            text("/pull_request/base/ref")
                .unwrap()
                .clone_into(&mut event.base_ref);
        }
        event.payload = payload;
        event
    }

    /// What GitHub calls the reference for short.
    pub(super) fn ref_name(&self) -> &str {
        let name = &self.reference;
        ["refs/heads/", "refs/tags/", "refs/pull/"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(name)
    }

    pub(super) fn ref_type(&self) -> &'static str {
        if self.reference.starts_with("refs/tags/") {
            "tag"
        } else {
            "branch"
        }
    }
}

/// GitHub's own examples of payloads, as (event, payload): the package `@octokit/webhooks-examples` in the folder
/// `TESTPLAN_WEBHOOKS`.
pub(crate) fn webhooks() -> Option<Vec<(String, Value)>> {
    let Some(folder) = std::env::var_os("TESTPLAN_WEBHOOKS").map(PathBuf::from) else {
        skip::missing("TESTPLAN_WEBHOOKS, the folder of @octokit/webhooks-examples");
        return None;
    };
    let inner = folder.join("api.github.com/index.json");
    let file = if inner.exists() {
        inner
    } else {
        folder.join("index.json")
    };
    let kinds: Vec<Value> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let mut found = Vec::new();
    for kind in kinds {
        let name = kind["name"].as_str().unwrap();
        let examples = kind["examples"].as_array().unwrap();
        found.extend(examples.iter().map(|it| (name.to_owned(), it.clone())));
    }
    Some(found)
}
