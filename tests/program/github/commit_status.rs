//! `--commit-status`: the binary against an API of its own. Whatever that says, the exit code is the tests'.
use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::json;
use tempfile::TempDir;
use testplan::model::{
    Capabilities, ExecutionId, Outcome, PlanId, PlanStatus, Test, TestResult, TestVerdict,
    Timestamp,
    record::{Checkout, Confirmation, RECORD_VERSION, Record, RecordEvent},
};

use super::stage::echo;
use crate::support::{Answer, HttpRequest, HttpServer};

const SHA: &str = "11c02e5a9f0b11c02e5a9f0b11c02e5a9f0b1234";
/// The head of the pull request that [`SHA`] is GitHub's merge of.
pub(crate) const HEAD: &str = "22c02e5a9f0b11c02e5a9f0b11c02e5a9f0b1234";
/// Looks like no other text.
const TOKEN: &str = "ghs_CanaryCanaryCanary0123456789";
fn created() -> Answer {
    Answer::json(201, r#"{"id":1,"state":"failure"}"#)
}

/// Records of one worker, of a plan with these results and so many executions more. It ran at [`SHA`], the merge of
/// [`HEAD`].
fn records(verdicts: &[TestVerdict], more: u64) -> TempDir {
    let merge = Checkout {
        commit: SHA.to_owned(),
        stands_for: Some(HEAD.to_owned()),
    };
    records_at(verdicts, more, Some(merge))
}

/// The same of a worker that ran somewhere else.
pub(crate) fn records_at(
    verdicts: &[TestVerdict],
    more: u64,
    checkout: Option<Checkout>,
) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut events = vec![(
        0,
        RecordEvent::Began {
            plan: PlanId(105),
            title: "Nightly".into(),
            project: "example".into(),
            batch: "main".into(),
            capabilities: Capabilities::default(),
            status: PlanStatus {
                open: verdicts.len() as u64 + more,
                reserved: 0,
                done: 0,
            },
            version: "0.1.0".into(),
            clock_ahead_ms: None,
            page_url: None,
        },
    )];
    events.extend(checkout.map(|checkout| (0, RecordEvent::CheckedOut(checkout))));
    for (id, verdict) in (1..).zip(verdicts) {
        let execution = ExecutionId(id);
        let test = Test {
            suite: "suite".into(),
            testcase: format!("case {id}"),
        };
        let result = TestResult {
            verdict: *verdict,
            duration_ms: 5,
            flaky: false,
        };
        events.extend([
            (
                1,
                RecordEvent::Reserved {
                    execution,
                    test,
                    required: None,
                    attempt: None,
                    lease: None,
                    squish_server: None,
                },
            ),
            (
                2,
                RecordEvent::Ended {
                    execution,
                    outcome: Outcome::Completed {
                        result: Some(result),
                    },
                    duration_ms: 5,
                    cases: Vec::new(),
                    not_kept: testplan::model::CaseCounts::default(),
                    log: None,
                    output_tail: String::new(),
                },
            ),
            (
                3,
                RecordEvent::Confirmed {
                    execution,
                    answer: Confirmation::Counted,
                },
            ),
        ]);
    }
    events.push((
        760_000,
        RecordEvent::Left {
            reason: "drained".into(),
            status: None,
        },
    ));
    let text: String = events
        .into_iter()
        .map(|(at, event)| {
            let record = Record {
                v: RECORD_VERSION,
                at: Timestamp(1_790_000_000_000 + at),
                worker: "w/1".into(),
                event,
            };
            serde_json::to_string(&record).unwrap() + "\n"
        })
        .collect();
    std::fs::create_dir(folder.path().join("records")).unwrap();
    std::fs::write(folder.path().join("records/w.ndjson"), text).unwrap();
    folder
}

pub(crate) fn failed() -> TempDir {
    use TestVerdict::{Failed, Passed, Skipped};
    records(&[Passed, Failed, Passed, Skipped, Failed], 0)
}

