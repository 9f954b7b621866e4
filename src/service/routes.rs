//! Routes requests to operations: access, body, handler, log.

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
    connections::Connection,
    http_error::HttpError,
    operation::{Handler, Operation},
    operations::operations,
    page_routes, request_body,
    request_parts::{RequestHead, shortened},
    service_state::ServiceState,
};
use crate::clock;

/// The router of all operations.
pub(super) fn router(shared: &Arc<ServiceState>) -> Router {
    let mut router = Router::new();
    for operation in operations() {
        let filter = MethodFilter::try_from(operation.method.clone())
            .expect("every method of the table is a standard one");
        let path = operation.path;
        let operation = Arc::new(operation);
        let handler = move |State(shared): State<Arc<ServiceState>>, request: Request| {
            respond(shared, Arc::clone(&operation), request)
        };
        router = router.route(path, on(filter, handler));
    }
    router = page_routes::add(router);
    if !shared.base_path().is_empty() {
        // A proxy may keep the path or remove it.
        router = router.clone().nest(shared.base_path(), router);
        router = page_routes::add_root(router, shared.base_path());
    }
    router
        .fallback(no_path)
        .method_not_allowed_fallback(no_method)
        .with_state(Arc::clone(shared))
        .layer(CatchPanicLayer::custom(panicked))
}

async fn respond(
    shared: Arc<ServiceState>,
    operation: Arc<Operation>,
    request: Request,
) -> Response {
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
        // The next request of this client then reaches the next process, or is refused without an effect.
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
    shared: &Arc<ServiceState>,
    operation: &Operation,
    request: Request,
) -> Result<Response, HttpError> {
    let (mut parts, body) = request.into_parts();
    let principal = if operation.public {
        String::new()
    } else {
        let connection = parts.extensions.get::<Arc<Connection>>();
        match shared.access.authenticate(&parts.headers) {
            Ok(principal) => {
                if let Some(connection) = connection {
                    connection.has_shown_token();
                }
                principal
            }
            Err(refused) => {
                let peer = connection.map(|connection| connection.peer);
                shared.refused_logins.count(peer, &parts, &refused);
                return Err(refused);
            }
        }
    };
    if operation.hands_out && shared.is_stopping() {
        return Err(HttpError::Stopping);
    }
    let id = if operation.has_id() {
        id(&mut parts).await?
    } else {
        String::new()
    };
    let head = RequestHead {
        id,
        uri: parts.uri,
        headers: parts.headers,
        principal,
    };
    match &operation.handler {
        Handler::Streamed(handler) => handler(Arc::clone(shared), head, body).await,
        Handler::Buffered(handler) => {
            let body = match &operation.body {
                None => Bytes::new(),
                Some(_) if operation.takes_lists => {
                    request_body::read_list(shared, &head.headers, body).await?
                }
                Some(_) => request_body::read(body, &shared.limits).await?,
            };
            handler(Arc::clone(shared), head, body).await
        }
    }
}

async fn id(parts: &mut Parts) -> Result<String, HttpError> {
    let parameters = RawPathParams::from_request_parts(parts, &()).await;
    parameters
        .ok()
        .and_then(|parameters| Some(parameters.iter().next()?.1.to_owned()))
        .ok_or_else(|| HttpError::malformed("the id in the path is not UTF-8"))
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
        || "see /openapi.json for all paths".to_owned(),
        |(_, path)| format!("did you mean {path}?"),
    );
    HttpError::NoPath(format!("there is no path {path} here; {hint}")).into_response()
}

async fn no_method(method: Method, uri: Uri) -> Response {
    tracing::debug!(%method, path = uri.path(), "method not allowed");
    let path = shortened(uri.path());
    HttpError::NoMethod(format!(
        "{method} is not allowed for {path}; see the header Allow"
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
    HttpError::Broken.into_response()
}
