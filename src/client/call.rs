//! One request to the API, ready to be sent as often as its rule allows.

use std::time::Duration;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use serde::Serialize;

use super::{
    Client, ClientError, ErrorKind,
    routes::{CallNature, Taken},
    upload_form::UploadForm,
};
use crate::{api, text::percent_encoded};

/// No `Debug`: the body may hold a lease.
pub(super) struct Call {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    /// In place of the body, for an upload.
    form: Option<UploadForm>,
    /// Longer or shorter than [`super::Patience::request`].
    limit: Option<Duration>,
    /// How long the service may hold its answer back.
    wait: Duration,
    holds_lease: bool,
}

impl Call {
    /// A call of the vendor's API.
    pub(super) fn new(method: Method, path: &str) -> Self {
        Self::at(method, format!("{}/{path}", api::EXECUTION))
    }

    /// A call of any path.
    pub(super) fn at(method: Method, path: String) -> Self {
        Self {
            method,
            path,
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            form: None,
            limit: None,
            wait: Duration::ZERO,
            holds_lease: false,
        }
    }

    pub(super) fn query(mut self, key: &str, value: &str) -> Self {
        self.query
            .push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(&percent_encoded(key));
        self.query.push('=');
        self.query.push_str(&percent_encoded(value));
        self
    }

    pub(super) fn json(mut self, body: &impl Serialize) -> Self {
        let json = serde_json::to_vec(body).expect("wire types have text keys only");
        self.body = json.into();
        self
    }

    /// The same packed with gzip, for bodies with lists of tests.
    pub(super) fn packed_json(self, body: &impl Serialize) -> Self {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        serde_json::to_writer(&mut packer, body).expect("wire types have text keys only");
        let packed = packer.finish().expect("memory takes what is written");
        let mut call = self.header("content-encoding", "gzip");
        call.body = packed.into();
        call
    }

    /// Makes the call an upload: its limit is for progress then, not for the whole.
    pub(super) fn form(mut self, form: UploadForm) -> Self {
        self.form = Some(form);
        self
    }

    pub(super) fn as_form(&self) -> Option<&UploadForm> {
        self.form.as_ref()
    }

    /// Adds a header; characters that a header cannot carry become `?`.
    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        let plain: String = value
            .chars()
            .map(|c| {
                if c.is_ascii_graphic() || c == ' ' {
                    c
                } else {
                    '?'
                }
            })
            .collect();
        let value = HeaderValue::try_from(plain).expect("printable ASCII fits a header");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    pub(super) fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Notes what the service may hold its answer back for, within the limit.
    pub(super) fn waits(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    pub(super) fn nature(&self, may_repeat: bool) -> CallNature {
        let is_upload = self.form.is_some();
        CallNature {
            may_repeat,
            is_short: self.wait.is_zero() && !self.holds_lease && !is_upload,
            is_upload,
        }
    }

    /// Marks the call as one that presents a lease: a refusal ends it.
    pub(super) fn of_lease(mut self) -> Self {
        self.holds_lease = true;
        self
    }

    /// `GET /execution/v1/testplans`, without the query.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The same, with the URL of its way if there are several.
    pub(super) fn name_on(&self, way: Taken<'_>) -> String {
        let Some((endpoint, address)) = way.name() else {
            return self.name();
        };
        let name = format!("{} {endpoint}{}", self.method, self.path);
        match address {
            Some(address) => format!("{name} at {address}"),
            None => name,
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn error(
        &self,
        kind: ErrorKind,
        tries: u32,
        may_have_happened: bool,
    ) -> ClientError {
        ClientError {
            call: self.name(),
            tries,
            kind,
            may_have_happened,
            holds_lease: self.holds_lease,
        }
    }
}

impl Client {
    pub(super) fn limit_of(&self, call: &Call) -> Duration {
        call.limit.unwrap_or(self.patience().request)
    }

    pub(super) fn request(
        &self,
        call: &Call,
        taken: Taken<'_>,
    ) -> Result<Request<Bytes>, ErrorKind> {
        let uri = taken
            .endpoint
            .uri(&format!("{}{}", call.path, call.query))
            .map_err(|error| ErrorKind::NotSendable {
                reason: format!("the address of the request is not valid ({error}): are there too many capabilities?"),
            })?;
        let mut request = Request::new(call.body.clone());
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = uri;
        request.extensions_mut().insert(taken.connect());
        let headers = request.headers_mut();
        headers.clone_from(&call.headers);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(AGENT));
        if let Some(form) = &call.form {
            let content_type = HeaderValue::try_from(form.content_type());
            headers.insert(
                header::CONTENT_TYPE,
                content_type.expect("a boundary is letters and digits"),
            );
            headers.insert(header::CONTENT_LENGTH, form.length().into());
        } else if !call.body.is_empty() {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        } else if call.method == Method::POST {
            // Left out otherwise; some servers answer 411 then.
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Some(authorization) = self.shared.authorization.header() {
            headers.insert(header::AUTHORIZATION, authorization);
        }
        Ok(request)
    }
}

const AGENT: &str = concat!("testplan/", env!("CARGO_PKG_VERSION"));
