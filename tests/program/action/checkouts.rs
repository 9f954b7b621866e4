//! Each event of a workflow with each checkout that it may have: the status is set on the commit that was tested, or not
//! at all. The table is the one of docs/action.md.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::runner::{Action, Event, Finished, Job, Level};
use crate::support::{Answer, HttpServer, PlanFile, Stage};

fn created() -> Answer {
    Answer::json(201, r#"{"id":1,"state":"success"}"#)
}
const DOCS: &str = include_str!("../../../docs/action.md");

/// The head of the pull request, or of the other run.
const HEAD: &str = "4ead000000000000000000000000000000000005";
/// The tip of the branch that is merged into.
const BASE: &str = "ba5e000000000000000000000000000000000006";
/// A commit that no event names.
const OTHER: &str = "07e4000000000000000000000000000000000007";

/// Event, what is checked out, its commit, what was tested in words, and the commit that gets the status.
type Row = (
    &'static str,
    &'static str,
    Option<&'static str>,
    &'static str,
    Option<&'static str>,
);

const PUSHED: &str = "9a5e000000000000000000000000000000000004";
const TIP: &str = Event::TIP;
const MAIN: &str = Event::DEFAULT_TIP;
const MERGE: &str = Event::MERGE;

const ROWS: [Row; 40] = [
    (
        "`push`",
        "the default",
        Some(PUSHED),
        "the pushed commit",
        Some(PUSHED),
    ),
    ("`push`", "another `ref`", Some(OTHER), "that commit", None),
    ("`push`", "none", None, "not known", None),
    (
        "`push` of a tag",
        "the default",
        Some(PUSHED),
        "the tag's commit",
        Some(PUSHED),
    ),
    (
        "`push` of a tag",
        "the default branch",
        Some(MAIN),
        "its tip",
        None,
    ),
    (
        "`push` that deletes a branch",
        "the default",
        Some(MAIN),
        "the tip of the default branch",
        Some(MAIN),
    ),
    (
        "`pull_request`",
        "the default",
        Some(MERGE),
        "GitHub's merge",
        Some(HEAD),
    ),
    (
        "`pull_request`",
        "its head",
        Some(HEAD),
        "its head",
        Some(HEAD),
    ),
    ("`pull_request`", "its base", Some(BASE), "its base", None),
    (
        "`pull_request`",
        "another `ref`",
        Some(OTHER),
        "that commit",
        None,
    ),
    ("`pull_request`", "none", None, "not known", None),
    (
        "`pull_request`, merged and closed",
        "the default",
        Some(MERGE),
        "the merge",
        Some(HEAD),
    ),
    (
        "`pull_request`, merged and closed",
        "the branch's tip",
        Some(OTHER),
        "that commit",
        None,
    ),
    (
        "`pull_request_review`",
        "the default",
        Some(MERGE),
        "GitHub's merge",
        Some(HEAD),
    ),
    (
        "`pull_request_review`",
        "another `ref`",
        Some(OTHER),
        "that commit",
        None,
    ),
    (
        "`pull_request_target`",
        "the default",
        Some(MAIN),
        "the tip of the default branch",
        None,
    ),
    (
        "`pull_request_target`",
        "its head",
        Some(HEAD),
        "its head",
        Some(HEAD),
    ),
    (
        "`pull_request_target`",
        "its merge",
        Some(MERGE),
        "a merge of some head",
        None,
    ),
    ("`pull_request_target`", "none", None, "not known", None),
    (
        "`merge_group`",
        "the default",
        Some(TIP),
        "the group's commit",
        Some(TIP),
    ),
    (
        "`merge_group`",
        "a pull request's head",
        Some(HEAD),
        "that head",
        None,
    ),
    (
        "`workflow_run`",
        "the default",
        Some(MAIN),
        "the tip of the default branch",
        None,
    ),
    (
        "`workflow_run`",
        "`workflow_run.head_sha`",
        Some(HEAD),
        "the other run's commit",
        Some(HEAD),
    ),
    ("`workflow_run`", "none", None, "not known", None),
    (
        "`schedule`",
        "the default",
        Some(MAIN),
        "the tip of the default branch",
        Some(MAIN),
    ),
    (
        "`schedule`",
        "another `ref`",
        Some(OTHER),
        "that commit",
        None,
    ),
    ("`schedule`", "none", None, "not known", None),
    (
        "`workflow_dispatch`",
        "the default",
        Some(TIP),
        "the tip of the chosen ref",
        Some(TIP),
    ),
    (
        "`workflow_dispatch`",
        "a `ref` from an input",
        Some(OTHER),
        "that commit",
        None,
    ),
    (
        "`repository_dispatch`",
        "the default",
        Some(MAIN),
        "the tip of the default branch",
        Some(MAIN),
    ),
    (
        "`repository_dispatch`",
        "a `ref` from its payload",
        Some(OTHER),
        "that commit",
        None,
    ),
    (
        "`release`",
        "the default",
        Some(TIP),
        "the tag's commit",
        Some(TIP),
    ),
    (
        "`release`",
        "the default branch",
        Some(MAIN),
        "its tip",
        None,
    ),
    (
        "`deployment`",
        "the default",
        Some(TIP),
        "the deployed commit",
        Some(TIP),
    ),
    (
        "`deployment`",
        "another `ref`",
        Some(OTHER),
        "that commit",
        None,
    ),
    (
        "`create`",
        "the default",
        Some(TIP),
        "the new branch's tip",
        Some(TIP),
    ),
    (
        "`delete`",
        "the default",
        Some(MAIN),
        "the tip of the default branch",
        Some(MAIN),
    ),
    (
        "`issue_comment` on a pull request",
        "the default",
        Some(MAIN),
        "the tip of the default branch",
        None,
    ),
    (
        "`issue_comment` on a pull request",
        "its head",
        Some(HEAD),
        "its head",
        None,
    ),
    (
        "`issue_comment` on an issue",
        "the default",
        Some(MAIN),
        "the tip of the default branch",
        Some(MAIN),
    ),
];

fn event(words: &str) -> Event {
    let name = words.trim_start_matches('`').split('`').next().unwrap();
    let mut payload = json!({
        "repository": {
            "full_name": "octo-org/app", "name": "app", "id": 1, "default_branch": "main",
            "owner": { "login": "octo-org", "id": 2 },
        },
        "sender": { "login": "octocat" },
    });
    let more = match words {
        "`push`" => json!({ "ref": "refs/heads/x", "after": PUSHED, "deleted": false }),
        "`push` of a tag" => json!({ "ref": "refs/tags/v1", "after": PUSHED, "deleted": false }),
        "`push` that deletes a branch" => json!({ "ref": "refs/heads/x", "deleted": true }),
        "`merge_group`" => json!({ "merge_group": {
            "head_sha": TIP, "head_ref": "refs/heads/gh-readonly-queue/main/pr-5-abc",
            "base_ref": "refs/heads/main",
        }}),
        "`workflow_run`" => json!({ "workflow_run": {
            "head_sha": HEAD, "head_branch": "x", "pull_requests": [],
        }}),
        "`workflow_dispatch`" => json!({ "ref": "refs/heads/x" }),
        "`release`" => json!({ "release": { "tag_name": "v1" } }),
        "`deployment`" => json!({ "deployment": { "sha": TIP, "ref": "x" } }),
        "`create`" | "`delete`" => json!({ "ref": "x", "ref_type": "branch" }),
        "`issue_comment` on a pull request" => {
            json!({ "issue": { "number": 5, "pull_request": {} } })
        }
        "`issue_comment` on an issue" => json!({ "issue": { "number": 5 } }),
        words if words.starts_with("`pull_request") => json!({
            "number": 5,
            "pull_request": {
                "number": 5,
                "merged": words.ends_with("closed"),
                "merge_commit_sha": MERGE,
                "head": { "sha": HEAD, "ref": "x", "repo": { "full_name": "octo-org/app" } },
                "base": { "sha": BASE, "ref": "main" },
            },
        }),
        _ => json!({}),
    };
    let fields = more.as_object().unwrap().clone();
    payload.as_object_mut().unwrap().extend(fields);
    Event::of(name, payload)
}

/// A stage with a plan of one test.
fn stage(test: &str) -> Stage {
    let stage = Stage::new();
    let test = stage.script("test.sh", test);
    PlanFile::run_with(&test).numbered("s", 1).on(&stage);
    stage
}

/// A checkout in a folder of a job.
fn check_out(job: &Job, folder: &str, commit: &str) {
    let git = job.workspace().join(folder).join(".git");
    fs::create_dir_all(&git).unwrap();
    fs::write(git.join("HEAD"), format!("{commit}\n")).unwrap();
}

fn plan_file(stage: &Stage, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::copy(stage.path("testplan.yml"), folder.join("testplan.yml")).unwrap();
}

/// The statuses that were set: on which commit, and which.
fn statuses(api: &HttpServer) -> Vec<(String, Value)> {
    let asked = api.requests().into_iter();
    let set = asked.filter(|it| it.line().starts_with("POST ") && it.line().contains("/statuses/"));
    set.map(|it| {
        let commit = it.line().split("/statuses/").nth(1).unwrap();
        let commit = commit.split(' ').next().unwrap().to_owned();
        (commit, it.json()["state"].clone())
    })
    .collect()
}

/// Runs the plan in a job of an event, which is at a commit.
fn run<'a>(job: &'a Job, action: &'a Action, inputs: &[(&str, &str)]) -> Finished<'a> {
    let mut step = job.uses(action).with("workers", 1);
    for (name, value) in inputs {
        step = step.with(name, value);
    }
    step.run()
}

#[test]
fn only_the_commit_that_was_tested_gets_a_success() {
    let stage = stage("exit 0");
    let action = Action::ours();
    for (number, (words, checkout, head, tested, published)) in ROWS.iter().enumerate() {
        let line = format!(
            "| {words} | {checkout} | {tested} | {} |",
            match published {
                None => "none, and a warning",
                Some(commit) if Some(*commit) == *head => "the same",
                Some(_) => "its head",
            }
        );
        assert!(DOCS.contains(&line), "docs/action.md has no {line}");

        let api = HttpServer::replay([created()]);
        let job =
            Job::new(&stage, &format!("j{number}"), &event(words)).env("GITHUB_API_URL", &api.url);
        plan_file(&stage, &job.workspace());
        if let Some(head) = head {
            check_out(&job, "", head);
        }
        let done = run(&job, &action, &[]).code_is(0);
        let expected: Vec<_> = published
            .iter()
            .map(|commit| ((*commit).to_owned(), json!("success")))
            .collect();
        assert_eq!(statuses(&api), expected, "{line}\n{done}");
        let warnings = done.messages(Level::Warning);
        assert_eq!(
            warnings.len(),
            usize::from(published.is_none()),
            "{line}\n{done}"
        );
        for warning in warnings {
            assert!(warning.contains("--report-commit"), "{line}: {warning}");
            assert!(done.summary.contains("report-commit"), "{line}\n{done}");
            if let Some(head) = head.filter(|_| !words.contains("comment")) {
                assert!(warning.contains(&head[..10]), "{line}: {warning}");
            }
        }
        // Chosen by hand it is published, whatever is checked out.
        if published.is_none() {
            let done = run(&job, &action, &[("report-commit", BASE)]).code_is(0);
            let expected = [(BASE.to_owned(), json!("success"))];
            assert_eq!(statuses(&api), expected, "{line}\n{done}");
            assert_eq!(done.messages(Level::Warning), [""; 0], "{line}\n{done}");
        }
    }
    let rows = DOCS.lines().filter(|line| {
        line.starts_with("| `")
            && (line.ends_with("the same |")
                || line.ends_with("warning |")
                || line.ends_with("its head |"))
    });
    assert_eq!(
        rows.count(),
        ROWS.len(),
        "docs/action.md has a row that is not tested"
    );
}

/// Nor does a commit that was not tested get a failure; where it is not known, a failure is told.
#[test]
fn a_failure_is_not_published_on_another_commit() {
    let stage = stage("exit 1");
    let action = Action::ours();
    for (name, head, expected) in [
        ("same", Some(PUSHED), Some("failure")),
        ("other", Some(OTHER), None),
        ("none", None, Some("failure")),
    ] {
        let api = HttpServer::replay([created()]);
        let job = Job::new(&stage, name, &event("`push`")).env("GITHUB_API_URL", &api.url);
        plan_file(&stage, &job.workspace());
        if let Some(head) = head {
            check_out(&job, "", head);
        }
        let done = run(&job, &action, &[]).code_is(1);
        let expected: Vec<_> = expected
            .iter()
            .map(|state| (PUSHED.to_owned(), json!(state)))
            .collect();
        assert_eq!(statuses(&api), expected, "{name}\n{done}");
    }
}

/// What actions/checkout does with `path:`, once and several times.
/// A job and its checkouts.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static [(&'static str, &'static str)],
    bool,
);

