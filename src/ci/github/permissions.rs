//! What a token may do, as far as reads can show.

use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use octocrab::OctoBody;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::{api_client::GitHub, channel::Channel, publish_error::PublishError, retries::Budget};

/// Most bytes of an answer that are read.
const LARGEST: usize = 1024 * 1024;

/// The owner of a token, according to its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An installation of an app, such as GitHub Actions.
    App,
    /// A person; the token has scopes.
    Classic,
    /// A person; the token has its own permissions.
    FineGrained,
    /// Unknown prefix.
    Unknown,
}

/// A repository as a token sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitHubRepository {
    /// Whether it is read-only for everyone.
    pub is_archived: bool,
    /// Whether the owner of the token may push; `None` if GitHub does not say.
    pub may_push: Option<bool>,
    /// The scopes of a classic token; `None` for others, which have none.
    pub scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct RepositoryBody {
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Permissions {
    #[serde(default)]
    push: bool,
}

impl GitHub {
    /// The owner of the token.
    pub fn owner(&self) -> Owner {
        let token = self.token.expose_secret();
        let begins = |start: &str| token.starts_with(start);
        if begins("ghs_") {
            Owner::App
        } else if begins("ghp_") || begins("gho_") {
            Owner::Classic
        } else if begins("github_pat_") {
            Owner::FineGrained
        } else {
            Owner::Unknown
        }
    }

    /// Fetches the repository.
    pub async fn repository(&self) -> Result<GitHubRepository, PublishError> {
        let budget = Budget::start(self.patience);
        let (body, scopes) = budget.persist(|| self.look(budget, "")).await?;
        let body: RepositoryBody =
            serde_json::from_slice(&body).map_err(|error| PublishError::Unexpected {
                what: self.without_token(&format!("a malformed answer: {error}")),
            })?;
        Ok(GitHubRepository {
            is_archived: body.archived,
            may_push: body.permissions.map(|permissions| permissions.push),
            scopes,
        })
    }

    /// Whether a channel can be read: one that cannot be read cannot be set either. Without a commit, uses the newest one.
    pub(crate) async fn may_read(
        &self,
        channel: Channel,
        commit: Option<&str>,
        pull_request: Option<u64>,
    ) -> Result<(), PublishError> {
        let commit = match commit {
            Some(commit) => super::address::commit(commit)?,
            None => "HEAD",
        };
        let path = match (channel, pull_request) {
            (Channel::Status, _) => format!("/commits/{commit}/status?per_page=1"),
            (Channel::CheckRun, _) => format!("/commits/{commit}/check-runs?per_page=1"),
            (Channel::Comment, Some(number)) => {
                format!("/issues/{number}/comments?per_page=1&page=1")
            }
            (Channel::Comment, None) => "/pulls?per_page=1".to_owned(),
        };
        let budget = Budget::start(self.patience);
        budget
            .persist(|| self.look(budget, &path))
            .await
            .map(|_| ())
    }

    /// The body of an answer, and the scopes of a classic token.
    async fn look(
        &self,
        budget: Budget,
        path: &str,
    ) -> Result<(Bytes, Option<Vec<String>>), PublishError> {
        let request = self
            .request(Method::GET, path)
            .header(header::CONTENT_LENGTH, "0")
            .body(OctoBody::empty());
        budget
            .limit(async {
                let (head, body) = self.answer(request, StatusCode::OK).await?;
                let scopes = head.headers.get("x-oauth-scopes");
                let scopes = scopes
                    .and_then(|scopes| scopes.to_str().ok())
                    .map(|scopes| {
                        let scopes = scopes.split(',').map(str::trim);
                        scopes
                            .filter(|scope| !scope.is_empty())
                            .map(str::to_owned)
                            .collect()
                    });
                let body = Limited::new(body, LARGEST).collect().await;
                let body = body.map_err(|_| PublishError::Unexpected {
                    what: "an answer that is lost or too long".to_owned(),
                })?;
                Ok((body.to_bytes(), scopes))
            })
            .await
    }
}
