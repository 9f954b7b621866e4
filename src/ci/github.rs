//! GitHub's API, as far as it is told of a run: a commit status. The only home of octocrab.
//!
//! Nothing here decides about a run: what GitHub refuses comes back as a [`NotSet`], to be told and passed over.

mod address;
mod not_set;
mod tries;

use std::{error::Error as _, fmt, time::Duration};

use bytes::Bytes;
use http::header;
use http_body_util::{BodyExt as _, Limited};
use octocrab::Octocrab;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

pub use address::{Address, BadAddress};
pub use not_set::NotSet;

/// GitHub's own API, where `GITHUB_API_URL` names no other.
pub const API: &str = "https://api.github.com";

/// Most of a refusal's body that is read, in bytes.
const LARGEST_REFUSAL: usize = 64 * 1024;

/// What a commit status says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitStatus {
    /// Good, bad or neither.
    pub state: State,
    /// What tells it from other statuses of the commit; a later one of the same context replaces it.
    pub context: String,
    /// One line for people, at most 140 characters.
    pub description: String,
    /// Where people read more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_url: Option<String>,
}

/// What a commit status comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Passed.
    Success,
    /// Failed: a result about the product.
    Failure,
    /// Neither is known.
    Error,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        })
    }
}

/// How long GitHub is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// One request, from its connection to the end of its answer. One that hangs is not sent again. Default 10 s.
    pub request: Duration,
    /// All tries with the pauses between them. Default 30 s.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// Sets a commit status. Server errors, lost connections and rate limits are tried again, three times in all; setting
/// the same status twice is the same as once.
///
/// Needs a tokio runtime, and a TLS provider that is installed.
pub async fn set_status(
    address: &Address,
    token: &SecretString,
    status: &CommitStatus,
    patience: Patience,
) -> Result<(), NotSet> {
    let github = GitHub::new(address, token)?;
    tries::persist(patience, || github.attempt(address, status)).await
}

/// A connection for one token.
struct GitHub<'a> {
    octocrab: Octocrab,
    token: &'a SecretString,
}

impl<'a> GitHub<'a> {
    fn new(address: &Address, token: &'a SecretString) -> Result<Self, NotSet> {
        // Octocrab would panic.
        if !token
            .expose_secret()
            .bytes()
            .all(|byte| byte.is_ascii_graphic())
        {
            return Err(NotSet::BadToken);
        }
        let octocrab = connect(address, token).map_err(|error| NotSet::Unreachable {
            cause: innermost(&error),
        })?;
        Ok(Self { octocrab, token })
    }

    /// One request. The answer to a status that was set is not read: it says nothing new.
    async fn attempt(&self, address: &Address, status: &CommitStatus) -> Result<(), NotSet> {
        let answer = self
            .octocrab
            ._post(address.route(), Some(status))
            .await
            .map_err(|error| NotSet::Unreachable {
                cause: self.without_token(&innermost(&error)),
            })?;
        let (head, body) = answer.into_parts();
        if head.status.is_success() {
            return Ok(());
        }
        // A refusal whose words are lost or endless is still one.
        let body = Limited::new(body, LARGEST_REFUSAL).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes);
        Err(NotSet::Refused {
            code: head.status.as_u16(),
            message: self.without_token(&message(&body.unwrap_or_default())),
            wait: tries::retry_after(&head.headers),
            is_limit: tries::is_limit(head.status, &head.headers),
        })
    }

    /// The text, if the other side repeats what it was told.
    fn without_token(&self, text: &str) -> String {
        text.replace(self.token.expose_secret(), "***")
    }
}

fn connect(address: &Address, token: &SecretString) -> octocrab::Result<Octocrab> {
    Octocrab::builder()
        .base_uri(address.api().clone())?
        .personal_token(token.clone())
        .add_header(header::ACCEPT, "application/vnd.github+json".to_owned())
        .build()
}

/// What GitHub says of a refusal, with what it says of the fields; empty if it is not GitHub that answers.
fn message(body: &Bytes) -> String {
    #[derive(serde::Deserialize)]
    struct Refusal {
        message: String,
        #[serde(default)]
        errors: serde_json::Value,
    }
    let Ok(refusal) = serde_json::from_slice::<Refusal>(body) else {
        return String::new();
    };
    let details = refusal.errors.as_array().into_iter().flatten();
    let details: Vec<&str> = details
        .filter_map(|error| error.as_str().or_else(|| error.get("message")?.as_str()))
        .collect();
    if details.is_empty() {
        refusal.message
    } else {
        format!("{}: {}", refusal.message, details.join("; "))
    }
}

/// The end of the chain of causes, which names the trouble; the outer ones name layers.
fn innermost(error: &octocrab::Error) -> String {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_with_its_details() {
        let table = [
            (r#"{"message":"Not Found"}"#, "Not Found"),
            (
                r#"{"message":"Validation Failed","errors":[{"message":"too long"},"odd",{"code":1}]}"#,
                "Validation Failed: too long; odd",
            ),
            (r#"{"message":"x","errors":null}"#, "x"),
            (r#"{"error":"x"}"#, ""),
            ("<html>", ""),
            ("", ""),
        ];
        for (body, expected) in table {
            assert_eq!(
                message(&Bytes::from_static(body.as_bytes())),
                expected,
                "{body}"
            );
        }
    }
}