#[test]
fn checkout_of_the_working_directory_decides() {
    let stage = stage("exit 0");
    let action = Action::ours();
    let cases: [Case; 6] = [
        (
            "below",
            &[("app", PUSHED)],
            "app",
            &[("working-directory", "app")],
            true,
        ),
        (
            "config",
            &[("app", PUSHED)],
            "app",
            &[("config", "app/testplan.yml")],
            true,
        ),
        ("beside", &[("app", PUSHED)], "", &[], true),
        (
            "inner",
            &[("", PUSHED), ("old", OTHER)],
            "old",
            &[("working-directory", "old")],
            false,
        ),
        ("outer", &[("", PUSHED), ("old", OTHER)], "", &[], true),
        ("both", &[("a", PUSHED), ("b", OTHER)], "", &[], false),
    ];
    for (name, checkouts, folder, inputs, published) in cases {
        let api = HttpServer::replay([created()]);
        let job = Job::new(&stage, name, &event("`push`")).env("GITHUB_API_URL", &api.url);
        plan_file(&stage, &job.workspace().join(folder));
        for (folder, commit) in checkouts {
            check_out(&job, folder, commit);
        }
        let done = run(&job, &action, inputs).code_is(0);
        assert_eq!(
            statuses(&api).len(),
            usize::from(published),
            "{name}\n{done}"
        );
        let warnings = done.messages(Level::Warning).len();
        assert_eq!(warnings, usize::from(!published), "{name}\n{done}");
    }
}

