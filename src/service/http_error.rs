//! Why a request failed, and the response for it.

use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE},
};

use super::json_response;
use crate::{
    api::{self, problem::Problem},
    files::StorageFault,
    fs::DiskFault,
    store::{Outage, Refusal, RefusalCode, StoreError},
};

/// Why a request failed. Client errors carry a message for the client; internal causes are logged and not in here.
#[derive(Debug)]
pub(super) enum HttpError {
    /// The protocol refuses: 400.
    Refused(Refusal),
    /// The look-up found nothing: 404 with the code of the protocol.
    NotFound(Refusal),
    /// No credentials or wrong ones: 401.
    Unauthorized(&'static str),
    /// No such path: 404.
    NoPath(String),
    /// Another method is needed; the router adds `Allow`: 405.
    NoMethod(String),
    /// The body took too long: 408.
    TooSlow,
    /// The body is too large; the bound in bytes: 413.
    TooLarge(usize),
    /// An upload is too large; the bound in bytes: 413.
    ImportTooLarge(u64),
    /// The store or the process failed: 500.
    Broken,
    /// Too many requests: 503.
    Busy,
    /// The disk takes no changes, or the database cannot be read: 503. The store logs it once.
    Disk(DiskFault),
    /// The database of another process cannot be used now: 503. The store logs it once.
    Away(Outage),
    /// Uploads cannot be stored: 503. The service logs it once.
    Uploads(StorageFault),
    /// The service is stopping, and nothing was done: 503 with a code of its own.
    Stopping,
}

impl HttpError {
    /// A malformed request: 400 with code 1001.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::Refused(Refusal {
            code: RefusalCode::Malformed,
            message: message.into(),
        })
    }

    /// For look-ups, the only operations where an unknown name is 404.
    pub(super) fn of_look_up(self) -> Self {
        match self {
            Self::Refused(refusal) if refusal.code == RefusalCode::Unknown => {
                Self::NotFound(refusal)
            }
            other => other,
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) | Self::NoPath(_) => StatusCode::NOT_FOUND,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::NoMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) | Self::ImportTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::Disk(_) | Self::Away(_) | Self::Uploads(_) | Self::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The code of the protocol; for errors outside the protocol 1500 plus the last two digits of the status.
    fn code(&self) -> i64 {
        match self {
            Self::Refused(refusal) | Self::NotFound(refusal) => refusal.code.number().into(),
            Self::Broken => 1500,
            Self::Unauthorized(_) => 1501,
            Self::Busy | Self::Disk(_) | Self::Away(_) | Self::Uploads(_) => 1503,
            Self::Stopping => api::STOPPING,
            Self::NoPath(_) => 1504,
            Self::NoMethod(_) => 1505,
            Self::TooSlow => 1508,
            Self::TooLarge(_) | Self::ImportTooLarge(_) => 1513,
        }
    }

    pub(super) fn message(self) -> String {
        match self {
            Self::Refused(refusal) | Self::NotFound(refusal) => refusal.message,
            Self::Unauthorized(message) => message.to_owned(),
            Self::NoPath(message) | Self::NoMethod(message) => message,
            Self::TooSlow => "the body of the request did not arrive in time; send it again".into(),
            Self::TooLarge(bound) => format!(
                "the body of the request is larger than {bound} bytes; shorten the texts in it"
            ),
            Self::ImportTooLarge(bound) => format!(
                "the upload is larger than {bound} bytes; upload less at once, or start the service with a higher --import-limit"
            ),
            Self::Broken => "internal error: the request may or may not have had an effect; repeating it with the same lease or \
                             Idempotency-Key is safe; the cause is in the log of the service"
                .into(),
            Self::Busy => "the service is busy; try again in a second".into(),
            Self::Disk(fault) => format!("{fault}; {}, then repeat the call", fault.advice()),
            Self::Away(outage) => format!(
                "the database of the service cannot be used now: {}; repeat the call",
                outage.reason
            ),
            Self::Uploads(fault) => format!("{fault}; {}, then repeat the call", fault.advice()),
            Self::Stopping => "the service is stopping and did not do this; ask again in a second".into(),
        }
    }
}

impl From<Refusal> for HttpError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for HttpError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => Self::Refused(refusal),
            StoreError::Busy => Self::Busy,
            StoreError::Disk(fault) => Self::Disk(fault),
            StoreError::Away(outage) => Self::Away(outage),
            StoreError::Broken(cause) | StoreError::Lost(cause) => {
                tracing::error!(%cause, "the store failed");
                Self::Broken
            }
        }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let headers: &[_] = match self {
            Self::Unauthorized(_) => &[
                (WWW_AUTHENTICATE, "Token realm=\"testplan\""),
                (
                    WWW_AUTHENTICATE,
                    "Basic realm=\"testplan\", charset=\"UTF-8\"",
                ),
            ],
            Self::Busy | Self::Away(_) | Self::Stopping => &[(RETRY_AFTER, "1")],
            Self::Disk(_) | Self::Uploads(_) => &[(RETRY_AFTER, "2")],
            // Otherwise the rest of the body would be read as the next request.
            Self::TooSlow | Self::TooLarge(_) | Self::ImportTooLarge(_) => &[(CONNECTION, "close")],
            Self::Refused(_)
            | Self::NotFound(_)
            | Self::NoPath(_)
            | Self::NoMethod(_)
            | Self::Broken => &[],
        };
        let problem = |code, message| Problem { code, message };
        let mut response =
            json_response::json(self.status(), &problem(self.code(), self.message()));
        for (name, value) in headers {
            response
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        response
    }
}
