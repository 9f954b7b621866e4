//! Tests over several plans: the list of tests, the page of a test, and a plan beside the one before.

use http::StatusCode;
use serde_json::{Value, json};
use testplan::{
    model::{
        Capability, DiscoveryAccount, PlanOrigin, PlannedTest, Selection, Test, TestListDigest,
        TestVerdict::{self, Failed, Passed},
    },
    store::{ExecutePlan, RequestedTests, Store as _},
};

use super::{Site, bare, clock, header, post, request, soon, text, with};

/// Ends all tests for Linux of the present plan: those named fail, the others pass.
async fn run(site: &Site, failing: &[&str]) {
    let plan = site.plan_path();
    let listed = site.json(&format!("{plan}.json?state=open")).await["executions"]["items"].clone();
    let linux = |item: &&Value| item["labels"][0]["value"] == "Linux";
    for _ in listed.as_array().unwrap().iter().filter(linux) {
        let taken = site.take("box").await;
        let named = listed.as_array().unwrap().iter();
        let name = named
            .filter(|item| item["execution_id"] == taken.execution.0)
            .map(|item| item["testcase"].as_str().unwrap().to_owned())
            .next()
            .unwrap();
        let verdict = verdict_of(&name, failing);
        let why = if verdict == Failed {
            "expected 3\nat line 7"
        } else {
            ""
        };
        site.finish(&taken, Some(verdict), why).await;
    }
}

fn verdict_of(name: &str, failing: &[&str]) -> TestVerdict {
    if failing.contains(&name) {
        Failed
    } else {
        Passed
    }
}

/// Three plans of `main` after the first one without an origin: `tst_2` fails since the second, `tst_3` in the last.
async fn history() -> Site {
    let mut site = Site::new(5).await;
    run(&site, &[]).await;
    for (commit, failing) in [
        ("1111111111111111", &[][..]),
        ("2222222222222222", &["tst_2"]),
        ("3333333333333333", &["tst_2", "tst_3"]),
    ] {
        site.start("main", commit).await;
        run(&site, failing).await;
    }
    site
}

fn of<'a>(list: &'a Value, testcase: &str) -> &'a Value {
    let mut each = list.as_array().unwrap().iter();
    each.find(|it| it["testcase"] == testcase).unwrap()
}

