//! What people do on pages: who may, the question before, and what is done.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use testplan::model::{ExecutionState, TestVerdict};

use super::{Site, bare, header, text, with, with_cookie};
use crate::service::support::{TOKEN, get, post, soon};

async fn ask(site: &Site, request: Request<Bytes>) -> Response<Bytes> {
    soon(site.service.in_process().call(request)).await
}

/// A login under this name; returns the cookie.
async fn log_in(site: &Site, name: &str) -> String {
    let form = format!("next=%2F&user=&secret={TOKEN}&name={name}");
    let entered = ask(site, bare("POST", "/login", &form)).await;
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    let set = header(&entered, "set-cookie");
    set.split(';').next().unwrap().to_owned()
}

/// The page of a question.
async fn question(site: &Site, cookie: &str, path: &str) -> String {
    let page = ask(site, with_cookie(path, cookie)).await;
    assert_eq!(page.status(), StatusCode::OK, "{path}");
    text(&page)
}

/// The token of a form.
fn token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a form");
    rest.split('"').next().unwrap().to_owned()
}

fn send(cookie: &str, path: &str, fields: &str) -> Request<Bytes> {
    with(bare("POST", path, fields), "cookie", cookie)
}

/// Asks, confirms, and returns the page after it.
async fn confirmed(site: &Site, cookie: &str, path: &str, fields: &str) -> String {
    let token = token(&question(site, cookie, path).await);
    let done = ask(site, send(cookie, path, &format!("token={token}&{fields}"))).await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER, "{}", text(&done));
    let next = header(&done, "location").to_owned();
    assert!(next.contains("?done="), "{next}");
    question(site, cookie, &next).await
}

/// Open, reserved, done.
async fn counts(site: &Site) -> (u64, u64, u64) {
    let json = site.json(&format!("{}.json", site.plan_path())).await;
    let of = |word: &str| json["counts"][word].as_u64().unwrap();
    (of("open"), of("reserved"), of("done"))
}

