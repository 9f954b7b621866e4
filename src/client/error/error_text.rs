//! Errors in the user's words: one line for what went wrong, one for what to do.

use std::fmt;

use super::{ClientError, ErrorKind, RedirectTarget, is_try_again};
use crate::client::CredentialKind;

impl ErrorKind {
    pub(super) fn help(&self) -> String {
        match self {
            Self::Unreachable { .. } => {
                "check that the service runs, its URL, and between you and it the firewall and HTTPS_PROXY or NO_PROXY"
            }
            Self::Untrusted { help, .. } => help,
            Self::Redirected { target, .. } => match target {
                RedirectTarget::Login => {
                    "set TESTCENTER_TOKEN to an access token that is still valid (in Test Center: Admin, User Management)"
                }
                RedirectTarget::Activation => {
                    "open Test Center in a browser, enter the licence and create the first user"
                }
                RedirectTarget::Elsewhere(url) => return format!("set TESTCENTER_URL to {url}"),
                RedirectTarget::OtherHost(_) => {
                    "ask the operator of the service for its URL; credentials go to no host that only a redirect names"
                }
            },
            Self::Unauthorized { presented, status, .. } => match (presented, status) {
                (CredentialKind::None, _) => {
                    "set TESTCENTER_TOKEN, or TESTCENTER_USER and TESTCENTER_PASSWORD"
                }
                (_, 403) => "give the owner of the credentials the rights to run and upload tests",
                (CredentialKind::Token, _) => {
                    "check that TESTCENTER_TOKEN belongs to this service and has not been revoked"
                }
                (CredentialKind::Password, _) => "check TESTCENTER_USER and TESTCENTER_PASSWORD",
            },
            Self::Refused { status, .. } if is_try_again(*status) => {
                "try again later, or with fewer workers"
            }
            Self::Refused { status: 413, .. } => {
                "upload less at once, or ask the operator of the service, or of the proxy before it, to allow larger requests"
            }
            Self::Refused { .. } => "correct what the service names",
            Self::Failed { .. } => "look into the log of the service, or of the proxy before it",
            Self::Stopping { .. } => "start the service again, or wait until it is back",
            Self::NotUnderstood { .. } => {
                "check that the URL is that of Test Center or of `testplan serve`, not of another page or a proxy's log-in"
            }
            Self::NotFound { .. } => "check project, title and type; titles are compared exactly",
            Self::Unsupported { .. } => "update the service, or do without this call",
            Self::Unclear { .. } => "look it up in the service before you repeat it",
            Self::TestsIgnored { .. } => {
                "update testplan where `testplan serve` runs, then start the plan again"
            }
            Self::Unreadable { .. } => "upload it again once it is complete and no process writes to it",
            Self::NotSendable { .. } => "please report this as a bug of testplan",
        }
        .to_owned()
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call, tries, kind, ..
        } = self;
        write!(f, "{call}: {kind}")?;
        if *tries > 1 {
            write!(f, " (after {tries} tries)")?;
        }
        Ok(())
    }
}

impl std::error::Error for ClientError {}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { message, .. }
            | Self::Untrusted { message, .. }
            | Self::NotFound { message } => f.write_str(message),
            Self::Redirected { status, target } => match target {
                RedirectTarget::Login => write!(
                    f,
                    "the token was rejected or is missing (status {status}, to the log-in page)"
                ),
                RedirectTarget::Activation => write!(
                    f,
                    "Test Center has no licence or first user yet (status {status}, to its activation page)"
                ),
                RedirectTarget::Elsewhere(url) => write!(
                    f,
                    "the service is elsewhere: the URL should be {url} (status {status})"
                ),
                RedirectTarget::OtherHost(url) => write!(
                    f,
                    "the request was redirected to {url}, which is not where it was sent, and not followed (status {status})"
                ),
            },
            Self::Unauthorized {
                status,
                message,
                presented,
            } => {
                let subject = match presented {
                    CredentialKind::None => "credentials are required",
                    CredentialKind::Token => "the token was rejected",
                    CredentialKind::Password => "user or password was rejected",
                };
                write!(f, "{subject} (status {status}")?;
                if !message.is_empty() {
                    write!(f, ": {message}")?;
                }
                f.write_str(")")
            }
            Self::Refused {
                status,
                code: Some(code),
                message,
            } => write!(f, "refused: {message} (status {status}, code {code})"),
            Self::Refused {
                status,
                code: None,
                message,
            } => write!(f, "refused: {message} (status {status})"),
            Self::Stopping { status, message } => write!(f, "{message} (status {status})"),
            Self::Failed { status, message } => {
                write!(f, "the service failed: {message} (status {status})")
            }
            Self::NotUnderstood {
                status,
                expected,
                snippet,
                ..
            } => {
                let begins = if snippet.is_empty() {
                    "it is empty".to_owned()
                } else {
                    format!("it begins {snippet:?}")
                };
                write!(
                    f,
                    "the answer is not the API's: expected {expected}, {begins} (status {status})"
                )
            }
            Self::Unsupported { status } => {
                write!(
                    f,
                    "unsupported here: this service has no such call (status {status})"
                )
            }
            Self::Unclear { what, because } => write!(f, "{what}: {because}"),
            Self::TestsIgnored { plan } => write!(
                f,
                "plan {plan} was started with the published tests of its template: this service does not take the tests that were sent"
            ),
            Self::Unreadable { reason } => write!(f, "not uploaded: {reason}"),
            Self::NotSendable { reason } => write!(f, "not sent: {reason}"),
        }
    }
}
