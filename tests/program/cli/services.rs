//! Services that misbehave: every one is told for what it is, in bounded time, with exit code 3.

use std::time::{Duration, Instant};

use super::{
    mistakes::helps,
    plan::{PASSES, plan},
};
use crate::support::{Answer, Ended, HttpServer, Service, Stage};

/// Asks a service for a plan, with a token that must not show.
fn ask(answer: Answer) -> Ended {
    let hostile = HttpServer::replay([answer]);
    let stage = Stage::new();
    let command = stage.command(["plan", "show", "--plan-id=1", "--patience=0s"]);
    let ended = command
        .with("TESTCENTER_URL", &hostile.url)
        .with("TESTCENTER_TOKEN", "hunter2hunter2")
        .run();
    assert!(!ended.stderr.contains("hunter2"), "{ended:#?}");
    ended
}

const HTML: &str = "Content-Type: text/html";

#[test]
fn foreign_answers_are_infrastructure_errors() {
    let page = "<!DOCTYPE html><title>Welcome</title>\u{1b}[31m hunter2hunter2";
    let cut = r#"{"id": 64, "title": "CI Te"#;
    let rows: &[(Answer, &[&str])] = &[
        (
            Answer::new(200, page).header(HTML),
            &["not the API's", "<!DOCTYPE html>", "URL"],
        ),
        (
            Answer::new(404, page).header(HTML),
            &["not the API's", "404"],
        ),
        (Answer::json(200, cut), &["not the API's"]),
        (Answer::json(200, ""), &["not the API's", "empty"]),
        (Answer::json(200, "[1, 2]"), &["not the API's"]),
        (Answer::new(204, ""), &["not the API's"]),
        (
            Answer::new(302, "").header("Location: /login/index?next=x"),
            &["token", "log-in", "TESTCENTER_TOKEN"],
        ),
        (
            Answer::new(302, "").header("Location: /activation/index"),
            &["licence", "browser"],
        ),
        (
            Answer::new(301, "")
                .header("Location: https://tc.example.com/execution/v1/testplans/1"),
            &[
                "was redirected to https://tc.example.com/execution/v1/testplans/1,",
                "ask the operator of the service for its URL",
            ],
        ),
        (
            Answer::new(301, "").header("Location: /tc/execution/v1/testplans/1"),
            &["elsewhere", "TESTCENTER_URL to http://127.0.0.1:"],
        ),
        (
            Answer::json(401, r#"{"code":401,"message":"who?"}"#),
            &["token was rejected", "who?", "TESTCENTER_TOKEN"],
        ),
        (
            Answer::new(403, page).header(HTML),
            &["rejected", "403", "rights"],
        ),
        (
            Answer::new(500, page).header(HTML),
            &["service failed", "500", "log"],
        ),
        (
            Answer::new(503, "").header("Retry-After: 3600"),
            &["service failed", "503"],
        ),
        (Answer::raw("SSH-2.0-OpenSSH_9.2\r\n"), &["127.0.0.1"]),
        (
            Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
            &["127.0.0.1"],
        ),
        (Answer::close(), &["127.0.0.1"]),
    ];
    for (answer, says) in rows {
        helps(&ask(answer.clone()), 3, says);
    }
    // A plan that a service does not know is a mistake of the caller.
    let unknown = r#"{"code":7,"message":"no such plan"}"#;
    helps(
        &ask(Answer::json(400, unknown)),
        2,
        &["refused", "no such plan", "code 7", "--plan-id"],
    );
}

#[test]
fn endless_answer_is_cut_at_16_mib() {
    helps(
        &ask(Answer::endless(200).header("content-type: application/json")),
        3,
        &["127.0.0.1", "16 MiB"],
    );
}

#[test]
fn hanging_service_is_given_up_after_the_patience() {
    let began = Instant::now();
    let ended = ask(Answer::hang());
    helps(&ended, 3, &["127.0.0.1", "hangs"]);
    // Patience of none at all is one try of a few seconds, not of half a minute.
    assert!(began.elapsed() < Duration::from_secs(20), "{ended:#?}");
}

#[test]
fn unreachable_service_is_retried_and_the_wait_printed() {
    let ended = Stage::new().run([
        "plan",
        "show",
        "--plan-id=1",
        "--url=http://127.0.0.1:1",
        "--patience=300ms",
    ]);
    helps(
        &ended,
        3,
        &[
            "nothing listens on 127.0.0.1:1",
            "next try in",
            "giving up in",
            "tries)",
        ],
    );
}

#[test]
fn unknown_host_is_named() {
    let ended = Stage::new().run([
        "plan",
        "show",
        "--plan-id=1",
        "--url=http://testcenter.invalid",
        "--patience=0s",
    ]);
    helps(&ended, 3, &["testcenter.invalid", "URL"]);
}

#[test]
fn refusals_of_testplan_serve_have_their_exit_codes() {
    let stage = Stage::with(&plan(&[PASSES]));
    let service = Service::start(&stage);
    let rows: &[(i32, &[&str], &[&str])] = &[
        (
            4,
            &["template", "show", "--template=al"],
            &[
                "no template \"al\" in project \"example\"",
                "nearest titles are \"all\"",
            ],
        ),
        (
            4,
            &["template", "show", "--template=all", "--project=exmple"],
            &["project", "\"example\""],
        ),
        (4, &["execute", "--template=al"], &["\"all\""]),
        (
            2,
            &["plan", "show", "--plan-id=99"],
            &["there is no plan 99"],
        ),
        (2, &["plan", "status", "--plan-id=99"], &["99"]),
        (2, &["plan", "status", "--plan-id=1"], &["1 is a template"]),
        (2, &["wait", "--plan-id=99"], &["99"]),
        (2, &["work", "--plan-id=99"], &["99"]),
        (2, &["retry", "--plan-id=99"], &["99"]),
        (2, &["reserve", "--plan-id=99"], &["99"]),
        (2, &["report", "--plan-id=99"], &["99"]),
        (3, &["heartbeat", "--execution=99"], &["no execution 99"]),
        (3, &["finish", "--execution=99"], &["no execution 99"]),
        (3, &["reset", "--execution=99"], &["no execution 99"]),
        (3, &["servers", "remove", "99"], &["no Squish server 99"]),
        (
            2,
            &["servers", "update", "1"],
            &["nothing to change", "--port"],
        ),
        (
            2,
            &["execute", "--linked-repo=main"],
            &["\"main\"", "number"],
        ),
        (
            2,
            &["execute", "--linked-repo=7"],
            &["commit", "--linked-repo 7="],
        ),
    ];
    for (code, arguments, says) in rows {
        let ended = service.run(&stage, arguments);
        helps(&ended, *code, says);
        // The same thing is said once.
        let first = ended.stderr.lines().next().unwrap();
        assert!(first.matches("in project").count() <= 1, "{ended:#?}");
    }
    let stranger = stage.command(["plan", "show", "--plan-id=1"]);
    let stranger = stranger
        .with("TESTCENTER_URL", &service.url)
        .with("TESTCENTER_TOKEN", "wrong-token")
        .run();
    helps(&stranger, 3, &["token was rejected", "TESTCENTER_TOKEN"]);
    assert!(!stranger.stderr.contains("wrong-token"), "{stranger:#?}");
    let nobody = stage.command(["plan", "show", "--plan-id=1"]);
    let nobody = nobody.with("TESTCENTER_URL", &service.url).run();
    helps(
        &nobody,
        3,
        &["credentials are required", "TESTCENTER_TOKEN"],
    );
}
