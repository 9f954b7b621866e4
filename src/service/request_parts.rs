//! The parts of a request that handlers use: head and body, with a message for each mistake.

use std::{error::Error as _, str::FromStr, time::Duration};

use axum::{Json, extract::Query};
use http::{HeaderMap, HeaderName, Uri};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{
    http_error::HttpError,
    parameters::{HEADER_CHARS, RequestBody, schema},
};
use crate::{
    api::{IDEMPOTENCY_KEY, JOB, WORKER},
    model::{Capabilities, Capability},
    store::protocol::request_limits::{MAX_CHARS, MAX_LABELS},
};

/// Longest address of a CI job, in bytes.
const LONGEST_JOB: usize = 1_000;

/// An authenticated request without its body.
#[derive(Debug)]
pub(super) struct RequestHead {
    /// The `{id}` in the path, decoded; empty if the operation has none.
    pub(super) id: String,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    /// The authenticated principal.
    pub(super) principal: String,
}

impl RequestHead {
    /// The id in the path.
    pub(super) fn id<T: FromStr>(&self) -> Result<T, HttpError> {
        self.id.parse().map_err(|_| {
            HttpError::malformed(format!(
                "{:?} in the path is not an id: expected a whole number",
                shortened(&self.id)
            ))
        })
    }

    /// All pairs of the query, decoded.
    pub(super) fn pairs(&self) -> Result<Vec<(String, String)>, HttpError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&self.uri)
            .map_err(|error| HttpError::malformed(format!("the query cannot be read: {error}")))?;
        if pairs
            .iter()
            .any(|(key, value)| key.contains('\0') || value.contains('\0'))
        {
            return Err(HttpError::malformed(
                "the query has a NUL character (%00): remove it",
            ));
        }
        Ok(pairs)
    }

    /// A parameter of the query; the first of several.
    pub(super) fn query(&self, name: &str) -> Result<Option<String>, HttpError> {
        let found = self.pairs()?.into_iter().find(|(key, _)| key == name);
        Ok(found.map(|(_, value)| value))
    }

    /// A parameter of the query that must not be missing or empty.
    pub(super) fn required_query(&self, name: &str) -> Result<String, HttpError> {
        self.query(name)?
            .filter(|value| !value.is_empty())
            .ok_or_else(|| {
                HttpError::malformed(format!("{name}=… in the query is missing or empty"))
            })
    }

    /// A parameter of the query with a type; `expected` ends the message if it does not parse.
    pub(super) fn parsed_query<T: FromStr>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, HttpError> {
        let Some(value) = self.query(name)? else {
            return Ok(None);
        };
        value.parse().map(Some).map_err(|_| {
            HttpError::malformed(format!(
                "{name}={} in the query is invalid: expected {expected}",
                shortened(&value)
            ))
        })
    }

    /// The key under which a repeated request has one effect.
    pub(super) fn idempotency_key(&self) -> Result<Option<String>, HttpError> {
        self.header(IDEMPOTENCY_KEY)
    }

    /// The name of the worker.
    pub(super) fn worker(&self) -> Result<Option<String>, HttpError> {
        self.header(WORKER)
    }

    /// The page of the CI job of the worker. It is for people alone, so a malformed one counts as none.
    pub(super) fn job(&self) -> Option<String> {
        let url = self.headers.get(JOB)?.to_str().ok()?;
        (1..=LONGEST_JOB)
            .contains(&url.len())
            .then(|| url.to_owned())
    }

    fn header(&self, name: &'static str) -> Result<Option<String>, HttpError> {
        let Some(value) = self.headers.get(name) else {
            return Ok(None);
        };
        match std::str::from_utf8(value.as_bytes()) {
            Ok(text) if (1..=HEADER_CHARS).contains(&text.chars().count()) => {
                Ok(Some(text.to_owned()))
            }
            _ => Err(HttpError::malformed(format!(
                "the header {name} is invalid: expected 1 to {HEADER_CHARS} characters"
            ))),
        }
    }

    /// How long the client waits for a better answer (`Prefer: wait=N`, RFC 7240), at most `longest`. A malformed preference
    /// is ignored.
    pub(super) fn wait(&self, longest: Duration) -> Duration {
        let preferences = self.headers.get_all(PREFER);
        let seconds = preferences
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split([',', ';']))
            .filter_map(|preference| preference.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
            .and_then(|(_, value)| value.trim().trim_matches('"').parse().ok());
        Duration::from_secs(seconds.unwrap_or(0)).min(longest)
    }
}

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The type that a handler reads the body as.
pub(super) trait ReadBody: Sized + Send + 'static {
    /// Its description in the OpenAPI document.
    fn describe() -> Option<RequestBody>;
    /// Parses the body.
    fn read(bytes: &[u8]) -> Result<Self, HttpError>;
}