#[tokio::test]
async fn actions_need_a_login_and_the_token_of_its_form() {
    let site = Site::new(2).await;
    let path = format!("{}/cancel", site.plan_path());
    let unsigned = ask(&site, bare("GET", &path, "")).await;
    assert!(header(&unsigned, "location").starts_with("/login?next="));
    let unsigned = ask(&site, bare("POST", &path, "token=x")).await;
    assert!(header(&unsigned, "location").starts_with("/login?next="));
    for request in [get(&path), post(&path, "token=x")] {
        assert_eq!(
            ask(&site, request).await.status(),
            StatusCode::FORBIDDEN,
            "the header alone"
        );
    }
    assert!(
        !site.page(&site.plan_path()).await.contains("/cancel\""),
        "no link for the header"
    );

    let (cookie, other) = (log_in(&site, "Ann").await, log_in(&site, "Ann").await);
    let page = question(&site, &cookie, &site.plan_path()).await;
    assert!(page.contains("/cancel\""), "{page}");
    let mine = token(&question(&site, &cookie, &path).await);
    let of_another = token(&question(&site, &other, &path).await);
    let header = format!("Token {TOKEN}");
    let good = format!("token={mine}");
    for (why, request) in [
        ("no token", send(&cookie, &path, "reason=x")),
        ("a wrong token", send(&cookie, &path, "token=AAAA")),
        (
            "of another login",
            send(&cookie, &path, &format!("token={of_another}")),
        ),
        (
            "another origin",
            with(send(&cookie, &path, &good), "sec-fetch-site", "cross-site"),
        ),
        (
            "another origin",
            with(
                with(
                    send(&cookie, &path, &good),
                    "origin",
                    "https://evil.example",
                ),
                "host",
                "ci.example",
            ),
        ),
        (
            "a header too",
            with(send(&cookie, &path, &good), "authorization", &header),
        ),
    ] {
        let refused = ask(&site, request).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{why}");
    }
    let changed = cookie.replacen("v2.", "v1.", 1);
    let expired = ask(&site, send(&changed, &path, &good)).await;
    assert_eq!(
        expired.status(),
        StatusCode::SEE_OTHER,
        "no session: to the login"
    );
    assert_eq!(counts(&site).await, (3, 0, 0), "nothing was done");
    assert!(
        site.json("/audit.json").await["actions"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn plan_is_cancelled_after_a_question_with_its_counts() {
    let site = Site::new(4).await;
    let taken = site.take("w").await;
    let cookie = log_in(&site, "%3Cb%3EAnn").await;
    let path = format!("{}/cancel", site.plan_path());
    let asked = question(&site, &cookie, &path).await;
    for part in [
        "4 tests wait, 1 runs now.",
        "&lt;b&gt;Ann (ci)",
        "id=\"stop\"",
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    let page = confirmed(&site, &cookie, &path, "running=finish&reason=wrong+branch").await;
    for part in [
        "id=\"done\"",
        "&lt;b&gt;Ann (ci)</bdi> cancelled plan",
        "wrong branch; 4 open, 1 running (may finish)",
        "Cancelled by &lt;b&gt;Ann (ci): wrong branch",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<b>Ann"), "{page}");
    assert_eq!(counts(&site).await, (0, 1, 4));
    site.finish(&taken, Some(TestVerdict::Passed), "").await;
    let json = site.json(&format!("{}.json", site.plan_path())).await;
    assert_eq!(json["state"], "cancelled");
    assert_eq!(json["cancelled"], "cancelled by <b>Ann (ci): wrong branch");
    let list = site.json("/plans.json").await;
    assert_eq!(list["plans"][0]["state"], "cancelled");

    // Confirmed once more, when all have ended.
    let page = question(&site, &cookie, &path).await;
    assert!(
        page.contains("there is nothing to cancel") && !page.contains("name=\"token\""),
        "{page}"
    );
    let again = token(&question(&site, &cookie, &format!("{}/retry", site.plan_path())).await);
    let late = ask(&site, send(&cookie, &path, &format!("token={again}"))).await;
    assert_eq!(late.status(), StatusCode::CONFLICT);
    assert!(text(&late).contains("nothing to cancel"), "{}", text(&late));
}

#[tokio::test]
async fn running_tests_are_stopped_by_choice() {
    let site = Site::new(3).await;
    let taken = site.take("w").await;
    let cookie = log_in(&site, "").await;
    let path = format!("{}/cancel", site.plan_path());
    let page = confirmed(&site, &cookie, &path, "running=stop").await;
    assert!(page.contains("page (ci)</bdi> cancelled plan"), "{page}");
    assert!(page.contains("1 running (stopped)"), "{page}");
    assert_eq!(counts(&site).await, (0, 0, 4));
    let beat = format!(
        r#"{{"lease": "{}", "timeout": 5000}}"#,
        taken.lease.expose()
    );
    let beat = post(
        &format!("/execution/v1/heartbeat/{}", taken.execution),
        &beat,
    );
    let refused = ask(&site, beat).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(
        text(&refused).contains("it was cancelled by page (ci)"),
        "{}",
        text(&refused)
    );
}

#[tokio::test]
async fn failed_tests_are_opened_again() {
    let site = Site::new(4).await;
    for verdict in [Some(TestVerdict::Failed), None, Some(TestVerdict::Passed)] {
        let taken = site.take("w").await;
        site.finish(&taken, verdict, "broke").await;
    }
    let cookie = log_in(&site, "Ann").await;
    let path = format!("{}/retry", site.plan_path());
    let asked = question(&site, &cookie, &path).await;
    assert!(
        asked.contains("1 test failed, 1 could not run: they open again."),
        "{asked}"
    );
    let page = confirmed(&site, &cookie, &path, "").await;
    assert!(page.contains("2 executions are open again"), "{page}");
    assert_eq!(counts(&site).await, (4, 0, 1));
    let token = token(&question(&site, &cookie, &format!("{}/cancel", site.plan_path())).await);
    let again = ask(&site, send(&cookie, &path, &format!("token={token}"))).await;
    assert_eq!(
        again.status(),
        StatusCode::CONFLICT,
        "nothing failed any more"
    );
}

#[tokio::test]
async fn lease_is_released_from_the_page_of_its_test() {
    let site = Site::new(2).await;
    let taken = site.take("w").await;
    let cookie = log_in(&site, "Ann").await;
    let page = format!("{}/executions/{}", site.plan_path(), taken.execution);
    assert!(
        question(&site, &cookie, &page)
            .await
            .contains("Release lease")
    );
    let path = format!("{page}/release");
    let after = confirmed(&site, &cookie, &path, "reason=stuck").await;
    assert!(after.contains("released the lease of execution"), "{after}");
    assert!(
        after.contains("by Ann (ci): stuck"),
        "the history says who: {after}"
    );
    let json = site.json(&format!("{page}.json")).await;
    let state: ExecutionState = serde_json::from_value(json["execution"]["state"].clone()).unwrap();
    assert_eq!(state, ExecutionState::Open);
    let gone = question(&site, &cookie, &path).await;
    assert!(
        gone.contains("there is no lease to release") && !gone.contains("name=\"token\""),
        "{gone}"
    );
    let unknown = ask(
        &site,
        with_cookie(
            &format!("{}/executions/99999/release", site.plan_path()),
            &cookie,
        ),
    )
    .await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn squish_server_is_disabled_with_a_reason_and_enabled_again() {
    let site = Site::new(2).await;
    let body = r#"{"host": "lab-1", "port": "4322", "enabled": true, "labels": []}"#;
    let added = ask(&site, post("/execution/v1/squishservers", body)).await;
    assert_eq!(added.status(), StatusCode::OK);
    let cookie = log_in(&site, "Ann").await;
    let servers = question(&site, &cookie, "/servers").await;
    assert!(servers.contains("/servers/1/disable\""), "{servers}");
    let page = confirmed(&site, &cookie, "/servers/1/disable", "reason=new+disk").await;
    for part in [
        "disabled Squish server lab-1:4322. new disk",
        "disabled by Ann (ci): new disk",
        "/servers/1/enable\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let listed = ask(&site, get("/execution/v1/squishservers")).await;
    assert!(
        text(&listed).contains(r#""note":"by Ann (ci): new disk""#),
        "{}",
        text(&listed)
    );
    confirmed(&site, &cookie, "/servers/1/enable", "").await;
    let token = token(&question(&site, &cookie, "/servers/1/disable").await);
    let same = ask(
        &site,
        send(&cookie, "/servers/1/enable", &format!("token={token}")),
    )
    .await;
    assert_eq!(same.status(), StatusCode::CONFLICT);

    let audit = site.json("/audit.json").await;
    let words = audit["actions"].as_array().unwrap().iter();
    let words: Vec<_> = words.map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(words, ["enable", "disable", "register"]);
    let page = site.page("/audit").await;
    assert!(
        page.contains("Ann (ci)") && page.contains("new disk"),
        "{page}"
    );
    let api = ask(&site, get("/testplan/v1/audit?limit=1")).await;
    assert!(text(&api).contains(r#""next":"#), "{}", text(&api));
}

#[tokio::test]
async fn note_about_what_was_done_cannot_be_forged() {
    let site = Site::new(2).await;
    let cookie = log_in(&site, "Ann").await;
    let cancel = format!("{}/cancel", site.plan_path());
    confirmed(&site, &cookie, &cancel, "").await;
    let id = site.json("/audit.json").await["actions"][0]["id"].clone();
    for (path, has_note) in [
        (format!("{}?done={id}", site.plan_path()), true),
        (format!("{}?done=99", site.plan_path()), false),
        (format!("/servers?done={id}"), false),
    ] {
        let page = question(&site, &cookie, &path).await;
        assert_eq!(page.contains("id=\"done\""), has_note, "{path}: {page}");
    }
    let wrong = ask(
        &site,
        with_cookie(
            &format!("{}?done=<b>", site.plan_path()).replace(['<', '>'], "%3C"),
            &cookie,
        ),
    )
    .await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn calls_of_the_api_cancel_and_release() {
    let site = Site::new(3).await;
    let taken = site.take("w").await;
    let release = format!("/testplan/v1/plans/{}/release", site.plan);
    let body = format!(r#"{{"execution_id": {}, "reason": "x"}}"#, taken.execution);
    assert_eq!(
        ask(&site, post(&release, &body)).await.status(),
        StatusCode::OK
    );
    let again = ask(&site, post(&release, &body)).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    assert!(text(&again).contains("1202"), "{}", text(&again));
    let cancel = format!("/testplan/v1/plans/{}/cancel", site.plan);
    let done = ask(&site, post(&cancel, r#"{"reason": "late"}"#)).await;
    let expected = format!(
        r#"{{"plan_id":{},"open":4,"running":0,"stopped":false}}"#,
        site.plan
    );
    assert_eq!(text(&done), expected);
    let none = ask(&site, post(&cancel, "")).await;
    assert!(
        text(&none).contains(r#""open":0"#),
        "a repeated cancel does no harm"
    );
    assert_eq!(
        ask(&site, bare("POST", &cancel, "")).await.status(),
        StatusCode::UNAUTHORIZED
    );
    let events = ask(
        &site,
        get(&format!("/testplan/v1/plans/{}/events", site.plan)),
    )
    .await;
    let events = text(&events);
    assert!(events.contains(r#""kind":"plan-cancelled""#), "{events}");
    assert!(
        events.contains(r#""principal":"ci","detail":"cancelled by ci: late""#),
        "{events}"
    );
}