/// The job that reports may have any checkout: the records say what the workers tested.
#[test]
fn report_uses_the_commit_that_its_workers_tested() {
    let stage = stage("exit 0");
    let action = Action::ours();
    for (name, worked, head, reported, own, published) in [
        (
            "no checkout",
            "`pull_request`",
            MERGE,
            "`pull_request`",
            None,
            true,
        ),
        (
            "other checkout",
            "`pull_request`",
            MERGE,
            "`pull_request`",
            Some(OTHER),
            true,
        ),
        (
            "elsewhere",
            "`pull_request`",
            OTHER,
            "`pull_request`",
            Some(MERGE),
            false,
        ),
        (
            "two halves",
            "`pull_request`",
            MERGE,
            "`workflow_run`",
            None,
            true,
        ),
        (
            "two halves, base",
            "`pull_request`",
            BASE,
            "`workflow_run`",
            None,
            false,
        ),
    ] {
        let worker = Job::new(&stage, &format!("work {name}"), &event(worked));
        plan_file(&stage, &worker.workspace());
        check_out(&worker, "", head);
        let worked = run(&worker, &action, &[("commit-status", "false")]).code_is(0);

        let api = HttpServer::replay([created()]);
        let job = Job::new(&stage, name, &event(reported)).env("GITHUB_API_URL", &api.url);
        if let Some(own) = own {
            check_out(&job, "", own);
        }
        let done = job
            .uses(&action)
            .with("command", "report")
            .with("records", worked.output("records-path"))
            .run()
            .code_is(0);
        let expected: Vec<_> = published
            .then(|| (HEAD.to_owned(), json!("success")))
            .into_iter()
            .collect();
        assert_eq!(statuses(&api), expected, "{name}\n{done}");
        let warnings = done.messages(Level::Warning).len();
        assert_eq!(warnings, usize::from(!published), "{name}\n{done}");
    }
}

