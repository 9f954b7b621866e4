//! What pages show, and that it is what the API says.

use http::StatusCode;
use quick_xml::{Reader, events::Event};
use testplan::model::TestVerdict;

use super::{HOSTILE, Site, header, text};

/// The names of all elements of a page, which must be well-formed.
fn elements(page: &str) -> Vec<String> {
    let mut reader = Reader::from_str(page);
    reader.config_mut().check_end_names = true;
    let mut names = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start) | Event::Empty(start)) => {
                for attribute in start.attributes() {
                    let attribute = attribute.unwrap();
                    let name = String::from_utf8(attribute.key.0.to_vec()).unwrap();
                    assert!(!name.starts_with("on") && name != "style", "{name}");
                }
                names.push(String::from_utf8(start.name().0.to_vec()).unwrap());
            }
            Ok(Event::Eof) => return names,
            Ok(_) => {}
            Err(error) => panic!("{error}: {page}"),
        }
    }
}

/// A plan with a failed, a broken, a passed and a running test.
async fn mixed() -> Site {
    let site = Site::new(6).await;
    for (verdict, message) in [
        (Some(TestVerdict::Failed), ""),
        (None, "no licence <img src=x>\nmore"),
        (Some(TestVerdict::Passed), ""),
    ] {
        let taken = site.take(HOSTILE).await;
        site.finish(&taken, verdict, message).await;
    }
    site.take("w/1").await;
    site
}

