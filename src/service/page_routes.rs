//! The pages: a table beside that of the operations, and who may see them.
//!
//! A page needs the `Authorization` header of the API, or the cookie of a login. Forms are accepted from pages of this service
//! only, and those that change something need a login.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts as _, RawPathParams, Request, State},
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, on},
};
use http::{
    HeaderValue, StatusCode, Uri,
    header::{AUTHORIZATION, CONNECTION},
    request::Parts,
};

use super::{
    access::{self, Access, Principal},
    badges,
    connections::Connection,
    http_error::HttpError,
    page_actions::{self, ActionRequest, PageAction},
    page_forms::{form_pairs, is_own_form, pairs, value},
    page_handlers as handlers,
    page_request::PageRequest,
    page_response,
    page_sessions::{self, Session},
    request_body,
    request_parts::RequestHead,
    service_state::ServiceState,
    test_pages,
};
use crate::pages::{ASSETS, Asset, LoginPage, MessagePage, Site};

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Plans,
    Plan,
    Live,
    Execution,
    Tests,
    Test,
    Servers,
    Audit,
    Health,
    Badge,
    /// Asks before an action.
    Confirm(PageAction),
    /// Does it.
    Perform(PageAction),
    Asset,
    Login,
    LogIn,
    LogOut,
}

/// The paths of pages. Those that end in `.json` are the same for programs; an id in a path may end so too.
const PAGES: [(MethodFilter, &str, Page); 19] = [
    (MethodFilter::GET, "/", Page::Plans),
    (MethodFilter::GET, "/plans.json", Page::Plans),
    (MethodFilter::GET, "/plans/{id}", Page::Plan),
    (MethodFilter::GET, "/plans/{id}/live", Page::Live),
    (
        MethodFilter::GET,
        "/plans/{id}/executions/{execution}",
        Page::Execution,
    ),
    (MethodFilter::GET, "/tests", Page::Tests),
    (MethodFilter::GET, "/tests.json", Page::Tests),
    (MethodFilter::GET, "/tests/{id}", Page::Test),
    (MethodFilter::GET, "/servers", Page::Servers),
    (MethodFilter::GET, "/servers.json", Page::Servers),
    (MethodFilter::GET, "/audit", Page::Audit),
    (MethodFilter::GET, "/audit.json", Page::Audit),
    (MethodFilter::GET, "/health", Page::Health),
    (MethodFilter::GET, "/health.json", Page::Health),
    (
        MethodFilter::GET,
        "/badge/{project}/{template}",
        Page::Badge,
    ),
    (MethodFilter::GET, "/assets/{file}", Page::Asset),
    (MethodFilter::GET, "/login", Page::Login),
    (MethodFilter::POST, "/login", Page::LogIn),
    (MethodFilter::POST, "/logout", Page::LogOut),
];

/// The paths of actions: GET asks, POST acts.
const ACTIONS: [(&str, PageAction); 5] = [
    ("/plans/{id}/cancel", PageAction::Cancel),
    ("/plans/{id}/retry", PageAction::Retry),
    (
        "/plans/{id}/executions/{execution}/release",
        PageAction::Release,
    ),
    ("/servers/{id}/disable", PageAction::Disable),
    ("/servers/{id}/enable", PageAction::Enable),
];
const JSON: &str = ".json";

/// Adds the pages.
pub(super) fn add(mut router: Router<Arc<ServiceState>>) -> Router<Arc<ServiceState>> {
    let actions = ACTIONS.into_iter().flat_map(|(path, action)| {
        [
            (MethodFilter::GET, path, Page::Confirm(action)),
            (MethodFilter::POST, path, Page::Perform(action)),
        ]
    });
    for (method, path, page) in PAGES.into_iter().chain(actions) {
        let handler = move |State(shared): State<Arc<ServiceState>>, request: Request| {
            respond(shared, page, request)
        };
        router = router.route(path, on(method, handler));
    }
    router
}

/// Adds the list of plans at the base path with a slash at its end, which nesting leaves out.
pub(super) fn add_root(router: Router<Arc<ServiceState>>, base: &str) -> Router<Arc<ServiceState>> {
    let handler = |State(shared): State<Arc<ServiceState>>, request: Request| {
        respond(shared, Page::Plans, request)
    };
    router.route(&format!("{base}/"), on(MethodFilter::GET, handler))
}

