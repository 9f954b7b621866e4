//! Whose runs get a token that may only read.

use std::fmt;

use serde_json::Value;

use super::{Lookup, PULL_REQUEST};

/// Why the token of this run most likely may only read. GitHub has the last word: a job may be granted more, so that
/// this explains a refusal and does not foresee it for sure.
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
            Self::Fork => "a pull request of a fork gets a token that may only read, and no secrets",
            Self::Dependabot => {
                "a run that Dependabot started gets a token that may only read, and none of the secrets of Actions"
            }
        })
    }
}

/// Other events whose runs by Dependabot are held like those of a pull request.
const HELD: [&str; 4] = ["push", "create", "deployment", "deployment_status"];

pub(super) fn read_only(event: &str, payload: &Value, get: Lookup<'_>) -> Option<ReadOnly> {
    // A pull_request_target is none of these: it has the rights of the repository on purpose.
    let is_pull_request = PULL_REQUEST.contains(&event);
    if is_pull_request && is_fork(payload, get) {
        return Some(ReadOnly::Fork);
    }
    let actor = get("GITHUB_ACTOR");
    let sender = || payload.pointer("/sender/login").and_then(Value::as_str);
    let is_dependabot = actor.as_deref().or_else(sender) == Some("dependabot[bot]");
    let is_held = is_pull_request || HELD.contains(&event);
    (is_dependabot && is_held).then_some(ReadOnly::Dependabot)
}

/// Whether the head is in another repository. A repository that is a fork itself has pull requests of its own, so that
/// `fork` counts only where the names are not known; the head of a fork that was deleted is `null`.
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
