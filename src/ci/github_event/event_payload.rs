//! Commits, branch and pull request that an event names: each kind of event has its own places for them.

use serde_json::Value;

use super::{
    event_warning::EventWarning,
    read_only::{PULL_REQUEST, ReadOnly},
};
use crate::ci::variables::Lookup;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::ci) struct EventFacts {
    pub tested: Option<String>,
    pub report_on: Option<String>,
    pub merge: Option<String>,
    pub branch: Option<String>,
    pub pull_request: Option<u64>,
    pub read_only: Option<ReadOnly>,
    pub warnings: Vec<EventWarning>,
}

/// Whether this is a commit hash, possibly shortened. All zeros mean no commit.
pub(in crate::ci) fn is_hash(text: &str) -> bool {
    (7..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| byte != b'0')
}

pub(super) struct EventPayload<'a> {
    pub(super) name: String,
    pub(super) payload: &'a Value,
    pub(super) get: Lookup<'a>,
}

/// The facts, and other commits that may be checked out.
pub(super) struct EventReading {
    pub(super) facts: EventFacts,
    pub(super) others: Vec<String>,
}

impl EventPayload<'_> {
    pub(super) fn read(&self) -> EventReading {
        match self.name.as_str() {
            name if PULL_REQUEST.contains(&name) => self.pull_request(),
            "pull_request_target" => self.pull_request_target(),
            "merge_group" => self.merge_group(),
            "workflow_run" => self.workflow_run(),
            "issue_comment" => self.comment(),
            "push" | "delete" => self.push(),
            _ => self.plain(),
        }
    }

    /// Most events run on the commit that they concern.
    fn plain(&self) -> EventReading {
        let commit = self.variable_commit();
        EventReading {
            facts: EventFacts {
                tested: commit.clone(),
                report_on: commit,
                branch: self.variable_branch(),
                ..EventFacts::default()
            },
            others: Vec::new(),
        }
    }

    /// The deletion of a branch runs on the default branch, whatever the payload's `ref` says.
    fn push(&self) -> EventReading {
        let mut found = self.plain();
        let is_deletion = self.name == "delete" || self.payload["deleted"] == true;
        if is_deletion && let Some(default) = self.text("/repository/default_branch") {
            found.facts.branch = Some(default);
        }
        found
    }

    /// Runs on a merge commit that only this run sees; results belong to the head.
    fn pull_request(&self) -> EventReading {
        let mut found = self.plain();
        let facts = &mut found.facts;
        facts.pull_request = self
            .number("/pull_request/number")
            .or_else(|| self.number("/number"))
            .or_else(|| self.ref_number());
        match self.commit("/pull_request/head/sha") {
            Some(head) => facts.report_on = Some(head),
            None => facts.warnings.push(self.incomplete()),
        }
        facts.merge = facts.tested.clone().filter(|commit| self.merges(commit));
        // Never the name of the run's ref, which is `5/merge` or the branch that is merged into.
        facts.branch =
            (self.get)("GITHUB_HEAD_REF").or_else(|| self.text("/pull_request/head/ref"));
        found.others = self.sides();
        found
    }

    /// Whether the run's commit is GitHub's merge of the pull request. The run of a closed one may be on the base branch, which
    /// has other commits too. `merge_commit_sha` alone is no proof: it may belong to an older head.
    fn merges(&self, commit: &str) -> bool {
        self.ref_number().is_some()
            || self.payload.pointer("/pull_request/merged") == Some(&Value::Bool(true))
                && self.commit("/pull_request/merge_commit_sha").as_deref() == Some(commit)
    }

    /// Runs on the default branch, with write access. Only its checkout step says what is tested.
    fn pull_request_target(&self) -> EventReading {
        let mut found = self.pull_request();
        found.facts.merge = None;
        found.others.extend(found.facts.tested.take());
        found.facts.warnings.push(EventWarning::Target);
        found
    }

    /// The branch of a merge queue has a generated name; people know the base branch.
    fn merge_group(&self) -> EventReading {
        let mut found = self.plain();
        let base = self.text("/merge_group/base_ref");
        if base.is_none() {
            found.facts.warnings.push(self.incomplete());
        }
        let queue = || {
            let name = found.facts.branch.as_deref()?;
            let (base, _) = name
                .strip_prefix("gh-readonly-queue/")?
                .rsplit_once("/pr-")?;
            Some(base.to_owned())
        };
        let base = base.map(|base| base.trim_start_matches("refs/heads/").to_owned());
        if let Some(base) = base.or_else(queue) {
            found.facts.branch = Some(base);
        }
        found
    }

    /// Runs on the default branch and concerns a run of another commit.
    fn workflow_run(&self) -> EventReading {
        let mut found = self.plain();
        let Some(head) = self.commit("/workflow_run/head_sha") else {
            found.facts.warnings.push(self.incomplete());
            return found;
        };
        found.others.extend(found.facts.tested.take());
        let pulls = self.payload.pointer("/workflow_run/pull_requests");
        let mut pulls = pulls.and_then(Value::as_array).into_iter().flatten();
        found.facts.pull_request = pulls
            .find(|pull| pull.pointer("/head/sha").and_then(Value::as_str) == Some(&head))
            .and_then(|pull| pull["number"].as_u64());
        found.facts.tested = Some(head.clone());
        found.facts.report_on = Some(head);
        found.facts.branch = self.text("/workflow_run/head_branch");
        found
    }

    /// Runs on the default branch; the payload of a comment does not name the head of the pull request.
    fn comment(&self) -> EventReading {
        let mut found = self.plain();
        let issue = &self.payload["issue"];
        if !issue.is_object() {
            found.facts.warnings.push(self.incomplete());
        }
        if issue["pull_request"].is_object()
            && let Some(number) = issue["number"].as_u64()
        {
            found.others.extend(found.facts.tested.take());
            found.facts = EventFacts {
                pull_request: Some(number),
                warnings: vec![EventWarning::Comment {
                    pull_request: number,
                }],
                ..EventFacts::default()
            };
        }
        found
    }

    /// The commits of a pull request that may be checked out instead of the merge commit.
    fn sides(&self) -> Vec<String> {
        let places = ["head/sha", "merge_commit_sha", "base/sha"];
        let places = places.iter();
        places
            .filter_map(|place| self.commit(&format!("/pull_request/{place}")))
            .collect()
    }

    fn incomplete(&self) -> EventWarning {
        EventWarning::Payload {
            event: self.name.clone(),
        }
    }

    fn text(&self, place: &str) -> Option<String> {
        let text = self.payload.pointer(place)?.as_str()?;
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    fn commit(&self, place: &str) -> Option<String> {
        self.text(place).filter(|commit| is_hash(commit))
    }

    fn number(&self, place: &str) -> Option<u64> {
        self.payload.pointer(place)?.as_u64()
    }

    fn variable_commit(&self) -> Option<String> {
        (self.get)("GITHUB_SHA").filter(|commit| is_hash(commit))
    }

    fn variable_branch(&self) -> Option<String> {
        branch(self.get)
    }

    /// The number in `refs/pull/5/merge`.
    fn ref_number(&self) -> Option<u64> {
        let name = (self.get)("GITHUB_REF")?;
        let number = name.strip_prefix("refs/pull/")?.split('/').next()?;
        number.parse().ok()
    }
}

/// The branch according to the variables: the head of a pull request, and none for a tag.
pub(in crate::ci) fn branch(get: Lookup<'_>) -> Option<String> {
    get("GITHUB_HEAD_REF").or_else(|| {
        let is_branch = get("GITHUB_REF_TYPE").as_deref() != Some("tag");
        get("GITHUB_REF_NAME").filter(|_| is_branch)
    })
}
