//! Reads answers: what is the API's word, and what is a proxy's page.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::de::DeserializeOwned;

use super::{
    BytesSent, Client, ErrorKind, RedirectTarget, Sent, TransportError,
    call::Call,
    quoted_text::{self, one_line},
    redirect,
    routes::{self, Taken},
};
use crate::{api, clock, pace};

/// A try that brought no answer of use.
pub(super) struct FailedTry {
    pub(super) kind: ErrorKind,
    /// Whether the service may have carried out the request.
    pub(super) unclear: bool,
    /// How long to wait before the next try, if the service said so.
    pub(super) retry_after: Option<Duration>,
}

impl Client {
    /// Sends once on this way, within `limit`, and reads the answer.
    pub(super) async fn attempt<T>(
        &self,
        call: &Call,
        taken: Taken<'_>,
        limit: Duration,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, FailedTry> {
        let began = clock::timer();
        let answer = self.send_once(call, taken, limit, read).await;
        let took = clock::timer().saturating_duration_since(began);
        match &answer {
            Err(failure) if routes::is_of_the_way(&failure.kind) => {
                let FailedTry {
                    kind, retry_after, ..
                } = failure;
                self.shared.routes.failed(taken, kind, *retry_after, took);
            }
            Err(FailedTry {
                kind: ErrorKind::NotSendable { .. } | ErrorKind::Unreadable { .. },
                ..
            }) => {}
            Ok(_) | Err(_) => self.shared.routes.answered(taken, took),
        }
        match &answer {
            Ok(_) => self.shared.health.answered(),
            Err(failure) => match failure.kind {
                ErrorKind::Refused { code: Some(_), .. } => self.shared.health.answered(),
                ref kind if kind.is_outage() => self.shared.health.failed(),
                _ => {}
            },
        }
        answer
    }

    async fn send_once<T>(
        &self,
        call: &Call,
        taken: Taken<'_>,
        limit: Duration,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, FailedTry> {
        let request = self.request(call, taken).map_err(|kind| FailedTry {
            kind,
            unclear: false,
            retry_after: None,
        })?;
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        let transport = &self.shared.transport;
        let mut bytes_sent = None;
        let sending = match call.as_form() {
            None => transport.send(request, limit),
            Some(form) => {
                let body = form.body();
                bytes_sent = Some(body.bytes_sent());
                transport.upload(request.map(|_| body), limit)
            }
        };
        let settled = |unclear| {
            if let Some(form) = call.as_form() {
                form.outcome().set(unclear);
            }
        };
        let response = sending
            .await
            .inspect_err(|error| settled(error.sent == Sent::Unclear));
        let response = response.map_err(|error| FailedTry {
            unclear: error.sent == Sent::Unclear,
            kind: match bytes_sent.as_ref().and_then(BytesSent::read_error) {
                Some(reason) => ErrorKind::Unreadable { reason },
                None => self.unanswered(&error),
            },
            retry_after: None,
        })?;
        if response.headers().contains_key(api::SERVICE) {
            self.shared.service_kind.set_testplan();
        }
        let (kind, unclear) = match self.read((call, taken), &response, read) {
            Ok(value) => {
                self.shared.service_kind.set_test_center();
                return Ok(value);
            }
            Err(kind) => {
                let refused = matches!(
                    kind,
                    ErrorKind::Refused { .. }
                        | ErrorKind::Unauthorized { .. }
                        | ErrorKind::Redirected { .. }
                        | ErrorKind::Stopping { .. }
                );
                // A form that was refused for the moment was not taken: 503 is how a service says that.
                let put_off =
                    bytes_sent.is_some() && matches!(kind, ErrorKind::Failed { status: 503, .. });
                let unclear = !refused && !put_off;
                settled(unclear);
                (kind, unclear)
            }
        };
        if let ErrorKind::Refused { code: Some(_), .. } = kind {
            self.shared.service_kind.set_test_center();
        }
        let waits = matches!(response.status().as_u16(), 429 | 503);
        Err(FailedTry {
            kind,
            unclear,
            retry_after: waits
                .then(|| pace::retry_after(response.headers()))
                .flatten(),
        })
    }

    fn unanswered(&self, error: &TransportError) -> ErrorKind {
        let message = one_line(
            &self.shared.authorization.mask(&error.message),
            quoted_text::MESSAGE,
        );
        match error.certificate_help {
            Some(help) => ErrorKind::Untrusted { message, help },
            None => ErrorKind::Unreachable {
                message,
                sent: error.sent,
            },
        }
    }

    fn read<T>(
        &self,
        (call, taken): (&Call, Taken<'_>),
        response: &Response<Bytes>,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, ErrorKind> {
        let (status, body) = (response.status(), response.body());
        let number = status.as_u16();
        let problem = api::problem::Problem::read(body);
        let words = |most| match &problem {
            Some(problem) => self.quote(problem.message.as_bytes(), most),
            None => self.quote(body, most),
        };
        let not_understood = |expected: String| ErrorKind::NotUnderstood {
            status: number,
            // A reader's reason may quote what it read.
            expected: self.quote(expected.as_bytes(), quoted_text::SNIPPET),
            snippet: self.quote(body, quoted_text::SNIPPET),
            json: is_json(body),
        };
        if status.is_success() {
            return read(body).map_err(not_understood);
        }
        if status.is_redirection()
            && let Some(target) = redirect::target(taken.endpoint, call.path(), response.headers())
        {
            let target = match target {
                RedirectTarget::Elsewhere(url) => {
                    RedirectTarget::Elsewhere(self.quote(url.as_bytes(), quoted_text::MESSAGE))
                }
                RedirectTarget::OtherHost(url) => {
                    RedirectTarget::OtherHost(self.quote(url.as_bytes(), quoted_text::MESSAGE))
                }
                RedirectTarget::Login | RedirectTarget::Activation => target,
            };
            return Err(ErrorKind::Redirected {
                status: number,
                target,
            });
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(ErrorKind::Unauthorized {
                status: number,
                message: problem
                    .as_ref()
                    .map_or_else(String::new, |_| words(quoted_text::MESSAGE)),
                presented: self.shared.authorization.kind(),
            });
        }
        let is_ours = response.headers().contains_key(api::SERVICE);
        if let Some(problem) = &problem
            && (is_ours && problem.code == api::STOPPING)
        {
            return Err(ErrorKind::Stopping {
                status: number,
                message: words(quoted_text::MESSAGE),
            });
        }
        if status.is_server_error() {
            let said = words(quoted_text::SNIPPET);
            return Err(ErrorKind::Failed {
                status: number,
                message: if said.is_empty() {
                    "no reason given".to_owned()
                } else {
                    said
                },
            });
        }
        // A page that refuses an upload is that of a proxy, most likely for its size: nothing was taken.
        let is_upload = call.as_form().is_some();
        if status.is_client_error()
            && (is_json(body) || is_upload || super::error::is_try_again(number))
        {
            if is_upload && problem.is_none() && status == StatusCode::PAYLOAD_TOO_LARGE {
                return Err(ErrorKind::Refused {
                    status: number,
                    code: None,
                    message: "the upload is larger than Test Center, or a proxy before it, takes"
                        .to_owned(),
                });
            }
            return Err(ErrorKind::Refused {
                status: number,
                code: problem.as_ref().map(|p| p.code).filter(|code| *code != 0),
                message: words(quoted_text::MESSAGE),
            });
        }
        Err(not_understood("an answer in JSON".to_owned()))
    }

    /// Words of others on one line, without our secrets.
    fn quote(&self, words: &[u8], most: usize) -> String {
        // Far more than is shown, so that a secret is never cut before it is masked.
        let some = &words[..words.len().min(64 * 1024)];
        let masked = self
            .shared
            .authorization
            .mask(&String::from_utf8_lossy(some));
        one_line(&quoted_text::without_lease(&masked), most)
    }
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// Reads a body as JSON of one type; the error says what was expected.
pub(super) fn json<T: DeserializeOwned>(what: &str) -> impl Fn(&[u8]) -> Result<T, String> {
    move |body| serde_json::from_slice(body).map_err(|error| format!("{what} ({error})"))
}

/// Reads the body of an answer that the page leaves open: anything but a page or an error.
pub(super) fn accepted(body: &[u8]) -> Result<(), String> {
    let is_page = body.trim_ascii_start().starts_with(b"<");
    if is_page || api::problem::Problem::read(body).is_some() {
        return Err("a confirmation".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmations_are_anything_but_pages_and_errors() {
        for fine in [
            "",
            "{}",
            "OK",
            r#"{"status":"Execution marked as finished"}"#,
            "null",
        ] {
            assert!(accepted(fine.as_bytes()).is_ok(), "{fine}");
        }
        for bad in [
            " <!DOCTYPE html>",
            r#"{"error":{"code":1006,"message":"no"}}"#,
            r#"{"code":1,"message":"no"}"#,
        ] {
            assert!(accepted(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