/// Jobs of one matrix, and calls of one reusable workflow, have plans of their own.
#[test]
fn jobs_of_a_matrix_have_titles_and_batches_of_their_own() {
    let stage = stage("exit 0");
    let action = Action::ours();
    let title = |name: &str, matrix: &Value| {
        let job = Job::new(&stage, name, &Event::some_push())
            .of_matrix(matrix)
            .env("GITHUB_JOB", "gui");
        plan_file(&stage, &job.workspace());
        let done = run(&job, &action, &[("commit-status", "false")]).code_is(0);
        let records = fs::read_dir(done.output("records-path")).unwrap();
        let file = records.map(|it| it.unwrap().path()).next().unwrap();
        let began = fs::read_to_string(file).unwrap();
        let began: Value = serde_json::from_str(began.lines().next().unwrap()).unwrap();
        let [title, batch] = ["title", "batch"].map(|it| began[it].as_str().unwrap().to_owned());
        assert!(
            batch.contains(title.split_once('(').unwrap().1),
            "{title} {batch}"
        );
        title
    };
    let linux = title("one", &json!({ "os": "linux", "n": 1 }));
    let windows = title("two", &json!({ "os": "windows", "n": 1 }));
    assert!(linux.contains(" gui 1, linux"), "{linux}");
    assert!(windows.contains(" gui 1, windows"), "{windows}");
    let [first, second] = ["three", "four"].map(|name| title(name, &Value::Null));
    assert_ne!(first, second);
}

