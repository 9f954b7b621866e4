//! Who is let in, and that no secret shows.

use std::{
    io,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Request, StatusCode};
use testplan::service::{Access, Limits, Service};

use super::{
    held_store::HeldStore,
    support::{TOKEN, access, ask, clock, json, patient, post, service},
};

fn presenting(authorization: Option<&str>) -> Request<Bytes> {
    let mut request = Request::get("/execution/v1/squishservers");
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization.as_bytes());
    }
    request.body(Bytes::new()).unwrap()
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(credentials))
}

#[tokio::test]
async fn requests_without_a_valid_secret_are_401() {
    let service = service(&HeldStore::of_the_page().await, patient()).in_process();
    let token = |scheme: &str| format!("{scheme} {TOKEN}");
    let table = [
        (Some(token("Token")), None),
        (Some(token("token")), None),
        (Some(format!("Token   {TOKEN} ")), None),
        (Some(basic("anna:käse:42")), None),
        (Some(basic("anna:käse:42").replace("Basic", "BASIC")), None),
        (None, Some("missing")),
        (Some(String::new()), Some("cannot be read")),
        (Some(TOKEN.to_owned()), Some("cannot be read")),
        (Some("Token".to_owned()), Some("cannot be read")),
        (Some("Token ".to_owned()), Some("cannot be read")),
        (Some(format!("Token {}", &TOKEN[1..])), Some("not valid")),
        (Some(format!("Token {TOKEN}x")), Some("not valid")),
        (Some("Token anna:käse:42".to_owned()), Some("not valid")),
        (Some(basic("anna:wrong")), Some("not valid")),
        (Some(basic("bert:käse:42")), Some("not valid")),
        (Some(basic("anna")), Some("not valid")),
        (Some(basic(TOKEN)), Some("not valid")),
        (Some("Basic ???".to_owned()), Some("cannot be read")),
        (
            Some(token("Bearer")),
            Some("`Authorization: Token …` instead of `Bearer`"),
        ),
        (Some(token("Digest")), Some("`Token` or `Basic`")),
    ];
    for (authorization, refusal) in table {
        let response = service.call(presenting(authorization.as_deref())).await;
        let Some(refusal) = refusal else {
            assert_eq!(response.status(), StatusCode::OK, "{authorization:?}");
            continue;
        };
        assert_eq!(
            response.status(),
            StatusCode::UNAUTHORIZED,
            "{authorization:?}"
        );
        let problem = json(&response);
        assert_eq!(problem["code"], 1501, "{authorization:?}");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains(refusal), "{authorization:?}: {message}");
        let challenges: Vec<_> = response
            .headers()
            .get_all("www-authenticate")
            .iter()
            .collect();
        assert_eq!(challenges.len(), 2);
        assert!(challenges[0].to_str().unwrap().starts_with("Token"));
        assert!(
            challenges[1]
                .to_str()
                .unwrap()
                .starts_with("Basic realm=\"testplan\"")
        );
    }
}

#[tokio::test]
async fn only_health_and_openapi_need_no_secret() {
    let service = service(&HeldStore::with_plan().await, patient()).in_process();
    let document = service
        .call(Request::get("/openapi.json").body(Bytes::new()).unwrap())
        .await;
    let document = json(&document);
    let mut open = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let request = Request::builder()
                .method(method.to_ascii_uppercase().as_str())
                .uri(path.replace("{id}", "105"))
                .body(Bytes::new())
                .unwrap();
            let (status, _) = ask(&service, request).await;
            if status != StatusCode::UNAUTHORIZED {
                open.push(path.clone());
            }
        }
    }
    assert_eq!(open, ["/healthz", "/openapi.json", "/readyz"]);
}

#[tokio::test]
async fn access_in_process_is_open_and_without_principals_closed() {
    for (access, expected) in [
        (Access::InProcess, StatusCode::OK),
        (Access::Principals(Vec::new()), StatusCode::UNAUTHORIZED),
    ] {
        let service =
            Service::new(HeldStore::of_the_page().await, clock(), access, patient()).in_process();
        let (status, _) = ask(&service, presenting(None)).await;
        assert_eq!(status, expected);
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_logged_or_printed() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For all threads: a place that other tests come by first would otherwise be remembered as not listened to.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    tracing::callsite::rebuild_interest_cache();

    let service = service(&HeldStore::with_plan().await, Limits::default());
    let call = service.in_process();
    let body =
        r#"{"capabilities":[{"key":"OS","value":"Linux"},{"key":"browser","value":"chrome"}]}"#;
    let (_, reservation) = ask(&call, post("/execution/v1/reserve/105", body)).await;
    let lease = reservation["lease"].as_str().unwrap();
    let body = format!(r#"{{"lease":"{lease}"}}"#);
    let (status, _) = ask(&call, post("/execution/v1/finished/3339", &body)).await;
    assert_eq!(status, StatusCode::OK);
    let broken = format!(r#"{{"lease":"{lease}","message":1}}"#);
    let (_, problem) = ask(&call, post("/execution/v1/finished/3339", &broken)).await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("/execution/v1/finished/3339"),
        "requests are logged: {log}"
    );
    for text in [
        log,
        format!("{service:?}"),
        format!("{:?}", access()),
        problem.to_string(),
    ] {
        for secret in [TOKEN, lease, "käse"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