async fn respond(shared: Arc<ServiceState>, page: Page, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let site = Site {
        base: shared.base_path().to_owned(),
        has_session: matches!(shared.access, Access::Principals(_)),
        can_act: false,
    };
    let ids = ids(&mut parts).await;
    let wants_json = parts.uri.path().ends_with(JSON);
    let mut response = match page {
        Page::Asset => asset(&site, &ids),
        Page::Login => login(&shared, &site, &parts, None),
        Page::LogIn => log_in(&shared, &site, &parts, body).await,
        Page::LogOut => log_out(&site, &parts),
        Page::Confirm(action) | Page::Perform(action) => {
            let acts = matches!(page, Page::Perform(_));
            act(&shared, &site, (action, acts), (parts, body, ids)).await
        }
        _ => {
            // Programs get the errors of the API.
            let for_people = !wants_json && page != Page::Live && page != Page::Badge;
            match principal(&shared, page, &parts) {
                Err(refused) if for_people && !parts.headers.contains_key(AUTHORIZATION) => {
                    drop(refused);
                    page_response::redirect(&login_path(&site, &parts.uri))
                }
                Err(refused) => {
                    shared.refused_logins.count(peer(&parts), &parts, &refused);
                    refused.into_response()
                }
                Ok(principal) => {
                    let mut site = site.clone();
                    site.can_act = session(&shared, &parts).is_some();
                    let request = PageRequest {
                        head: RequestHead {
                            id: String::new(),
                            uri: parts.uri,
                            headers: parts.headers,
                            principal,
                        },
                        ids,
                        wants_json,
                        site,
                    };
                    match show(&shared, page, &request).await {
                        Ok(response) => response,
                        Err(error) if for_people => {
                            page_response::failure(&request.site, error.of_look_up())
                        }
                        Err(error) => error.of_look_up().into_response(),
                    }
                }
            }
        }
    };
    if shared.is_stopping() {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn show(
    shared: &Arc<ServiceState>,
    page: Page,
    request: &PageRequest,
) -> Result<Response, HttpError> {
    match page {
        Page::Plans => handlers::plans(shared, request).await,
        Page::Plan => handlers::plan(shared, request).await,
        Page::Live => handlers::live(shared, request).await,
        Page::Execution => handlers::execution(shared, request).await,
        Page::Badge => badges::badge(shared, request).await,
        Page::Tests => test_pages::tests(shared, request).await,
        Page::Test => test_pages::test(shared, request).await,
        Page::Servers => handlers::servers(shared, request).await,
        Page::Audit => handlers::audit(shared, request).await,
        Page::Health => Ok(handlers::health(shared, request)),
        Page::Asset
        | Page::Login
        | Page::LogIn
        | Page::LogOut
        | Page::Confirm(_)
        | Page::Perform(_) => Err(HttpError::Broken),
    }
}

/// Who may act: a person with a login. The header of the API alone shows no forms.
fn session<'a>(shared: &'a ServiceState, parts: &Parts) -> Option<Session<'a>> {
    if parts.headers.contains_key(AUTHORIZATION) {
        return None;
    }
    page_sessions::session(&shared.access, &parts.headers, shared.clock.now())
}

/// Asks before an action, or does it.
async fn act(
    shared: &Arc<ServiceState>,
    site: &Site,
    (action, acts): (PageAction, bool),
    (parts, body, ids): (Parts, Body, Vec<String>),
) -> Response {
    let Some(session) = session(shared, &parts) else {
        if parts.headers.contains_key(AUTHORIZATION) {
            return refused(
                site,
                "actions of pages need a login; with the Authorization header use the calls of the API",
            );
        }
        return page_response::redirect(&login_path(site, &parts.uri));
    };
    let site = Site {
        can_act: true,
        ..site.clone()
    };
    if let Some(connection) = parts.extensions.get::<Arc<Connection>>() {
        connection.has_shown_token();
    }
    let form = if acts {
        if !is_own_form(&parts.headers) {
            return forbidden(&site);
        }
        let form = match request_body::read(body, &shared.limits).await {
            Ok(bytes) => form_pairs(&bytes),
            Err(error) => return page_response::failure(&site, error),
        };
        if !session.has_made(value(&form, "token").unwrap_or("")) {
            return refused(
                &site,
                "the form is not of this login; go back, load the page again and send it from there",
            );
        }
        Some(form)
    } else {
        None
    };
    let request = ActionRequest {
        action,
        ids: &ids,
        session: &session,
        site: &site,
    };
    let answer = match form {
        Some(form) => page_actions::perform(shared, &request, &form).await,
        None => page_actions::confirm(shared, &request).await,
    };
    answer.unwrap_or_else(|error| page_response::failure(&site, error.of_look_up()))
}

async fn ids(parts: &mut Parts) -> Vec<String> {
    let Ok(found) = RawPathParams::from_request_parts(parts, &()).await else {
        return Vec::new();
    };
    let mut ids: Vec<String> = found.iter().map(|(_, value)| value.to_owned()).collect();
    if let Some(last) = ids.last_mut()
        && let Some(id) = last.strip_suffix(JSON)
    {
        *last = id.to_owned();
    }
    ids
}

fn peer(parts: &Parts) -> Option<std::net::IpAddr> {
    let connection = parts.extensions.get::<Arc<Connection>>();
    connection.map(|connection| connection.peer)
}

