//! Reads the event of a step of GitHub Actions: which commit is tested, which one gets the result, what the token may do.
//!
//! The payload is foreign text, even of a fork's author: what makes no sense is replaced by the variables. Nothing is fetched.

pub(super) mod event_warning;
pub(super) mod read_only;

use serde_json::Value;

use self::{
    event_warning::EventWarning,
    read_only::{PULL_REQUEST, ReadOnly},
};
use super::variables::Lookup;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EventFacts {
    pub tested: Option<String>,
    pub report_on: Option<String>,
    pub merge: Option<String>,
    pub branch: Option<String>,
    pub pull_request: Option<u64>,
    pub read_only: Option<ReadOnly>,
    pub warnings: Vec<EventWarning>,
}

/// Whether this is a commit hash, possibly shortened. All zeros mean no commit.
pub(super) fn is_hash(text: &str) -> bool {
    (7..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| byte != b'0')
}

/// Reads an event. `payload` is the content of `GITHUB_EVENT_PATH`, `head` the commit that is checked out, which is tested.
pub(super) fn facts(get: Lookup<'_>, payload: Option<&Value>, head: Option<&str>) -> EventFacts {
    let event = EventPayload {
        name: get("GITHUB_EVENT_NAME").unwrap_or_default(),
        payload: payload.unwrap_or(&Value::Null),
        get,
    };
    let mut found = event.found();
    let known = found.others.iter().chain(&found.facts.tested);
    match head.map(str::trim).filter(|head| is_hash(head)) {
        None => {}
        Some(head) if known.clone().any(|commit| commit == head) => {
            found.facts.tested = Some(head.to_owned());
            found
                .facts
                .warnings
                .retain(|warning| *warning != EventWarning::Target);
        }
        Some(head) => {
            found
                .facts
                .warnings
                .retain(|warning| *warning != EventWarning::Target);
            found.facts.warnings.push(EventWarning::CheckedOut {
                head: head.to_owned(),
            });
            found.facts.tested = Some(head.to_owned());
            // The event's branch belongs to another commit.
            if found.facts.pull_request.is_none() {
                found.facts.branch = None;
            }
        }
    }
    found.facts.read_only = read_only::read_only(&event.name, event.payload, get);
    found.facts
}

struct EventPayload<'a> {
    name: String,
    payload: &'a Value,
    get: Lookup<'a>,
}

/// The facts, and other commits that may be checked out.
struct EventReading {
    facts: EventFacts,
    others: Vec<String>,
}

