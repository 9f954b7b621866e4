//! Responses for browsers, so that all carry the same headers.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
        SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

use super::{http_error::HttpError, json_response::VERSION};
use crate::{
    api,
    pages::{Asset, MessagePage, Site},
};

/// What a page may load: its own style and script, and nothing that stands in it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const HTML: &str = "text/html; charset=utf-8";

fn response(status: StatusCode, media: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().extend(
        [
            (CONTENT_TYPE, media),
            (CACHE_CONTROL, "no-store"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_FRAME_OPTIONS, "DENY"),
            // Not `no-referrer`: browsers then hide the origin of forms.
            (REFERRER_POLICY, "same-origin"),
            (HeaderName::from_static(api::SERVICE), VERSION),
        ]
        .map(|(name, value)| (name, HeaderValue::from_static(value))),
    );
    response
}

/// A page.
pub(super) fn html(status: StatusCode, page: Vec<u8>) -> Response {
    response(status, HTML, Body::from(page))
}

/// A file that pages load. Its name changes with its content.
pub(super) fn asset(asset: &Asset) -> Response {
    let mut response = response(StatusCode::OK, asset.media, Body::from(asset.content()));
    response.headers_mut().insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    response
}

/// Another page, asked for with GET.
pub(super) fn redirect(to: &str) -> Response {
    let mut response = response(StatusCode::SEE_OTHER, HTML, Body::empty());
    // Not a header: the path of a request, which may have any bytes. Then the way leads to the beginning.
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, to);
    response
}

/// Adds a cookie.
pub(super) fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// A stream of events, which proxies must not hold back.
pub(super) fn events<S>(stream: S) -> Response
where
    S: futures_util::Stream<Item = Result<Bytes, std::convert::Infallible>> + Send + 'static,
{
    let mut response = response(
        StatusCode::OK,
        "text/event-stream; charset=utf-8",
        Body::from_stream(stream),
    );
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

/// A page that says why there is no other.
pub(super) fn failure(site: &Site, error: HttpError) -> Response {
    let status = error.status();
    let title = match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::UNAUTHORIZED => "No access",
        StatusCode::FORBIDDEN => "Refused",
        StatusCode::SERVICE_UNAVAILABLE => "Not available now",
        status if status.is_client_error() => "This cannot be shown",
        _ => "The service failed",
    };
    let message = error.message();
    let page = MessagePage {
        title,
        message,
        back: None,
    };
    html(status, page.html(site))
}