/// Who asks: by the header of the API, or by the session.
fn principal(shared: &ServiceState, page: Page, parts: &Parts) -> Result<String, HttpError> {
    if page == Page::Badge && shared.has_public_badges() {
        return Ok(String::new());
    }
    let session = || {
        let now = shared.clock.now();
        let found = page_sessions::session(&shared.access, &parts.headers, now);
        found.map(|session| session.principal.name().to_owned())
    };
    let principal = match shared.access.authenticate(&parts.headers) {
        Ok(principal) => Ok(principal),
        Err(refused) if parts.headers.contains_key(AUTHORIZATION) => Err(refused),
        Err(refused) => session().ok_or(refused),
    }?;
    if let Some(connection) = parts.extensions.get::<Arc<Connection>>() {
        connection.has_shown_token();
    }
    Ok(principal)
}

fn asset(site: &Site, ids: &[String]) -> Response {
    let wanted = ids.first().map_or("", String::as_str);
    let found = ASSETS.iter().find(|it: &&Asset| it.file_name() == wanted);
    match found {
        Some(found) => page_response::asset(found),
        None => page_response::failure(
            site,
            HttpError::NoPath("there is no such file; load the page again".to_owned()),
        ),
    }
}

/// The login, with the way back to a page.
fn login_path(site: &Site, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |it| it.as_str());
    let path = path.strip_prefix(site.base.as_str()).unwrap_or(path);
    let next = crate::pages::percent_encoded(local_path(path));
    format!("{}?next={next}", site.path("/login"))
}

/// A path of this service; the list of plans in place of everything else, so that a login leads nowhere else.
fn local_path(path: &str) -> &str {
    let is_local = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.len() <= 500
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    if is_local { path } else { "/" }
}

fn login(
    shared: &ServiceState,
    site: &Site,
    parts: &Parts,
    refused: Option<(&'static str, String)>,
) -> Response {
    if refused.is_none() && principal(shared, Page::Login, parts).is_ok() {
        return page_response::redirect(&site.path("/"));
    }
    let (refused, next) = refused.unzip();
    let in_address = || {
        let pairs = pairs(&parts.uri);
        value(&pairs, "next").map(str::to_owned)
    };
    let next = next.or_else(in_address).unwrap_or_default();
    let mut users = shared.access.principals().iter().map(Principal::is_user);
    let page = LoginPage {
        next: local_path(&next).to_owned(),
        has_users: users.clone().any(|is_user| is_user),
        has_tokens: users.any(|is_user| !is_user),
        refused,
    };
    let status = if refused.is_some() {
        StatusCode::UNAUTHORIZED
    } else {
        StatusCode::OK
    };
    page_response::html(status, page.html(site))
}

async fn log_in(shared: &ServiceState, site: &Site, parts: &Parts, body: Body) -> Response {
    if !is_own_form(&parts.headers) {
        return forbidden(site);
    }
    let form = match request_body::read(body, &shared.limits).await {
        Ok(bytes) => form_pairs(&bytes),
        Err(error) => return page_response::failure(site, error),
    };
    let next = local_path(value(&form, "next").unwrap_or("/"));
    let user = value(&form, "user").unwrap_or("");
    let secret = value(&form, "secret").unwrap_or("");
    let Some(principal) = shared.access.log_in(user, secret) else {
        let wrong = HttpError::Unauthorized(access::WRONG);
        shared.refused_logins.count(peer(parts), parts, &wrong);
        return login(shared, site, parts, Some((access::WRONG, next.to_owned())));
    };
    if let Some(connection) = parts.extensions.get::<Arc<Connection>>() {
        connection.has_shown_token();
    }
    let name = value(&form, "name").unwrap_or("");
    let session = page_sessions::begin(principal, name, shared.clock.now());
    let mut response = page_response::redirect(&site.path(next));
    let life = page_sessions::LIFE.as_secs();
    page_response::set_cookie(&mut response, &cookie(site, &session, life));
    response
}

fn log_out(site: &Site, parts: &Parts) -> Response {
    if !is_own_form(&parts.headers) {
        return forbidden(site);
    }
    let mut response = page_response::redirect(&site.path("/login"));
    page_response::set_cookie(&mut response, &cookie(site, "", 0));
    response
}

fn cookie(site: &Site, session: &str, life: u64) -> String {
    let path = if site.base.is_empty() {
        "/"
    } else {
        &site.base
    };
    format!(
        "{}={session}; Path={path}; Max-Age={life}; HttpOnly; SameSite=Strict",
        page_sessions::NAME
    )
}

fn forbidden(site: &Site) -> Response {
    refused(
        site,
        "the form was sent by a page of another site; open the login of this service and send it from there",
    )
}

fn refused(site: &Site, message: &str) -> Response {
    let page = MessagePage {
        title: "Refused",
        message: message.to_owned(),
        back: None,
    };
    page_response::html(StatusCode::FORBIDDEN, page.html(site))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_leads_only_to_paths_of_this_service() {
        for (path, expected) in [
            ("/plans/3?state=failed", "/plans/3?state=failed"),
            ("//evil.example/", "/"),
            ("/\\evil.example/", "/"),
            ("https://evil.example/", "/"),
            ("", "/"),
            ("/a\nb", "/"),
        ] {
            assert_eq!(local_path(path), expected, "{path:?}");
        }
    }
}