/// The number of a job in its matrix changes with the matrix, and is the same in two of them.
#[test]
fn names_of_artifacts_and_workers_come_from_the_matrix() {
    for text in [
        DOCS,
        include_str!("../../../.github/workflows/testplan.yml"),
    ] {
        assert!(!text.contains("job-index"));
        assert!(text.contains("TESTPLAN_WORKER: ${{ matrix.index }} ${{ matrix.name }}"));
        assert!(text.contains("-${{ matrix.index }}-${{ github.run_attempt }}"));
    }
}

/// Under act, Gitea and Forgejo an output of post would take the place of the step's.
#[test]
fn post_writes_no_outputs() {
    let stage = stage("exit 1");
    let action = Action::ours();
    let job = Job::new(&stage, "j", &Event::some_push());
    plan_file(&stage, &job.workspace());
    let done = run(&job, &action, &[("commit-status", "false")]).code_is(1);
    assert_eq!(done.output("conclusion"), "failed");
    let post = done.post();
    assert!(post.success, "{post}");
    assert!(post.outputs.is_empty(), "{post}");
    assert_eq!(post.summary, "", "{post}");
    assert_eq!(post.state, done.state, "{post}");
}

/// What a test wrote there would be the step's own word.
#[test]
fn tests_see_neither_inputs_nor_the_files_of_the_runner() {
    let stage = Stage::new();
    let test = stage.script("test.sh", "cat /proc/$$/environ >> environs");
    PlanFile::run_with(&test).numbered("s", 1).on(&stage);
    let action = Action::ours();
    let job = Job::new(&stage, "j", &Event::some_push());
    plan_file(&stage, &job.workspace());
    let inputs = [
        ("commit-status", "false"),
        ("config", "testplan.yml"),
        ("batch", "b"),
    ];
    run(&job, &action, &inputs).code_is(0);
    let environs = stage.read("environs");
    let names: Vec<&str> = environs
        .split('\0')
        .filter_map(|it| Some(it.split_once('=')?.0))
        .collect();
    assert!(names.contains(&"GITHUB_SHA"), "{names:?}");
    let files = ["OUTPUT", "ENV", "STATE", "PATH", "STEP_SUMMARY"];
    for name in names {
        assert!(!name.starts_with("INPUT_"), "{name}");
        let file = name.strip_prefix("GITHUB_");
        assert!(!file.is_some_and(|it| files.contains(&it)), "{name}");
    }
}