/// No body: it is not read.
#[derive(Debug)]
pub(super) struct EmptyBody;

impl ReadBody for EmptyBody {
    fn describe() -> Option<RequestBody> {
        None
    }

    fn read(_: &[u8]) -> Result<Self, HttpError> {
        Ok(Self)
    }
}

/// A required JSON object.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) T);

impl<T: DeserializeOwned + JsonSchema + Send + 'static> ReadBody for Object<T> {
    fn describe() -> Option<RequestBody> {
        Some(RequestBody {
            schema: schema::<T>,
            media: "application/json",
            required: true,
        })
    }

    fn read(bytes: &[u8]) -> Result<Self, HttpError> {
        object(bytes).map(Self)
    }
}

/// An optional JSON object.
#[derive(Debug)]
pub(super) struct OptionalObject<T>(pub(super) T);

impl<T: DeserializeOwned + JsonSchema + Default + Send + 'static> ReadBody for OptionalObject<T> {
    fn describe() -> Option<RequestBody> {
        Some(RequestBody {
            schema: schema::<T>,
            media: "application/json",
            required: false,
        })
    }

    fn read(bytes: &[u8]) -> Result<Self, HttpError> {
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        object(bytes).map(Self)
    }
}

/// Reads a JSON object, whatever its declared content type: `curl --data` declares a form.
fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, HttpError> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        let found = if first.is_none() {
            "empty"
        } else {
            "something else"
        };
        return Err(HttpError::malformed(format!(
            "the body must be a JSON object, such as {{}}, but it is {found}"
        )));
    }
    if has_nul(bytes) {
        return Err(HttpError::malformed(
            "the body has a NUL character (\\u0000) in a text: remove it",
        ));
    }
    Json::from_bytes(bytes)
        .map(|Json(body)| body)
        .map_err(|error| {
            // The cause names the member, its value and what was expected.
            let cause = error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string);
            HttpError::malformed(format!("the body of the request is invalid: {cause}"))
        })
}

/// Whether a JSON text has an escaped NUL; an unescaped one is invalid JSON.
fn has_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        if rest[at..].starts_with(b"\\u0000") {
            return true;
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

/// Capabilities of a request, within limits.
pub(super) fn capabilities(what: &str, list: Vec<Capability>) -> Result<Capabilities, HttpError> {
    if list.len() > MAX_LABELS {
        return Err(HttpError::malformed(format!(
            "{what} has {} entries: expected at most {MAX_LABELS}",
            list.len()
        )));
    }
    for (index, Capability { key, value }) in list.iter().enumerate() {
        if key.is_empty() {
            return Err(HttpError::malformed(format!(
                "{what}[{index}] has an empty key: expected a key and a value, such as OS and Linux"
            )));
        }
        if key.chars().count() > MAX_CHARS || value.chars().count() > MAX_CHARS {
            return Err(HttpError::malformed(format!(
                "{what}[{index}] is too long: expected key and value of at most {MAX_CHARS} characters each"
            )));
        }
    }
    Ok(list.into())
}

/// A text of the request, short enough for a message.
pub(super) fn shortened(text: &str) -> &str {
    text.char_indices()
        .nth(64)
        .map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::has_nul;

    #[test]
    fn escaped_nul_is_found_after_escaped_backslashes() {
        let table = [
            (r#"{"a":"b"}"#, false),
            (r#"{"a":"\u0000"}"#, true),
            (r#"{"\u0000":1}"#, true),
            (r#"{"a":"\\u0000"}"#, false),
            (r#"{"a":"\\\u0000"}"#, true),
            (r#"{"a":"\n\u0001"}"#, false),
            ("\\", false),
        ];
        for (json, expected) in table {
            assert_eq!(has_nul(json.as_bytes()), expected, "{json}");
        }
    }
}
