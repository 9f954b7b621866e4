//! Who sees pages: login, session, logout.

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use super::{Site, bare, header, text, with, with_cookie};
use crate::service::support::{TOKEN, get, soon};

async fn ask(site: &Site, request: Request<Bytes>) -> Response<Bytes> {
    soon(site.service.in_process().call(request)).await
}

fn form(fields: &str) -> Request<Bytes> {
    let form = bare("POST", "/login", fields);
    with(form, "content-type", "application/x-www-form-urlencoded")
}

/// The cookie that an answer sets, as browsers send it back.
fn cookie(response: &Response<Bytes>) -> String {
    let set = header(response, "set-cookie");
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn page_without_a_login_leads_to_it_and_back() {
    let site = Site::new(1).await;
    let path = format!("{}?state=failed", site.plan_path());
    let refused = ask(&site, bare("GET", &path, "")).await;
    assert_eq!(refused.status(), StatusCode::SEE_OTHER);
    let login = header(&refused, "location").to_owned();
    assert_eq!(
        login,
        format!("/login?next=%2Fplans%2F{}%3Fstate%3Dfailed", site.plan)
    );
    let page = text(&ask(&site, bare("GET", &login, "")).await);
    assert!(
        page.contains(&format!("name=\"next\" value=\"{path}\"")),
        "{page}"
    );

    let entered = ask(
        &site,
        form(&format!("next={path}&user=&secret=+{TOKEN}%0D%0A")),
    )
    .await;
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(&entered, "location"), path);
    let set = header(&entered, "set-cookie");
    assert!(
        set.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"),
        "{set}"
    );
    assert!(!set.contains(TOKEN));
    let cookie = cookie(&entered);
    let page = ask(&site, with_cookie(&path, &cookie)).await;
    assert_eq!(page.status(), StatusCode::OK);
    let login = ask(&site, with_cookie("/login", &cookie)).await;
    assert_eq!(header(&login, "location"), "/", "logged in already");
}

#[tokio::test]
async fn user_logs_in_with_a_password() {
    let site = Site::new(1).await;
    let entered = ask(
        &site,
        form("user=anna&secret=k%C3%A4se%3A42&next=//evil.example"),
    )
    .await;
    assert_eq!(
        header(&entered, "location"),
        "/",
        "only to a path of this service"
    );
    let page = ask(&site, with_cookie("/", &cookie(&entered))).await;
    assert_eq!(page.status(), StatusCode::OK);
}

#[tokio::test]
async fn wrong_secret_is_refused_and_sets_no_cookie() {
    let site = Site::new(1).await;
    for fields in [
        "user=&secret=wrong",
        "user=bert&secret=k%C3%A4se%3A42",
        "",
        "%FF",
    ] {
        let refused = ask(&site, form(fields)).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{fields}");
        assert_eq!(header(&refused, "set-cookie"), "");
        assert!(text(&refused).contains("role=\"alert\""), "{fields}");
    }
    let session = "testplan_session=v1.9999999999999.AAAA.Y2k.AAAA";
    let refused = ask(&site, with_cookie("/", session)).await;
    assert_eq!(refused.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn programs_without_a_login_get_401() {
    let site = Site::new(1).await;
    let plan = site.plan_path();
    for path in [
        "/plans.json",
        &format!("{plan}.json"),
        &format!("{plan}/live"),
        "/health.json",
    ] {
        let refused = ask(&site, bare("GET", path, "")).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let wrong = with(bare("GET", "/", ""), "authorization", "Token wrong");
    assert_eq!(ask(&site, wrong).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        ask(&site, get("/plans.json")).await.status(),
        StatusCode::OK
    );
    let session = ask(&site, form(&format!("user=&secret={TOKEN}"))).await;
    let api = with_cookie("/execution/v1/squishservers", &cookie(&session));
    let refused = ask(&site, api).await.status();
    assert_eq!(
        refused,
        StatusCode::UNAUTHORIZED,
        "the API takes no cookies"
    );
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let site = Site::new(1).await;
    let fields = format!("user=&secret={TOKEN}");
    for path in ["/login", "/logout"] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let request = with(bare("POST", path, &fields), name, value);
            let refused = ask(&site, with(request, "host", "ci.example")).await;
            assert_eq!(
                refused.status(),
                StatusCode::FORBIDDEN,
                "{path} {name}: {value}"
            );
            assert_eq!(header(&refused, "set-cookie"), "");
        }
    }
    let own = with(form(&fields), "sec-fetch-site", "same-origin");
    assert_eq!(ask(&site, own).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn logout_takes_the_cookie_back() {
    let site = Site::new(1).await;
    let left = ask(&site, bare("POST", "/logout", "")).await;
    assert_eq!(header(&left, "location"), "/login");
    assert!(header(&left, "set-cookie").starts_with("testplan_session=; Path=/; Max-Age=0"));
    let get = ask(&site, bare("GET", "/logout", "")).await;
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
}