#[tokio::test]
async fn pages_are_well_formed_and_hostile_names_are_text() {
    let site = mixed().await;
    let plan = site.plan_path();
    let first = site.json(&format!("{plan}.json")).await["executions"]["items"][0].clone();
    let execution = format!("{plan}/executions/{}", first["execution_id"]);
    for path in [
        "/", &plan, &execution, "/tests", "/tests/1", "/servers", "/health",
    ] {
        let response = site.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let page = text(&response);
        let names = elements(&page);
        let scripts = names.iter().filter(|name| *name == "script").count();
        assert_eq!(scripts, 1, "{path}");
        assert!(!names.iter().any(|name| name == "img" || name == "style"));
        let policy = header(&response, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    }
    let page = site.page(&execution).await;
    assert!(
        page.contains("&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)"),
        "{page}"
    );
}

#[tokio::test]
async fn plan_page_shows_what_the_api_says() {
    let site = mixed().await;
    let plan = site.plan_path();
    let page = site.page(&plan).await;
    let json = site.json(&format!("{plan}.json")).await;
    for shown in [
        "1 failed, 1 could not run, 1 passed, 1 running, 3 open",
        "w/1",
        "no licence &lt;img src=x&gt;",
        "1 failed in <bdi>suite_a</bdi>",
        "start a worker with OS=macOS to continue",
        "anna",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert_eq!(json["state"], "running");
    assert_eq!(json["counts"]["could_not_run"], 1);
    let rows = json["capabilities"].as_array().unwrap().iter();
    let ends: Vec<_> = rows
        .map(|it| (it["could_not_run"].as_u64(), it["no_verdict"].as_u64()))
        .collect();
    assert!(ends.contains(&(Some(1), Some(0))), "{ends:?}");
    assert_eq!(json["started_by"], "anna");
    let api = site
        .json(&format!("/testplan/v1/plans/{}/executions", site.plan))
        .await;
    assert_eq!(json["executions"]["items"], api["items"]);
    let found = site
        .json(&format!("/execution/v1/testplans/{}", site.plan))
        .await;
    for key in [
        "title",
        "passes",
        "failed",
        "count",
        "project",
        "batch_name",
    ] {
        assert_eq!(json[key], found[key], "{key}");
    }
    let workers = json["workers"].as_array().unwrap().iter();
    let lanes: Vec<_> = workers
        .map(|it| {
            (
                it["name"].as_str().unwrap(),
                it["tests"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(
        lanes,
        [(HOSTILE, 0), ("w/1", 1)],
        "a worker that was heard of lately waits"
    );
}

#[tokio::test]
async fn counts_filter_the_list_of_tests() {
    let site = mixed().await;
    let plan = site.plan_path();
    for (state, expected) in [
        ("all", 7),
        ("failed", 1),
        ("could-not-run", 1),
        ("passed", 1),
        ("running", 1),
        ("open", 3),
        ("flaky", 0),
        ("skipped", 0),
    ] {
        let json = site.json(&format!("{plan}.json?state={state}")).await;
        let items = json["executions"]["items"].as_array().unwrap();
        assert_eq!(items.len(), expected, "{state}");
        let page = site.page(&format!("{plan}?state={state}")).await;
        assert_eq!(page.matches("<tr id=\"e-").count(), expected, "{state}");
        let query = if state == "all" {
            String::new()
        } else {
            format!("?state={state}")
        };
        let same = format!("href=\"{plan}.json{query}\"");
        assert!(page.contains(&same), "{same}: {page}");
    }
    let wrong = site.get(&format!("{plan}?state=bad")).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert!(text(&wrong).contains("expected all, failed, could-not-run"));
}

#[tokio::test]
async fn lists_are_paged_and_a_large_plan_is_a_small_page() {
    let site = Site::new(10_000).await;
    for _ in 0..250 {
        let taken = site.take("w").await;
        site.finish(&taken, Some(TestVerdict::Failed), "").await;
    }
    let plan = site.plan_path();
    let page = site.page(&plan).await;
    assert!(page.len() < 1_500_000, "{}", page.len());
    let mut seen = 0;
    let mut after = 0;
    loop {
        let path = format!("{plan}.json?state=failed&after={after}");
        let json = site.json(&path).await;
        seen += json["executions"]["items"].as_array().unwrap().len();
        match json["executions"]["next"].as_i64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(seen, 250);
    let second = site.page(&format!("{plan}?state=failed&after=101")).await;
    assert!(second.contains(">First</a>"));
    let json = site.json(&format!("{plan}.json")).await;
    assert_eq!(json["more_problems"], 150);
}

#[tokio::test]
async fn list_of_plans_has_the_newest_first_and_teaches_while_it_is_empty() {
    let site = Site::new(2).await;
    let page = site.page("/").await;
    assert!(
        page.contains(&format!("href=\"/plans/{}\"", site.plan)),
        "{page}"
    );
    let none = site.page(&format!("/?before={}", site.plan)).await;
    assert!(none.contains("There are no older plans"), "{none}");
    let json = site.json("/plans.json").await;
    assert_eq!(json["plans"][0]["id"], site.plan.0);
    assert_eq!(json["plans"][0]["counts"]["open"], 3);
    let servers = site.page("/servers").await;
    assert!(servers.contains("testplan servers add"), "{servers}");
}

#[tokio::test]
async fn execution_page_has_attempts_and_history() {
    let site = Site::new(1).await;
    let taken = site.take("w/1").await;
    site.finish(&taken, None, "no display").await;
    let path = format!("{}/executions/{}", site.plan_path(), taken.execution);
    let page = site.page(&path).await;
    for shown in [
        "Attempt 1",
        "no display",
        "Lease history",
        "w/1",
        "a result was counted",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let json = site.json(&format!("{path}.json")).await;
    let events = site
        .json(&format!("/testplan/v1/plans/{}/events", site.plan))
        .await;
    assert_eq!(json["events"], events["items"]);
    assert_eq!(json["attempts"][0]["worker"], "w/1");
}

#[tokio::test]
async fn what_is_not_there_is_404_for_people_and_programs() {
    let site = Site::new(1).await;
    let elsewhere = format!("{}/executions/99999", site.plan_path());
    for path in [
        "/plans/99",
        "/plans/x",
        elsewhere.as_str(),
        "/assets/live.js",
    ] {
        let response = site.get(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(text(&response).contains("<h1>Not found</h1>"), "{path}");
    }
    for path in ["/plans/99.json", "/plans/99/live"] {
        let response = site.get(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(problem["code"], 1002, "{path}");
    }
}

#[tokio::test]
async fn files_of_pages_are_kept_by_browsers() {
    let site = Site::new(1).await;
    let page = site.page("/").await;
    for (begin, media) in [
        ("/assets/live-", "text/javascript; charset=utf-8"),
        ("/assets/pages-", "text/css; charset=utf-8"),
        ("/assets/icon-", "image/svg+xml"),
    ] {
        let at = page.find(begin).unwrap();
        let path = page[at..].split('"').next().unwrap();
        let response = site.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&response, "content-type"), media);
        assert!(header(&response, "cache-control").contains("immutable"));
    }
}

#[tokio::test]
async fn pages_below_a_path_link_to_each_other() {
    let site = Site::new(1).await;
    let below = site.service.clone().below("/ci");
    let answer = |path: String| {
        let service = below.in_process();
        async move { service.call(super::get(&path)).await }
    };
    for path in ["/ci", "/ci/", "/"] {
        let response = answer(path.to_owned()).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let page = text(&response);
        assert!(
            page.contains(&format!("href=\"/ci/plans/{}\"", site.plan)),
            "{path}"
        );
        assert!(!page.contains("href=\"/plans"), "{path}");
    }
    let response = answer(format!("/ci/plans/{}", site.plan)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(text(&response).contains(&format!("data-live=\"/ci/plans/{}/live\"", site.plan)));
    let api = answer("/ci/execution/v1/squishservers".to_owned()).await;
    assert_eq!(api.status(), StatusCode::OK);
}
