//! Every response of the service, so that all carry the same headers.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS},
};
use serde::Serialize;

use crate::api;

/// The version of testplan, in a header of every response.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A JSON response.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(body).expect("wire types have string keys and cannot fail");
    prepared(status, bytes.into())
}

/// The response with this JSON.
pub(super) fn prepared(status: StatusCode, json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    response.headers_mut().extend(
        [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-store"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (HeaderName::from_static(api::SERVICE), VERSION),
        ]
        .map(|(name, value)| (name, HeaderValue::from_static(value))),
    );
    response
}
