//! Every event that a workflow may run on, with GitHub's own payloads: which commit is linked to the plan, which one gets
//! the status, and what the step says.

use serde_json::{Value, json};

use super::runner::{Action, Event, Finished, Job, Level, webhooks};
use crate::support::{Answer, HttpServer, PlanFile, Service, Stage, Tap};

fn refused() -> Answer {
    Answer::json(
        403,
        r#"{"message":"Resource not accessible by integration"}"#,
    )
}
fn created() -> Answer {
    Answer::json(201, r#"{"id":1,"state":"success"}"#)
}

/// What a run of an event is to come to.
struct Expected<'a> {
    /// The commit that is linked to the plan.
    tested: &'a str,
    /// Leads the name of the batch; none for a tag.
    branch: Option<&'a str>,
    /// The commit that gets the status.
    status: &'a str,
    /// Where the token may only read: what the step says of the cause.
    refused: Option<&'a str>,
}

impl<'a> Expected<'a> {
    /// A commit is tested, and it gets the status.
    fn success(commit: &'a str, branch: Option<&'a str>) -> Self {
        Self {
            tested: commit,
            branch,
            status: commit,
            refused: None,
        }
    }

    /// Another commit gets the status.
    fn on(self, status: &'a str) -> Self {
        Self { status, ..self }
    }
}

/// One of GitHub's examples.
fn example(name: &str, is_it: impl Fn(&Value) -> bool) -> Option<Value> {
    let mut all = webhooks()?.into_iter();
    let found = all.find(|(event, payload)| event == name && is_it(payload));
    Some(found.unwrap_or_else(|| panic!("no example of {name}")).1)
}

fn text<'a>(payload: &'a Value, pointer: &str) -> &'a str {
    payload.pointer(pointer).and_then(Value::as_str).unwrap()
}

/// Runs a plan in a workflow that an event set off; the checkout is at what the event tests by default.
#[track_caller]
fn check(name: &str, payload: &Value, expected: &Expected<'_>) {
    let event = Event::of(name, payload.clone());
    let head = event.sha.clone();
    check_at(&event, &head, expected);
}

