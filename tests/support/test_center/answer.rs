//! Answers as they go out.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use super::{Dialect, Envelope};

/// An answer before it is sent.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    kind: &'static str,
    location: Option<&'static str>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            kind: "application/json",
            location: None,
            body: body.to_string(),
        }
    }

    /// No is said with a code that the page does not explain.
    pub(super) fn refused(dialect: &Dialect, status: u16, message: &str) -> Self {
        let error = json!({ "code": 1000 + i64::from(status), "message": message });
        let body = match dialect.envelope {
            Envelope::Nested => json!({ "error": error }),
            Envelope::Flat => error,
        };
        Self::json(status, &body)
    }

    /// What comes out of it when it breaks is a page.
    pub(super) fn broken() -> Self {
        Self::page(
            500,
            "<!DOCTYPE html>\n<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>",
        )
    }

    pub(super) fn not_found() -> Self {
        Self::page(
            404,
            "<!DOCTYPE html>\n<html><head><title>404</title></head><body><h1>Not Found</h1></body></html>",
        )
    }

    pub(super) fn redirect(location: &'static str) -> Self {
        Self {
            location: Some(location),
            ..Self::page(302, "")
        }
    }

    fn page(status: u16, body: &str) -> Self {
        Self {
            status,
            kind: "text/html; charset=utf-8",
            location: None,
            body: body.to_owned(),
        }
    }

    pub(super) fn response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            http::HeaderValue::from_static(self.kind),
        );
        if let Some(location) = self.location {
            headers.insert(header::LOCATION, http::HeaderValue::from_static(location));
        }
        response
    }
}
