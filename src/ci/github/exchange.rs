//! One request and its answer: limited in time and size, with the token masked in errors.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header, response::Parts};
use http_body_util::{BodyExt as _, Limited, combinators::BoxBody};
use octocrab::OctoBody;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    api_client::GitHub,
    network_failure::{classify, innermost},
    publish_error::{NetworkFailure, PublishError},
    retries,
};

/// Most bytes of a refusal that are read.
const LARGEST_REFUSAL: usize = 64 * 1024;
/// Most bytes of an answer that are read: a page of a hundred comments of the largest size.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

impl GitHub {
    /// Fetches a path below the repository, such as `/commits/…`.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        budget: retries::Budget,
        path: &str,
    ) -> Result<T, PublishError> {
        let request = self
            .request(Method::GET, path)
            .header(header::CONTENT_LENGTH, "0");
        let request = request.body(OctoBody::empty());
        budget
            .limit(async {
                let body = self.exchange(request, StatusCode::OK).await?;
                self.read(body).await
            })
            .await
    }

    /// Creates something. The answer is not read.
    pub(super) async fn create(
        &self,
        budget: retries::Budget,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(), PublishError> {
        self.write(budget, Method::POST, path, body, StatusCode::CREATED)
            .await
    }

    /// Changes something. The answer is not read.
    pub(super) async fn update(
        &self,
        budget: retries::Budget,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(), PublishError> {
        self.write(budget, Method::PATCH, path, body, StatusCode::OK)
            .await
    }

    async fn write(
        &self,
        budget: retries::Budget,
        method: Method,
        path: &str,
        body: &impl Serialize,
        expected: StatusCode,
    ) -> Result<(), PublishError> {
        let body = serde_json::to_string(body).expect("texts and numbers are JSON");
        let request = self
            .request(method, path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(OctoBody::from(body));
        budget
            .limit(async { self.exchange(request, expected).await.map(drop) })
            .await
    }

    pub(super) fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(self.address.url(path))
            .header("x-github-api-version", "2022-11-28")
    }

    /// Sends a request; returns the unread body of the expected answer.
    async fn exchange(
        &self,
        request: http::Result<Request<OctoBody>>,
        expected: StatusCode,
    ) -> Result<BoxBody<Bytes, octocrab::Error>, PublishError> {
        self.answer(request, expected).await.map(|(_, body)| body)
    }

    /// The same with the head of the answer.
    pub(super) async fn answer(
        &self,
        request: http::Result<Request<OctoBody>>,
        expected: StatusCode,
    ) -> Result<(Parts, BoxBody<Bytes, octocrab::Error>), PublishError> {
        let request = request.map_err(|error| PublishError::Unreachable {
            cause: self.without_token(&error.to_string()),
            failure: NetworkFailure::Setup,
        })?;
        let answer = self.octocrab.execute(request).await;
        let (head, body) = answer.map_err(|error| self.lost(&error))?.into_parts();
        if head.status == expected {
            return Ok((head, body));
        }
        if head.status.is_success() {
            return Err(PublishError::Unexpected {
                what: format!("{} instead of {expected}", head.status),
            });
        }
        // A refusal counts even if its message cannot be read.
        let body = Limited::new(body, LARGEST_REFUSAL).collect().await;
        let body = body.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
        let message = self.without_token(&message(&body));
        Err(PublishError::Refused {
            code: head.status.as_u16(),
            wait: retries::wait(head.status, &head.headers, &message),
            is_limit: retries::is_limit(head.status, &head.headers, &message),
            message,
        })
    }

    async fn read<T: DeserializeOwned>(
        &self,
        body: BoxBody<Bytes, octocrab::Error>,
    ) -> Result<T, PublishError> {
        let body = match Limited::new(body, LARGEST_ANSWER).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => match error.downcast_ref::<octocrab::Error>() {
                Some(error) => return Err(self.lost(error)),
                None => {
                    return Err(PublishError::Unexpected {
                        what: "an answer that is too long".to_owned(),
                    });
                }
            },
        };
        serde_json::from_slice(&body).map_err(|error| PublishError::Unexpected {
            // The error of the parser may quote the answer.
            what: self.without_token(&format!("a malformed answer: {error}")),
        })
    }

    fn lost(&self, error: &octocrab::Error) -> PublishError {
        PublishError::Unreachable {
            cause: self.without_token(&innermost(error)),
            failure: classify(error),
        }
    }
}

/// The message of a refusal with its details; empty if another server answered.
fn message(body: &Bytes) -> String {
    #[derive(Deserialize)]
    struct GitHubRefusal {
        message: String,
        #[serde(default)]
        errors: serde_json::Value,
    }
    let Ok(refusal) = serde_json::from_slice::<GitHubRefusal>(body) else {
        return String::new();
    };
    let details = match &refusal.errors {
        serde_json::Value::Array(details) => details.as_slice(),
        // Some answers have one sentence here.
        one => std::slice::from_ref(one),
    };
    let details: Vec<&str> = details.iter().filter_map(detail).collect();
    if details.is_empty() {
        refusal.message
    } else {
        format!("{}: {}", refusal.message, details.join("; "))
    }
}

fn detail(error: &serde_json::Value) -> Option<&str> {
    let mut places = ["message", "field", "code"].into_iter();
    error
        .as_str()
        .or_else(|| places.find_map(|name| error.get(name)?.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_has_its_details() {
        let table = [
            (r#"{"message":"Not Found"}"#, "Not Found"),
            (
                r#"{"message":"Validation Failed","errors":[{"message":"too long"},"odd",{"code":1}]}"#,
                "Validation Failed: too long; odd",
            ),
            (
                r#"{"message":"x","errors":[{"resource":"CheckRun","field":"name","code":"missing"}]}"#,
                "x: name",
            ),
            (
                r#"{"message":"x","errors":"one sentence"}"#,
                "x: one sentence",
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