#[track_caller]
fn check_at(event: &Event, checked_out: &str, expected: &Expected<'_>) {
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test).numbered("s", 2).on(&stage);
    let service = Service::start(&stage);
    let tap = Tap::before(&service);
    let api = HttpServer::replay([match expected.refused {
        None => created(),
        Some(_) => refused(),
    }]);
    let action = Action::ours();
    let job = Job::new(&stage, "gui", event)
        .checked_out(&stage, checked_out)
        .env("GITHUB_API_URL", &api.url);
    let done = job
        .uses(&action)
        .with("url", &tap.url)
        .with(
            "token",
            std::fs::read_to_string(service.token_file()).unwrap(),
        )
        .with("linked-repos", 7)
        .with("workers", 1)
        .run()
        .code_is(0);

    let asked = tap.requests();
    let linked = format!(
        r#""linkedRepos":[{{"id":7,"branch":"{}"}}]"#,
        expected.tested
    );
    assert!(asked.contains(&linked), "{linked} not in {asked}\n{done}");
    let commit = &expected.tested[..10];
    let batch = match expected.branch {
        Some(branch) => format!(r#""batch":"{branch} {commit} T (GitHub Actions "#),
        None => format!(r#""batch":"{commit} T (GitHub Actions "#),
    };
    assert!(asked.contains(&batch), "{batch} not in {asked}\n{done}");

    let requests = api.requests();
    let statuses: Vec<_> = requests
        .iter()
        .filter(|it| it.line().contains("/statuses/"))
        .collect();
    let repository = text(&event.payload, "/repository/full_name");
    let commit = expected.status;
    let line = format!("POST /repos/{repository}/statuses/{commit} HTTP/1.1");
    for status in &statuses {
        assert_eq!(status.line(), line, "{done}");
        let bearer = format!("Bearer {}", Job::TOKEN);
        assert_eq!(status.header("authorization"), [bearer]);
        assert_eq!(status.json()["context"], "testplan");
        let target = text(&status.json(), "/target_url").to_owned();
        // The page of the plan, at the URL of the service.
        assert_eq!(target, format!("{}/plans/2", tap.url));
    }
    let last = statuses.last().map(|it| it.json()["state"].clone());
    assert_eq!(last, Some(json!("success")), "{done}");
    let warnings = done.messages(Level::Warning);
    match expected.refused {
        None => assert_eq!(warnings, [""; 0], "{done}"),
        Some(cause) => {
            assert_eq!((warnings.len(), statuses.len()), (1, 1), "{done}");
            assert!(warnings[0].contains(cause), "{cause} not in {warnings:?}");
        }
    }
    well_told(&stage, &job, &done);
    let strange = done.outputs.keys().find(|it| !action.outputs.contains(it));
    assert_eq!(strange, None, "not in action.yml");
}

/// Outputs and job summary of a plan of two tests that passed.
#[track_caller]
fn well_told(stage: &Stage, job: &Job, done: &Finished<'_>) {
    assert!(done.success, "{done}");
    assert_eq!(done.messages(Level::Error), [""; 0], "{done}");
    for (name, value) in [
        ("conclusion", "passed"),
        ("total", "2"),
        ("passed", "2"),
        ("failed", "0"),
        ("skipped", "0"),
        ("flaky", "0"),
        ("errors", "0"),
        ("missing", "0"),
    ] {
        assert_eq!(done.output(name), value, "{name}: {done}");
    }
    for name in ["plan-id", "duration-ms"] {
        assert!(done.output(name).parse::<u64>().is_ok(), "{name}: {done}");
    }
    for name in ["junit-path", "summary-path", "report-path", "records-path"] {
        let path = job.workspace().join(done.output(name));
        assert!(
            !done.output(name).is_empty() && path.exists(),
            "{name}: {done}"
        );
    }
    assert!(done.summary.contains("2 passed"), "{done}");
    assert!(
        !done.summary.contains(stage.folder().to_str().unwrap()),
        "{done}"
    );
}

#[test]
fn push_to_a_branch() {
    let Some(payload) = example("push", |it| it["ref"] == "refs/heads/master") else {
        return;
    };
    let after = text(&payload, "/after");
    check("push", &payload, &Expected::success(after, Some("master")));
}

#[test]
fn push_of_a_tag() {
    let Some(payload) = example("push", |it| {
        it["ref"] == "refs/tags/simple-tag" && it["deleted"] == false
    }) else {
        return;
    };
    let after = text(&payload, "/after");
    check("push", &payload, &Expected::success(after, None));
}

#[test]
fn deletion_of_a_branch() {
    let Some(mut payload) = example("push", |it| it["deleted"] == true) else {
        return;
    };
    payload["ref"] = json!("refs/heads/old");
    check(
        "push",
        &payload,
        &Expected::success(Event::DEFAULT_TIP, Some("master")),
    );
}

#[test]
fn pull_request() {
    for action in ["opened", "synchronize"] {
        let Some(payload) = example("pull_request", |it| it["action"] == action) else {
            return;
        };
        check(
            "pull_request",
            &payload,
            &Expected::success(Event::MERGE, Some("changes"))
                .on(text(&payload, "/pull_request/head/sha")),
        );
    }
}

/// Whoever checks out the head tests the head.
#[test]
fn pull_request_with_its_head_checked_out() {
    let Some(payload) = example("pull_request", |it| it["action"] == "opened") else {
        return;
    };
    let head = text(&payload, "/pull_request/head/sha").to_owned();
    check_at(
        &Event::of("pull_request", payload),
        &head,
        &Expected::success(&head, Some("changes")),
    );
}

/// Its token may only read: the step says so, once, and does not fail.
#[test]
fn pull_request_from_a_fork() {
    let Some(mut payload) = example("pull_request", |it| it["action"] == "synchronize") else {
        return;
    };
    let repository = &mut payload["pull_request"]["head"]["repo"];
    repository["full_name"] = json!("stranger/Hello-World");
    repository["fork"] = json!(true);
    check(
        "pull_request",
        &payload,
        &Expected {
            tested: Event::MERGE,
            branch: Some("changes"),
            status: text(&payload, "/pull_request/head/sha"),
            refused: Some("fork"),
        },
    );
}

#[test]
fn pull_request_of_dependabot() {
    let Some(mut payload) = example("pull_request", |it| it["action"] == "opened") else {
        return;
    };
    payload["sender"]["login"] = json!("dependabot[bot]");
    payload["pull_request"]["user"]["login"] = json!("dependabot[bot]");
    check(
        "pull_request",
        &payload,
        &Expected {
            tested: Event::MERGE,
            branch: Some("changes"),
            status: text(&payload, "/pull_request/head/sha"),
            refused: Some("Dependabot"),
        },
    );
}

/// With rights, even for a fork; the checkout says which side is tested.
#[test]
fn pull_request_target() {
    let Some(mut payload) = example("pull_request", |it| it["action"] == "opened") else {
        return;
    };
    payload["pull_request"]["head"]["repo"]["full_name"] = json!("stranger/Hello-World");
    let head = text(&payload, "/pull_request/head/sha").to_owned();
    check_at(
        &Event::of("pull_request_target", payload),
        &head,
        &Expected::success(&head, Some("changes")),
    );
}

#[test]
fn merge_group() {
    let Some(payload) = example("merge_group", |_| true) else {
        return;
    };
    let head = text(&payload, "/merge_group/head_sha");
    check(
        "merge_group",
        &payload,
        &Expected::success(head, Some("main")),
    );
}

/// About a run of another commit than its own; reports on that one.
#[test]
fn workflow_run() {
    for with_pulls in [false, true] {
        let Some(payload) = example("workflow_run", |it| {
            let pulls = it["workflow_run"]["pull_requests"].as_array().unwrap();
            it["action"] == "completed" && pulls.is_empty() != with_pulls
        }) else {
            return;
        };
        let head = text(&payload, "/workflow_run/head_sha").to_owned();
        check_at(
            &Event::of("workflow_run", payload.clone()),
            &head,
            &Expected::success(&head, Some(text(&payload, "/workflow_run/head_branch"))),
        );
    }
}

#[test]
fn schedule() {
    // GitHub has no example of it: its payload is the line of the workflow and the repository.
    let Some(push) = example("push", |_| true) else {
        return;
    };
    let payload = json!({
        "schedule": "30 5 * * 1-5",
        "workflow": ".github/workflows/gui.yml",
        "repository": push["repository"],
    });
    check(
        "schedule",
        &payload,
        &Expected::success(Event::DEFAULT_TIP, Some("master")),
    );
}

#[test]
fn workflow_dispatch() {
    let Some(mut payload) = example("workflow_dispatch", |_| true) else {
        return;
    };
    for (reference, branch) in [
        ("refs/heads/feature/a-b", Some("feature/a-b")),
        ("refs/tags/v1", None),
    ] {
        payload["ref"] = json!(reference);
        check(
            "workflow_dispatch",
            &payload,
            &Expected {
                tested: Event::TIP,
                branch,
                status: Event::TIP,
                refused: None,
            },
        );
    }
}

#[test]
fn release() {
    let Some(payload) = example("release", |it| it["action"] == "published") else {
        return;
    };
    check("release", &payload, &Expected::success(Event::TIP, None));
}
