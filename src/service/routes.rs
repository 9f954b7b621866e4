//! From a request to its operation: routing, access, body, log.

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    extract::{FromRequestParts as _, RawPathParams, Request, State},
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, on},
};
use bytes::Bytes;
use http::{HeaderValue, Method, Uri, header::CONNECTION, request::Parts};
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    body,
    failure::Failure,
    operation::Operation,
    request::{Call, shortened},
    shared::Shared,
    table::operations,
};
use crate::clock;

/// The router of all operations.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for operation in operations() {
        let filter = MethodFilter::try_from(operation.method.clone())
            .expect("the table has no method of its own invention");
        let path = operation.path;
        let operation = Arc::new(operation);
        let handler = move |State(shared): State<Arc<Shared>>, request: Request| {
            respond(shared, Arc::clone(&operation), request)
        };
        router = router.route(path, on(filter, handler));
    }
    router
        .fallback(no_path)
        .method_not_allowed_fallback(no_method)
        .with_state(Arc::clone(shared))
        .layer(CatchPanicLayer::custom(panicked))
}

async fn respond(shared: Arc<Shared>, operation: Arc<Operation>, request: Request) -> Response {
    let (started, method, path) = (
        clock::monotonic(),
        request.method().clone(),
        request.uri().path().to_owned(),
    );
    let mut response = match perform(&shared, &operation, request).await {
        Ok(mut response) => {
            *response.status_mut() = operation.status;
            response
        }
        Err(failure) => failure.into_response(),
    };
    if shared.is_stopping() {
        // Whoever asks again finds the next process, or a refusal that is surely no effect.
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    tracing::debug!(
        %method,
        path,
        status = response.status().as_u16(),
        took = ?clock::monotonic().saturating_duration_since(started),
        "answered"
    );
    response
}

async fn perform(
    shared: &Arc<Shared>,
    operation: &Operation,
    request: Request,
) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let principal = if operation.public {
        String::new()
    } else {
        shared.access.admit(&parts.headers)?
    };
    if operation.hands_out && shared.is_stopping() {
        return Err(Failure::Stopping);
    }
    let id = if operation.has_id() {
        id(&mut parts).await?
    } else {
        String::new()
    };
    let (body, streamed) = match (&operation.stream, operation.body.is_some()) {
        (Some(stream), _) => (Bytes::new(), Some((stream, body))),
        (None, true) if operation.takes_lists => {
            (body::read_list(shared, &parts.headers, body).await?, None)
        }
        (None, true) => (body::read(body, &shared.limits).await?, None),
        (None, false) => (Bytes::new(), None),
    };
    let call = Call {
        id,
        uri: parts.uri,
        headers: parts.headers,
        principal,
    };
    match streamed {
        Some((stream, body)) => stream(Arc::clone(shared), call, body).await,
        None => (operation.handler)(Arc::clone(shared), call, body).await,
    }
}

async fn id(parts: &mut Parts) -> Result<String, Failure> {
    let parameters = RawPathParams::from_request_parts(parts, &()).await;
    parameters
        .ok()
        .and_then(|parameters| Some(parameters.iter().next()?.1.to_owned()))
        .ok_or_else(|| Failure::malformed("the id in the path is not UTF-8"))
}

async fn no_path(method: Method, uri: Uri) -> Response {
    tracing::debug!(%method, path = uri.path(), "no such path");
    let path = shortened(uri.path());
    let nearest = operations()
        .into_iter()
        .map(|operation| (strsim::jaro_winkler(operation.path, path), operation.path))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(likeness, _)| *likeness > 0.9);
    let hint = nearest.map_or_else(
        || "all paths are in /openapi.json".to_owned(),
        |(_, path)| format!("did you mean {path}?"),
    );
    Failure::NoPath(format!("there is no path {path} here; {hint}")).into_response()
}

async fn no_method(method: Method, uri: Uri) -> Response {
    tracing::debug!(%method, path = uri.path(), "method not allowed");
    let path = shortened(uri.path());
    Failure::NoMethod(format!(
        "{method} is not a method of {path}; the header Allow names those that are"
    ))
    .into_response()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the payload over"
)]
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let cause = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(cause, "a handler panicked");
    Failure::Broken.into_response()
}
