//! Reads the event of a step of GitHub Actions: which commit is tested, which one gets the result, what the token may do.
//!
//! The payload is foreign text, even of a fork's author: values that make no sense are replaced by the variables. Nothing is
//! fetched.

mod event_payload;
pub(super) mod event_warning;
pub(super) mod read_only;

use serde_json::Value;

use self::{event_payload::EventPayload, event_warning::EventWarning};
use super::variables::Lookup;

pub(super) use self::event_payload::{EventFacts, branch, is_hash};

/// Reads an event. `payload` is the content of `GITHUB_EVENT_PATH`, `head` the commit that is checked out, which is tested.
pub(super) fn facts(get: Lookup<'_>, payload: Option<&Value>, head: Option<&str>) -> EventFacts {
    let event = EventPayload {
        name: get("GITHUB_EVENT_NAME").unwrap_or_default(),
        payload: payload.unwrap_or(&Value::Null),
        get,
    };
    let mut found = event.read();
    if let Some(head) = head.map(str::trim).filter(|head| is_hash(head)) {
        let facts = &mut found.facts;
        let is_known = found
            .others
            .iter()
            .chain(&facts.tested)
            .any(|it| it == head);
        facts.tested = Some(head.to_owned());
        facts
            .warnings
            .retain(|warning| *warning != EventWarning::Target);
        if !is_known {
            facts.warnings.push(EventWarning::CheckedOut {
                head: head.to_owned(),
            });
            // The event's branch belongs to another commit.
            if facts.pull_request.is_none() {
                facts.branch = None;
            }
        }
    }
    found.facts.read_only = read_only::read_only(&event.name, event.payload, get);
    found.facts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{read_only::ReadOnly, *};

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