#[tokio::test]
async fn list_of_tests_has_what_fails_first_and_since_when() {
    let site = history().await;
    let json = site.json("/tests.json").await;
    assert_eq!(json["failing"], 2);
    assert_eq!(json["branches"], json!(["main", ""]));
    let tests = &json["tests"];
    assert_eq!(tests[0]["testcase"], "tst_3");
    assert_eq!(tests[1]["testcase"], "tst_2");
    let older = of(tests, "tst_2");
    assert_eq!(
        older["last"],
        json!(["failed", "failed", "passed", "passed"])
    );
    assert_eq!(older["failing"], 2);
    assert_eq!(older["failing_since"], site.plan.0 - 1);
    let page = site.page("/tests").await;
    assert!(
        page.contains("2 failed, 2 passed, the newest at the right"),
        "{page}"
    );
    let failing = site
        .json("/tests.json?show=failing&find=TST_2&branch=main")
        .await;
    assert_eq!(failing["listed"], 1);
    assert_eq!(
        failing["tests"][0]["last"],
        json!(["failed", "failed", "passed"])
    );
    for bad in ["show=x", "sort=x", "skip=x", "template=x"] {
        let response = site.get(&format!("/tests?{bad}")).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
    let none = site.json("/tests.json?template=77").await;
    assert_eq!(none["tests"], json!([]));
}

#[tokio::test]
async fn page_of_a_test_says_since_which_commit_it_fails() {
    let site = history().await;
    let tests = site.json("/tests.json").await["tests"].clone();
    let id = of(&tests, "tst_2")["test_id"].clone();
    let json = site.json(&format!("/tests/{id}.json")).await;
    let system = &json["systems"][0];
    assert_eq!(system["system"], "OS=Linux");
    assert_eq!(system["failing"]["failures"], 2);
    assert_eq!(system["failing"]["first"]["commit"], "2222222222222222");
    assert_eq!(system["failing"]["last_pass"]["commit"], "1111111111111111");
    assert_eq!(json["failures"][0]["message"], "expected 3");
    assert_eq!(json["failures"][0]["runs"], 2);
    assert_eq!(json["runs"].as_array().unwrap().len(), 4);
    let days = json["days"].as_array().unwrap();
    assert_eq!((days.len(), &days[29]["failed"]), (30, &json!(2)));
    let page = site.page(&format!("/tests/{id}")).await;
    let sentence = format!(
        "It fails on OS=Linux since plan {}, commit 2222222222 (main).",
        site.plan.0 - 1
    );
    assert!(page.contains(&sentence), "{page}");
    let of_branch = site.json(&format!("/tests/{id}.json?branch=main")).await;
    assert_eq!(of_branch["runs"].as_array().unwrap().len(), 3);
    let unknown = site.get("/tests/9999").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert!(text(&unknown).contains("there is no test 9999"));
}

#[tokio::test]
async fn plan_names_its_page_where_people_see_it() {
    let mut site = Site::new(2).await;
    let path = format!("/execution/v1/testplans/{}", site.plan);
    assert!(site.json(&path).await.get("page_url").is_none());
    site.service = site.service.seen_at("https://ci.example/testplan");
    let page = format!("https://ci.example/testplan/plans/{}", site.plan);
    assert_eq!(site.json(&path).await["page_url"], page);
    let template = format!("/execution/v1/testplans/{}", site.template);
    assert!(site.json(&template).await.get("page_url").is_none());
}

#[tokio::test]
async fn badge_shows_how_the_last_plan_ended() {
    let mut site = history().await;
    let path = "/badge/shop/nightly.svg";
    let none = site.get(path).await;
    assert_eq!(header(&none, "content-type"), "image/svg+xml");
    assert!(text(&none).contains("nightly: no plan"), "{}", text(&none));
    site.finish_mac().await;
    let badge = site.page(&format!("{path}?branch=main")).await;
    assert!(badge.contains("nightly: 2 failed"), "{badge}");
    let unknown = site.get("/badge/shop/other.svg").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let call =
        async |site: &Site| soon(site.service.in_process().call(bare("GET", path, ""))).await;
    assert_eq!(call(&site).await.status(), StatusCode::UNAUTHORIZED);
    site.service = site.service.with_public_badges();
    assert_eq!(call(&site).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn workers_link_to_their_ci_jobs() {
    let site = Site::new(4).await;
    let body = r#"{"capabilities": [{"key": "OS", "value": "Linux"}], "timeout": 3600000}"#;
    for (worker, job) in [
        ("box/1", "https://ci.example/job/1"),
        ("box/2", "javascript:alert(1)"),
    ] {
        let request = post(&format!("/execution/v1/reserve/{}", site.plan), body);
        let request = with(
            with(request, "testplan-worker", worker),
            "testplan-job",
            job,
        );
        let answer = soon(site.service.in_process().call(request)).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let link = "href=\"https://ci.example/job/1\">CI job</a>";
    let mut page = String::new();
    // The service notes it after its answer.
    for _ in 0..100 {
        page = site.page(&site.plan_path()).await;
        if page.contains(link) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(page.contains(link), "{page}");
    assert_eq!(page.matches(">CI job</a>").count(), 1);
    let json = site
        .json(&format!("{}.json?state=running", site.plan_path()))
        .await;
    let running = json["executions"]["items"].as_array().unwrap();
    let mut linked = 0;
    for item in running {
        let path = format!("{}/executions/{}", site.plan_path(), item["execution_id"]);
        linked += site.page(&path).await.matches(link).count();
    }
    assert_eq!((running.len(), linked), (2, 1));
}

#[tokio::test]
async fn plan_is_compared_with_the_one_before_of_its_branch() {
    let mut site = history().await;
    let last = site.plan;
    // Tests for macOS stay open, so only plans that were drained are compared with: end those first.
    let json = site.json(&format!("{}.json", site.plan_path())).await;
    assert!(json.get("comparison").is_none(), "{json}");
    site.finish_mac().await;
    site.start("main", "4444444444444444").await;
    run(&site, &["tst_1", "tst_3"]).await;
    let json = site.json(&format!("{}.json", site.plan_path())).await;
    let comparison = &json["comparison"];
    assert_eq!(comparison["plan_id"], last.0);
    assert_eq!(comparison["commit"], "3333333333333333");
    let kinds = comparison["changes"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds
        .map(|it| {
            (
                it["kind"].as_str().unwrap(),
                it["tests"][0]["testcase"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        kinds,
        [
            ("newly-failed", "tst_1"),
            ("still-failed", "tst_3"),
            ("fixed", "tst_2")
        ]
    );
    let page = site.page(&site.plan_path()).await;
    assert!(
        page.contains("1 newly failed, 1 still failed, 1 fixed since"),
        "{page}"
    );
    assert!(page.contains(
        "<a rel=\"noopener noreferrer\" href=\"https://ci.example/runs/7\">ci.example</a>"
    ));
    let id = &json["problems"][0]["executions"][0]["execution_id"];
    let page = site
        .page(&format!("{}/executions/{id}", site.plan_path()))
        .await;
    assert!(page.contains("failing since"), "{page}");
    site.start("topic", "5555555555555555").await;
    let json = site.json(&format!("{}.json", site.plan_path())).await;
    assert_eq!(
        json["comparison"]["plan_id"], last.0,
        "the newest of any branch"
    );
}

/// Starts a plan of two of the tests, one of them new, which is the one from now on.
async fn start_selection(site: &mut Site) {
    let test = |name: &str| PlannedTest {
        test: Test {
            suite: "suite_a".to_owned(),
            testcase: name.to_owned(),
        },
        required: vec![Capability::new("OS", "Linux")].into(),
    };
    let list = vec![test("tst_2"), test("tst_new")];
    let origin = PlanOrigin {
        branch: "main".to_owned(),
        ..PlanOrigin::default()
    };
    let request = ExecutePlan {
        tests: Some(RequestedTests {
            digest: TestListDigest::of(&list),
            list: Some(list),
        }),
        discovery: Some(DiscoveryAccount {
            selection: Some(Selection {
                flags: "--only '*2'".to_owned(),
                selected: 2,
                of: 5,
            }),
            ..DiscoveryAccount::default()
        }),
        ..request(site.template, origin)
    };
    let started = site.store.execute_plan(request, clock().now());
    site.plan = started.await.unwrap().id;
}

#[tokio::test]
async fn selection_is_compared_by_common_tests_and_has_no_badge() {
    let mut site = history().await;
    site.finish_mac().await;
    let full = site.plan;
    start_selection(&mut site).await;
    run(&site, &["tst_new"]).await;
    let json = site.json(&format!("{}.json", site.plan_path())).await;
    assert_eq!(
        json["selection"],
        json!({ "flags": "--only '*2'", "selected": 2, "of": 5 })
    );
    let comparison = &json["comparison"];
    assert_eq!(comparison["plan_id"], full.0);
    assert_eq!(comparison["common_only"], true);
    let changes = comparison["changes"].as_array().unwrap();
    let kinds: Vec<_> = changes.iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["fixed"], "no test is missing or new: {comparison}");
    let page = site.page(&site.plan_path()).await;
    assert!(
        page.contains("selection of 2 of 5 tests: 1 failed"),
        "{page}"
    );
    assert!(page.contains("only tests in both are compared"), "{page}");
    let badge = site.page("/badge/shop/nightly.svg").await;
    assert!(badge.contains("nightly: 2 failed"), "of all tests: {badge}");

    // A plan of all tests is compared with the last one of all tests.
    site.start("main", "5555555555555555").await;
    run(&site, &[]).await;
    let json = site.json(&format!("{}.json", site.plan_path())).await;
    assert_eq!(json["comparison"]["plan_id"], full.0);
    assert!(json["comparison"].get("common_only").is_none(), "{json}");
}

#[tokio::test]
async fn plans_of_a_template_are_listed_by_branch() {
    let site = history().await;
    let path = format!("/testplan/v1/templates/{}/plans", site.template);
    let all = site.json(&path).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 4);
    assert!(all.get("next").is_none());
    assert_eq!(all["items"][0]["plan_id"], site.plan.0);
    assert_eq!(all["items"][0]["commit"], "3333333333333333");
    assert_eq!(all["items"][0]["count"], 6);
    assert_eq!(all["items"][0]["ended"], false);
    let first = site.json(&format!("{path}?branch=main&limit=2")).await;
    let rest = site
        .json(&format!(
            "{path}?branch=main&limit=2&before={}",
            first["next"]
        ))
        .await;
    assert_eq!(rest["items"][0]["commit"], "1111111111111111");
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    let plan = format!("/testplan/v1/templates/{}/plans", site.plan);
    for wrong in [plan.as_str(), "/testplan/v1/templates/9999/plans"] {
        let refused = site.get(wrong).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
}
