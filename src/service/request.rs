//! What a handler sees of a request, parsed with a sentence for each way to get it wrong.

use std::{error::Error as _, str::FromStr, time::Duration};

use axum::{Json, extract::Query};
use http::{HeaderMap, HeaderName, Uri};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{
    failure::Failure,
    operation::{RequestBody, schema},
    parameters::HEADER_CHARS,
};
use crate::{
    api::{IDEMPOTENCY_KEY, WORKER},
    model::{Capabilities, Capability},
};

/// How many capabilities a request may have.
const CAPABILITIES: usize = 64;
/// The longest key or value of a capability, in characters.
const CAPABILITY_CHARS: usize = 256;

/// A request that was let in, without its body.
#[derive(Debug)]
pub(super) struct Call {
    /// What stands in the path where the operation has `{id}`, decoded; empty where it has none.
    pub(super) id: String,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    /// Who asks.
    pub(super) principal: String,
}

impl Call {
    /// The id in the path.
    pub(super) fn id<T: FromStr>(&self) -> Result<T, Failure> {
        self.id.parse().map_err(|_| {
            Failure::malformed(format!(
                "{:?} in the path is not an id: expected a whole number",
                shortened(&self.id)
            ))
        })
    }

    /// All pairs of the query, decoded.
    pub(super) fn pairs(&self) -> Result<Vec<(String, String)>, Failure> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&self.uri)
            .map_err(|error| Failure::malformed(format!("the query cannot be read: {error}")))?;
        if pairs
            .iter()
            .any(|(key, value)| key.contains('\0') || value.contains('\0'))
        {
            return Err(Failure::malformed(
                "the query has a NUL character (%00): remove it",
            ));
        }
        Ok(pairs)
    }

    /// A parameter of the query; the first wins.
    pub(super) fn query(&self, name: &str) -> Result<Option<String>, Failure> {
        let found = self.pairs()?.into_iter().find(|(key, _)| key == name);
        Ok(found.map(|(_, value)| value))
    }

    /// A parameter of the query that must be there and say something.
    pub(super) fn needed(&self, name: &str) -> Result<String, Failure> {
        self.query(name)?
            .filter(|value| !value.is_empty())
            .ok_or_else(|| {
                Failure::malformed(format!(
                    "the query needs {name}=…, which is missing or empty"
                ))
            })
    }

    /// A parameter of the query with a type; `expected` finishes the sentence if it does not fit.
    pub(super) fn typed<T: FromStr>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.query(name)? else {
            return Ok(None);
        };
        value.parse().map(Some).map_err(|_| {
            Failure::malformed(format!(
                "{name}={} in the query does not fit: expected {expected}",
                shortened(&value)
            ))
        })
    }

    /// The key that makes the same request again have one effect.
    pub(super) fn idempotency_key(&self) -> Result<Option<String>, Failure> {
        self.header(IDEMPOTENCY_KEY)
    }

    /// Which worker asks.
    pub(super) fn worker(&self) -> Result<Option<String>, Failure> {
        self.header(WORKER)
    }

    fn header(&self, name: &'static str) -> Result<Option<String>, Failure> {
        let Some(value) = self.headers.get(name) else {
            return Ok(None);
        };
        match std::str::from_utf8(value.as_bytes()) {
            Ok(text) if (1..=HEADER_CHARS).contains(&text.chars().count()) => {
                Ok(Some(text.to_owned()))
            }
            _ => Err(Failure::malformed(format!(
                "the header {name} does not fit: expected 1 to {HEADER_CHARS} characters"
            ))),
        }
    }

    /// How long the client would wait for a better answer (`Prefer: wait=N`, RFC 7240), at most `longest`. What cannot
    /// be read is no preference.
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

/// The body of a request as its handler wants it.
pub(super) trait ReadBody: Sized + Send + 'static {
    /// What the document says of it.
    fn describe() -> Option<RequestBody>;
    /// Reads it.
    fn read(bytes: &[u8]) -> Result<Self, Failure>;
}

/// No body: whatever is sent is not read.
#[derive(Debug)]
pub(super) struct NoBody;

impl ReadBody for NoBody {
    fn describe() -> Option<RequestBody> {
        None
    }

    fn read(_: &[u8]) -> Result<Self, Failure> {
        Ok(Self)
    }
}

/// A JSON object that must be there.
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

    fn read(bytes: &[u8]) -> Result<Self, Failure> {
        object(bytes).map(Self)
    }
}

/// A JSON object, or nothing at all.
#[derive(Debug)]
pub(super) struct ObjectOrNothing<T>(pub(super) T);

impl<T: DeserializeOwned + JsonSchema + Default + Send + 'static> ReadBody for ObjectOrNothing<T> {
    fn describe() -> Option<RequestBody> {
        Some(RequestBody {
            schema: schema::<T>,
            media: "application/json",
            required: false,
        })
    }

    fn read(bytes: &[u8]) -> Result<Self, Failure> {
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        object(bytes).map(Self)
    }
}

/// Reads a JSON object, whatever its declared content type: `curl --data` declares a form.
fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        let found = if first.is_none() {
            "nothing"
        } else {
            "something else"
        };
        return Err(Failure::malformed(format!(
            "the body must be a JSON object, as {{}}, but there is {found}"
        )));
    }
    if has_nul(bytes) {
        return Err(Failure::malformed(
            "the body has a NUL character (\\u0000) in a text: remove it",
        ));
    }
    Json::from_bytes(bytes)
        .map(|Json(body)| body)
        .map_err(|error| {
            // The cause names the member, what it is and what it should be.
            let cause = error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string);
            Failure::malformed(format!("the body of the request does not fit: {cause}"))
        })
}

/// Whether a JSON text has an escaped NUL; an unescaped one is no JSON.
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

/// Capabilities of a request, within bounds.
pub(super) fn capabilities(what: &str, list: Vec<Capability>) -> Result<Capabilities, Failure> {
    if list.len() > CAPABILITIES {
        return Err(Failure::malformed(format!(
            "{what} has {} entries: expected at most {CAPABILITIES}",
            list.len()
        )));
    }
    for (index, Capability { key, value }) in list.iter().enumerate() {
        if key.is_empty() {
            return Err(Failure::malformed(format!(
                "{what}[{index}] has an empty key: expected a key and a value, as OS and Linux"
            )));
        }
        if key.chars().count() > CAPABILITY_CHARS || value.chars().count() > CAPABILITY_CHARS {
            return Err(Failure::malformed(format!(
                "{what}[{index}] is too long: expected key and value of at most {CAPABILITY_CHARS} characters each"
            )));
        }
    }
    Ok(list.into())
}

/// A text of the request as an error may show it.
pub(super) fn shortened(text: &str) -> &str {
    text.char_indices()
        .nth(64)
        .map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::has_nul;

    #[test]
    fn finds_an_escaped_nul_and_no_escaped_backslash() {
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
