//! Recognises runs whose token can only read.

use std::fmt;

use serde_json::Value;

use crate::ci::variables::Lookup;

/// Events that run on a merge commit of a pull request.
pub(super) const PULL_REQUEST: [&str; 3] = [
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
];

/// Why the token of this run can probably only read. It explains a refusal but cannot predict it: a job may be granted more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnly {
    /// A pull request of a fork. A private repository can grant its forks more.
    Fork,
    /// Dependabot started it. `permissions:` of the job can grant more.
    Dependabot,
}

impl fmt::Display for ReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fork => "a pull request of a fork gets a token that can only read, and no secrets",
            Self::Dependabot => {
                "a run that Dependabot started gets a token that can only read, and none of the secrets of Actions"
            }
        })
    }
}

/// Other events whose Dependabot runs are restricted like those of a pull request.
const RESTRICTED: [&str; 4] = ["push", "create", "deployment", "deployment_status"];

pub(in crate::ci) fn read_only(event: &str, payload: &Value, get: Lookup<'_>) -> Option<ReadOnly> {
    // pull_request_target is not listed: it has write access on purpose.
    let is_pull_request = PULL_REQUEST.contains(&event);
    if is_pull_request && is_fork(payload, get) {
        return Some(ReadOnly::Fork);
    }
    let actor = get("GITHUB_ACTOR");
    let sender = || payload.pointer("/sender/login").and_then(Value::as_str);
    let is_dependabot = actor.as_deref().or_else(sender) == Some("dependabot[bot]");
    let is_restricted = is_pull_request || RESTRICTED.contains(&event);
    (is_dependabot && is_restricted).then_some(ReadOnly::Dependabot)
}

/// Whether the head is in another repository. A fork has pull requests of its own, so that `fork` counts only if the names are
/// not known; the head of a deleted fork is `null`.
fn is_fork(payload: &Value, get: Lookup<'_>) -> bool {
    let Some(head) = payload.pointer("/pull_request/head/repo") else {
        return false;
    };
    let name =
        |repository: Option<&Value>| Some(repository?.get("full_name")?.as_str()?.to_owned());
    let own = get("GITHUB_REPOSITORY").or_else(|| name(payload.get("repository")));
    match (name(Some(head)), own) {
        (Some(head), Some(own)) => !head.eq_ignore_ascii_case(own.trim()),
        _ => head.is_null() || head["fork"] == true,
    }
}