impl EventPayload<'_> {
    fn found(&self) -> EventReading {
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
pub(super) fn branch(get: Lookup<'_>) -> Option<String> {
    get("GITHUB_HEAD_REF").or_else(|| {
        let is_branch = get("GITHUB_REF_TYPE").as_deref() != Some("tag");
        get("GITHUB_REF_NAME").filter(|_| is_branch)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MERGE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const HEAD: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const BASE: &str = "cccccccccccccccccccccccccccccccccccccccc";
    const ELSE: &str = "dddddddddddddddddddddddddddddddddddddddd";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    /// The facts of an event whose `GITHUB_SHA` is [`MERGE`], with these variables beside.
    fn of(name: &str, variables: &str, payload: &Value, head: Option<&str>) -> EventFacts {
        let get = |wanted: &str| match wanted {
            "GITHUB_EVENT_NAME" => Some(name.to_owned()),
            "GITHUB_SHA" => Some(MERGE.to_owned()),
            "GITHUB_REPOSITORY" => Some("o/r".to_owned()),
            _ => {
                let mut pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
                let value = pairs
                    .find(|(key, _)| wanted.strip_prefix("GITHUB_") == Some(key))?
                    .1;
                (!value.is_empty()).then(|| value.to_owned())
            }
        };
        facts(
            &get,
            Some(payload).filter(|payload| !payload.is_null()),
            head,
        )
    }

    /// Tested, reported on, branch and pull request in one line.
    fn line(facts: &EventFacts) -> String {
        let commit = |commit: &Option<String>| match commit.as_deref() {
            None => "-",
            Some(MERGE) => "merge",
            Some(HEAD) => "head",
            Some(BASE) => "base",
            Some(_) => "?",
        };
        let branch = facts.branch.as_deref().unwrap_or("-");
        let number = facts
            .pull_request
            .map_or("-".to_owned(), |number| number.to_string());
        format!(
            "{} {} {branch} {number}",
            commit(&facts.tested),
            commit(&facts.report_on)
        )
    }

    fn pull(head_repo: &Value) -> Value {
        json!({
            "number": 5,
            "pull_request": {
                "number": 5,
                "merge_commit_sha": MERGE,
                "head": { "sha": HEAD, "ref": "feature", "repo": head_repo },
                "base": { "sha": BASE, "ref": "main" },
            },
            "repository": { "full_name": "o/r", "default_branch": "main" },
        })
    }

    const PULL: &str =
        "REF=refs/pull/5/merge REF_NAME=5/merge REF_TYPE=branch HEAD_REF=feature BASE_REF=main";
    const MAIN: &str = "REF=refs/heads/main REF_NAME=main REF_TYPE=branch";
    const TAG: &str = "REF=refs/tags/v1 REF_NAME=v1 REF_TYPE=tag";

    #[test]
    fn each_event_has_its_commits_and_branch() {
        let own = pull(&json!({ "full_name": "o/r", "fork": false }));
        let run = |pulls: Value| {
            json!({ "workflow_run": {
                "head_sha": HEAD, "head_branch": "feature", "pull_requests": pulls,
            }})
        };
        let matching = run(json!([
            { "number": 4, "head": { "sha": ELSE } },
            { "number": 5, "head": { "sha": HEAD } },
        ]));
        let queue = "REF=refs/heads/gh-readonly-queue/rel/1/pr-5-abc \
                     REF_NAME=gh-readonly-queue/rel/1/pr-5-abc REF_TYPE=branch";
        let gone = json!({
            "deleted": true, "after": ZERO, "ref": "refs/heads/old",
            "repository": { "default_branch": "main" },
        });
        let table = [
            (
                "push",
                MAIN,
                json!({ "after": MERGE, "deleted": false }),
                "merge merge main -",
            ),
            ("push", TAG, json!({ "after": MERGE }), "merge merge - -"),
            (
                "push",
                "REF_NAME=old REF_TYPE=branch",
                gone.clone(),
                "merge merge main -",
            ),
            (
                "delete",
                "REF_NAME=old REF_TYPE=branch",
                gone,
                "merge merge main -",
            ),
            ("pull_request", PULL, own.clone(), "merge head feature 5"),
            (
                "pull_request_review",
                PULL,
                own.clone(),
                "merge head feature 5",
            ),
            (
                "pull_request_review_comment",
                PULL,
                own.clone(),
                "merge head feature 5",
            ),
            // Closed by its merge: the run's ref is the base.
            (
                "pull_request",
                "REF=refs/heads/main REF_NAME=main REF_TYPE=branch",
                own.clone(),
                "merge head feature 5",
            ),
            (
                "pull_request_target",
                "REF_NAME=main HEAD_REF=feature",
                own.clone(),
                "- head feature 5",
            ),
            (
                "merge_group",
                queue,
                json!({ "merge_group": { "base_ref": "refs/heads/rel/1" } }),
                "merge merge rel/1 -",
            ),
            ("merge_group", queue, json!({}), "merge merge rel/1 -"),
            ("workflow_run", MAIN, matching, "head head feature 5"),
            (
                "workflow_run",
                MAIN,
                run(json!([{ "number": 4, "head": { "sha": ELSE } }])),
                "head head feature -",
            ),
            (
                "workflow_run",
                MAIN,
                run(json!(null)),
                "head head feature -",
            ),
            (
                "workflow_run",
                MAIN,
                json!({ "workflow_run": { "head_sha": HEAD, "head_branch": null } }),
                "head head - -",
            ),
            (
                "schedule",
                MAIN,
                json!({ "schedule": "0 0 * * *" }),
                "merge merge main -",
            ),
            (
                "workflow_dispatch",
                MAIN,
                json!({ "ref": "refs/heads/main" }),
                "merge merge main -",
            ),
            (
                "workflow_dispatch",
                TAG,
                json!({ "ref": "refs/tags/v1" }),
                "merge merge - -",
            ),
            (
                "repository_dispatch",
                MAIN,
                json!({ "action": "x", "client_payload": {} }),
                "merge merge main -",
            ),
            (
                "release",
                TAG,
                json!({ "release": { "tag_name": "v1" } }),
                "merge merge - -",
            ),
            (
                "deployment",
                "REF_NAME=",
                json!({ "deployment": { "sha": MERGE } }),
                "merge merge - -",
            ),
            (
                "issue_comment",
                MAIN,
                json!({ "issue": { "number": 5, "pull_request": {} } }),
                "- - - 5",
            ),
            (
                "issue_comment",
                MAIN,
                json!({ "issue": { "number": 5 } }),
                "merge merge main -",
            ),
        ];
        for (name, variables, payload, expected) in table {
            let facts = of(name, variables, &payload, None);
            assert_eq!(line(&facts), expected, "{name} {variables} {payload}");
        }
    }

    #[test]
    fn checked_out_commit_is_tested() {
        let own = pull(&json!({ "full_name": "o/r" }));
        let comment = json!({ "issue": { "number": 5, "pull_request": {} } });
        let run = json!({ "workflow_run": { "head_sha": HEAD, "head_branch": "feature" } });
        let table = [
            ("pull_request", &own, MERGE, "merge head feature 5", 0),
            ("pull_request", &own, HEAD, "head head feature 5", 0),
            ("pull_request", &own, BASE, "base head feature 5", 0),
            ("pull_request", &own, ELSE, "? head feature 5", 1),
            ("pull_request_target", &own, HEAD, "head head feature 5", 0),
            (
                "pull_request_target",
                &own,
                MERGE,
                "merge head feature 5",
                0,
            ),
            ("pull_request_target", &own, ELSE, "? head feature 5", 1),
            ("pull_request", &own, "main", "merge head feature 5", 0),
            ("issue_comment", &comment, MERGE, "merge - - 5", 1),
            ("issue_comment", &comment, ELSE, "? - - 5", 2),
            ("workflow_run", &run, MERGE, "merge head feature -", 0),
            ("workflow_run", &run, HEAD, "head head feature -", 0),
            ("push", &json!({}), HEAD, "head merge - -", 1),
        ];
        for (name, payload, head, expected, warnings) in table {
            let facts = of(name, "HEAD_REF=", payload, Some(head));
            assert_eq!(line(&facts), expected, "{name} at {head}");
            assert_eq!(facts.warnings.len(), warnings, "{:?}", facts.warnings);
        }
        let facts = of("push", MAIN, &json!({}), Some(ELSE));
        assert_eq!(
            facts.warnings[0].to_string(),
            "the event does not name dddddddddd, which is checked out and counts as tested; pass --commit for another, and \
             --branch to name its branch"
        );
    }

    #[test]
    fn malformed_payload_falls_back_to_the_variables() {
        let odd = [
            Value::Null,
            json!([]),
            json!("x"),
            json!({ "pull_request": 5, "workflow_run": [], "merge_group": null, "issue": 1 }),
            json!({ "pull_request": { "head": { "sha": "main" } }, "workflow_run": { "head_sha": ZERO } }),
        ];
        for payload in &odd {
            for (name, expected) in [
                ("pull_request", "merge merge feature 5"),
                ("workflow_run", "merge merge feature -"),
                ("issue_comment", "merge merge feature -"),
                ("merge_group", "merge merge feature -"),
            ] {
                let facts = of(name, PULL, payload, None);
                assert_eq!(line(&facts), expected, "{name} {payload}");
                let doubt = EventWarning::Payload {
                    event: name.to_owned(),
                };
                assert_eq!(facts.warnings, [doubt], "{name} {payload}");
            }
            for name in ["push", "schedule", "", "an_event_of_next_year"] {
                let facts = of(name, MAIN, payload, None);
                assert_eq!(line(&facts), "merge merge main -", "{name} {payload}");
                assert_eq!(facts.warnings, [], "{name} {payload}");
            }
        }
    }

    #[test]
    fn forks_and_dependabot_may_only_read() {
        use ReadOnly::{Dependabot, Fork};
        let own = json!({ "full_name": "O/R", "fork": true });
        let fork = json!({ "full_name": "me/r", "fork": true });
        let nameless = json!({ "fork": true });
        let bot = "ACTOR=dependabot[bot]";
        let table = [
            ("pull_request", "", &own, None),
            ("pull_request", "", &fork, Some(Fork)),
            ("pull_request_review", "", &fork, Some(Fork)),
            ("pull_request", bot, &fork, Some(Fork)),
            ("pull_request", "", &nameless, Some(Fork)),
            ("pull_request", "", &Value::Null, Some(Fork)),
            ("pull_request", bot, &own, Some(Dependabot)),
            ("push", bot, &own, Some(Dependabot)),
            ("push", "ACTOR=me", &own, None),
            ("pull_request_target", bot, &fork, None),
            ("schedule", bot, &own, None),
            ("workflow_run", bot, &fork, None),
        ];
        for (name, variables, repo, expected) in table {
            let facts = of(name, variables, &pull(repo), None);
            assert_eq!(facts.read_only, expected, "{name} {variables} {repo}");
        }
        let mut sent = pull(&own);
        sent["sender"] = json!({ "login": "dependabot[bot]" });
        assert_eq!(of("push", "", &sent, None).read_only, Some(Dependabot));
        assert_eq!(of("push", "ACTOR=me", &sent, None).read_only, None);
    }
}