/// The binary in a step of GitHub Actions: nothing of the environment around this test reaches it.
pub(crate) fn testplan(api: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testplan"));
    command.args(arguments).env_clear().envs([
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_API_URL", api),
        ("GITHUB_REPOSITORY", "octo-org/app"),
        ("GITHUB_RUN_ID", "77"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_SHA", SHA),
        ("GITHUB_TOKEN", TOKEN),
    ]);
    for name in ["PATH", "SystemRoot"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

pub(crate) fn report(folder: &Path, api: &str) -> Command {
    let mut command = testplan(api, &["report", "--commit-status", "--out"]);
    command.arg(folder);
    command
}

/// Exit code and all that was said, which never holds the token.
pub(crate) fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("Canary"), "{text}");
    (output.status.code().unwrap(), text)
}

pub(crate) fn warnings(text: &str) -> Vec<&str> {
    let lines = text.lines();
    lines.filter(|line| line.contains("warning:")).collect()
}

/// Reports failed tests to an API that answers so; gives the only warning and the number of requests.
fn refused(handler: impl FnMut(&HttpRequest) -> Answer + Send + 'static) -> (String, usize) {
    let mock = HttpServer::start(handler);
    let folder = failed();
    let (code, text) = said(&report(folder.path(), &mock.url).output().unwrap());
    assert_eq!(code, 1, "{text}");
    let [warning] = warnings(&text)[..] else {
        panic!("not one warning: {text}");
    };
    assert!(
        warning.starts_with("warning: commit status not set: "),
        "{warning}"
    );
    (warning.to_owned(), mock.requests().len())
}

#[test]
fn status_is_set_as_the_api_requires() {
    let mock = HttpServer::replay([created()]);
    let folder = failed();
    let (code, text) = said(&report(folder.path(), &mock.url).output().unwrap());
    assert_eq!(code, 1, "{text}");
    assert!(warnings(&text).is_empty(), "{text}");
    assert!(
        text.contains("commit status failure set on octo-org/app@11c02e5a9f"),
        "{text}"
    );
    let [request] = &mock.requests()[..] else {
        panic!("not one request: {:?}", mock.requests());
    };
    assert_eq!(
        request.line(),
        format!("POST /repos/octo-org/app/statuses/{SHA} HTTP/1.1")
    );
    assert_eq!(request.header("authorization"), [format!("Bearer {TOKEN}")]);
    assert_eq!(request.header("accept"), ["application/vnd.github+json"]);
    let version = concat!("testplan/", env!("CARGO_PKG_VERSION"));
    assert_eq!(request.header("user-agent"), [version]);
    assert_eq!(request.header("content-type"), ["application/json"]);
    assert_eq!(request.header("x-github-api-version"), ["2022-11-28"]);
    assert_eq!(
        request.json(),
        json!({
            "state": "failure",
            "context": "testplan",
            "description": "2 failed, 2 passed, 1 skipped in 12m 40s",
            "target_url": "https://github.com/octo-org/app/actions/runs/77",
        })
    );
}

/// The page of the plan outranks that of the run: it is what people watch.
#[test]
fn status_links_to_the_page_of_the_plan() {
    for (page, link) in [
        (
            "https://plans.example/plans/105",
            "https://plans.example/plans/105",
        ),
        (
            "javascript:alert(1)",
            "https://github.com/octo-org/app/actions/runs/77",
        ),
    ] {
        let mock = HttpServer::replay([created()]);
        let folder = failed();
        let file = folder.path().join("records/w.ndjson");
        let records = std::fs::read_to_string(&file).unwrap();
        let began = format!("\"page_url\":\"{page}\",\"plan\":105");
        std::fs::write(&file, records.replacen("\"plan\":105", &began, 1)).unwrap();
        let mut command = report(folder.path(), &mock.url);
        let (code, text) = said(&command.output().unwrap());
        assert_eq!(code, 1, "{text}");
        let request = mock.requests().pop().unwrap();
        assert_eq!(request.json()["target_url"], link);
        let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
        assert_eq!(
            summary.contains(&format!("[live page]({page})")),
            page == link,
            "{summary}"
        );
    }
}

#[test]
fn each_conclusion_has_its_state() {
    use TestVerdict::{Failed, Passed};
    let table: [(&[TestVerdict], u64, i32, &str, &str); 4] = [
        (&[Passed, Passed], 0, 0, "success", "2 passed in 12m 40s"),
        (&[Failed], 0, 1, "failure", "1 failed in 12m 40s"),
        (
            &[Passed, Failed],
            1,
            5,
            "error",
            "incomplete: 1 failed, 1 missing, 1 passed in 12m 40s",
        ),
        (&[], 0, 4, "error", "nothing-to-run: no tests"),
    ];
    for (verdicts, more, exit, state, description) in table {
        let mock = HttpServer::replay([created()]);
        let folder = records(verdicts, more);
        // GitHub Enterprise: the API is not at the root.
        let api = format!("{}/api/v3/", mock.url);
        let mut command = report(folder.path(), &api);
        command.args(["--status-context", "gui / nightly"]);
        command.env_remove("GITHUB_RUN_ID");
        let (code, text) = said(&command.output().unwrap());
        assert_eq!(code, exit, "{text}");
        let request = mock.requests().pop().unwrap();
        assert!(
            request
                .line()
                .starts_with("POST /api/v3/repos/octo-org/app/"),
            "{}",
            request.line()
        );
        assert_eq!(
            request.json(),
            json!({ "state": state, "context": "gui / nightly", "description": description })
        );
    }
}

#[test]
fn nothing_is_sent_without_a_flag() {
    let mock = HttpServer::replay([created()]);
    let folder = failed();
    let mut command = testplan(&mock.url, &["report", "--out"]);
    let (code, _) = said(&command.arg(folder.path()).output().unwrap());
    assert_eq!((code, mock.requests().len()), (1, 0));
    let mut command = testplan(&mock.url, &["report", "--status-context", "x", "--out"]);
    let (code, _) = said(&command.arg(folder.path()).output().unwrap());
    assert_eq!((code, mock.requests().len()), (1, 0));
}

#[test]
fn refusal_is_a_warning_and_not_retried() {
    let table: [(Answer, &[&str]); 6] = [
        (
            Answer::json(401, r#"{"message":"Bad credentials"}"#),
            &["(401: Bad credentials)", "expired"],
        ),
        (
            Answer::json(
                403,
                r#"{"message":"Resource not accessible by integration"}"#,
            ),
            &[
                "(403: Resource not accessible by integration)",
                "lacks a permission",
                "grant the job `statuses: write` below `permissions:`",
            ],
        ),
        (
            Answer::json(404, r#"{"message":"Not Found"}"#),
            &[
                "(404: Not Found)",
                "for octo-org/app:",
                "check GITHUB_REPOSITORY",
            ],
        ),
        (
            Answer::json(
                422,
                r#"{"message":"No commit found\n::error::x \u001b[2J##[error]y"}"#,
            ),
            &[
                "(422: No commit found\\n::error::x ##\\[error]y)",
                "the commit",
            ],
        ),
        (
            Answer::json(403, r#"{"message":"API rate limit exceeded"}"#)
                .header("x-ratelimit-remaining: 0"),
            &[
                "(403: API rate limit exceeded)",
                "reached GitHub's rate limit",
            ],
        ),
        (
            Answer::json(307, "").header("location: /repositories/1"),
            &["(307)", "renamed"],
        ),
    ];
    for (answer, parts) in table {
        let (warning, requests) = refused(move |_| answer.clone());
        assert_eq!(requests, 1, "{warning}");
        for part in parts {
            assert!(warning.contains(part), "{part:?} not in {warning}");
        }
    }
}

#[test]
fn token_in_an_answer_is_masked() {
    let (warning, requests) = refused(echo);
    assert!(warning.contains("authorization: Bearer ***"), "{warning}");
    assert_eq!(requests, 1);
}

#[test]
fn transient_error_is_tried_three_times() {
    let (warning, requests) = refused(|_| Answer::json(500, "<html>"));
    assert!(warning.contains("refused it (500) for"), "{warning}");
    assert_eq!(requests, 3);
    let (warning, requests) = refused(|_| Answer::close());
    assert!(
        warning.contains("the connection to GitHub was lost"),
        "{warning}"
    );
    assert_eq!(requests, 3);
}

#[test]
fn short_rate_limit_is_waited_for() {
    let mock = HttpServer::replay([
        Answer::json(429, r#"{"message":"slow down"}"#).header("retry-after: 1"),
        Answer::json(502, ""),
        created(),
    ]);
    let folder = failed();
    let began = std::time::Instant::now();
    let (code, text) = said(&report(folder.path(), &mock.url).output().unwrap());
    assert_eq!((code, mock.requests().len()), (1, 3), "{text}");
    assert!(began.elapsed().as_secs() >= 2, "1 s asked for, 1 s of ours");
    assert!(warnings(&text).is_empty(), "{text}");

    let (warning, requests) =
        refused(|_| Answer::json(429, r#"{"message":"slow down"}"#).header("retry-after: 60"));
    assert!(warning.contains("(429: slow down)"), "{warning}");
    assert_eq!(requests, 1);
}

#[test]
fn hanging_api_does_not_delay_the_end() {
    let began = std::time::Instant::now();
    let (warning, requests) = refused(|_| Answer::hang());
    assert!(warning.contains("did not answer in time"), "{warning}");
    assert_eq!(requests, 1);
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
}

#[test]
fn missing_or_malformed_variables_are_named() {
    let mock = HttpServer::replay([created()]);
    let folder = failed();
    let table = [
        (vec![("GITHUB_TOKEN", "")], "GITHUB_TOKEN not set"),
        (vec![("GITHUB_REPOSITORY", "")], "GITHUB_REPOSITORY not set"),
        (
            vec![("GITHUB_SHA", "")],
            "cannot tell which commit to report on",
        ),
        (
            vec![("GITHUB_TOKEN", " "), ("GITHUB_REPOSITORY", "")],
            "GITHUB_TOKEN, GITHUB_REPOSITORY not set",
        ),
        (
            vec![("GITHUB_REPOSITORY", "octo-org/..")],
            "GITHUB_REPOSITORY is not owner/name",
        ),
        (
            vec![("GITHUB_TOKEN", "ghs_Canary\nCanary")],
            "GITHUB_TOKEN is not a token",
        ),
        (
            vec![("GITHUB_API_URL", "api.github.com")],
            "GITHUB_API_URL is not a URL",
        ),
        (
            vec![("GITHUB_API_URL", "http://github.example.com")],
            "GITHUB_API_URL is plain http",
        ),
    ];
    for (variables, expected) in table {
        let mut command = report(folder.path(), &mock.url);
        let (code, text) = said(&command.envs(variables).output().unwrap());
        assert_eq!(code, 1, "{text}");
        let [warning] = warnings(&text)[..] else {
            panic!("not one warning: {text}");
        };
        assert!(warning.contains(expected), "{warning}");
    }
    assert_eq!(mock.requests().len(), 0);
}

/// A folder with a `testplan.yml` whose only test is this command.
fn plan(command: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = json!({
        "project": "example",
        "runner": { "command": command, "exit-codes": { "passed": [0], "failed": [1] } },
        "templates": [{ "title": "all", "tests": [{ "suite": "s", "testcases": ["t"] }] }],
    });
    std::fs::write(folder.path().join("testplan.yml"), text.to_string()).unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    std::fs::write(folder.path().join(".git/HEAD"), SHA).unwrap();
    folder
}

#[test]
fn run_sets_a_status_without_delay() {
    let binary = env!("CARGO_BIN_EXE_testplan");
    let folder = plan(&[binary, "--version", "{testcase}"]);
    let mut command = testplan("http://127.0.0.1:1", &["run", "--commit-status"]);
    command.current_dir(folder.path());
    command.env("GITHUB_WORKSPACE", folder.path());
    let (code, text) = said(&command.output().unwrap());
    assert_eq!(code, 0, "{text}");
    let [warning] = warnings(&text)[..] else {
        panic!("not one warning: {text}");
    };
    assert!(warning.contains("could not be reached"), "{warning}");

    let mock = HttpServer::replay([created()]);
    let mut command = testplan(&mock.url, &["run", "--commit-status"]);
    command.current_dir(folder.path());
    command.env("GITHUB_WORKSPACE", folder.path());
    let (code, text) = said(&command.output().unwrap());
    assert_eq!(code, 0, "{text}");
    let status = mock.requests().pop().unwrap().json();
    assert_eq!(status["state"], "success");
    let description = status["description"].as_str().unwrap();
    assert!(description.starts_with("1 passed in "), "{description}");
}

#[cfg(unix)]
#[test]
fn cancelled_run_sets_an_error() {
    let mock = HttpServer::replay([created()]);
    let folder = plan(&["sh", "-c", "echo > life; exec sleep 60", "{testcase}"]);
    let life = folder.path().join("life");
    let made = Command::new("mkfifo").arg(&life).status().unwrap();
    assert!(made.success());
    let mut command = testplan(&mock.url, &["run", "--commit-status"]);
    command
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    // Its end is that the test has begun.
    std::fs::read(&life).unwrap();
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let (code, text) = said(&child.wait_with_output().unwrap());
    assert_eq!(code, 143, "{text}");
    let status = mock.requests().pop().unwrap().json();
    assert_eq!(status["state"], "error", "{text}");
    let description = status["description"].as_str().unwrap();
    assert!(
        description.starts_with("cancelled: 1 missing in "),
        "{description}"
    );
}
